"""The public names of `epochal.testing`: the recorder, the bare host, a state that is handed over, the fixtures."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import epochal
from epochal import Callback, StateError, testing
from epochal.hookspecs import EVENTS, OWN_EVENTS
from epochal.testing import BareHost, FakeHost, FakeModel, Recorded, Recorder, transfer_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# The names


def test_all_is_sorted_and_exactly_the_public_names() -> None:
    assert sorted(testing.__all__) == testing.__all__ == dir(testing)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        testing.nonsense  # noqa: B018


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    found = getattr(testing, name)
    assert inspect.getdoc(found)
    examples = doctest.DocTestFinder(recurse=False).find(
        found, name, globs={**vars(epochal), **public(epochal, testing)}
    )
    for example in examples:
        assert doctest.DocTestRunner().run(example).failed == 0


def public(*modules: Any) -> dict[str, Any]:
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def test_at_the_start_of_pytest_nothing_else_of_epochal_is_imported() -> None:
    script = "import sys, epochal.testing.pytest_plugin; print(*(name for name in sys.modules if 'epochal' in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["epochal", "epochal.testing", "epochal.testing.pytest_plugin"]


# The recorder


def half(epoch: int, batch: int) -> dict[str, Any]:
    return {"loss": 0.5}


def test_a_recorder_has_every_event_of_a_fit_with_its_arguments() -> None:
    recorder = Recorder()
    FakeHost(recorder).fit(steps=1, validation_steps=1, values=half)
    assert (
        str(recorder)
        == """\
