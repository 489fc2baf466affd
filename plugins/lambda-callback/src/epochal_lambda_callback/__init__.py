"""LambdaCallback: makes a callback of functions."""

from .lambda_callback import LambdaCallback

__all__ = ["LambdaCallback"]
