"""What pytest has to know of Keras's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARKERS = (
    "requires_trainable_backend: Keras's mark; every backend that these tests run on can train",
    "multi_device: Keras's mark",
)
_WARNINGS = (  # of Keras, and of what its tests do; ours are errors here too
    "ignore:Do not pass an `input_shape`:UserWarning",
    "ignore:The model does not have any trainable weights:UserWarning",
    # NumPy's, about Keras; pytest.warns passes them on as if they were the test's.
    "ignore:__array__ implementation doesn:DeprecationWarning",
    "ignore:Conversion of an array with ndim > 0:DeprecationWarning",
    "ignore:Implicitly cleaning up <TemporaryDirectory:ResourceWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/conformance/test_keras.py"):
            for warning in _WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from .harness import KERAS_ITSELF, counts
    from .sources import KERAS_VERSION

    told = ", ".join(f"{number} {what}" for what, number in counts().items())
    whose = "Keras's own classes, all as they are; of the table" if KERAS_ITSELF else "our classes"
    terminalreporter.write_line(f"Keras {KERAS_VERSION}'s callback tests, against {whose}: {told}")
