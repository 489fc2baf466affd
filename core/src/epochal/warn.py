"""Warnings that point to the line of the user's that led to them."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_INSIDE = ("epochal", "keras", "tf_keras", "tensorflow", "pluggy", "contextlib")
"""The packages that lie between the user's line, `model.fit(…)` for example, and a callback."""


def warn_user(message: str) -> None:
    """Warn, and point to the innermost line that is neither epochal's, a callback package's, nor the framework's.

    Python shows a warning of one text and line once, so a fit in a loop does not repeat it.

    Args:
        message: What is wrong and what to do, in sentences.
    """
    frame: FrameType = sys._getframe(1)
    user = frame
    while _is_inside(user) and user.f_back is not None:
        user = user.f_back
    if _is_inside(user):
        user = frame  # a program of ours; then it is as good as any
    scope = user.f_globals
    warnings.warn_explicit(
        message,
        UserWarning,
        filename=user.f_code.co_filename,
        lineno=user.f_lineno,
        module=scope.get("__name__") or "<unknown>",  # with None nothing is shown
        registry=scope.setdefault("__warningregistry__", {}),
    )


def _is_inside(frame: FrameType) -> bool:
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return package in _INSIDE or package.startswith("epochal_")
