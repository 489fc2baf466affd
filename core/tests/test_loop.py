from __future__ import annotations

import os
import signal
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import epochal
import epochal.hosts.loop
from epochal import Callback, Logs, Outcome, RunError, UnknownCallbackError, hookimpl
from epochal.choosing.selection import arrange
from epochal.engine.member import make_member
from epochal.frameworks import adapt
from epochal.inspection.identity import default_name

if TYPE_CHECKING:
    from epochal.hosts.loop import LoopRun

    from .conftest import Site


class Tensor:
    def __init__(self, value: float) -> None:
        self.value = value
        self.fetches = 0

    def __float__(self) -> float:
        self.fetches += 1
        return self.value


class Watch(Callback):
    """Notes every event with what it gets."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_run_begin(self) -> None:
        self.events.append("run begin")

    def on_train_begin(self, logs: Any = None) -> None:
        self.events.append("train begin")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.events.append(("epoch begin", epoch))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.events.append(("batch begin", batch))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.events.append(("batch end", batch, dict(logs)))

    def on_test_begin(self, logs: Any = None) -> None:
        self.events.append("test begin")

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.events.append(("test batch begin", batch))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.events.append(("test batch end", batch, dict(logs)))

    def on_test_end(self, logs: Any = None) -> None:
        self.events.append(("test end", dict(logs)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.events.append(("epoch end", epoch, dict(logs)))

    def on_epoch_finalized(self, epoch: int, logs: Any) -> None:
        self.events.append(("finalized", epoch, dict(logs)))

    def on_train_end(self, logs: Any = None) -> None:
        self.events.append(("train end", dict(logs)))

    def on_run_end(self, outcome: Outcome) -> None:
        self.events.append(("run end", outcome))

    def named(self, name: str) -> list[Any]:
        return [event for event in self.events if event == name or event[0] == name]

    @property
    def outcome(self) -> Outcome:
        ((_, outcome),) = self.named("run end")
        assert self.events[-1] == ("run end", outcome)
        return outcome  # type: ignore[no-any-return]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Make loops run the given callbacks alone, whatever is installed."""

    def select(given: Any) -> Any:
        return arrange(make_member(default_name(each), each, None, place) for place, each in enumerate(given or ()))

    monkeypatch.setattr(epochal.hosts.loop, "select", select)
    return Watch()


# A whole loop


def test_a_loop_sends_the_events_of_a_fit(watch: Watch) -> None:
    with epochal.loop(None, epochs=1, steps=2, callbacks=[watch]) as run:
        for _ in run.epochs():
            for step, batch in run.batches("xy"):
                run.log(loss=step, name=batch)
            with run.validation():
                for _, batch in run.batches("z"):
                    run.log(loss=7, name=batch)
    assert watch.events == [
        "run begin",
        "train begin",
        ("epoch begin", 0),
        ("batch begin", 0),
        ("batch end", 0, {"loss": 0.0, "name": "x"}),
        ("batch begin", 1),
        ("batch end", 1, {"loss": 1.0, "name": "y"}),
        "test begin",
        ("test batch begin", 0),
        ("test batch end", 0, {"loss": 7.0, "name": "z"}),
        ("test end", {}),
        ("epoch end", 0, {}),
        ("finalized", 0, {}),
        ("train end", {}),
        ("run end", Outcome("completed")),
    ]


