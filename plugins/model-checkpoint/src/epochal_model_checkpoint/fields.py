"""The fields of the path, looked at before training: will each have a value, and one that takes its format?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from epochal import TemplateError
from epochal.forecast import Forecast
from epochal.warn import warn_user

if TYPE_CHECKING:
    from epochal.paths import PathTemplate
    from epochal.saving import SavingCallback

_ADVICE = "Pass validation_data or validation_split, or name a metric of training."


def check_fields(owner: SavingCallback, template: PathTemplate) -> None:
    """Raise for a field that is certain to have no value when the first file is written, and warn of one that may.

    The path is filled whenever saving is due, also where `save_best_only` then keeps the file from being written.

    Raises:
        TemplateError: Saving is certain to fail.
    """
    forecast = Forecast.of(owner)
    if not forecast.trains:
        return
    at_batches = owner.save_freq != "epoch"
    own = ("epoch", "batch") if at_batches else ("epoch",)
    for name in template.fields:
        what = f"ModelCheckpoint: the path {template.text!r} names {name!r},"
        if name in own or forecast.gives(name):
            misfit = template.misfit(name, 1 if name in own else 0.5)
            if misfit:
                is_certain = name in own or (forecast.keys_are_certain and forecast.is_closed_for(name, owner))
                _fail(owner, f"{what} and its value does not take the format: {misfit}.", is_certain)
        if name not in own:
            _check_key(owner, forecast, name, what, at_batches=at_batches)


def _check_key(owner: SavingCallback, forecast: Forecast, name: str, what: str, *, at_batches: bool) -> None:
    missing = forecast.missing(name, owner, at_batches=at_batches)
    if name == "batch" and (missing is not None or forecast.known is None):
        text = f"{what} which has a value only when save_freq is a number of batches."
        _fail(owner, text, missing is not None and missing.is_certain)
        return
    if missing is not None:
        advice = f" {_ADVICE}" if name.startswith("val_") and not missing.instead else ""
        _fail(owner, f"{what} and {missing.why}{missing.unless}.{missing.instead}{advice}", missing.is_certain)
        return
    epoch = forecast.call.first_without() if name.startswith("val_") else None
    if epoch is not None and not at_batches:
        freq = forecast.call.validation_freq
        is_first = forecast.call.epochs is not None and epoch == forecast.call.epochs[0]
        text = f"{what} and with validation_freq={freq!r} it has no value in epoch {epoch + 1}, in which saving fails."
        _fail(owner, text, is_first and forecast.is_closed_for(name, owner))


def _fail(owner: SavingCallback, message: str, is_certain: bool) -> None:
    if is_certain and _saves(owner):
        raise TemplateError(message)
    warn_user(message)


def _saves(owner: SavingCallback) -> bool:
    """Return whether saving is certain to be due in the first epoch."""
    if isinstance(owner.save_freq, str):
        return True
    steps = owner.params.get("steps")
    return steps is not None and steps >= owner.save_freq
