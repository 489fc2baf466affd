from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

import epochal
from epochal import Callback, PreflightError
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from .conftest import Site


class Complete(Callback):
    """Declares all that it adds to the logs: nothing."""

    provides: tuple[str, ...] | None = ()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...


class Needs(Complete):
    requires = ("val_loss",)


class Gives(Complete):
    provides = ("score",)


class Warns(Complete):
    def preflight(self) -> None:
        warnings.warn("it may go wrong", stacklevel=2)


class Raises(Complete):
    def preflight(self) -> None:
        raise ValueError("it does go wrong")


class Writes(Complete):
    def __init__(self, *paths: str) -> None:
        self.writes = paths


class Second(Writes):
    pass


class SetsRate(Complete):
    changes = ("learning_rate",)


class SetsRateToo(SetsRate):
    pass


def model(*keys: str) -> FakeModel:
    return FakeModel(metrics=dict.fromkeys(keys or ("loss",)))


def failed(*callbacks: Any, **options: Any) -> str:
    host = FakeHost(*callbacks, model=options.pop("model", None) or model())
    with pytest.raises(PreflightError) as caught:
        host.fit(**options)
    assert host.run is not None
    assert host.run.outcome is not None
    assert host.run.outcome.status == "failed"
    assert host.run.step == 0
    return str(caught.value)


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    FakeHost(Complete(), Gives(), model=model()).fit()


def test_what_a_callback_warns_of_is_a_warning_that_names_it() -> None:
    with pytest.warns(UserWarning, match=r"^'warns' \(module .*test_preflight\): it may go wrong$"):
        FakeHost(Warns(), model=model()).fit()


def test_what_libraries_tell_their_developers_is_no_finding() -> None:
    class Deprecated(Complete):
        def preflight(self) -> None:
            warnings.warn("this goes away", DeprecationWarning, stacklevel=1)

    FakeHost(Deprecated()).fit()


def test_what_a_callback_raises_is_an_error_and_nothing_is_trained() -> None:
    assert "1 error:\n  'raises' (module " in failed(Raises())


def test_all_findings_are_one_report_with_errors_and_warnings_apart() -> None:
    text = failed(Warns(), Raises(), Writes("a"), Second("a"))
    head, errors, *_ = text.split("\n", 2)[0], *text.split("\n1 warning:")
    assert head == "nothing has been trained, because of"
    assert "2 errors:" in errors
    assert "it does go wrong" in errors
    assert "both write to 'a'" in errors
    assert "it may go wrong" in text.split("\n1 warning:")[1]


def test_several_warnings_are_one_warning() -> None:
    with pytest.warns(UserWarning, match="before training, 2 warnings") as said:
        FakeHost(Warns(), SetsRate(), SetsRateToo(), model=model()).fit()
    assert len(said) == 1


def test_it_is_looked_at_before_training_only() -> None:
    FakeHost(Raises(), model=model()).evaluate()
    FakeHost(Raises(), model=model()).predict()


@pytest.mark.parametrize(
    ("callbacks", "keys"),
    [
        ([Needs()], ("loss",)),  # the model's, of validation
        ([Needs(), Gives()], ("loss",)),
        ([type("Key", (Complete,), {"requires": ("score",)})(), Gives()], ("loss",)),
    ],
)
def test_a_key_that_somebody_gives_is_fine(callbacks: list[Any], keys: tuple[str, ...]) -> None:
    FakeHost(*callbacks, model=model(*keys)).fit()


def test_a_key_that_nobody_gives_is_an_error_with_the_nearest() -> None:
    text = failed(type("Wants", (Complete,), {"requires": ("scor",)})(), Gives())
    assert "it requires 'scor' in the logs, and nobody gives it. Did you mean 'score'? There are: " in text


