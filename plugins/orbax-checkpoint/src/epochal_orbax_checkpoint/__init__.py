"""OrbaxCheckpoint: saves the state of the model with Orbax, in the background."""

from .orbax_checkpoint import OrbaxCheckpoint

__all__ = ["OrbaxCheckpoint"]
