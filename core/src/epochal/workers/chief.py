"""Which of several processes that train together writes files and draws."""

from __future__ import annotations

import json
import os
import sys


def is_chief() -> bool:
    """Return whether this process is the one that writes files and draws, of those that train together.

    Read from what the frameworks themselves read: `TF_CONFIG` (TensorFlow), the process index (JAX), `RANK`
    (PyTorch, as set by torchrun). Alone means chief.
    """
    config = os.environ.get("TF_CONFIG")
    if config:
        return _is_tensorflow_chief(config)
    jax = sys.modules.get("jax")
    if jax is not None and _keras_backend() == "jax":
        return bool(jax.process_index() == 0)
    return os.environ.get("RANK", "0") == "0"


def _is_tensorflow_chief(config: str) -> bool:
    """Follow TensorFlow's rule: the chief (or master) if there is one, else worker 0."""
    parsed = json.loads(config)
    task, cluster = parsed.get("task") or {}, parsed.get("cluster") or {}
    kind = task.get("type", "")
    if "chief" in cluster or "master" in cluster:
        return kind in ("chief", "master")
    return not kind or (kind == "worker" and int(task.get("index", 0)) == 0)


def _keras_backend() -> str | None:
    keras = sys.modules.get("keras")
    return keras.config.backend() if keras is not None else None
