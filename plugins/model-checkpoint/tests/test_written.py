"""What ModelCheckpoint removes: files of its own, and none elsewhere, whatever its state says."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such links and names")


def fit(checkpoint: ModelCheckpoint, first: int, last: int, **values: Any) -> ModelCheckpoint:
    BareHost(checkpoint, model=FakeModel({"w": 0})).fit(
        initial_epoch=first, epochs=last, values=lambda epoch, batch: {"loss": 1.0} | values
    )
    return checkpoint


def with_names(*saves: list[str]) -> dict[str, Any]:
    """Return a state that names these files."""
    return ModelCheckpoint("{epoch}.keras", keep=1).state_dict() | {"_written_names": list(saves)}


def test_a_state_that_was_restored_in_a_copy_of_the_folder_removes_files_of_the_copy(
    names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    first = fit(ModelCheckpoint(tmp_path / "a" / "{epoch}.keras", keep=2), 0, 2)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    second = ModelCheckpoint(tmp_path / "b" / "{epoch}.keras", keep=2)
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    assert second.written == [str(tmp_path / "b" / f"{epoch}.keras") for epoch in (1, 2)]
    fit(second, 2, 4)
    assert names(tmp_path / "a") == ["1.keras", "2.keras"]
    assert names(tmp_path / "b") == ["3.keras", "4.keras"]


def test_a_state_holds_relative_names(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    checkpoint = fit(ModelCheckpoint(tmp_path / "{epoch}" / "{loss}.keras", keep=2), 0, 3)
    assert checkpoint.state_dict()["_written_names"] == [["2/1.0.keras"], ["3/1.0.keras"]]
    assert names(tmp_path) == ["2", "2/1.0.keras", "3", "3/1.0.keras"]  # the folder that became empty is gone


def test_an_epoch_that_is_trained_again_after_a_restart_counts_once(
    names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    first = fit(ModelCheckpoint(tmp_path / "{epoch}.keras", keep=2), 0, 3)
    second = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=2)
    second.load_state_dict(first.state_dict())
    fit(second, 2, 3)
    assert names(tmp_path) == ["2.keras", "3.keras"]


@POSIX
@pytest.mark.parametrize(
    "name",
    [
        "../victim.keras",
        "{victim}",
        "sub/../../victim.keras",
        "./1.keras",
        "sub//1.keras",
        "a/b.keras",
        "link/victim.keras",
        "1.txt",
        "",
        ".",
        "..",
        "\0.keras",
        "//victim.keras",
    ],
)
def test_a_forged_state_removes_nothing_elsewhere(
    names: Callable[[Path], list[str]], name: str, tmp_path: Path
) -> None:
    victim = tmp_path / "victim.keras"
    victim.touch()
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "1.txt").touch()
    (folder / "link").symlink_to(tmp_path)
    (folder / "a").mkdir()
    (folder / "a" / "b.keras").touch()
    before = names(tmp_path)
    checkpoint = ModelCheckpoint(folder / "{epoch}.keras", keep=1)
    kept = [["2.keras", name.format(victim=victim)], [name.format(victim=victim)]]
    with pytest.warns(UserWarning, match="of its earlier files 2 do not match"):
        checkpoint.load_state_dict(with_names(*kept))
    fit(checkpoint, 4, 6)
    assert sorted({*before, "own/6.keras"}) == names(tmp_path)


PARTS = ("..", ".", "", "own", "x", "1", "link", "model.keras", "1.keras", "1-2.keras", "1.weights.h5")


@POSIX
@settings(deadline=None, max_examples=50)
@given(
    template=st.sampled_from(["{epoch}.keras", "{epoch}/model.keras", "{loss}-{a}.keras", "x/{epoch}/{a}.weights.h5"]),
    parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=5),
    begin=st.sampled_from(["", "/", "{tmp}/", "{tmp}/own/"]),
    end=st.sampled_from(["", "/"]),
)
def test_whatever_a_state_names_only_matching_files_in_the_own_folder_go(
    names: Callable[[Path], list[str]],
    tmp_path_factory: pytest.TempPathFactory,
    template: str,
    parts: list[str],
    begin: str,
    end: str,
) -> None:
    tmp_path = tmp_path_factory.mktemp("forged")
    for name in ("1.keras", "x/1/1.weights.h5", "1/model.keras", "1-2.keras", "1/1.keras"):
        for top in ("elsewhere", "own", "own/deep"):
            path = tmp_path / top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / "own" / "link").symlink_to(tmp_path / "elsewhere")
    before = set(names(tmp_path))
    checkpoint = ModelCheckpoint(tmp_path / "own" / template, save_weights_only=template.endswith("h5"), keep=1)
    name = begin.format(tmp=tmp_path) + "/".join(parts) + end
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checkpoint.load_state_dict(with_names([name]))
        fit(checkpoint, 8, 9, a="9")
    gone = before.difference(names(tmp_path))
    own = {
        "{epoch}.keras": {"own/1.keras", "own/1-2.keras"},
        "{epoch}/model.keras": {"own/1/model.keras"},
        "{loss}-{a}.keras": {"own/1-2.keras"},
        "x/{epoch}/{a}.weights.h5": {"own/x/1/1.weights.h5", "own/x/1"},
    }[template]
    assert gone <= own


@POSIX
def test_a_folder_under_the_template_that_is_a_link_to_elsewhere_is_left_with_a_warning(
    names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "1").symlink_to(tmp_path / "elsewhere")
    checkpoint = ModelCheckpoint(tmp_path / "own" / "{epoch}" / "model.keras", keep=1)
    with pytest.warns(UserWarning, match=r"keeps .*own/1/model.keras, as .*own/1 is a link to outside of .*own"):
        fit(checkpoint, 0, 2)
    assert names(tmp_path / "elsewhere") == ["model.keras"]
    assert not (tmp_path / "elsewhere" / "2").exists()


@POSIX
def test_of_a_link_the_link_is_removed(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "1.keras").symlink_to(tmp_path / "real")
    fit(ModelCheckpoint(tmp_path / "own" / "{epoch}.keras", keep=1), 0, 2)
    assert names(tmp_path) == ["own", "own/2.keras", "real"]


@POSIX
def test_two_names_of_one_file_are_one(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    # As with "A.keras" and "a.keras" where upper and lower case are the same.
    checkpoint = fit(ModelCheckpoint(tmp_path / "{name}.keras", keep=1), 0, 1, name="A")
    os.link(tmp_path / "A.keras", tmp_path / "a.keras")
    checkpoint._written.add(str(tmp_path / "a.keras"), ["a.keras"])
    checkpoint._written.remove_older(1)
    assert names(tmp_path) == ["A.keras", "a.keras"]


def test_a_value_with_a_separator_is_left_with_a_warning(names: Callable[[Path], list[str]], tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{name}.keras", keep=1)
    with pytest.warns(UserWarning, match=r"`keep` leaves .*a/b.keras where it is, as a value in its name has a sep"):
        fit(checkpoint, 0, 2, name="a/b")
    assert (names(tmp_path), checkpoint.written) == (["a", "a/b.keras"], [])


@pytest.mark.parametrize(
    "value", ["1.keras", {"1.keras": 1}, ["1.keras"], [[1]], [[]], [["1.keras"], None], [["1.keras", 3]], None, 3]
)
def test_a_state_of_another_form_is_refused_and_changes_nothing(value: Any, tmp_path: Path) -> None:
    checkpoint = fit(ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1), 0, 1)
    before = checkpoint.state_dict()
    with pytest.raises(epochal.StateError):
        checkpoint.load_state_dict(before | {"best": 5.0, "_written_names": value})
    assert checkpoint.state_dict() == before


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("{epoch}.keras", ""),
        ("deep/er/{epoch}.keras", "deep/er"),
        ("deep/{epoch}/{loss:.2f}.keras", "deep"),
        ("deep//x-{epoch}/./m.keras", "deep"),
        ("a{{b}}/{epoch}.keras", "a{b}"),
        ("a{{b/{loss:{epoch}.1f}-}}.keras", "a{b"),
        ("{epoch}/../{epoch}.keras", ""),
    ],
)
def test_templates_of_all_kinds_keep_what_they_are_to_keep(
    template: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = fit(ModelCheckpoint(template, keep=1), 0, 2)
    (last,) = checkpoint.written
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [Path(os.path.realpath(last))]
    (saved,) = checkpoint.state_dict()["_written_names"]
    assert tmp_path.joinpath(folder, saved[0]).resolve() == Path(last).resolve()


def test_a_relative_path_counts_from_the_working_directory_of_each_save(
    names: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    checkpoint = fit(ModelCheckpoint("{epoch}.keras", keep=2), 0, 1)
    monkeypatch.chdir(tmp_path / "two")
    fit(checkpoint, 1, 2)
    assert checkpoint.written == [str(tmp_path / "one" / "1.keras"), str(tmp_path / "two" / "2.keras")]
    assert checkpoint.state_dict()["_written_names"] == [["2.keras"]]  # one folder has them all
    fit(checkpoint, 2, 3)
    assert names(tmp_path) == ["one", "two", "two/2.keras", "two/3.keras"]


def test_another_path_counts_anew_and_what_was_written_by_the_first_stays(
    names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "a-{epoch}.keras", keep=1)
    fit(checkpoint, 0, 2)
    checkpoint.filepath = tmp_path / "b-{epoch}.keras"
    fit(checkpoint, 0, 2)
    assert names(tmp_path) == ["a-2.keras", "b-2.keras"]


def test_two_with_one_path_both_save_and_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "{epoch}.keras"
    pair = [ModelCheckpoint(path, "loss", save_best_only=True, keep=1), ModelCheckpoint(path, keep=2)]
    for order in (pair, pair[::-1]):
        with pytest.warns(UserWarning, match="both write to"):
            BareHost(*order, model=FakeModel({"w": 1})).fit(epochs=4)
        assert [json.loads(each.read_text()) for each in tmp_path.iterdir() if each.stem == "4"] == [{"w": 1}]
        assert {each.suffix for each in tmp_path.iterdir()} == {".keras"}
