"""Paths that hold values of the logs."""

from __future__ import annotations

import math
import string
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epochal import EpochalError, TemplateError
from epochal.paths import PathTemplate, is_remote

if TYPE_CHECKING:
    import os

PLAIN = st.text(st.characters(exclude_characters="{}", exclude_categories=()), min_size=1)
NAMES = st.text(string.ascii_letters + "_-/ ", min_size=1)


class Located:
    """A path of a class of its own."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


def filled(template: Any, logs: dict[str, Any] | None = None, epoch: int = 0, batch: int | None = None) -> str:
    return PathTemplate(template).format(logs or {}, epoch=epoch, batch=batch)


# Filling


@given(PLAIN, st.integers(0, 10**6))
@example("%s $HOME ~ \\ \x00", 0)
def test_a_path_without_fields_is_itself(text: str, epoch: int) -> None:
    template = PathTemplate(text)
    assert template.fields == ()
    assert template.format({"loss": 1.0}, epoch=epoch) == text
    template.check([])


@given(st.text(min_size=1))
def test_any_text_with_its_braces_doubled_is_itself(text: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert PathTemplate(doubled).fields == ()
    assert filled(doubled) == text


@given(st.text())
@example("{loss!x}")
@example("{a..b}")
@example("{a!r:d}")
@example("{9}")
def test_any_other_text_is_refused_or_can_be_filled(text: str) -> None:
    try:
        template = PathTemplate(text)
    except TemplateError:
        return
    assert template.text == text
    template.check(template.fields)


@given(NAMES, st.floats(), st.text("ab", max_size=3))
def test_a_field_is_filled_with_the_value_of_its_name(name: str, value: float, around: str) -> None:
    template = PathTemplate(around + "{" + name + ":.3f}" + around)
    assert template.fields == (name,)
    if name != "epoch":
        assert template.format({name: value}, epoch=0) == f"{around}{value:.3f}{around}"


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{epoch}", "3"),
        ("{epoch:02d}-{val_loss:.2f}.keras", "03-0.12.keras"),
        ("{epoch}/{epoch:04d}", "3/0003"),
        ("{val_loss}", "0.125"),
        ("{val_loss:>8.3f}", "   0.125"),
        ("{val_loss:{width}.{digits}f}", "  0.12"),
        ("{name}", "run 1"),
        ("{name!r}", "'run 1'"),
        ("{name!r:>10}", "   'run 1'"),
        ("{name!s:_<7}", "run 1__"),
        ("{{epoch}}", "{epoch}"),
        ("{{{epoch}}}", "{3}"),
        ("{out/top-5 accuracy:.1f}", "0.5"),
        ("{scalar:.1f}", "0.5"),
        ("{zero:.1f}", "0.2"),
        ("{missing}{infinite}", "nan-inf"),
        ("{missing:.2f}", "nan"),
    ],
)
def test_the_fields_are_those_of_pythons_format(template: str, path: str) -> None:
    logs = {
        "val_loss": 0.125,
        "width": 6,
        "digits": 2,
        "name": "run 1",
        "out/top-5 accuracy": 0.5,
        "scalar": np.float32(0.5),
        "zero": np.array(0.25),
        "missing": math.nan,
        "infinite": -math.inf,
    }
    assert filled(template, logs, epoch=2) == path


def test_epoch_and_batch_are_counted_from_1() -> None:
    assert filled("{epoch}", epoch=0) == "1"
    assert filled("{epoch}-{batch}", epoch=4, batch=0) == "5-1"


def test_the_epoch_is_always_ours_and_the_batch_that_of_the_logs_as_in_keras() -> None:
    assert filled("{epoch}-{batch}", {"epoch": 9.0, "batch": 7}, epoch=0, batch=2) == "1-7"
    assert filled("{batch}", {"batch": 7}) == "7"


@pytest.mark.parametrize(
    ("template", "fields"),
    [
        ("{a}{b}{a}", ("a", "b")),
        ("{a:{b}.{c}f}", ("a", "b", "c")),
        ("{a!r}", ("a",)),
        ("{ a }", (" a ",)),
        ("{{a}}", ()),
    ],
)
def test_the_fields_of_a_template_are_named_each_once(template: str, fields: tuple[str, ...]) -> None:
    assert PathTemplate(template).fields == fields


# Paths


@pytest.mark.parametrize("path", ["runs/{epoch}.h5", PurePosixPath("runs/{epoch}.h5"), Located("runs/{epoch}.h5")])
def test_a_path_is_text_or_has_text(path: str | os.PathLike[str]) -> None:
    assert PathTemplate(path).text == "runs/{epoch}.h5"
    assert filled(path) == "runs/1.h5"


@pytest.mark.parametrize("path", [b"{epoch}.h5", Located(b"{epoch}.h5"), None, 1, 1.5, ["path"], Located(1), Path])
def test_anything_else_is_a_type_error(path: Any) -> None:
    with pytest.raises(TypeError):
        PathTemplate(path)


def test_an_empty_path_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"^the path is empty$"):
        PathTemplate("")


def test_the_template_shows_itself() -> None:
    assert repr(PathTemplate("{epoch}.keras")) == "PathTemplate('{epoch}.keras')"


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("gs://bucket/model.keras", True),
        ("s3://bucket/{epoch}.h5", True),
        ("file:///tmp/model", True),
        ("model.keras", False),
        ("/models/a:b//c", False),
        ("C:\\models", False),
        ("", False),
    ],
)
def test_an_address_is_remote(path: str, remote: bool) -> None:
    assert is_remote(path) is remote


# What cannot be read or filled


@pytest.mark.parametrize(
    "template",
    [
        "{",
        "}",
        "{epoch",
        "epoch}",
        "{loss:",
        "{loss!x}",
        "{loss!}",
        "{loss!rr}",
        "{loss!r:d}",
        "{a[0}",
        "{a.}",
        "{a[]}",
        "{a[0]b}",
        "{a:{b:{c}}}",
        "{}",
        "{0}",
        "{:d}",
        "{!r}",
        "{0.real}",
        "{a:{}}",
        "{a:{1}}",
        "{loss.__class__}",
        "{loss.real}",
        "{a[0]}",
        "{a[key]}",
        "{loss:{a.b}}",
        "{loss:>1000000000}",
        "{loss:.256f}",
        "{loss:00000256}",
        "{loss:{a:>256}}",
    ],
)
def test_braces_that_cannot_be_read_are_found_at_once(template: str) -> None:
    with pytest.raises(TemplateError, match=r"^the path '.*' cannot be read: .* A field has a name"):
        PathTemplate(template)


@pytest.mark.parametrize(
    ("template", "near"), [("{val_los:.2f}", "val_loss"), ("{epochs}", "epoch"), ("{loss:{val_los}}", "val_loss")]
)
def test_an_unknown_field_is_an_error_with_the_nearest_name(template: str, near: str) -> None:
    logs = {"loss": 1.0, "val_loss": 2.0}
    message = rf"which has no value\. Did you mean '{near}'\? There are: "
    with pytest.raises(TemplateError, match=message + "loss, val_loss, epoch"):
        filled(template, logs)
    with pytest.raises(TemplateError, match=message + "epoch, loss, val_loss"):
        PathTemplate(template).check(logs)


def test_a_batch_has_a_value_at_batches_alone() -> None:
    template = PathTemplate("{batch}")
    with pytest.raises(TemplateError, match=r"'batch', which has no value\. There are: epoch"):
        template.format({}, epoch=0)
    with pytest.raises(TemplateError, match=r"'batch', which has no value\. There are: epoch"):
        template.check([])
    template.check([], batches=True)
    template.check(["batch"])
    with pytest.raises(TemplateError, match="There are: loss, epoch, batch"):
        PathTemplate("{x}").format({"loss": 1}, epoch=0, batch=0)


@pytest.mark.parametrize(
    "template",
    [
        "{loss:d}",
        "{loss:{epoch}.x}",
        "{text:.2f}",
        "{none:.2f}",
        "{epoch:c}",
        "{loss:>{wide}}",
        "{array:.2f}",
    ],
)
def test_a_value_that_does_not_take_the_format_is_an_error_that_shows_it(template: str) -> None:
    logs = {"loss": 0.5, "text": "a", "none": None, "wide": 10**9, "array": np.ones(2)}
    with pytest.raises(TemplateError, match=r"^the path '.*' cannot be filled with \{'.*\}: ") as raised:
        filled(template, logs, epoch=10**9)
    assert str(logs["array"]) not in str(raised.value) or "array" in template


def test_a_key_of_training_is_never_suggested_for_one_of_validation() -> None:
    for name, other in (("val_loss", "kl_loss"), ("loss", "val_loss")):
        with pytest.raises(TemplateError, match=rf"'{name}', which has no value\. There are: {other}, epoch"):
            filled("{" + name + "}", {other: 1.0})


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("ck/{name}.keras", "../x"),
        ("c{{k/{name}.keras", "../x"),
        ("{name}.keras", "/tmp/x"),
        ("ck/{name}/{epoch}.keras", ".."),
        ("{name}.keras", "../x"),
        ("{name}/{epoch}.keras", "gs://bucket"),
        ("ck/{name}{name}/x/../y.keras", "."),
        ("gs://bucket/ck/{name}.keras", "../x"),
        ("../ck/{name}", "../../x"),
    ],
)
def test_a_value_never_leads_out_of_the_folder(template: str, value: str) -> None:
    with pytest.raises(TemplateError, match=r"which is not in the template's folder\. Log a value without"):
        filled(template, {"name": value})


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("ck/{name}.keras", "run/1"),
        ("ck/{name}.keras", "/run/1"),
        ("ck/model-{name}.keras", "../x"),
        ("ck/{name}.keras", "..x"),
        ("ck/{name}/../../{epoch}.keras", "a"),  # the author's own
        ("/{name}.keras", "a"),
    ],
)
def test_a_value_may_name_a_folder_below_it(template: str, value: str) -> None:
    assert filled(template, {"name": value}) == template.replace("{name}", value).replace("{epoch}", "1")


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        *(("a.keras", ""), ("{epoch}.keras", ""), ("ck/{epoch}.keras", "ck"), ("ck/{epoch}/{batch}.keras", "ck")),
        *(("/m-{epoch}.keras", "/"), ("a{{b}}/c/{epoch}.keras", "a{b}/c"), ("a/b.keras", "a")),
    ],
)
def test_the_folder_is_what_stands_ahead_of_the_first_field(template: str, folder: str) -> None:
    assert PathTemplate(template).folder == folder


def test_a_template_has_marks_for_its_fields() -> None:
    assert PathTemplate("a{{b/{epoch:03d}-{loss:{width}}.keras").with_marks("*") == "a{b/*-*.keras"


def test_a_value_that_will_not_fit_is_known_before() -> None:
    template = PathTemplate("{epoch:03d}-{val_loss:d}-{loss:{width}}-{name!r}")
    assert template.misfit("val_loss", 0.5).startswith("Unknown format code 'd'")
    assert [template.misfit(name, value) for name, value in (("epoch", 1), ("loss", 0.5), ("name", 0.5))] == [""] * 3


def test_keras_raises_a_key_error_and_so_this_is_one() -> None:
    with pytest.raises(KeyError) as raised:
        filled("{x}")
    assert isinstance(raised.value, EpochalError)
    assert str(raised.value).startswith("the path '{x}' names 'x'")  # a KeyError would show quotes around it
