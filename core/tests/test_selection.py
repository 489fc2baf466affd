from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from epochal import (
    AmbiguousCallbackError,
    Callback,
    CallbackImportError,
    ConfigError,
    IncompatibleCallbackError,
    InvalidCallbackError,
    OrderError,
    Priority,
    UnknownCallbackError,
    hookimpl,
)
from epochal.choosing.choice import Choice
from epochal.choosing.selection import arrange, select, survey
from epochal.settings.layers import Layer, Setting, Settings, Table, merge
from epochal.settings.names import CallbackName

if TYPE_CHECKING:
    from epochal.engine.member import Member

    from .conftest import Site

BAR = """
import epochal

class ProgbarLogger(epochal.Callback):
    priority = epochal.Priority.REPORT
"""
THINGS = """
import epochal

class FakeStopping(epochal.Callback):
    def __init__(self, patience=0):
        self.patience = patience

class Needy(epochal.Callback):
    def __init__(self, filepath, *, monitor, verbose=0, **others):
        self.filepath = filepath

class Failing(epochal.Callback):
    def __init__(self):
        raise OSError("no such device")

class Writer(epochal.Callback):
    def __init__(self, path):
        self.path = path

@epochal.hookimpl
def on_epoch_end(epoch):
    pass

class Marked:
    @epochal.hookimpl
    def on_epoch_end(self, epoch):
        pass

shared = Marked()
"""


class Mine(Callback):
    pass


def names(members: list[Member]) -> list[str]:
    return [member.name for member in members]


@pytest.fixture
def full(site: Site) -> Site:
    """The pinned two, a bar that is enabled by default, and a few that are not."""
    site.pinned()
    site.package("fake_bar", BAR)
    bar = {"progbar_logger": "fake_bar:ProgbarLogger"}
    site.distribution("epochal-progbar-logger", callbacks=bar, autoload=bar)
    site.package("fake_things", THINGS)
    site.distribution(
        "fake-things",
        "2.0",
        callbacks={
            "fake_stopping": "fake_things:FakeStopping",
            "needy": "fake_things:Needy",
            "failing": "fake_things:Failing",
            "writer": "fake_things:Writer",
            "as_module": "fake_things",
            "as_object": "fake_things:shared",
        },
    )
    return site


def test_active_are_the_pinned_two_and_what_is_active_by_itself(full: Site) -> None:
    members = select(None, full.catalogue())
    assert names(members) == ["base_logger", "history", "progbar_logger"]
    assert all(member.reason for member in members)
    assert "fake_things" not in sys.modules


def test_without_a_catalogue_the_installed_ones_are_read(full: Site) -> None:
    members = select()
    assert names(members)[:2] == ["base_logger", "history"]
    assert members[0].origin == "epochal-base-logger 1.0"
    assert type(members[0].callback).__module__ == "pinned_package"


def test_names_and_objects_are_added_nested_as_may_be(full: Site) -> None:
    mine = Mine()
    members = select(["fake_stopping", [(mine,), None], []], full.catalogue())
    assert sorted(names(members)) == ["base_logger", "fake_stopping", "history", "mine", "progbar_logger"]
    by_name = {member.name: member for member in members}
    assert by_name["mine"].callback is mine
    assert by_name["mine"].origin == f"module {__name__}"
    assert by_name["fake_stopping"].origin == "fake-things 2.0"


@pytest.mark.parametrize("given", [None, [], (), [[], ()]], ids=repr)
def test_nothing_given_is_nothing_added(full: Site, given: Any) -> None:
    assert len(select(given, full.catalogue())) == 3


def test_a_single_object_or_name_needs_no_list(full: Site) -> None:
    assert "mine" in names(select(Mine(), full.catalogue()))
    assert "fake_stopping" in names(select("fake_stopping", full.catalogue()))


def test_further_objects_of_a_name_get_a_number(full: Site) -> None:
    assert names(select([Mine(), Mine(), Mine()], full.catalogue()))[2:] == [
        "mine",
        "mine#2",
        "mine#3",
        "progbar_logger",
    ]


def test_a_given_object_of_an_installed_class_has_the_name_of_its_entry_point(full: Site) -> None:
    kind = full.catalogue().find("fake_stopping").load()
    kind.__name__ = "Renamed"
    (member,) = [each for each in select([kind(patience=3)], full.catalogue()) if each.position == 0]
    assert member.name == "fake_stopping"
    assert member.origin == "fake-things 2.0"


