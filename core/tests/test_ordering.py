from __future__ import annotations

import graphlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal import OrderError, Priority
from epochal.engine.ordering import PINNED, Candidate, order

NAMES = ("ada", "bob", "cyd", "dan", "eve", "fay", "ada#2", "ada#3", "bob#2")
ROLES = tuple(Priority)


def names(candidates: list[Candidate]) -> list[str]:
    return [place.name for place in order(candidates)]


def key(candidate: Candidate, candidates: list[Candidate]) -> tuple[int, float, str]:
    position = float("inf") if candidate.position is None else candidate.position
    priority = candidate.priority
    if priority is None:
        behind = [other.priority for other in listed_behind(candidate, candidates) if other.priority is not None]
        priority = min([*behind, Priority.CONTROL])
    return priority, position, candidate.name


def listed_behind(candidate: Candidate, candidates: list[Candidate]) -> list[Candidate]:
    given = [other for other in candidates if other.position is not None and other.name not in PINNED]
    if candidate.position is None:
        return []
    return [other for other in given if other.position is not None and other.position > candidate.position]


def stands_for(target: str, name: str) -> bool:
    return target == name or ("#" not in target and name.split("#")[0] == target)


def edges(candidates: list[Candidate]) -> set[tuple[str, str]]:
    """Every (earlier, later) that `before` and `after` ask for among unpinned callbacks."""
    found = set()
    for one in candidates:
        for other in candidates:
            if one.name in PINNED or other.name in PINNED:
                continue
            own = one.name.partition("#")[0]  # a plain name stands for all others of it
            if any(stands_for(target, other.name) for target in one.after if target != own):
                found.add((other.name, one.name))
            if any(stands_for(target, other.name) for target in one.before if target != own):
                found.add((one.name, other.name))
    return found


def reference(candidates: list[Candidate]) -> list[str] | None:
    """The contract in the plainest way: of those that may come next the smallest is next. None: a cycle."""
    wanted = edges(candidates)
    placed: list[str] = [name for name in PINNED if name in {each.name for each in candidates}]
    left = sorted((each for each in candidates if each.name not in PINNED), key=lambda each: key(each, candidates))
    while left:
        ready = [each for each in left if all(early in placed for early, late in wanted if late == each.name)]
        if not ready:
            return None
        placed.append(ready[0].name)
        left.remove(ready[0])
    return placed


@st.composite
def candidate_lists(draw: st.DrawFn, *, with_edges: bool = True) -> list[Candidate]:
    chosen = draw(st.lists(st.sampled_from(NAMES), unique=True))
    pinned = draw(st.lists(st.sampled_from(PINNED), unique=True))
    targets = st.lists(st.sampled_from((*NAMES, "nobody")), max_size=2 if with_edges else 0).map(tuple)
    priorities = st.sampled_from(ROLES) | st.integers(-5, 100) | st.none()
    positions = draw(st.permutations([*range(len(chosen)), *([None] * len(chosen))]))
    made = [
        Candidate(name, draw(priorities), draw(targets), draw(targets), position)
        for name, position in zip(chosen, positions, strict=False)
    ]
    made += [Candidate(name, draw(st.integers(0, 100))) for name in pinned]
    return draw(st.permutations(made))


@given(candidate_lists())
def test_the_order_is_the_one_that_the_contract_describes_or_an_error_when_there_is_a_cycle(
    candidates: list[Candidate],
) -> None:
    expected = reference(candidates)
    if expected is None:
        with pytest.raises(OrderError):
            order(candidates)
    else:
        assert names(candidates) == expected


@given(candidate_lists())
def test_an_order_error_means_that_there_really_is_a_cycle_and_spells_it(candidates: list[Candidate]) -> None:
    wanted = edges(candidates)
    graph: dict[str, set[str]] = {}
    for early, late in wanted:
        graph.setdefault(late, set()).add(early)
    if reference(candidates) is not None:
        list(graphlib.TopologicalSorter(graph).static_order())
        return
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(graph).static_order())
    with pytest.raises(OrderError) as raised:
        order(candidates)
    spelled = str(raised.value).split("cycle: ")[1].split(",")[0].split(" → ")
    assert spelled[0] == spelled[-1]
    assert all(pair in wanted for pair in pairwise(spelled))
    assert sorted(set(spelled)) == sorted(raised.value.names)


