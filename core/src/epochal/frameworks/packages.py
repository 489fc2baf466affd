"""The packages of frameworks, as they are imported, with the distributions that bring each."""

from __future__ import annotations

KERAS = ("keras", "tf_keras")
"""The packages with models that have a `fit`."""

DISTRIBUTIONS = {
    "keras": ("keras", "keras-nightly"),
    "tensorflow": (
        "tensorflow",
        "tensorflow-cpu",
        "tensorflow-intel",
        "tensorflow-macos",
        "tensorflow-rocm",
        "tf-nightly",
        "tf-nightly-cpu",
    ),
    "jax": ("jax",),
    "torch": ("torch",),
    "tf_keras": ("tf-keras", "tf-keras-nightly"),
}
"""Every package with the distributions that bring it. Users choose among them, so nothing of ours requires one."""