def test_a_given_module_has_its_own_name_or_that_of_its_entry_point(full: Site) -> None:
    module = ModuleType("some.where.else_")
    exec("import epochal\n@epochal.hookimpl\ndef on_epoch_end(): pass", module.__dict__)
    full.catalogue().find("as_module").load()
    members = select([module, sys.modules["fake_things"]], full.catalogue())
    assert names(members)[2:4] == ["else_", "as_module"]


def test_a_given_function_has_its_own_name(full: Site) -> None:
    @hookimpl(specname="on_epoch_end")
    def announce(epoch: int) -> None: ...

    assert "announce" in names(select([announce], full.catalogue()))


def test_a_given_object_that_is_an_entry_point_itself_has_its_name(full: Site) -> None:
    shared = full.catalogue().find("as_object").load()
    assert "as_object" in names(select([shared], full.catalogue()))


def test_entry_points_may_name_a_class_an_object_or_a_module(full: Site) -> None:
    members = {member.name: member for member in select(["fake_stopping", "as_module", "as_object"], full.catalogue())}
    things = sys.modules["fake_things"]
    assert isinstance(members["fake_stopping"].callback, things.FakeStopping)
    assert members["as_module"].callback is things
    assert members["as_object"].callback is things.shared


def test_the_order_in_code_counts_among_equal_priorities_for_names_too(full: Site) -> None:
    class Other(Callback): ...

    assert names(select([Other(), "fake_stopping", Mine()], full.catalogue()))[2:5] == [
        "other",
        "fake_stopping",
        "mine",
    ]


@pytest.mark.parametrize("again", ["fake_stopping", "mine"])
def test_what_is_given_twice_is_there_once_in_its_first_place_with_one_warning(full: Site, again: str) -> None:
    mine, other = Mine(), Mine()
    given: list[Any] = ["fake_stopping", mine, other]
    repeated = given[0] if again == "fake_stopping" else mine
    with pytest.warns(
        UserWarning, match="is passed more than once, and runs once|are passed more than once, and each runs once"
    ) as warned:
        members = select([*given, [repeated], repeated], full.catalogue())
    assert len(warned) == 1
    assert ("'fake_stopping'" if again == "fake_stopping" else "the same Mine object") in str(warned[0].message)
    found = {member.name: member for member in members}
    assert sorted(found) == ["base_logger", "fake_stopping", "history", "mine", "mine#2", "progbar_logger"]
    assert [found["mine"].callback, found["mine#2"].callback] == [mine, other]


def test_two_objects_that_are_equal_are_two(full: Site) -> None:
    class Equal(Callback):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = Callback.__hash__

    assert {"equal", "equal#2"} <= set(names(select([Equal(), Equal()], full.catalogue())))


# What declares no priority, and what follows it in the list


class Rated(Callback):
    priority = Priority.SCHEDULE


class Foreign:
    """A Keras callback of somebody else, with attributes that are none of ours."""

    set_model = set_params = print
    priority, before, after, critical = "high", print, 10, None


@pytest.mark.parametrize("given", ["theirs", "ours", "object", "function", "by name"])
def test_what_declares_no_priority_runs_ahead_of_what_follows_it(full: Site, given: str) -> None:
    class Marks:
        @hookimpl
        def on_epoch_end(self) -> None: ...

    class Silent(Callback): ...

    @hookimpl
    def on_epoch_end() -> None: ...

    kinds = {"theirs": Foreign(), "ours": Silent(), "object": Marks(), "function": on_epoch_end}
    members = select([kinds.get(given, "fake_stopping"), Rated()], full.catalogue())
    assert names(members)[3] == "rated"
    assert "listed before rated" in members[2].reason
    assert members[2].priority == Priority.SCHEDULE


@pytest.mark.parametrize("where", ["class", "base", "object", "marks"])
def test_a_declared_priority_is_not_changed_by_the_list(full: Site, where: str) -> None:
    class Base(Callback):
        if where == "base":
            priority = Priority.CONTROL

    class Declaring(Base):
        if where == "class":
            priority = Priority.CONTROL

    class Marks:
        priority = Priority.CONTROL

        @hookimpl
        def on_epoch_end(self) -> None: ...

    declaring: Any = Marks() if where == "marks" else Declaring()
    if where == "object":
        declaring.priority = Priority.CONTROL
    assert names(select([declaring, Rated()], full.catalogue()))[2] == "rated"