@given(candidate_lists())
def test_pinned_callbacks_come_first_and_in_their_own_order(candidates: list[Candidate]) -> None:
    if reference(candidates) is None:
        return
    present = [name for name in PINNED if name in {each.name for each in candidates}]
    assert names(candidates)[: len(present)] == present


@given(candidate_lists(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_input(candidates: list[Candidate], random: object) -> None:
    if reference(candidates) is None:
        return
    shuffled = candidates.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert names(shuffled) == names(candidates)


def test_the_reasons_do_not_depend_on_the_order_of_the_input() -> None:
    candidates = [Candidate("bob"), Candidate("bob#2"), Candidate("dan", after=("bob",))]
    assert order(candidates) == order(reversed(candidates))


@given(candidate_lists(with_edges=False))
def test_without_edges_the_order_is_that_of_priority_then_position_then_name(candidates: list[Candidate]) -> None:
    rest = sorted((each for each in candidates if each.name not in PINNED), key=lambda each: key(each, candidates))
    expected = [name for name in PINNED if name in {each.name for each in candidates}]
    assert names(candidates) == expected + [each.name for each in rest]


@given(candidate_lists(), st.integers(-5, 100), st.sampled_from(["by name", "first in the list", "last in the list"]))
def test_adding_a_callback_without_edges_keeps_the_order_of_the_others(
    candidates: list[Candidate], priority: int, place: str
) -> None:
    if reference(candidates) is None:
        return
    if place == "last in the list":
        priority = max(priority, Priority.CONTROL)
    new = Candidate(
        "newcomer", priority, position={"by name": None, "first in the list": -1, "last in the list": 99}[place]
    )
    assert [name for name in names([*candidates, new]) if name != "newcomer"] == names(candidates)


@given(candidate_lists(), st.integers(-1, 99))
def test_adding_a_callback_that_declares_nothing_keeps_the_order_of_the_others(
    candidates: list[Candidate], position: int
) -> None:
    if reference(candidates) is None:
        return
    moved = [
        replace(each, position=each.position + 1) if each.position is not None and each.position >= position else each
        for each in candidates
    ]
    new = Candidate("newcomer", None, position=position)
    assert [name for name in names([*moved, new]) if name != "newcomer"] == names(candidates)


@given(candidate_lists())
def test_a_callback_that_declares_nothing_and_waits_for_nobody_is_ahead_of_all_behind_it_in_the_list(
    candidates: list[Candidate],
) -> None:
    if reference(candidates) is None:
        return
    placed, waiting = names(candidates), {late for _, late in edges(candidates)}
    for candidate in candidates:
        if candidate.priority is None and candidate.name not in waiting:
            for other in listed_behind(candidate, candidates):
                assert placed.index(candidate.name) < placed.index(other.name)


@given(candidate_lists())
def test_the_list_lowers_a_priority_that_is_not_declared_and_no_other(candidates: list[Candidate]) -> None:
    if reference(candidates) is None:
        return
    counted = {place.name: place.priority for place in order(candidates)}
    for candidate in candidates:
        if candidate.priority is not None:
            assert counted[candidate.name] == candidate.priority
        else:
            assert counted[candidate.name] <= Priority.CONTROL


@given(candidate_lists())
def test_every_callback_stands_there_once_with_a_reason(candidates: list[Candidate]) -> None:
    if reference(candidates) is None:
        return
    places = order(candidates)
    assert sorted(place.name for place in places) == sorted(each.name for each in candidates)
    assert all(place.reason for place in places)


def test_no_callbacks_have_an_empty_order() -> None:
    assert order([]) == []


def test_the_worked_example_of_the_docstring_holds() -> None:
    candidates = [
        Candidate("base_logger"),
        Candidate("history"),
        Candidate("ema", 10, after=("plateau",)),
        Candidate("f1", None, position=0),
        Candidate("plateau", 30, position=1),
        Candidate("stop", 50),
    ]
    assert names(candidates) == ["base_logger", "history", "f1", "plateau", "ema", "stop"]


def test_what_declares_no_priority_runs_ahead_of_what_follows_it_in_the_list_and_says_so() -> None:
    places = order([Candidate("f1", None, position=0), Candidate("plateau", 30, position=1)])
    assert [place.name for place in places] == ["f1", "plateau"]
    assert places[0].reason == "priority 30 (SCHEDULE), listed before plateau, given in code as number 1"
    assert places[0].priority == 30


def test_the_reason_names_the_first_of_those_with_the_lowest_priority_behind_it() -> None:
    places = order(
        [
            Candidate("f1", None, position=0),
            Candidate("stop", 40, position=1),
            Candidate("plateau", 30, position=2),
            Candidate("schedule", 30, position=3),
        ]
    )
    assert "listed before plateau," in places[0].reason


def test_a_chain_of_callbacks_that_declare_nothing_keeps_the_order_of_the_list() -> None:
    chain = [Candidate(name, None, position=place) for place, name in enumerate(("zoe", "ada", "mia"))]
    assert names([*chain, Candidate("plateau", 30, position=3)]) == ["zoe", "ada", "mia", "plateau"]


def test_what_is_ahead_in_the_list_or_not_in_it_moves_nothing() -> None:
    candidates = [
        Candidate("plateau", 30, position=0),
        Candidate("f1", None, position=1),
        Candidate("schedule", 30),
        Candidate("report", 90, position=2),
    ]
    places = {place.name: place for place in order(candidates)}
    assert places["f1"].reason == "priority 50 (CONTROL), given in code as number 2"
    assert list(places) == ["plateau", "schedule", "f1", "report"]


@pytest.mark.parametrize("pinned", PINNED)
def test_a_pinned_callback_behind_it_in_the_list_does_not_move_it(pinned: str) -> None:
    candidates = [Candidate("mine", None, position=0), Candidate(pinned, 10, position=1), Candidate("other", 20)]
    assert names(candidates) == [pinned, "other", "mine"]


def test_a_declared_priority_wins_over_the_list() -> None:
    assert names([Candidate("f1", 50, position=0), Candidate("plateau", 30, position=1)]) == ["plateau", "f1"]


def test_an_edge_wins_over_the_list() -> None:
    candidates = [
        Candidate("f1", None, after=("stop",), position=0),
        Candidate("plateau", 30, position=1),
        Candidate("stop", 50, position=2),
    ]
    assert names(candidates) == ["plateau", "stop", "f1"]


def test_instances_of_one_name_are_not_behind_each_other() -> None:
    candidates = [Candidate("log", None, position=0), Candidate("log#2", 10, position=0)]
    assert names(candidates) == ["log#2", "log"]


def test_an_edge_delays_the_one_that_waits_and_never_hurries_the_one_waited_for() -> None:
    assert names([Candidate("late", 90), Candidate("early", 10, after=("late",)), Candidate("middle", 50)]) == [
        "middle",
        "late",
        "early",
    ]


@pytest.mark.parametrize("pinned", PINNED)
def test_pinned_callbacks_are_first_whatever_their_priority(pinned: str) -> None:
    assert names([Candidate("early", -100), Candidate(pinned, 100)]) == [pinned, "early"]


@pytest.mark.parametrize("pinned", PINNED)
def test_running_before_a_pinned_callback_is_an_error_that_names_both(pinned: str) -> None:
    with pytest.raises(OrderError) as raised:
        order([Candidate(pinned), Candidate("mine", before=(pinned,))])
    assert "'mine'" in str(raised.value)
    assert repr(pinned) in str(raised.value)
    assert raised.value.names == ("mine", pinned)


def test_history_before_base_logger_is_an_error() -> None:
    with pytest.raises(OrderError, match="nothing runs before the pinned"):
        order([Candidate("base_logger"), Candidate("history", before=("base_logger",))])


def test_a_pinned_callback_after_another_is_an_error() -> None:
    with pytest.raises(OrderError, match="'history' is to run after 'mine'"):
        order([Candidate("history", after=("mine",)), Candidate("mine")])


def test_a_pinned_callback_after_one_that_is_not_there_is_none() -> None:
    assert names([Candidate("history", after=("mine",))]) == ["history"]


def test_edges_that_hold_anyway_between_pinned_callbacks_are_allowed() -> None:
    candidates = [Candidate("history", after=("base_logger",)), Candidate("base_logger", before=("history",))]
    assert names(candidates) == ["base_logger", "history"]


def test_after_a_pinned_callback_always_holds() -> None:
    assert names([Candidate("mine", after=PINNED), Candidate("history"), Candidate("base_logger")])[-1] == "mine"


def test_an_edge_to_a_name_stands_for_every_callback_of_that_name() -> None:
    loggers = [Candidate("log", 90), Candidate("log#2", 95)]
    assert names([*loggers, Candidate("mine", 10, after=("log",))]) == ["log", "log#2", "mine"]
    assert names([*(replace(each, priority=10) for each in loggers), Candidate("mine", 90, before=("log",))]) == [
        "mine",
        "log",
        "log#2",
    ]


def test_an_edge_to_an_instance_stands_for_that_instance_alone() -> None:
    loggers = [Candidate("log", 90), Candidate("log#2", 80)]
    assert names([*loggers, Candidate("mine", 10, after=("log#2",))]) == ["log#2", "mine", "log"]


def test_a_second_callback_named_like_a_pinned_one_is_not_pinned() -> None:
    assert names([Candidate("history#2", 90), Candidate("mine", 10), Candidate("history")]) == [
        "history",
        "mine",
        "history#2",
    ]


def test_the_message_of_a_cycle_spells_it_in_the_way_the_events_would_run() -> None:
    with pytest.raises(OrderError) as raised:
        order([Candidate("a", before=("b",)), Candidate("b", before=("c",)), Candidate("c", before=("a",))])
    assert any(cycle in str(raised.value) for cycle in ("a → b → c → a", "b → c → a → b", "c → a → b → c"))
    assert raised.value.names == ("a", "b", "c")


def test_a_callback_that_only_waits_for_a_cycle_is_not_blamed() -> None:
    with pytest.raises(OrderError) as raised:
        order([Candidate("a", after=("b",)), Candidate("b", after=("c",)), Candidate("c", after=("b",))])
    assert raised.value.names == ("b", "c")


def test_a_callback_that_is_to_run_after_itself_alone_is_a_cycle() -> None:
    with pytest.raises(OrderError, match="a#2 → a#2"):
        order([Candidate("a#2", after=("a#2",))])


def test_reasons_name_what_put_a_callback_where_it_is() -> None:
    reasons = {
        place.name: place.reason
        for place in order(
            [
                Candidate("base_logger"),
                Candidate("history"),
                Candidate("ema", 10, after=("plateau",)),
                Candidate("plateau", 30, position=1),
                Candidate("own", 42, position=0),
                Candidate("first", 91),
                Candidate("last", 5, after=("report",)),
                Candidate("report", 90, before=("ema",)),
            ]
        )
    }
    assert "pinned" in reasons["base_logger"]
    assert "first" in reasons["base_logger"]
    assert "pinned" in reasons["history"]
    assert "second" in reasons["history"]
    assert "priority 10 (METRICS)" in reasons["ema"]
    assert "runs after plateau" in reasons["ema"]
    assert "report runs before it" in reasons["ema"]
    assert reasons["plateau"] == "priority 30 (SCHEDULE), given in code as number 2"
    assert reasons["own"] == "priority 42, given in code as number 1"


def test_an_edge_to_what_is_not_active_is_in_the_reason() -> None:
    (place,) = order([Candidate("ada", after=("bbo",))])
    assert place.reason == "priority 50 (CONTROL); not active: bbo"
