"""The fixtures that pytest finds by itself; nothing else of pytest is touched, and nothing is imported for them before.

Only what asks for a fixture gets one, so the tests of others run as if the plugin were not there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .host import FakeHost
    from .model import FakeModel
    from .recorder import Recorder


@pytest.fixture
def epochal_isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in `tmp_path`, without settings of the surroundings; gives it.

    No variable of epochal is set, and the config file of the project does not count; an `epochal.toml` that the test
    writes there does.
    """
    for name in [name for name in os.environ if name.startswith("EPOCHAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def epochal_model() -> FakeModel:
    """Return a `FakeModel` with weights, averages of them, a learning rate and metrics."""
    from .checks.subject import standard_model

    return standard_model()


@pytest.fixture
def epochal_recorder() -> Recorder:
    """Return a `Recorder` of all events, behind all other callbacks."""
    from .recorder import Recorder

    return Recorder(priority=10**9)


@pytest.fixture
def epochal_host(
    epochal_isolated: Path, epochal_model: FakeModel, epochal_recorder: Recorder
) -> Callable[..., FakeHost]:
    """Return a function that makes a `FakeHost` of callbacks, with `epochal_model` and `epochal_recorder`.

    Its arguments are those of `FakeHost`.
    """
    from .host import FakeHost

    def make(*callbacks: Any, **arguments: Any) -> FakeHost:
        return FakeHost(*callbacks, epochal_recorder, **{"model": epochal_model, **arguments})

    return make