def test_names_in_the_list_are_behind_what_stands_before_them(full: Site) -> None:
    early = Settings(priority={CallbackName("fake_stopping"): Setting(20, "there", "file")})
    members = select([Mine(), "fake_stopping"], full.catalogue(), early)
    assert names(members)[2:4] == ["mine", "fake_stopping"]
    assert members[2].reason == "priority 20, listed before fake_stopping, given in code as number 1"


def test_a_priority_of_the_settings_is_a_declared_one(full: Site) -> None:
    settings = Settings(priority={CallbackName("mine"): Setting(80, "there", "file")})
    members = select([Mine(), Rated()], full.catalogue(), settings)
    assert names(members)[2:4] == ["rated", "mine"]
    assert members[3].reason.startswith("priority 80, set in there")


def test_what_is_switched_on_by_the_settings_follows_nobody_in_the_list(full: Site) -> None:
    settings = Settings(
        switches={CallbackName("fake_stopping"): Setting(True, "there", "file")},
        priority={CallbackName("fake_stopping"): Setting(20, "there", "file")},
    )
    assert names(select([Mine()], full.catalogue(), settings))[2:4] == ["fake_stopping", "mine"]


def test_the_order_is_the_same_when_it_is_brought_about_twice(full: Site) -> None:
    members = select([Mine(), Rated()], full.catalogue())
    again = arrange(members)
    assert [(each.name, each.reason) for each in again] == [(each.name, each.reason) for each in members]


def test_what_a_foreign_keras_callback_calls_priority_is_its_own_business(full: Site) -> None:
    members = {member.name: member for member in select([Foreign()], full.catalogue())}
    foreign = members["foreign"]
    assert (foreign.priority, foreign.before, foreign.after, foreign.critical) == (Priority.CONTROL, (), (), True)


# What takes the place of a default


@pytest.mark.parametrize("name", ["base_logger", "history"])
def test_an_instance_of_a_pinned_class_takes_its_place(full: Site, name: str) -> None:
    kind = full.catalogue().find(name).load()
    mine = type("Mine", (kind,), {})()
    members = select([Mine(), mine], full.catalogue())
    assert names(members) == ["base_logger", "history", "mine", "progbar_logger"]
    assert next(member for member in members if member.name == name).callback is mine


def test_another_class_of_a_pinned_name_takes_no_place(full: Site) -> None:
    foreign = type("History", (), {"set_model": print, "set_params": print})()
    members = select([foreign], full.catalogue())
    assert names(members) == ["base_logger", "history", "history#2", "progbar_logger"]
    assert members[2].callback is foreign


def test_only_the_first_of_two_replaces_and_the_other_is_added(full: Site) -> None:
    kind = full.catalogue().find("history").load()
    one, other = kind(), kind()
    members = select([one, other], full.catalogue())
    assert names(members) == ["base_logger", "history", "history#2", "progbar_logger"]
    assert [members[1].callback, members[2].callback] == [one, other]


def test_an_object_of_the_class_replaces_what_is_active_by_itself(full: Site) -> None:
    kind = full.catalogue().find("progbar_logger").load()
    mine = kind()
    members = select([mine], full.catalogue())
    assert names(members) == ["base_logger", "history", "progbar_logger"]
    assert members[2].callback is mine


def test_an_object_whose_class_has_the_name_replaces_what_is_active_by_itself_unimported(full: Site) -> None:
    foreign = type("ProgbarLogger", (), {"set_model": print, "set_params": print})()
    members = select([foreign], full.catalogue())
    assert sorted(names(members)) == ["base_logger", "history", "progbar_logger"]
    assert any(member.callback is foreign for member in members)
    assert "fake_bar" not in sys.modules


# Errors


def test_a_class_instead_of_an_instance_is_an_error_that_shows_the_fix(full: Site) -> None:
    with pytest.raises(InvalidCallbackError, match=r"Mine is a class.*Write `Mine\(\)`"):
        select([Mine], full.catalogue())