def test_values_logged_outside_of_batches_are_the_epochs_and_the_validations(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            run.log(learning_rate=0.1)
            with run.validation():
                run.log(loss=0.5, accuracy=1)
            run.log(extra=2)
    expected = {"extra": 2.0, "learning_rate": 0.1, "val_accuracy": 1.0, "val_loss": 0.5}
    assert watch.named("test end") == [("test end", {"accuracy": 1.0, "loss": 0.5})]
    assert watch.named("epoch end") == [("epoch end", 0, expected)]
    assert watch.named("finalized") == [("finalized", 0, expected)]
    assert watch.named("train end") == [("train end", expected)]


def test_values_logged_twice_in_a_batch_are_merged_and_the_last_counts(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            for _ in run.batches([0]):
                run.log(loss=1, size=4)
                run.log(loss=2)
    assert watch.named("batch end") == [("batch end", 0, {"loss": 2.0, "size": 4.0})]


def test_values_of_a_batch_that_nobody_reads_are_not_fetched(watch: Watch) -> None:
    tensor = Tensor(1)
    with epochal.loop(None, callbacks=[Callback()]) as run:
        for _ in run.epochs():
            for _ in run.batches([0]):
                run.log(loss=tensor)
    assert tensor.fetches == 0


def test_values_given_once_a_replica_are_merged(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            for _ in run.batches([0]):
                run.log(loss=SimpleNamespace(values=(1.0, 4.0)), size=SimpleNamespace(values=(2, 1)))
    assert watch.named("batch end") == [("batch end", 0, {"loss": 2.0, "size": 3.0})]


def test_one_name_of_a_stateful_metric_is_not_taken_for_its_letters() -> None:
    with (
        pytest.raises(TypeError, match="'auc' has to be several names"),
        epochal.loop(0, epochs=1, stateful_metrics="auc"),
    ):
        raise AssertionError("the run began")


def test_the_params_are_those_that_keras_gives_and_the_run_knows_its_place(watch: Watch) -> None:
    model = SimpleNamespace(stop_training=True)
    seen: list[Any] = []
    with epochal.loop(model, epochs=2, steps=3, callbacks=[watch], verbose=2, stateful_metrics=["auc"]) as run:
        assert model.stop_training is False
        assert watch.run is run
        for _ in run.epochs():
            seen += [(run.epoch, run.step, run.stage) for _ in run.batches("abc")]
    assert run.params == {"verbose": 2, "epochs": 2, "steps": 3}
    assert run.stateful_metrics == frozenset({"auc"})
    assert run.model is model
    assert watch.model is model
    assert seen == [
        (0, 0, "train"),
        (0, 1, "train"),
        (0, 2, "train"),
        (1, 3, "train"),
        (1, 4, "train"),
        (1, 5, "train"),
    ]
    assert run.step == 6
    assert run.outcome == Outcome("completed")


def test_the_optimizer_is_the_one_that_is_given_or_none(watch: Watch) -> None:
    optimizer = object()
    for given in (optimizer, None):
        model = SimpleNamespace(optimizer="the model's")
        with epochal.loop(model, callbacks=[watch], optimizer=given) as run:
            assert run.optimizer is given
            assert adapt(watch).optimizer == (given or "the model's")


def test_whether_there_will_be_validation_is_not_known(watch: Watch) -> None:
    with epochal.loop(None) as run:
        for _ in run.epochs():
            with run.validation():
                run.log(loss=1.0)
            assert run.validates is None


def test_the_stage_is_validate_inside_validation(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            with run.validation():
                assert run.stage == "validate"
            assert run.stage == "train"


def test_no_more_than_the_steps_are_taken_in_training_and_everything_in_validation(watch: Watch) -> None:
    data = iter(range(10))
    with epochal.loop(None, steps=2, callbacks=[watch]) as run:
        for _ in run.epochs():
            assert [batch for _, batch in run.batches(data)] == [0, 1]
            with run.validation():
                assert [batch for _, batch in run.batches(range(5))] == [0, 1, 2, 3, 4]
    assert next(data) == 2


def test_epochs_begin_where_they_are_told_to(watch: Watch) -> None:
    with epochal.loop(None, epochs=5, callbacks=[watch]) as run:
        assert list(run.epochs(initial_epoch=3)) == [3, 4]
    assert watch.outcome == Outcome("completed")


def test_an_initial_epoch_behind_the_last_trains_nothing_and_completes(watch: Watch) -> None:
    with epochal.loop(None, epochs=2, callbacks=[watch]) as run:
        assert list(run.epochs(initial_epoch=4)) == []
    assert watch.outcome == Outcome("completed")


def test_no_epochs_are_a_run_with_begin_and_end(watch: Watch) -> None:
    with epochal.loop(None, epochs=0, callbacks=[watch]) as run:
        assert list(run.epochs()) == []
    assert watch.events == ["run begin", "train begin", ("train end", {}), ("run end", Outcome("completed"))]


def test_an_epoch_without_batches_is_an_epoch(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            assert list(run.batches([])) == []
    assert watch.named("epoch end") == [("epoch end", 0, {})]
    assert run.step == 0


def test_a_validation_without_batches_is_a_validation(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            with run.validation():
                pass
    assert watch.named("test end") == [("test end", {})]


def test_a_validation_in_the_middle_of_the_batches_ends_the_batch_before_it(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            for step, _ in run.batches("ab"):
                run.log(loss=step)
                with run.validation():
                    for _ in run.batches("z"):
                        run.log(loss=9)
    names = [event if isinstance(event, str) else event[0] for event in watch.events]
    inner = ["batch begin", "batch end", "test begin", "test batch begin", "test batch end", "test end"]
    assert names[3:15] == inner * 2
    assert [event[2] for event in watch.named("batch end")] == [{"loss": 0.0}, {"loss": 1.0}]


def test_a_second_go_of_batches_in_an_epoch_goes_on_counting(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            assert [step for step, _ in run.batches("abc")] == [0, 1, 2]
            assert [step for step, _ in run.batches("de")] == [3, 4]


def test_the_step_counts_the_batches_of_every_go_of_batches(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            list(run.batches("abc"))
            list(run.batches("de"))
    assert run.step == 5


def test_the_steps_are_those_of_all_goes_of_batches_in_an_epoch(watch: Watch) -> None:
    with epochal.loop(None, epochs=2, steps=3, callbacks=[watch]) as run:
        for _ in run.epochs():
            assert len([*run.batches("ab"), *run.batches("cde")]) == 3


def test_a_validation_counts_its_own_batches(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            list(run.batches("ab"))
            with run.validation():
                assert [step for step, _ in run.batches("xyz")] == [0, 1, 2]
            assert [step for step, _ in run.batches("c")] == [2]


def test_batches_that_are_let_go_of_late_end_no_other_batch(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            first = run.batches("ab")
            next(first)
            for _ in run.batches("c"):
                first.close()  # type: ignore[attr-defined]
                run.log(loss=1)
    assert watch.named("batch end") == [("batch end", 0, {}), ("batch end", 1, {"loss": 1.0})]
    assert watch.named("epoch end") == [("epoch end", 0, {})]


# Leaving early


def test_leaving_the_batches_by_break_ends_the_batch(watch: Watch) -> None:
    with epochal.loop(None, epochs=2, callbacks=[watch]) as run:
        for _ in run.epochs():
            for step, _ in run.batches(range(10)):
                run.log(loss=step)
                if step == 1:
                    break
    assert [event[1:] for event in watch.named("batch end")] == [(0, {"loss": 0.0}), (1, {"loss": 1.0})] * 2
    assert [event[1] for event in watch.named("epoch end")] == [0, 1]
    assert watch.outcome == Outcome("completed")


def test_what_is_logged_behind_a_break_is_the_epochs(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            for _ in run.batches(range(10)):
                break
            run.log(learning_rate=0.1)
    assert watch.named("epoch end") == [("epoch end", 0, {"learning_rate": 0.1})]


def test_leaving_the_epochs_by_break_ends_the_epoch_and_the_outcome_says_so(watch: Watch) -> None:
    with epochal.loop(None, epochs=5, callbacks=[watch]) as run:
        for epoch in run.epochs():
            for _ in run.batches("ab"):
                run.log(loss=1)
            if epoch == 1:
                break
    assert [event[1] for event in watch.named("finalized")] == [0, 1]
    assert len(watch.named("batch end")) == 4
    assert watch.named("train end")
    assert watch.outcome == Outcome("stopped", "the loop was left after 2 of 5 epochs")


def test_leaving_in_the_middle_of_a_batch_ends_batch_and_epoch(watch: Watch) -> None:
    with epochal.loop(None, epochs=5, callbacks=[watch]) as run:
        for _ in run.epochs():
            for _ in run.batches("ab"):
                run.log(loss=1)
                break
            break
    assert [event if isinstance(event, str) else event[0] for event in watch.events[-6:]] == [
        "batch begin",
        "batch end",
        "epoch end",
        "finalized",
        "train end",
        "run end",
    ]


def test_a_block_that_never_trains_is_stopped_early(watch: Watch) -> None:
    with epochal.loop(None, epochs=3, callbacks=[watch]):
        pass
    assert watch.outcome == Outcome("stopped", "the loop was left after 0 of 3 epochs")


def test_going_through_the_epochs_again_ends_the_epoch_that_was_left_open(watch: Watch) -> None:
    with epochal.loop(None, epochs=2, callbacks=[watch]) as run:
        for _ in run.epochs():
            break
        for _ in run.epochs(initial_epoch=1):
            pass
    assert [event[1] for event in watch.named("epoch end")] == [0, 1]


def test_a_request_to_stop_ends_the_batches_and_the_epochs(watch: Watch) -> None:
    class Stopper(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                assert self.run is not None
                self.run.stop("enough")

    with epochal.loop(object(), epochs=3, callbacks=[watch, Stopper()]) as run:
        for _ in run.epochs():
            for _ in run.batches(range(10)):
                run.log(loss=1)
    assert len(watch.named("batch end")) == 2
    assert len(watch.named("finalized")) == 1
    assert watch.outcome == Outcome("stopped", "stopper: enough")


def test_the_script_may_ask_to_stop(watch: Watch) -> None:
    with epochal.loop(None, epochs=3, callbacks=[watch]) as run:
        for _ in run.epochs():
            run.stop("converged")
    assert len(watch.named("epoch end")) == 1
    assert watch.outcome == Outcome("stopped", "converged")


@pytest.mark.parametrize("failed", [True, False])
def test_a_script_may_say_that_the_run_has_failed(failed: bool, watch: Watch) -> None:
    with epochal.loop(None, epochs=5, callbacks=[watch]) as run:
        for _ in run.epochs():
            run.stop("the loss is nan", failed=failed)
    assert run.has_failed is failed
    assert watch.outcome == Outcome("failed" if failed else "stopped", "the loss is nan")
    assert [name for name, *_ in watch.events[-3:]] == ["finalized", "train end", "run end"]


def test_stop_training_as_callbacks_of_keras_set_it_stops_too(watch: Watch) -> None:
    model = SimpleNamespace(stop_training=False)

    class Theirs(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = True

    with epochal.loop(model, epochs=3, callbacks=[watch, Theirs()]) as run:
        assert list(run.epochs()) == [0]
    assert watch.outcome == Outcome("stopped", "theirs: it set model.stop_training")


def test_a_request_during_validation_lets_it_end(watch: Watch) -> None:
    with epochal.loop(None, epochs=3, callbacks=[watch]) as run:
        for _ in run.epochs():
            with run.validation():
                for step, _ in run.batches("abc"):
                    if step == 0:
                        run.stop("enough")
    assert len(watch.named("test batch end")) == 3
    assert len(watch.named("epoch end")) == 1


# Errors


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["block", "epoch", "batch", "validation", "validation batch"])
def test_an_exception_of_the_script_leaves_as_it_is_after_the_run_ended(
    watch: Watch, kind: type[BaseException], where: str
) -> None:
    error = kind("bad")

    def perhaps(place: str) -> None:
        if place == where:
            raise error

    with pytest.raises(type(error)) as raised, epochal.loop(None, callbacks=[watch]) as run:  # noqa: PT012
        perhaps("block")
        for _ in run.epochs():
            perhaps("epoch")
            for _ in run.batches("a"):
                perhaps("batch")
            with run.validation():
                perhaps("validation")
                for _ in run.batches("a"):
                    perhaps("validation batch")
    assert raised.value is error
    assert watch.outcome.exception is error
    assert watch.outcome.status == ("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
    assert not watch.named("train end")
    assert not watch.named("epoch end")


def test_an_exception_of_a_callback_leaves_as_it_is_after_the_run_ended(watch: Watch) -> None:
    error: Any = ValueError("bad")

    class Failing(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise error

    with (
        pytest.raises(ValueError, match="bad") as raised,
        epochal.loop(None, callbacks=[watch, Failing()]) as run,
    ):
        list(run.epochs())
    assert raised.value is error
    assert "'failing'" in getattr(error, "__notes__", [""])[0]
    assert watch.outcome.status == "failed"


def test_an_exception_in_the_begin_of_the_run_leaves_before_the_block(watch: Watch) -> None:
    class Failing(Callback):
        def on_run_begin(self) -> None:
            raise ValueError("unfit")

    with pytest.raises(ValueError, match="unfit"), epochal.loop(None, callbacks=[watch, Failing()]):
        pytest.fail("the block ran")
    assert watch.outcome.status == "failed"


def test_an_exception_in_the_end_of_the_run_is_raised_behind_the_block(watch: Watch) -> None:
    class Failing(Callback):
        def on_run_end(self) -> None:
            raise ValueError("late")

    with pytest.raises(ValueError, match="late"), epochal.loop(None, callbacks=[Failing(), watch]) as run:
        list(run.epochs())
    assert watch.outcome == Outcome("completed")


@pytest.mark.parametrize(
    "use", [lambda run: run.log(loss=1), lambda run: list(run.batches("a")), lambda run: run.validation().__enter__()]
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_log_batches_and_validation_outside_of_an_epoch_are_errors(watch: Watch, use: Any, place: str) -> None:
    outside = pytest.raises(RunError, match=r"belongs inside `for epoch in run\.epochs")
    with outside, epochal.loop(None, callbacks=[watch]) as run:
        if place == "after":
            list(run.epochs())
        use(run)
    assert watch.outcome.status == "failed"


def test_a_validation_inside_a_validation_is_an_error(watch: Watch) -> None:
    with pytest.raises(RunError, match="inside another validation"), epochal.loop(None, callbacks=[watch]) as run:  # noqa: PT012
        for _ in run.epochs():
            with run.validation(), run.validation():
                pass


def test_a_script_may_catch_what_its_validation_raised_and_go_on(watch: Watch) -> None:
    with epochal.loop(None, epochs=2, callbacks=[watch]) as run:
        for _ in run.epochs():
            try:
                with run.validation():
                    raise ValueError("the data is not there")
            except ValueError:
                pass
            assert run.stage == "train"
            with run.validation():
                run.log(loss=1)
    assert [event[2] for event in watch.named("epoch end")] == [{"val_loss": 1.0}] * 2


@pytest.mark.parametrize("epochs", [-1, 1.0, "3", None, True])
def test_epochs_that_are_no_count_are_an_error_before_anything_begins(watch: Watch, epochs: Any) -> None:
    with pytest.raises(RunError, match="epochs="), epochal.loop(None, epochs=epochs, callbacks=[watch]):
        pytest.fail("the block ran")
    assert watch.events == []


@pytest.mark.parametrize("steps", [0, -1, 2.0, "3", False])
def test_steps_that_are_no_count_are_an_error_before_anything_begins(watch: Watch, steps: Any) -> None:
    with pytest.raises(RunError, match="steps="), epochal.loop(None, steps=steps, callbacks=[watch]):
        pytest.fail("the block ran")
    assert watch.events == []


@pytest.mark.parametrize("initial", [-1, 1.5, None])
def test_an_initial_epoch_that_is_no_count_is_an_error(watch: Watch, initial: Any) -> None:
    with pytest.raises(RunError, match="initial_epoch="), epochal.loop(None, callbacks=[watch]) as run:
        list(run.epochs(initial_epoch=initial))


def test_data_that_raises_ends_the_run(watch: Watch) -> None:
    def data() -> Any:
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"), epochal.loop(None, callbacks=[watch]) as run:  # noqa: PT012
        for _ in run.epochs():
            for _ in run.batches(data()):
                run.log(loss=1)
    assert watch.outcome.status == "failed"
    assert len(watch.named("batch end")) == 1


# SIGTERM


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM that a program could take")
@pytest.mark.parametrize("where", ["batch", "validation", "epoch"])
def test_sigterm_ends_the_loop_at_the_next_batch_or_epoch_and_the_program_goes_on_behind_it(
    watch: Watch, where: str
) -> None:
    calls: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: calls.append(number))
    try:
        with epochal.loop(None, epochs=3, callbacks=[watch]) as run:
            for epoch in run.epochs():
                _one_epoch(run, where if epoch == 0 else "")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert calls == [signal.SIGTERM]
    assert watch.outcome == Outcome("interrupted", "SIGTERM")
    assert len(watch.named("batch end")) == (0 if where == "batch" else 2)
    assert len(watch.named("epoch end")) == (1 if where == "epoch" else 0)
    assert not watch.named("train end")


def _one_epoch(run: LoopRun, where: str) -> None:
    for _ in run.batches("ab"):
        if where == "batch":
            os.kill(os.getpid(), signal.SIGTERM)
    with run.validation():
        for _ in run.batches("cd"):
            if where == "validation":
                os.kill(os.getpid(), signal.SIGTERM)
    if where == "epoch":
        os.kill(os.getpid(), signal.SIGTERM)


# With installed callbacks


def test_the_pinned_two_are_there_without_being_asked_for(site: Site) -> None:
    site.pinned()

    class Mine(Callback): ...

    with epochal.loop(None, epochs=2, callbacks=Mine()) as run:
        for epoch in run.epochs():
            run.log(loss=epoch)
    assert list(run.callbacks)[:2] == ["base_logger", "history"]
    assert "mine" in run.callbacks
    assert run.history is run.callbacks["history"]
    assert run.history.history["loss"] == [0.0, 1.0]


def test_the_history_up_to_an_error_is_kept(site: Site) -> None:
    site.pinned()
    with pytest.raises(ValueError, match="bad"), epochal.loop(None, epochs=3) as run:  # noqa: PT012
        for epoch in run.epochs():
            run.log(loss=epoch)
            if epoch == 1:
                raise ValueError("bad")
    assert run.history.history["loss"] == [0.0]
    assert run.outcome is not None
    assert run.outcome.status == "failed"


def test_a_name_that_nobody_installed_is_an_error_before_anything_begins(site: Site) -> None:
    site.pinned()
    with pytest.raises(UnknownCallbackError), epochal.loop(None, callbacks="fake_nobody"):
        pytest.fail("the block ran")


def test_marked_modules_objects_and_functions_may_be_given(site: Site) -> None:
    site.pinned()
    calls: list[str] = []

    @hookimpl
    def on_epoch_end(epoch: int) -> None:
        calls.append(f"function {epoch}")

    class Marked:
        @hookimpl
        def on_run_end(self, outcome: Outcome) -> None:
            calls.append(f"object {outcome.status}")

    with epochal.loop(None, callbacks=[on_epoch_end, Marked()]) as run:
        list(run.epochs())
    assert calls == ["function 0", "object completed"]


def test_logs_of_a_loop_are_logs(watch: Watch) -> None:
    kinds: list[type] = []

    class Mine(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            kinds.append(type(logs))

    with epochal.loop(None, callbacks=[Mine()]) as run:
        for _ in run.epochs():
            list(run.batches("a"))
    assert kinds == [Logs]


def test_what_is_logged_twice_outside_of_a_batch_is_an_error_that_shows_the_way(watch: Watch) -> None:
    with epochal.loop(None, callbacks=[watch]) as run:
        for _ in run.epochs():
            run.log(loss=1)
            with pytest.raises(RunError, match=r"run\.batches\(data\)"):
                run.log(loss=2)
