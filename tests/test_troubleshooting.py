"""Every message of the page about troubleshooting is one that appears."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import epochal
from epochal.choosing.choice import Choice
from epochal.choosing.selection import select
from epochal.launch.early_check import check_settings
from epochal.settings.reading import VARIABLES
from epochal.testing import FakeHost, FakeModel
from epochal_csv_logger import CSVLogger
from epochal_early_stopping import EarlyStopping
from epochal_model_checkpoint import ModelCheckpoint
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "troubleshooting.md"
MESSAGES = re.findall(r"^```text\n(.*?)\n```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
CONFIG = """\
enabel = ["terminate_on_nan"]
[callbacks.early_stopping]
patience = "three"
"""
ENTRIES = {  # distribution to entry point and requirement
    "needs-another": ("needs_another = needs_another", "epochal-core>=99"),
    "second-logger": ("csv_logger = second_logger", "epochal-core"),
    "broken-one": ("broken_one = broken_one", "epochal-core"),
}


class Misspelt(epochal.Callback):
    def on_epoch_ends(self, epoch: int, logs: Any = None) -> None: ...


class Unmarked:
    def on_epoch_end(self, epoch: int, logs: Any) -> None: ...


class WrongArgument:
    @epochal.hookimpl
    def on_epoch_end(self, epoch: int, lgs: Any) -> None: ...


class Ahead(epochal.Callback):
    before = ("history",)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...


class First(epochal.Callback):
    before = ("second",)
    after = ("second",)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...


class Second(epochal.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...


class Fails(epochal.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise ValueError("no such unit")


class Exhausted(epochal.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        next(iter(()))


class Reporter(Fails):
    critical = False


class AddsLate(epochal.Callback):
    priority = epochal.Priority.REPORT

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["f1"] = 0.5


class Mine(ModelCheckpoint):
    def _save_model(self) -> None: ...


class Late(epochal.Callback):
    def on_epoch_finalized(self, logs: Any) -> None:
        logs["late"] = 1.0


def _with_schedule(make_model: Callable[..., Any], data: tuple[Any, Any]) -> None:
    import keras

    model = make_model()
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10)), "mse")
    epochal.fit(model, *data, verbose=0, callbacks=[ReduceLROnPlateau(monitor="loss")])


def _fake(*callbacks: Any, **metrics: Any) -> Callable[[], Any]:
    return lambda: FakeHost(*callbacks, model=FakeModel(metrics={"loss": "min"} | metrics)).fit()


@pytest.fixture
def messages(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_model: Callable[..., Any],
    data: tuple[Any, Any],
    capsys: pytest.CaptureFixture[str],
) -> str:
    """Return everything that is said where something is wrong, one after the other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    said: list[str] = []

    def attempt(action: Callable[[], Any]) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                action()
            except Exception as error:
                said.extend([str(error), *getattr(error, "__notes__", ())])
        said.extend(str(each.message) for each in caught)

    attempt(lambda: select("early_stoping"))
    attempt(lambda: select(EarlyStopping))
    attempt(lambda: select([Ahead()]))
    attempt(lambda: select([First(), Second()]))
    for callback in (Misspelt(), Unmarked(), WrongArgument(), Fails(), Reporter(), Exhausted(), Late()):
        attempt(_fake(callback))
    for path in ("model-{los}.keras", "model-{val_loss}.keras"):
        attempt(_fake(ModelCheckpoint(path)))
    attempt(_fake(EarlyStopping("f1", mode="max"), AddsLate()))
    attempt(_fake(Mine("model.keras")))
    attempt(_fake(CSVLogger("log.csv"), CSVLogger("log.csv")))
    attempt(_fake(EarlyStopping()))
    attempt(_fake(EarlyStopping("score"), score=None))
    attempt(lambda: _with_schedule(make_model, data))
    for variable, text in {"DISABLE": "early_stopping", "ENABLE": "early_stopping", "AUTOLOAD": "maybe"}.items():
        with monkeypatch.context() as patched:
            patched.setenv(f"EPOCHAL_{variable}", text)
            attempt(lambda: select([EarlyStopping()]))
    _install(tmp_path)
    for name in ("needs_another", "csv_logger", "broken_one"):
        attempt(lambda name=name: select(name))  # type: ignore[misc]
    for config in (CONFIG, "[callbacks.early_stopping]\npatienc = 3\n"):
        Path("epochal.toml").write_text(config)
        attempt(lambda: check_settings(Choice.here()))  # as `epochal run` does, ahead of the script
    return "\n".join([*said, *capsys.readouterr()])


def _install(folder: Path) -> None:
    """Put made-up distributions onto sys.path."""
    for distribution, (entry, requirement) in ENTRIES.items():
        package = distribution.replace("-", "_")
        (folder / f"{package}.py").write_text("import a_package_that_is_missing\n")
        metadata = folder / f"{package}-1.0.dist-info"
        metadata.mkdir()
        headers = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nRequires-Dist: {requirement}\n\n"
        (metadata / "METADATA").write_text(headers)
        (metadata / "entry_points.txt").write_text(f"[epochal.callbacks]\n{entry}\n")


def test_every_message_of_the_page_appears(messages: str) -> None:
    assert len(MESSAGES) > 20
    missing = []
    for message in MESSAGES:
        pattern = ".*?".join(re.escape(part) for part in message.split("…"))
        if not re.search(pattern, messages):
            missing.append(message)
    assert missing == [], messages