def test_a_name_that_nobody_installed_is_an_error_with_the_nearest(full: Site) -> None:
    with pytest.raises(UnknownCallbackError, match="Did you mean 'fake_stopping'"):
        select(["fake_stoping"], full.catalogue())


def test_a_name_that_nobody_installed_is_found_out_before_anything_is_imported(full: Site) -> None:
    with pytest.raises(UnknownCallbackError):
        select(["nobody"], full.catalogue())
    assert "pinned_package" not in sys.modules


def test_a_class_that_needs_parameters_is_an_error_that_names_them(full: Site) -> None:
    with pytest.raises(CallbackImportError) as raised:
        select(["needy"], full.catalogue())
    for part in (
        "'needy'",
        "fake-things 2.0",
        "filepath, monitor",
        "from fake_things import Needy",
        "Needy(filepath=",
        "epochal enable needy filepath=… monitor=…",
    ):
        assert part in str(raised.value)
    assert "others" not in str(raised.value)


def test_a_constructor_that_raises_is_an_error_with_the_cause(full: Site) -> None:
    with pytest.raises(CallbackImportError, match=r"'failing' of fake-things 2\.0.*OSError: no such device") as raised:
        select(["failing"], full.catalogue())
    assert isinstance(raised.value.__cause__, OSError)


@pytest.mark.parametrize("missing", ["base_logger", "history"])
def test_a_missing_pinned_plugin_is_an_error_with_the_command_that_installs_it(site: Site, missing: str) -> None:
    site.package("pinned_package", "import epochal\nclass One(epochal.Callback): pass\n")
    (present,) = {"base_logger", "history"} - {missing}
    site.distribution(f"epochal-{present.replace('_', '-')}", callbacks={present: "pinned_package:One"})
    with pytest.raises(UnknownCallbackError) as raised:
        select(None, site.catalogue())
    assert f"pip install epochal-{missing.replace('_', '-')}" in str(raised.value)
    assert raised.value.callback == missing


def test_a_plugin_for_another_core_is_an_error_when_asked_for_and_only_then(full: Site) -> None:
    full.package("fake_future", "class One: pass")
    full.distribution("future-dist", callbacks={"future": "fake_future:One"}, requires=["epochal-core>=99"])
    assert "future" not in names(select(None, full.catalogue()))
    with pytest.raises(IncompatibleCallbackError, match=r"future-dist 1\.0"):
        select(["future"], full.catalogue())


def test_a_name_that_two_distributions_claim_is_an_error_when_asked_for_and_only_then(full: Site) -> None:
    full.distribution("other-things", callbacks={"fake_stopping": "fake_things:FakeStopping"})
    assert len(select(None, full.catalogue())) == 3
    with pytest.raises(AmbiguousCallbackError, match=r"fake-things 2\.0 and other-things 1\.0"):
        select(["fake_stopping"], full.catalogue())


def test_a_pinned_name_that_two_distributions_claim_is_an_error(full: Site) -> None:
    full.distribution("other-history", callbacks={"history": "pinned_package:History"})
    with pytest.raises(AmbiguousCallbackError, match="other-history"):
        select(None, full.catalogue())


def test_edges_between_given_objects_and_names_hold(full: Site) -> None:
    class Late(Callback):
        priority = Priority.METRICS
        after = ("progbar_logger",)

    assert names(select([Late(), "fake_stopping"], full.catalogue()))[-2:] == ["progbar_logger", "late"]

    class Impossible(Callback):
        before = ("history",)

    with pytest.raises(OrderError, match="'impossible'"):
        select([Impossible()], full.catalogue())


@pytest.mark.parametrize("priority", ["high", 1.5, None, True])
def test_a_priority_that_is_no_int_is_an_error_that_names_the_callback(full: Site, priority: Any) -> None:
    mine = Mine()
    mine.priority = priority
    with pytest.raises(InvalidCallbackError, match="the priority of 'mine'"):
        select([mine], full.catalogue())


@pytest.mark.parametrize("attribute", ["before", "after"])
@pytest.mark.parametrize(
    "value",
    [
        "history",
        (1,),
        None,
        5,
    ],
)
def test_edges_that_are_no_names_are_an_error_that_names_the_callback(full: Site, attribute: str, value: Any) -> None:
    mine = Mine()
    setattr(mine, attribute, value)
    with pytest.raises(InvalidCallbackError, match=f"`{attribute}` of 'mine'"):
        select([mine], full.catalogue())


