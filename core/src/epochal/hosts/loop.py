"""A hand-written training loop as the host."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..choosing.selection import select
from ..engine.driver import Driver
from ..engine.signals import Terminated
from ..errors import RunError, shown
from ..frameworks.replicas import merge_replicas
from ..run import Outcome, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..engine.member import Member


@contextmanager
def loop(
    model: Any,
    *,
    epochs: int = 1,
    steps: int | None = None,
    callbacks: Any = None,
    verbose: str | int = "auto",
    stateful_metrics: Sequence[str] = (),
    optimizer: Any = None,
) -> Iterator[LoopRun]:
    """Run the active callbacks in a hand-written training loop.

    Args:
        model: The model, of any framework.
        epochs: How many epochs are planned. 0 begins and ends a run with no epoch in it.
        steps: How many batches of training an epoch has at the most; None if that is not known.
        callbacks: Callbacks (ours, marked modules or functions, Keras's own, anybody's) and names of installed ones.
        verbose: 0 silent, 1 live, 2 one line an epoch, "auto" as it suits the output.
        stateful_metrics: Names of logged values that stand for the epoch so far, so that no mean is taken of them.
        optimizer: The optimizer, for callbacks that read or set its learning rate. None: that of the model.

    Yields:
        The run. After SIGTERM, if the program's own handler lets it go on, the program goes on behind the block.

    Raises:
        CallbackError, OrderError: A callback cannot be used; nothing has been trained.
        RunError: `epochs` or `steps` is no usable number, or the run's methods are called where they do not belong.
        BaseException: Whatever the loop or a callback raises, of its own type. Every callback whose run began has had
            its `on_run_end` then.

    Example:
        >>> with epochal.loop(model, epochs=3) as run:  # doctest: +SKIP
        ...     for epoch in run.epochs():
        ...         for step, (x, y) in run.batches(data):
        ...             run.log(loss=train_step(x, y), size=len(x))
    """
    epochs = _count("epochs", epochs, least=0)
    if steps is not None:
        steps = _count("steps", steps, least=1)
    if isinstance(stateful_metrics, str):  # its letters would pass for names
        raise TypeError(f"stateful_metrics={stateful_metrics!r} has to be several names, like [{stateful_metrics!r}]")
    run = LoopRun(model, epochs, stateful_metrics)
    run.optimizer = optimizer
    driver = run._driver = Driver(run, select(callbacks))
    if getattr(model, "stop_training", False):
        model.stop_training = False  # left over from a fit before, as in Keras's own fit
    try:
        driver.begin({"verbose": verbose, "epochs": epochs, "steps": steps})
        driver.on_train_begin()
        yield run
        run._end_epoch()
        driver.on_train_end(run._last_logs)
    except BaseException as error:
        driver.end(error)
        if isinstance(error, Terminated):
            return
        raise
    else:
        driver.end(outcome=run._left_early())


def _count(name: str, value: Any, least: int) -> int:
    count = value.__index__() if hasattr(value, "__index__") and not isinstance(value, bool) else least - 1
    if count < least:
        raise RunError(f"{name}={shown(value)} has to be an int of {least} or more")
    return int(count)


def _refuse_symbolic(values: dict[str, Any]) -> None:
    """Refuse what stands for a value in a graph: a compiled function runs its Python once, to trace it."""
    for name, value in values.items():
        kind = type(value).__name__
        if kind == "SymbolicTensor" or kind.endswith("Tracer"):  # of TensorFlow, of JAX
            raise RunError(
                f"run.log({name}=…) is called inside a compiled function (tf.function, jax.jit), whose Python runs "
                "once and not for every batch. Return the value from it, and log what it returns."
            )


class LoopRun(Run):
    """The run of a hand-written loop. Besides what a `Run` has, the loop uses `epochs`, `batches`, `log`, `validation`.

    `epochal.loop` makes it.
    """

    is_loop = True

    _driver: Driver

    def __init__(self, model: Any, epochs: int, stateful_metrics: Sequence[str]) -> None:
        super().__init__(model, "train", stateful_metrics)
        self._planned_epochs = epochs
        self._ended_epochs = 0
        # What is open now; `log` writes to the innermost.
        self._epoch_logs: dict[str, Any] | None = None
        self._validation_logs: dict[str, Any] | None = None
        self._batch_logs: dict[str, Any] | None = None
        self._batch = 0
        self._next_batch = 0
        self._batch_left = False  # the script left the batches by `break`
        self._last_logs: dict[str, Any] = {}

    def epochs(self, initial_epoch: int = 0) -> Iterator[int]:
        """Go through the epochs; each turn is one epoch, begun and ended for the callbacks.

        Args:
            initial_epoch: The first epoch, counted from 0.

        Yields:
            The epoch, counted from 0. Ends after the last one, or when a callback asked to stop.

        Raises:
            RunError: The run is over, or `initial_epoch` is no usable number.
        """
        if self.outcome is not None:
            raise RunError("run.epochs() is called after the run has ended; it belongs inside `with epochal.loop(…)`")
        initial_epoch = _count("initial_epoch", initial_epoch, least=0)
        last = self._planned_epochs
        self._planned_epochs = max(0, last - initial_epoch)
        for epoch in range(initial_epoch, last):
            self._end_epoch()
            self._epoch_logs = {}
            self._next_batch = 0
            self._driver.on_epoch_begin(epoch)
            yield epoch
            self._end_epoch()
            if self._is_stopping():
                return

    def batches(self, data: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Go through batches of training data, or inside `validation` through batches of validation data.

        Args:
            data: Anything that gives batches. In training no more than the loop's `steps` are taken from it.

        Yields:
            The batch's number in the epoch or validation, counted from 0, and the batch. Called again in the same
            epoch it goes on counting. Ends early when a callback asked to stop.

        Raises:
            RunError: It is called outside of an epoch.
        """
        self._require_epoch("run.batches(…)")
        self._end_batch()
        training = self._validation_logs is None
        steps = self.params["steps"] if training else None
        for values in islice(data, None if steps is None else max(0, steps - self._next_batch)):
            batch = self._begin_batch()
            logs = self._batch_logs
            try:
                yield batch, values
            except GeneratorExit:
                # The open batch ends with whatever comes next; after an exception nothing does.
                self._batch_left = self._batch_logs is logs
                raise
            self._end_batch()
            if training and self._is_stopping():
                return

    def log(self, **values: Any) -> None:
        """Log values of the batch, or outside of a batch values of the whole epoch or validation.

        Nothing is fetched from the device. Values of a batch are averaged over the epoch, weighted by `size`, except
        those declared as stateful, whose last value counts. What `strategy.run` gave once a replica is averaged over
        the replicas.

        Args:
            **values: Scalars of any framework. `size` is the number of examples in the batch, `num_steps` the number
                of steps that the values stand for (1).

        Raises:
            RunError: It is called outside of an epoch, or inside a compiled function.
        """
        self._require_epoch("run.log(…)")
        if self._batch_left:
            self._end_batch()
        scopes = (self._batch_logs, self._validation_logs, self._epoch_logs)
        innermost = next(logs for logs in scopes if logs is not None)
        twice = innermost.keys() & values.keys()
        if twice and self._batch_logs is None:
            raise RunError(
                f"run.log({', '.join(sorted(twice))}=…) is called a second time outside of a batch, and would replace "
                "the first value. Go through the data with `for step, batch in run.batches(data):`."
            )
        merged = merge_replicas(values)
        _refuse_symbolic(merged)
        innermost.update(merged)

    @contextmanager
    def validation(self) -> Iterator[None]:
        """Enclose the validation of an epoch: what is logged in it becomes the epoch's `val_…` values.

        Raises:
            RunError: It is called outside of an epoch, or inside another validation.
        """
        self._require_epoch("run.validation()")
        if self._validation_logs is not None:
            raise RunError("run.validation() is called inside another validation")
        self._end_batch()
        next_batch, self._next_batch = self._next_batch, 0
        self._validation_logs = {}
        try:
            self._driver.on_test_begin()
            yield
            self._end_batch()
            logs = self._driver.on_test_end(self._validation_logs)
        finally:
            self._validation_logs = self._batch_logs = None
            self._next_batch = next_batch
            self.stage = "train"  # also after an exception that the script may catch
        self.log(**{f"val_{name}": value for name, value in logs.items()})

    def close(self, holders: Sequence[Member], *, is_given: bool) -> None:
        """Let go of the driver here too, and with it of a circle."""
        del self._driver
        self._epoch_logs = self._validation_logs = self._batch_logs = None
        super().close(holders, is_given=is_given)

    def _is_stopping(self) -> bool:
        """Return whether somebody asked to stop, by `run.stop` or as Keras callbacks do, by `model.stop_training`."""
        return self.stop_reason is not None or getattr(self._model, "stop_training", False) is True

    def _left_early(self) -> Outcome | None:
        """Return the outcome of a loop that the script left before its last epoch."""
        if self._is_stopping() or self._ended_epochs >= self._planned_epochs:
            return None
        return Outcome("stopped", f"the loop was left after {self._ended_epochs} of {self._planned_epochs} epochs")

    def _require_epoch(self, what: str) -> None:
        if self._epoch_logs is None:
            raise RunError(f"{what} belongs inside `for epoch in run.epochs():`")

    # An epoch or a batch is ended by whatever comes next, because a script may leave either by `break`.

    def _begin_batch(self) -> int:
        batch = self._batch = self._next_batch
        self._next_batch += 1
        self._batch_logs = {}
        calls = self._driver.batch
        (calls.on_train_batch_begin if self._validation_logs is None else calls.on_test_batch_begin)(batch)
        return batch

    def _end_batch(self) -> None:
        self._batch_left = False
        if self._batch_logs is None:
            return
        logs, self._batch_logs = self._batch_logs, None
        calls = self._driver.batch
        (calls.on_train_batch_end if self._validation_logs is None else calls.on_test_batch_end)(self._batch, logs)

    def _end_epoch(self) -> None:
        if self._epoch_logs is None:
            return
        self._end_batch()
        logs, self._epoch_logs = self._epoch_logs, None
        assert self.epoch is not None
        self._last_logs = self._driver.on_epoch_end(self.epoch, logs)
        self._driver.finalize_epoch()
        self._ended_epochs += 1
        if self._driver.terminated:
            raise Terminated
