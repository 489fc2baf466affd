"""The command line with the real callbacks, as typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from epochal.cli import main
from epochal.settings.reading import VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

BUILT_IN = [
    "base_logger",
    "csv_logger",
    "early_stopping",
    "history",
    "lambda_callback",
    "learning_rate_scheduler",
    "model_checkpoint",
    "orbax_checkpoint",
    "progbar_logger",
    "reduce_lr_on_plateau",
    "remote_monitor",
    "swap_ema_weights",
    "tensorboard",
    "terminate_on_nan",
]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _epochal(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "epochal", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_list_shows_every_callback_whole_when_piped() -> None:
    done = _epochal("list", COLUMNS="20", FORCE_COLOR="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:]}
    assert [*rows] == BUILT_IN
    assert rows["base_logger"] == ["always", "epochal-base-logger", "0.1.0"]
    assert rows["progbar_logger"][:4] == ["yes:", "enabled", "by", "default"]
    assert rows["early_stopping"][0] == "no"


@pytest.mark.parametrize("name", BUILT_IN)
def test_info_tells_of_every_built_in_what_it_does_and_what_each_parameter_means(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["text"]
    assert found["priority"] in (10, 30, 50, 70, 90)
    assert found["file"].endswith(".py")
    for parameter in found["parameters"]:
        assert parameter["type"], parameter["name"]
        assert parameter["text"] or parameter["name"].startswith("**"), parameter["name"]


def test_a_callback_is_switched_on_planned_and_run_by_what_the_commands_wrote(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enable", "csv_logger", "filename=log.csv"]) == 0
    assert main(["enable", "terminate_on_nan"]) == 0
    assert main(["disable", "progbar_logger"]) == 0
    capsys.readouterr()
    assert main(["plan", "--json"]) == 0
    planned = [each["name"] for each in json.loads(capsys.readouterr().out)["callbacks"]]
    assert planned == ["base_logger", "history", "terminate_on_nan", "csv_logger"]
    (project / "train.py").write_text(
        "import keras, numpy as np, epochal\n"
        "model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        "history = epochal.fit(model, np.zeros((4, 2)), np.zeros((4, 1)), epochs=2)\n"
        "print(*history.run.callbacks)\n"
    )
    done = subprocess.run([sys.executable, "train.py"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == planned
    assert len((project / "log.csv").read_text().splitlines()) == 3


def test_doctor_finds_no_error_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0, capsys.readouterr().out
    found = json.loads(capsys.readouterr().out)
    assert {"keras", "tensorflow", "epochal-core", "epochal-tensorboard"} <= {each["name"] for each in found["facts"]}


def test_demo_trains_evaluates_explains_and_says_where_the_results_are(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--epochs", "2"]) == 0
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed
    assert "val_accuracy" in printed
    order = ["base_logger", "history", "progbar_logger"]
    places = [printed.rindex(name) for name in order]
    assert places == sorted(places)
    assert "pinned: always loaded first" in printed
    results = json.loads((project / "epochal-demo" / "results.json").read_text())
    assert [row["epoch"] for row in results["history"]] == [0, 1]
    assert "epochal-demo/results.json" in printed
    assert f"{results['test']['accuracy']:.1%}" in printed


@pytest.mark.parametrize(("words", "message"), [(["--epochs", "0"], "--epochs"), (["--epochs", "many"], "'many'")])
def test_a_wrong_number_of_epochs_is_told_in_a_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", *words])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_anything_trains(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "file").touch()
    assert main(["demo", "--out", str(project / "file" / "folder")]) == 1
    assert "Choose another with --out" in capsys.readouterr().err