def test_the_pinned_two_are_imported_and_created_before_any_other(site: Site) -> None:
    site.package("fake_trace", "made = []")
    source = (
        "import epochal, fake_trace\n"
        "class One(epochal.Callback):\n"
        "    def __init__(self): fake_trace.made.append(__name__)\n"
    )
    for name in ("fake_a", "fake_base", "fake_hist"):
        site.package(name, f"{source}\nfake_trace.made.append('import ' + __name__)\n")
    own = {"a": "fake_a:One"}
    site.distribution("a-dist", callbacks=own, autoload=own)
    site.distribution("epochal-history", callbacks={"history": "fake_hist:One"})
    site.distribution("epochal-base-logger", callbacks={"base_logger": "fake_base:One"})
    select(None, site.catalogue())
    assert sys.modules["fake_trace"].made == [
        "import fake_base",
        "fake_base",
        "import fake_hist",
        "fake_hist",
        "import fake_a",
        "fake_a",
    ]


def test_nothing_is_kept_between_two_selections(full: Site) -> None:
    one, other = select(None, full.catalogue()), select(None, full.catalogue())
    assert all(a.callback is not b.callback for a, b in zip(one, other, strict=True))


# The settings


def switched(on: bool, *named: str) -> dict[CallbackName, Setting]:
    return {CallbackName(name): Setting(on, f"there, {name}", "file") for name in named}


def table(name: str, **parameters: Any) -> dict[CallbackName, tuple[Table, ...]]:
    given = {key: Setting(value, f"there, {name}.{key}", "file") for key, value in parameters.items()}
    return {CallbackName(name): (Table(f"there, {name}", "file", given),)}


def test_the_settings_switch_on_and_off(full: Site) -> None:
    settings = merge([Layer(enable=switched(True, "fake_stopping"), disable=switched(False, "progbar_logger"))])
    members = select([Mine()], full.catalogue(), settings)
    assert names(members) == ["base_logger", "history", "mine", "fake_stopping"]
    assert {member.name: member.activated for member in members} == {
        "base_logger": "pinned",
        "history": "pinned",
        "mine": "given in code",
        "fake_stopping": "there",
    }


def test_without_autoload_nothing_is_active_by_itself(full: Site) -> None:
    settings = merge([Layer(autoload=Setting(False, "there", "file"))])
    assert names(select(None, full.catalogue(), settings)) == ["base_logger", "history"]


def test_what_is_switched_off_is_left_out_also_from_the_code_and_that_is_said(full: Site) -> None:
    settings = merge([Layer(disable=switched(False, "mine", "fake_stopping"))])
    with pytest.warns(UserWarning, match="is left out") as said:
        members = select([Mine(), "fake_stopping"], full.catalogue(), settings)
    assert names(members) == ["base_logger", "history", "progbar_logger"]
    assert sorted(str(each.message) for each in said) == [
        "the callback 'fake_stopping' that the code asks for is left out: there, fake_stopping switches it off.",
        "the callback 'mine' that the code gives is left out: there, mine switches it off.",
    ]


def test_one_instance_can_be_switched_off(full: Site) -> None:
    settings = merge([Layer(disable=switched(False, "mine#2"))])
    first, second = Mine(), Mine()
    with pytest.warns(UserWarning, match="'mine#2'"):
        members = select([first, second], full.catalogue(), settings)
    assert [member.callback for member in members if member.name.startswith("mine")] == [first]


def test_the_pinned_two_cannot_be_switched_off(full: Site) -> None:
    with pytest.raises(ConfigError, match="there, history: 'history' is pinned"):
        select(None, full.catalogue(), merge([Layer(disable=switched(False, "history"))]))


def test_a_table_gives_parameters_and_several_tables_several_instances(full: Site) -> None:
    several = tuple(each for path in "ab" for (each,) in table("writer", path=path).values())
    members = select(None, full.catalogue(), merge([Layer(tables={CallbackName("writer"): several})]))
    assert {member.name: member.callback.path for member in members if "writer" in member.name} == {
        "writer": "a",
        "writer#2": "b",
    }


