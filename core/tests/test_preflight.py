from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

import epochal
from epochal import Callback, PreflightError, Priority
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


def test_a_reporter_whose_check_fails_is_taken_out_and_training_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    class Reporter(Raises):
        critical = False
        provides = ()
        ended = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise AssertionError("it takes part")

        def on_run_end(self) -> None:
            self.ended += 1

    class Wanting(Reporter):
        requires = ("x",)

        def preflight(self) -> None: ...

    reporters = [Reporter(), Wanting()]
    host = FakeHost(Complete(), *reporters, model=model())
    host.fit(epochs=2)
    assert host.run is not None
    assert host.run.outcome is not None
    assert (host.run.outcome.status, host.run.step) == ("completed", 6)
    assert [reporter.ended for reporter in reporters] == [1, 1]
    printed = capsys.readouterr().out
    assert "The callback 'reporter' (module " in printed
    assert "failed in preflight and is out for the rest of the run; training goes on: " in printed
    assert "it requires 'x' in the logs, and the model does not report it." in printed


def test_a_reporter_that_failed_already_is_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    class Reporter(Raises):
        critical = False

        def on_run_begin(self) -> None:
            raise OSError("no such host")

    FakeHost(Complete(), Reporter(), model=model()).fit()
    assert capsys.readouterr().out.count("is out for the rest of the run") == 1


def test_a_declaration_of_one_name_need_not_be_a_tuple() -> None:
    class Wanting(Callback):
        requires = "f1"  # type: ignore[assignment]
        provides = ()

    class Adding(Callback):
        priority = Priority.METRICS
        provides = "f1"  # type: ignore[assignment]

    assert "it requires 'f1' in the logs" in failed(Wanting())
    FakeHost(Adding(), Wanting(), model=model()).fit()


def test_beside_a_critical_error_a_reporters_is_in_the_message() -> None:
    class Reporter(Raises):
        critical = False

    assert "2 errors:" in failed(Raises(), Reporter())


def test_all_findings_are_one_report_with_errors_and_warnings_apart() -> None:
    text = failed(Warns(), Raises(), Writes("a"), Second("a"), type("Wants", (Complete,), {"requires": ("x",)})())
    head, errors, *_ = text.split("\n", 2)[0], *text.split("\n2 warnings:")
    assert head == "nothing has been trained, because of"
    assert "2 errors:" in errors
    assert "it does go wrong" in errors
    assert "it requires 'x'" in errors
    assert "both write to 'a'" in text.split("\n2 warnings:")[1]
    assert "it may go wrong" in text.split("\n2 warnings:")[1]


def test_several_warnings_are_one_warning() -> None:
    with pytest.warns(UserWarning, match="before training, 2 warnings") as said:
        FakeHost(Warns(), SetsRate(), SetsRateToo(), model=model()).fit()
    assert len(said) == 1


def test_it_is_looked_at_before_training_only() -> None:
    FakeHost(Raises(), model=model()).evaluate()
    FakeHost(Raises(), model=model()).predict()


def wants(key: str) -> Any:
    return type("Wants", (Complete,), {"requires": (key,)})()


@pytest.mark.parametrize(
    "callbacks",
    [
        [Needs()],  # the model's, of validation
        [Needs(), Gives()],
        [wants("score"), Gives()],
    ],
)
def test_a_key_that_somebody_gives_is_fine(callbacks: list[Any]) -> None:
    FakeHost(*callbacks, model=model()).fit(validation_steps=1)


def test_a_key_that_nobody_gives_is_an_error_with_the_nearest() -> None:
    text = failed(wants("scor"), Gives())
    assert "'scor' in the logs, and the model does not report it. Did you mean 'score'? There are: loss, score." in text


@pytest.mark.parametrize("metrics", [{"kl_loss": None}, None])
def test_a_key_of_validation_without_validation_data_is_an_error_that_suggests_nothing(metrics: Any) -> None:
    text = failed(Needs(), model=FakeModel(metrics=metrics))
    assert text.endswith("it requires 'val_loss' in the logs, and this fit has no validation data.")


def test_where_a_callback_may_add_it_a_missing_key_is_a_warning() -> None:
    class Open(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    class Inherits(Gives):
        """What its base declares tells nothing of its own function."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    message = "requires 'other' in the logs, and the model does not report it, unless open or inherits adds it."
    with pytest.warns(UserWarning, match=message):
        FakeHost(wants("other"), Open(), Inherits(), model=model()).fit()
    with pytest.warns(UserWarning, match="and this fit has no validation data, unless open adds it."):
        FakeHost(wants("val_other"), Open(), model=FakeModel()).fit()


def test_a_function_that_is_no_event_and_what_an_object_declares_leave_the_declaration_as_it_is() -> None:
    class Late(Callback):
        def __init__(self) -> None:
            self.provides = ()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    for other in (Late(), Complete(), type("Named", (Gives,), {"preflight": lambda self: None})()):
        assert "1 error" in failed(wants("other"), other)


def test_what_the_models_own_code_may_add_makes_it_a_warning() -> None:
    class Adapter(FakeModel().__epochal_adapter__(None).__class__):  # type: ignore[misc]
        def keys_are_certain(self) -> bool:
            return False

        def may_log_validation(self) -> bool:
            return True

    class Own(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            return Adapter(self, optimizer)

    for key in ("other", "val_loss"):
        with pytest.warns(UserWarning, match=f"requires '{key}'"):
            FakeHost(wants(key), model=Own(metrics={"loss": None})).fit()


def test_where_the_keys_are_not_known_nothing_is_said() -> None:
    FakeHost(type("Wants", (Complete,), {"requires": ("other",)})(), model=FakeModel()).fit()


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("a", "./a"), ("gs://b/a", "gs://b/a")])
def test_two_that_write_to_one_path_are_a_warning(first: str, second: str) -> None:
    with pytest.warns(UserWarning, match=r"'writes' \(module .* and 'second' \(module .*: both write to '"):
        FakeHost(Writes("x", first), Second(second), model=model()).fit()


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
    assert (
        "it monitors 'val_los', and the model does not report it. Did you mean 'val_loss'? There are: loss, val_loss."
        in text
    )
    assert "unless watcher adds it." in warned(KerasCallback(monitor="val_f1"), Watcher(), validation_steps=1)
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
    text = warned(KerasCallback(filepath="{epoch}-{val_los:.2f}.keras"), validation_steps=1)
    assert (
        "its path '{epoch}-{val_los:.2f}.keras' names 'val_los', and the model does not report it. "
        "Did you mean 'val_loss'?"
    ) in text
    assert "'val_loss', and this fit has no validation data." in warned(KerasCallback(filepath="{val_loss}.keras"))
    FakeHost(
        Complete(), KerasCallback(filepath="{epoch}-{batch}-{val_loss}"), Watcher(filepath="{"), model=model()
    ).fit(validation_steps=1)


def test_a_path_that_a_keras_callback_shares_is_a_warning() -> None:
    assert "both write to './a'" in warned(KerasCallback(filename="a"), Watcher(filename="./a"))
    assert "both write to 'a'" in warned(Writes("a"), KerasCallback(filepath="a"))
    FakeHost(KerasCallback(filename=None, filepath=3), Watcher(filename=""), model=model()).fit()


def test_a_misspelt_event_of_a_keras_callback_is_a_warning() -> None:
    class Misspelt(KerasCallback):
        def on_epoch_ends(self, epoch: int, logs: Any = None) -> None: ...

    text = warned(Misspelt())
    assert text.endswith(
        "it defines 'on_epoch_ends', which is not an event and would never be called. Did you mean 'on_epoch_end'?"
    )
