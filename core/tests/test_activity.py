from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from epochal.choosing.activity import activities, activity_of
from epochal.choosing.choice import Choice
from epochal.choosing.mistakes import misspelt_names, mistakes
from epochal.settings.layers import Layer, Setting, Settings, Table, merge
from epochal.settings.names import CallbackName

if TYPE_CHECKING:
    from .conftest import Site

FILE = "epochal.toml, line 3"


def on(name: str, place: str = f"{FILE}, enable", layer: str = "file") -> dict[CallbackName, Setting]:
    return {CallbackName(name): Setting(True, place, layer)}


@pytest.fixture
def full(site: Site) -> Site:
    site.pinned()
    for package in ("fake_bar", "fake_thing", "fake_other"):
        site.package(package, "raise AssertionError('nothing is imported to tell who is active')")
    bar = {"fake_bar": "fake_bar:Bar"}
    site.distribution("fake-bar", callbacks=bar, autoload=bar)
    site.distribution("fake-thing", callbacks={"thing": "fake_thing:Thing"})
    return site


def summaries(site: Site, settings: Settings | None = None) -> dict[str, str]:
    found = activities(Choice(site.catalogue(), settings or Settings()))
    return {f"{each.record.name} {each.record.distribution}": each.summary for each in found}


def test_without_settings_the_metadata_decides(full: Site) -> None:
    assert summaries(full) == {
        "base_logger epochal-base-logger": "always",
        "fake_bar fake-bar": "yes: enabled by default",
        "history epochal-history": "always",
        "thing fake-thing": "no",
    }
    assert not {"fake_bar", "fake_thing", "pinned_package"} & {*sys.modules}


@pytest.mark.parametrize(
    ("layer", "name", "expected"),
    [
        (Layer(enable=on("thing")), "thing fake-thing", f"yes: {FILE}"),
        (Layer(enable=on("thing", "EPOCHAL_ENABLE", "environment")), "thing fake-thing", "yes: EPOCHAL_ENABLE"),
        (
            Layer(tables={CallbackName("thing"): (Table(f"{FILE}, callbacks.thing", "file"),)}),
            "thing fake-thing",
            f"yes: {FILE}",
        ),
        (
            Layer(tables={CallbackName("thing"): (Table(f"{FILE}, callbacks.thing", "file"),) * 2}),
            "thing fake-thing",
            f"yes, 2 instances: {FILE}",
        ),
        (Layer(disable=on("fake_bar")), "fake_bar fake-bar", f"no: switched off by {FILE}"),
        (
            Layer(autoload=Setting(False, "EPOCHAL_AUTOLOAD", "environment")),
            "fake_bar fake-bar",
            "no: autoload is off, by EPOCHAL_AUTOLOAD",
        ),
        (Layer(enable=on("fake_bar"), autoload=Setting(False, "x", "file")), "fake_bar fake-bar", f"yes: {FILE}"),
        (Layer(disable=on("history")), "history epochal-history", "always"),
    ],
)
def test_the_settings_decide_and_are_named(full: Site, layer: Layer, name: str, expected: str) -> None:
    assert summaries(full, merge([layer]))[name] == expected


def test_what_cannot_be_used_is_not_active_although_it_is_switched_on(full: Site) -> None:
    full.distribution("broken", callbacks={"broken": "not there"})
    (broken,) = (
        each
        for each in activities(Choice(full.catalogue(), merge([Layer(enable=on("broken"))])))
        if each.record.name == "broken"
    )
    assert (broken.active, broken.summary) == (False, "unusable: broken")


def test_of_two_claims_the_one_that_is_preferred_counts(full: Site) -> None:
    full.distribution("other-thing", callbacks={"thing": "fake_other:Thing"})
    assert summaries(full)["thing fake-thing"] == "unusable: duplicate"
    prefer = {CallbackName("thing"): Setting("other-thing", f"{FILE}, prefer.thing", "file")}
    found = summaries(full, merge([Layer(enable=on("thing"), prefer=prefer)]))
    assert found["thing other-thing"] == f"yes: {FILE}"
    assert found["thing fake-thing"] == f"no: {FILE} prefers other-thing"


def test_what_is_named_by_where_it_is_comes_last_unimported(full: Site) -> None:
    found = activities(Choice(full.catalogue(), merge([Layer(enable=on("fake_thing:LossPrinter"))])))
    last = found[-1]
    assert (last.record.name, last.record.distribution) == ("loss_printer", "module fake_thing")
    assert last.summary == f"yes: {FILE}"


def test_what_is_named_by_where_it_is_is_found_by_its_name_too(full: Site) -> None:
    layer = Layer(enable=on("fake_thing:LossPrinter"))
    off = Layer(disable=on("loss_printer", "EPOCHAL_DISABLE", "environment"))
    for layers, expected in (([layer], f"yes: {FILE}"), ([layer, off], "no: switched off by EPOCHAL_DISABLE")):
        for name in ("fake_thing:LossPrinter", "loss_printer"):
            found = activity_of(CallbackName(name), Choice(full.catalogue(), merge(layers)))
            assert found is not None
            assert found.summary == expected
    assert activity_of(CallbackName("loss_printer"), Choice(full.catalogue(), Settings())) is None


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Layer(problems=("x.",)), "x."),
        (
            Layer(enable=on("thong")),
            f"{FILE}, enable: no installed callback has the name 'thong'. Did you mean 'thing'?",
        ),
        (Layer(enable=on("thing#2")), "is a further instance of 'thing', and is made by a table [[callbacks.thing]]"),
        (Layer(disable=on("history")), f"{FILE}, enable: 'history' is pinned"),
        (Layer(enable=on("broken")), f"{FILE}, enable: the callback 'broken' of broken 1.0 cannot be used"),
        (Layer(prefer=on("thing")), "brings a callback 'thing'"),
    ],
)
def test_mistakes_are_told_from_metadata(full: Site, layer: Layer, expected: str) -> None:
    full.distribution("broken", callbacks={"broken": "not there"})
    if layer.prefer:
        layer = Layer(prefer={CallbackName("thing"): Setting("nobody", "there", "file")})
    (problem,) = mistakes(Choice(full.catalogue(), merge([layer])))
    assert expected in problem


@pytest.mark.parametrize("key", ["disable", "priority", "on_error", "before", "after"])
def test_a_setting_for_a_name_that_nobody_has_is_told_if_it_looks_misspelt(key: str) -> None:
    names = ["early_stoping", "earlystopping#2", "histroy", "my_early_stopping", "mine", "early_stopping"]
    layer: Any = {key: {name: Setting(1, f"{FILE}, {key}.{name}", "file") for name in map(CallbackName, names)}}
    assert list(misspelt_names(merge([Layer(**layer)]), ["early_stopping"])) == [
        f"{FILE}, {key}.early_stoping: no callback has the name 'early_stoping'. Did you mean 'early_stopping'?",
        f"{FILE}, {key}.earlystopping#2: no callback has the name 'earlystopping'. Did you mean 'early_stopping'?",
        f"{FILE}, {key}.histroy: no callback has the name 'histroy'. Did you mean 'history'?",
    ]


def test_no_mistakes_are_none(full: Site) -> None:
    layer: Any = Layer(enable=on("thing"), disable=on("fake_bar"))
    assert mistakes(Choice(full.catalogue(), merge([layer]))) == []