def test_each_of_several_instances_tells_where_it_is_switched_on(full: Site) -> None:
    path = {"path": Setting("a", "", "file")}
    several = tuple(Table(f"x.toml, line {line}, callbacks.writer", "file", path) for line in (3, 7))
    members = select(None, full.catalogue(), merge([Layer(tables={CallbackName("writer"): several})]))
    assert [member.activated for member in members if "writer" in member.name] == ["x.toml, line 3", "x.toml, line 7"]


def test_one_of_several_instances_can_be_switched_off_and_the_others_keep_their_names(full: Site) -> None:
    several = tuple(each for path in "abc" for (each,) in table("writer", path=path).values())
    off = switched(False, "writer#2")
    members = select(None, full.catalogue(), merge([Layer(tables={CallbackName("writer"): several}, disable=off)]))
    assert {member.name: member.callback.path for member in members if "writer" in member.name} == {
        "writer": "a",
        "writer#3": "c",
    }


def test_a_name_in_the_code_takes_the_parameters_of_the_settings(full: Site) -> None:
    members = select(["writer"], full.catalogue(), merge([Layer(tables=table("writer", path="a"))]))
    (member,) = (member for member in members if member.name == "writer")
    assert (member.callback.path, member.activated) == ("a", "asked for in code")


def test_an_object_of_the_code_replaces_the_settings_own_and_that_is_said(full: Site) -> None:
    kind = full.catalogue().find("writer").load()
    mine = kind("mine")
    with pytest.warns(UserWarning, match="the code gives its own 'writer', so there, writer is not used"):
        members = select([mine], full.catalogue(), merge([Layer(tables=table("writer", path="a"))]))
    assert [member.callback for member in members if "writer" in member.name] == [mine]


def test_a_class_of_the_same_name_has_the_name_of_the_installed_one(full: Site) -> None:
    class TensorBoard:
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    full.package("board", "import epochal\nclass TensorBoard(epochal.Callback): ...")
    full.distribution("their-board", callbacks={"tensorboard": "board:TensorBoard"})
    assert "tensorboard" in names(select([TensorBoard()], full.catalogue()))
    switched_on = merge([Layer(enable={CallbackName("tensorboard"): Setting(True, "there", "file")})])
    with pytest.warns(UserWarning, match="the code gives its own 'tensorboard', so there is not used"):
        assert names(select([TensorBoard()], full.catalogue(), switched_on)).count("tensorboard") == 1
    switched_off = merge([Layer(disable={CallbackName("tensorboard"): Setting(True, "there", "file")})])
    with pytest.warns(UserWarning, match="'tensorboard' that the code gives is left out: there switches it off"):
        assert "tensorboard" not in names(select([TensorBoard()], full.catalogue(), switched_off))


def test_what_replaces_a_callback_that_is_active_by_itself_leaves_its_table_unused_which_is_said(full: Site) -> None:
    class ProgbarLogger(Callback): ...

    with pytest.warns(UserWarning, match="its own 'progbar_logger', so there, progbar_logger is not used"):
        members = select([ProgbarLogger()], full.catalogue(), merge([Layer(tables=table("progbar_logger"))]))
    assert names(members) == ["base_logger", "history", "progbar_logger"]


def test_a_pinned_callback_stays_where_the_code_gives_another_of_its_name(full: Site) -> None:
    class History(Callback): ...

    members = select([History()], full.catalogue(), merge([Layer(tables=table("history"))]))
    assert names(members) == ["base_logger", "history", "history#2", "progbar_logger"]


def test_a_dict_of_callbacks_is_taken_as_keras_takes_it(full: Site) -> None:
    assert "mine" in names(select({"a": Mine()}, full.catalogue()))


def test_priority_and_failure_policy_are_set_for_a_name_or_one_instance(full: Site) -> None:
    layer = Layer(
        priority={
            CallbackName("mine"): Setting(5, "there, line 1", "file"),
            CallbackName("mine#2"): Setting(95, "there, line 2", "file"),
        },
        on_error={CallbackName("mine"): Setting("disable", "there", "file")},
    )
    members = {member.name: member for member in select([Mine(), Mine()], full.catalogue(), merge([layer]))}
    assert list(members) == ["base_logger", "history", "mine", "progbar_logger", "mine#2"]
    assert members["mine"].reason.startswith("priority 5, set in there, line 1")
    assert not members["mine"].critical
    assert not members["mine#2"].critical