def test_where_a_callback_may_add_it_a_missing_key_is_a_warning() -> None:
    class Open(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    wants = type("Wants", (Complete,), {"requires": ("other",)})()
    with pytest.warns(UserWarning, match="requires 'other' in the logs, and nobody gives it. Unless open does."):
        FakeHost(wants, Open(), model=model()).fit()


def test_where_the_keys_are_not_known_nothing_is_said() -> None:
    FakeHost(type("Wants", (Complete,), {"requires": ("other",)})(), model=FakeModel()).fit()


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("a", "./a"), ("gs://b/a", "gs://b/a")])
def test_two_that_write_to_one_path_are_an_error(first: str, second: str) -> None:
    text = failed(Writes("x", first), Second(second))
    assert "'writes' (module " in text
    assert "'second' (module " in text


def test_different_paths_and_one_callback_with_a_path_twice_are_fine() -> None:
    FakeHost(Writes("a", "a"), Second("b"), model=model()).fit()


def test_two_that_change_one_thing_are_a_warning() -> None:
    with pytest.warns(UserWarning, match="'sets_rate' .* and 'sets_rate_too' .*: both change learning_rate"):
        FakeHost(SetsRate(), SetsRateToo(), model=model()).fit()


# Callbacks of Keras's, which declare nothing


class KerasCallback:
    """The protocol of `keras.callbacks.Callback`."""

    model: Any = None
    params: Any = None

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)

    def set_model(self, model: Any) -> None: ...

    def set_params(self, params: Any) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...


class Watcher(KerasCallback):
    pass


def warned(*callbacks: Any, **options: Any) -> str:
    with pytest.warns(UserWarning, match=r"'.* \(module ") as said:
        FakeHost(Complete(), *callbacks, model=model()).fit(**options)
    (warning,) = said
    return str(warning.message)


def test_the_metric_that_a_keras_callback_monitors_is_looked_for() -> None:
    text = warned(KerasCallback(monitor="val_los"), validation_steps=1)
    assert "'keras_callback' (module " in text
    assert "it monitors 'val_los', and nobody gives it. Did you mean 'val_loss'? There are: loss, val_loss." in text
    assert "Unless watcher does." in warned(KerasCallback(monitor="val_f1"), Watcher(), validation_steps=1)
    assert text.startswith(f"'keras_callback' (module {__name__})")
    assert "it monitors 'val_loss', and this fit has no validation data." in warned(KerasCallback(monitor="val_loss"))


@pytest.mark.parametrize(
    ("monitor", "others", "known"),
    [("val_loss", [], model()), ("loss", [], model()), ("score", [Gives()], model()), ("score", [], FakeModel())],
)
def test_a_metric_that_somebody_gives_or_that_nobody_can_know_is_fine(
    monitor: str, others: list[Any], known: FakeModel
) -> None:
    FakeHost(Complete(), KerasCallback(monitor=monitor), *others, model=known).fit(validation_steps=1)


def test_without_a_model_no_metric_is_known(site: Site, recwarn: pytest.WarningsRecorder) -> None:
    site.pinned()
    with epochal.loop(None, epochs=1, callbacks=[KerasCallback(monitor="val_los")]):
        pass
    assert not recwarn.list


def test_the_fields_of_a_keras_callbacks_path_are_looked_for() -> None:
    text = warned(KerasCallback(filepath="{epoch}-{val_los:.2f}.keras"))
    assert "its path '{epoch}-{val_los:.2f}.keras' names 'val_los', and nobody gives it. Did you mean 'val_lo" in text
    FakeHost(
        Complete(), KerasCallback(filepath="{epoch}-{batch}-{val_loss}"), Watcher(filepath="{"), model=model()
    ).fit()


def test_a_path_that_a_keras_callback_shares_is_a_warning() -> None:
    assert "both write to './a'" in warned(KerasCallback(filename="a"), Watcher(filename="./a"))
    assert "both write to 'a'" in warned(Writes("a"), KerasCallback(filepath="a"))
    FakeHost(KerasCallback(filename=None, filepath=3), Watcher(filename=""), model=model()).fit()


def test_a_misspelt_event_of_a_keras_callback_is_a_warning() -> None:
    class Misspelt(KerasCallback):
        def on_epoch_ends(self, epoch: int, logs: Any = None) -> None: ...

    text = warned(Misspelt())
    assert text.endswith(
        "it defines 'on_epoch_ends', which is no event and would never be called. Did you mean 'on_epoch_end'?"
    )
