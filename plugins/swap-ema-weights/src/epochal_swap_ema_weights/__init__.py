"""SwapEMAWeights: evaluates and saves with the moving average of the weights."""

from .swap_ema_weights import SwapEMAWeights

__all__ = ["SwapEMAWeights"]
