"""What every host drives a run with: it keeps the run's book, and sees to it that the run ends exactly once."""

from __future__ import annotations

import os
import weakref
from functools import partial
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from ..callback import Callback
from ..errors import message_of
from ..hookspecs import BATCH_EVENTS, EVENTS
from ..logs import Logs
from ..run import Outcome, Run
from ..settings.reading import load_settings
from .dispatch import Dispatch
from .faults import Faults
from .ordering import PINNED
from .preflight import examine, report
from .signals import Terminated, Termination

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .member import Member
    from .profile import Profile


_look_at_run: Callable[[Run, Sequence[Member]], None] | None = None


def look_at_runs(look: Callable[[Run, Sequence[Member]], None] | None) -> None:
    """Call a function with every run of this process that is about to begin, and its callbacks in order.

    What it raises keeps the run from beginning. None: no function any more.
    """
    global _look_at_run
    _look_at_run = look


class BatchCalls(SimpleNamespace):
    """The events of batches as functions of `(batch, logs=None)`, which a driver makes."""


class Driver:
    """The host's side of one run.

    A host calls `begin`, then the events as methods, with the framework's own values, and in any case `end`.

    Args:
        run: The run, not yet begun.
        members: Its callbacks, in order.
        profile: Whether to measure the callbacks, and show a table at the end. None: as the settings say.
        gives_run: Whether the host's user gets the run, which then holds its callbacks. After its end callbacks keep
            it in any case: the History of a training, and of anything else the callbacks that the code gave.

    Raises:
        InvalidCallbackError: A callback implements an event wrongly.

    Attributes:
        run: The run.
        batch: The events of batches, once the run began. All other events are methods.
    """

    def __init__(
        self, run: Run, members: Sequence[Member], *, profile: bool | None = None, gives_run: bool = True
    ) -> None:
        if _look_at_run is not None:
            _look_at_run(run, members)
        self.run = run
        settings = load_settings()
        self._profile = _make_profile(bool(settings.profile.value) if profile is None else profile)
        if self._profile is not None:
            run.timings = self._profile.timings
        self._members = members
        self._gives_run = gives_run
        # Faults, signals and `run.stop` come from inside of the events and act on the run by methods of the driver.
        # That makes circles, and `_let_go` undoes each of them. The console is made anew for each message, as standard
        # output may be another one by then.
        self._faults = Faults(lambda: run.console, self._disable, tracebacks=bool(settings.traceback.value))
        self._termination = Termination(self._terminate)
        self._begun: set[Member] = set()
        self._process = os.getpid()
        self._open_epoch: tuple[int, Logs] | None = None
        self._in_train = False
        self._leaves_at_once = False
        self.batch = BatchCalls()
        self._targets: list[weakref.ref[Any]] = []
        run._members = tuple(members)
        run._apply_stop = self.apply_stop
        self._dispatch = Dispatch(run, members, self._faults.handle, self._note_begun, self._profile)

    # The run

    def begin(self, params: Mapping[str, Any]) -> None:
        """Begin the run: every callback gets params and model, then `on_run_begin`; then the calls are compiled."""
        run, dispatch = self.run, self._dispatch
        run.params = MappingProxyType(dict(params))
        self._termination.install()
        introduced = {member for member in self._members if self._introduce(member)}
        # Who has no `on_run_begin` begins with the run; the others when theirs has returned.
        self._begun = introduced - set(dispatch.members("on_run_begin"))
        run._drop = dispatch.drop
        try:
            dispatch.calls["on_run_begin"]()
        finally:
            run._drop = None
        if run.stage == "train":
            report(examine([member for member in self._members if not self._faults.is_out(member)]), self._take_out)
        dispatch.compile()
        self.bind(self.batch)

    def _take_out(self, member: Member, error: Exception) -> None:
        """Take a reporter out whose check before training failed, as if it had failed later."""
        self._faults.handle(member, "preflight", error)

    def _introduce(self, member: Member) -> bool:
        """Set the model, the params and the run of a callback, and return whether it took them."""
        callback = member.callback
        try:
            if hasattr(callback, "set_model"):
                callback.set_model(self.run.model)
            if hasattr(callback, "set_params"):
                callback.set_params(dict(self.run.params))
            if isinstance(callback, Callback):
                callback.run = self.run
        except Exception as error:
            if not self._faults.handle(member, "set_model", error):
                raise
            return False
        return True

    def end(self, error: BaseException | None = None, outcome: Outcome | None = None) -> None:
        """End the run: `on_run_end` for each callback whose run began, then the signals are given back.

        Only the first call counts.

        Args:
            error: The exception that ended it; the caller raises it on.
            outcome: How it ended, where the host knows better than what the exception tells. After SIGTERM it does not.

        Raises:
            Exception: What a critical callback raised in `on_run_end`, when no other error ended the run.
        """
        if self.run.outcome is not None:
            return
        known = None if self._termination.arrived else outcome
        self.run.outcome = known or self._outcome(error)
        faults = self._faults
        faults.ending = True
        if self._process != os.getpid() and (error is not None or outcome is not None):
            # A forked child leaves the call that it is a copy of. The run is its parent's, and so are the files.
            self._begun.clear()
            faults.close()
        try:
            if self._begun:
                self._dispatch.keep_only(set(self._members) - self._begun)
                self._dispatch.calls["on_run_end"](self.run.outcome)
            faults.summarize()
            if self._profile is not None and self._begun:
                self._profile.show(self.run.console)
        finally:
            self._termination.restore()
            self._let_go()
            self._termination.deliver()
        faults.raise_kept(error)

    def _let_go(self) -> None:
        """Undo what holds run, driver and call lists in a circle, so that they go with the last reference to them.

        Left to the garbage collector, they and the model would pile up from fit to fit. From now on the events do
        nothing, for a host that sends more of them.
        """
        self._dispatch.close()
        self._bind_all()
        self._faults.close()
        self.run.close(self._holders(), is_given=self._gives_run)

    def _holders(self) -> list[Member]:
        """Return who keeps the run after its end: the History of a training, else the callbacks that the code gave."""
        histories = [each for each in self._members if each.name == PINNED[1]]
        if histories and self.run.stage in ("train", "validate"):
            return histories
        return [each for each in self._members if each.position is not None]

    def _outcome(self, error: BaseException | None) -> Outcome:
        run = self.run
        if self._termination.arrived:
            return Outcome("interrupted", "SIGTERM", None if isinstance(error, Terminated) else error)
        if isinstance(error, KeyboardInterrupt):
            return Outcome("interrupted", "Ctrl-C", error)
        if error is not None:
            message, kind = message_of(error), type(error).__name__
            text = f"{kind}: {message}" if message else kind
            fatal = self._faults.fatal
            if fatal is not None and fatal.error is error:
                text = f"{text} (in {fatal.place})"
            return Outcome("failed", text, error)
        if run.stop_reason is not None:
            return Outcome("failed" if run.has_failed else "stopped", run.stop_reason)
        if run.stage == "train" and getattr(run.model, "stop_training", False) is True:
            return Outcome("stopped", "model.stop_training was set")
        return Outcome("completed")

    def leave_at_once(self) -> None:
        """End the run where a callback raises, or at the batch after SIGTERM, instead of where the host learns of it.

        For a host that does not own the call, and gets no exception that leaves it.
        """
        self._leaves_at_once = True
        self._dispatch.on_leave = self.end
        self._dispatch.compile()
        self._bind_all()

    def _terminated(self, *_: Any, **__: Any) -> NoReturn:
        """End training in the place of a batch, after SIGTERM."""
        if self._leaves_at_once:
            self.end(Terminated())
        # Where the host does not own the call, and the program's own handler lets it go on, this ends the program.
        raise Terminated

    def _note_begun(self, member: Member) -> None:
        self._begun.add(member)

    @property
    def terminated(self) -> bool:
        """Whether SIGTERM ended the run."""
        return self._termination.arrived

    def apply_stop(self) -> None:
        """Ask the model to stop, in the way that Keras's own loops look for."""
        flags = {"test": "stop_evaluating", "predict": "stop_predicting"}
        flag = flags.get(self.run.stage, "stop_training")
        if hasattr(self.run._model, flag):
            setattr(self.run._model, flag, True)

    def _disable(self, member: Member) -> None:
        self._dispatch.keep_only({member}, "on_run_end")
        self._bind_all()

    def _terminate(self) -> None:
        """End the run at the next batch. Called from the signal handler."""
        if self.run.stage in ("test", "predict"):  # Keras then returns what it has
            self.apply_stop()
            return
        self._bind_all()

    # The events: Keras's names, the framework's own logs. Those that change what the run knows of itself are written
    # out, any other is a method all the same.

    def __getattr__(self, event: str) -> Callable[..., Any]:
        """Return the method of an event, for those that are not batches'."""
        if event not in EVENTS or event in BATCH_EVENTS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {event!r}")
        return partial(self._send, event)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> Logs:
        """Begin training."""
        self._in_train = True
        return self._send_logs("on_train_begin", logs)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> Logs:
        """End training."""
        self._in_train = False
        given = self._send_logs("on_train_end", logs)
        self._settle_states()
        return given

    def _settle_states(self) -> None:
        for member in self._members:
            if isinstance(member.callback, Callback):
                member.callback._settle_state()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> Logs:
        """Begin an epoch."""
        self.run.begin_epoch(epoch)
        given = self._send_logs("on_epoch_begin", epoch, logs)
        self._settle_states()
        return given

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> Logs:
        """End an epoch; `finalize_epoch` is to follow when nobody else can add to its logs."""
        given = Logs(logs or ()).fetch()
        self._open_epoch = (epoch, given)
        self._dispatch.calls["on_epoch_end"](epoch, given)
        if self.run.stop_reason is not None:  # a fit inside a callback would have taken the request back
            self.apply_stop()
        return given

    def finalize_epoch(self, late: Mapping[str, Any] | None = None) -> None:
        """Send `on_epoch_finalized`, once for each epoch that ended.

        Args:
            late: What others than our callbacks added to the epoch's logs after them.
        """
        if self._open_epoch is None:
            return
        (epoch, logs), self._open_epoch = self._open_epoch, None
        if late:
            logs.update(late)
        self._dispatch.calls["on_epoch_finalized"](epoch, logs.finalize())

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> Logs:
        """Begin an evaluation, or the validation inside a fit."""
        self.run.stage = "validate" if self._in_train else "test"
        return self._send_logs("on_test_begin", logs)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> Logs:
        """End an evaluation or validation."""
        given = Logs(logs or ()).fetch()
        self._dispatch.calls["on_test_end"](given)
        if self._in_train:
            self.run.stage = "train"
        return given

    def _send(self, event: str, *values: Any, **named: Any) -> Logs | None:
        """Send an event; return the logs that the callbacks got, if it has any."""
        values = (*values, *named.values())
        number = len(EVENTS[event]) - 2
        if EVENTS[event][-1] == "logs":
            return self._send_logs(event, *(values if len(values) > number else (*values, None)))
        self._dispatch.calls[event](*values)
        return None

    def _send_logs(self, event: str, *values: Any) -> Logs:
        """Send an event whose last argument is the framework's own logs; return those that the callbacks got."""
        logs = Logs(values[-1] or ())
        self._dispatch.calls[event](*values[:-1], logs)
        return logs

    # The events of batches. They are what costs, so they are functions instead of methods: `batch` holds them.

    def bind(self, target: Any) -> None:
        """Set the events of batches on an object, as attributes that are called with `(batch, logs=None)`.

        They are set anew when a callback is taken out, and when the run is to end at the next batch.
        """
        self._targets.append(weakref.ref(target))
        self._bind(target)

    def _bind_all(self) -> None:
        for target in self._targets:
            self._bind(target())

    def _bind(self, target: Any) -> None:
        if target is not None:
            is_terminated = self._termination.arrived and self.run.outcome is None
            for event in BATCH_EVENTS:
                setattr(target, event, self._terminated if is_terminated else self._dispatch.calls[event])


def _make_profile(wanted: bool) -> Profile | None:
    if not wanted:
        return None
    from .profile import Profile

    return Profile()