def test_of_two_claims_the_preferred_one_is_taken(full: Site) -> None:
    full.distribution("other-things", callbacks={"fake_stopping": "fake_things:FakeStopping"})
    layer = Layer(prefer={CallbackName("fake_stopping"): Setting("Other.Things", "there", "file")})
    members = {member.name: member for member in select(["fake_stopping"], full.catalogue(), merge([layer]))}
    assert members["fake_stopping"].origin == "other-things 1.0"


def test_any_class_can_be_named_by_where_it_is(full: Site) -> None:
    members = select(None, full.catalogue(), merge([Layer(tables=table("fake_things:Writer", path="a"))]))
    (member,) = (member for member in members if member.name == "writer")
    assert member.callback.path == "a"


def test_a_name_that_is_switched_off_and_misspelt_is_warned_of_unless_the_code_gives_one(full: Site) -> None:
    class LossPrinter(Mine): ...

    class LostPrinter(Mine): ...

    settings = merge(
        [Layer(priority={CallbackName("lost_printer"): Setting(3, "x.toml, line 1, priority.lost_printer", "file")})]
    )
    with pytest.warns(UserWarning, match="no callback has the name 'lost_printer'. Did you mean 'loss_printer'?"):
        select([LossPrinter()], full.catalogue(), settings)
    select([LossPrinter(), LostPrinter()], full.catalogue(), settings)


def test_all_mistakes_of_the_settings_are_told_at_once(full: Site) -> None:
    layer = Layer(
        enable=switched(True, "fake_stoping"),
        prefer={CallbackName("fake_stopping"): Setting("nobody", "there, prefer", "file")},
        problems=("there: something else.",),
    )
    with pytest.raises(ConfigError) as caught:
        select(None, full.catalogue(), merge([layer]))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "there",
        "there, prefer",
        "there, fake_stoping",
    ]
    assert "Did you mean 'fake_stopping'?" in str(caught.value)


def test_wrong_parameters_of_several_callbacks_are_told_at_once(full: Site) -> None:
    tables = {**table("writer", pth="a"), **table("failing"), **table("as_object", x=1)}
    with pytest.raises(ConfigError) as caught:
        select(None, full.catalogue(), merge([Layer(tables=tables)]))
    text = str(caught.value)
    assert "there, writer.pth: Writer has no parameter 'pth'. Did you mean 'path'?" in text
    assert "there, writer: Writer needs path." in text
    assert "there, failing: creating 'failing' failed: " in text
    assert "there, as_object: 'as_object' is not a class, and has no parameters." in text


# Everything that is wrong, at once


def test_a_survey_creates_what_it_can_and_gathers_what_is_wrong(full: Site) -> None:
    full.package("fake_odd", "import epochal\nclass Odd(epochal.Callback):\n    priority = 'high'\n")
    own = {"odd": "fake_odd:Odd", "gone": "no_such_package:Gone"}
    full.distribution("fake-odd", callbacks=own, autoload=own)
    layer = Layer(
        enable=switched(True, "fake_stopping", "nobody", "failing"),
        disable=switched(False, "history"),
        tables=table("writer", pth="a"),
    )
    members, problems = survey(Choice(full.catalogue(), merge([layer])))
    assert names(arrange(members)) == ["base_logger", "history", "fake_stopping", "progbar_logger"]
    for part in (
        "there, history: 'history' is pinned",
        "there, nobody: no installed callback",
        "there, failing: creating the callback 'failing' of fake-things 2.0 failed",
        "there, writer.pth: Writer has no parameter 'pth'",
        "the callback 'gone' of fake-odd 1.0 cannot be used",
        "the priority of 'odd'",
    ):
        assert sum(part in problem for problem in problems) == 1, part
    assert len(problems) == 7  # Writer's missing path is the seventh


def test_a_survey_without_mistakes_is_what_a_run_begins_with(full: Site) -> None:
    members, problems = survey(Choice(full.catalogue(), Settings()))
    assert (names(arrange(members)), problems) == (names(select(None, full.catalogue())), [])


def test_a_survey_without_the_pinned_two_says_so(site: Site) -> None:
    members, problems = survey(Choice(site.catalogue(), Settings()))
    assert members == []
    assert [problem.partition(",")[0] for problem in problems] == [
        "the pinned callback 'base_logger'",
        "the pinned callback 'history'",
    ]