on_run_begin()
on_train_begin(logs={})
on_epoch_begin(epoch=0, logs={})
on_train_batch_begin(batch=0, logs={})
on_train_batch_end(batch=0, logs={'loss': 0.5})
on_test_begin(logs={})
on_test_batch_begin(batch=0, logs={})
on_test_batch_end(batch=0, logs={'loss': 0.5})
on_test_end(logs={'loss': 0.5})
on_epoch_end(epoch=0, logs={'loss': 0.5, 'val_loss': 0.5})
on_epoch_finalized(epoch=0, logs={'loss': 0.5, 'val_loss': 0.5})
on_train_end(logs={'loss': 0.5, 'val_loss': 0.5})
on_run_end(outcome=Outcome(status='completed', reason='', exception=None))"""
    )
    assert {each.event: each.stage for each in recorder.events if "test" in each.event} == dict.fromkeys(
        ("on_test_batch_begin", "on_test_batch_end", "on_test_begin"), "validate"
    ) | {"on_test_end": "validate"}


def test_the_events_of_a_fit_an_evaluate_and_a_predict_are_all_that_there_are() -> None:
    recorder = Recorder()
    host = FakeHost(recorder)
    host.fit(validation_steps=1)
    host.predict()
    assert set(recorder.names) == set(EVENTS)


def test_a_recorder_of_some_events_has_no_others() -> None:
    recorder = Recorder("on_epoch_end", "on_run_end")
    FakeHost(recorder).fit(epochs=2, values=half)
    assert recorder.names == ["on_epoch_end", "on_epoch_end", "on_run_end"]
    assert recorder.of("on_epoch_end") == [
        Recorded("on_epoch_end", {"epoch": epoch, "logs": {"loss": 0.5}}) for epoch in (0, 1)
    ]
    assert recorder.of("on_run_end")[0]["outcome"].status == "completed"
    with pytest.raises(ValueError, match="there is no event 'on_epoch_ends'"):
        Recorder("on_epoch_ends")


def test_a_recorder_keeps_the_values_as_they_were_and_its_place() -> None:
    class Adding(Callback):
        priority = 50  # one that declares none would run no later than what is listed behind it

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["f1"] = 1.0

    ahead, behind = (Recorder("on_epoch_end", priority=priority) for priority in (0, 100))
    FakeHost(behind, Adding(), ahead).fit(values=half)
    assert ahead.events[0]["logs"] == {"loss": 0.5}
    assert behind.events[0]["logs"] == {"loss": 0.5, "f1": 1.0}


def test_a_recorder_sees_how_a_run_breaks_off() -> None:
    def fail(epoch: int, batch: int) -> None:
        raise KeyboardInterrupt

    recorder = Recorder()
    with pytest.raises(KeyboardInterrupt):
        FakeHost(recorder).fit(step=fail)
    assert recorder.names[-2:] == ["on_train_batch_begin", "on_run_end"]
    assert recorder.events[-1]["outcome"].status == "interrupted"


# The bare host


def test_a_bare_fit_sends_keras_s_events_and_no_others() -> None:
    bare, ours = Recorder(), Recorder()
    BareHost(bare).fit(epochs=2, validation_steps=1, values=half)
    FakeHost(ours).fit(epochs=2, validation_steps=1, values=half)
    assert bare.events == [each for each in ours.events if each.event not in OWN_EVENTS]
    assert bare.run is None
    assert bare.params == {"epochs": 2, "steps": 3, "verbose": 0}


@pytest.mark.parametrize("run", [lambda host: host.evaluate(steps=2), lambda host: host.predict(steps=2)])
def test_a_bare_evaluate_and_predict_send_the_same_as_ours(run: Callable[[Any], None]) -> None:
    bare, ours = Recorder(), Recorder()
    run(BareHost(bare))
    run(FakeHost(ours))
    assert bare.events == [each for each in ours.events if each.event not in OWN_EVENTS]


def test_after_an_exception_a_bare_fit_sends_nothing_more() -> None:
    def fail(epoch: int, batch: int) -> None:
        raise ZeroDivisionError

    recorder = Recorder()
    with pytest.raises(ZeroDivisionError):
        BareHost(recorder).fit(step=fail)
    assert recorder.names[-1] == "on_train_batch_begin"


def test_callbacks_of_a_bare_fit_share_their_logs_and_are_called_as_given() -> None:
    class KerasLike:
        def __init__(self) -> None:
            self.calls: list[Any] = []

        def set_model(self, model: Any) -> None:
            self.model = model

        def set_params(self, params: Any) -> None: ...

        def __getattr__(self, event: str) -> Callable[..., None]:
            if not event.startswith("on_"):
                raise AttributeError(event)

            def call(*positional: Any, **by_name: Any) -> None:
                self.calls.append((event, positional, {**by_name}))
                if event == "on_epoch_end":
                    positional[1]["f1"] = 1.0

            return call

    keras_like, recorder = KerasLike(), Recorder("on_epoch_end")
    model = FakeModel()
    BareHost(keras_like, recorder, model=model).fit(steps=1, values=half)
    assert keras_like.model is model
    assert recorder.events[0]["logs"] == {"loss": 0.5, "f1": 1.0}
    # The logs of a batch come by name, as Keras gives them.
    assert ("on_train_batch_end", (0,), {"logs": {"loss": 0.5}}) in keras_like.calls
    assert ("on_epoch_begin", (0, {}), {}) in keras_like.calls


@pytest.mark.parametrize("host", [FakeHost, BareHost])
def test_several_steps_an_execution_in_every_loop(host: Any) -> None:
    recorder = Recorder("on_test_batch_begin", "on_test_batch_end", "on_predict_batch_begin", "on_predict_batch_end")
    steps: list[int] = []
    host(recorder).evaluate(steps=4, steps_per_execution=3, step=steps.append)
    host(recorder).predict(steps=4, steps_per_execution=3, step=steps.append)
    assert [each["batch"] for each in recorder.events] == [0, 2, 3, 5] * 2
    assert steps == [2, 5] * 2


# The state


class Patience(Callback):
    state_attributes = ("wait",)

    def __init__(self) -> None:
        self.wait: Any = 0


def test_a_state_goes_from_one_object_to_another_as_through_a_file() -> None:
    old, new = Patience(), Patience()
    old.wait = [1.5, None]
    assert transfer_state(old, new) == {"wait": [1.5, None]}
    assert new.wait == old.wait
    assert new.wait is not old.wait
    assert not new.starts_afresh()


def test_a_state_that_no_file_could_hold_is_an_error() -> None:
    old = Patience()
    old.wait = {1, 2}
    with pytest.raises(StateError, match=r"state\['wait'\] is of type set"):
        transfer_state(old, Patience())


# The fixtures of pytest


def test_a_host_of_the_fixtures_has_model_and_recorder(
    epochal_host: Callable[..., FakeHost], epochal_model: FakeModel, epochal_recorder: Recorder
) -> None:
    run = epochal_host(Patience()).fit(epochs=2)
    assert run.model is epochal_model
    assert list(run.callbacks) == ["patience", "recorder"]
    assert epochal_recorder.names.count("on_epoch_end") == 2
    assert epochal_host(model=(own := FakeModel())).fit().model is own


@pytest.fixture
def surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what a run begun here would heed."""
    monkeypatch.setenv("EPOCHAL_PROFILE", "1")
    here = tmp_path_factory.mktemp("project")
    (here / "epochal.toml").write_text("profile = true")
    monkeypatch.chdir(here)


def test_a_test_with_a_host_knows_no_settings_of_its_surroundings(
    surroundings: None, epochal_host: Callable[..., FakeHost], epochal_isolated: Path, tmp_path: Path
) -> None:
    assert epochal_isolated == tmp_path == tmp_path.cwd()
    assert epochal_host().fit().timings == {}
    (epochal_isolated / "epochal.toml").write_text("profile = true")
    assert epochal_host().fit().timings != {}
