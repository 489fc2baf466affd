"""Which weights a model holds: its own, or the averages that its optimizer keeps of them.

That is a fact about the model and not about a callback. Two callbacks of one run have to agree on it, and so has the
callback that somebody makes anew after a fit was broken off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from epochal.frameworks import ModelAdapter


@dataclass
class Loan:
    """What it takes to give a model its own weights back.

    Attributes:
        optimizer: The optimizer that keeps the averages.
        own: The model's own weights. None: they stand in the optimizer, where the averages were.
        run: The id of the run in which the averages came into the model; None: a bare call of the framework.
        steps: The steps that the optimizer had made then; None if that is not known.
    """

    optimizer: Any
    own: list[Any] | None = None
    run: str | None = None
    steps: int | None = None


_loans: WeakKeyDictionary[Any, Loan] = WeakKeyDictionary()


def loan_of(model: Any) -> Loan | None:
    """Return the loan of a model that holds averages, None for any other."""
    return _loans.get(model)


def exchange(adapter: ModelAdapter, run: str | None = None) -> None:
    """Put the averages into the model, and its own weights in their place: nothing is copied off the device."""
    adapter.swap_averages()
    _loans[adapter.model] = Loan(adapter.optimizer, None, run, adapter.iterations)


def set_aside(adapter: ModelAdapter, run: str | None = None) -> None:
    """Put the averages into the model, and keep them in the optimizer too; the own weights are kept in memory.

    Whatever writes the averages into the model then, as the end of Keras's `fit` does, changes nothing.
    """
    own = adapter.get_weights()
    put_in_for_good(adapter)
    _loans[adapter.model] = Loan(adapter.optimizer, own, run, adapter.iterations)


def put_in_for_good(adapter: ModelAdapter) -> None:
    """Make the averages the model's own weights."""
    adapter.swap_averages()
    adapter.settle_averages()


def note(adapter: ModelAdapter, own: list[Any] | None) -> None:
    """Note that a model whose state comes from a file holds averages, and where its own weights are."""
    _loans[adapter.model] = Loan(adapter.optimizer, own)


def give_back(adapter: ModelAdapter) -> None:
    """Restore the model's own weights, if it does not have them."""
    loan = _loans.get(adapter.model)
    if loan is None:
        return
    if loan.own is None:
        adapter.optimizer = loan.optimizer  # the model may have been compiled anew
        adapter.swap_averages()
    else:
        adapter.set_weights(loan.own)
    forget(adapter.model)


def forget(model: Any) -> None:
    """Take the weights that the model has as its own."""
    _loans.pop(model, None)


def is_untouched(adapter: ModelAdapter, loan: Loan) -> bool:
    """Return whether no step was made and no optimizer loaded since the averages came into the model."""
    expected = loan.steps if adapter.optimizer is loan.optimizer else 0
    return loan.steps is None or adapter.iterations == expected
