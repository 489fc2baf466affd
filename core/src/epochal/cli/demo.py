"""`epochal demo`: train a small network on real data, and show what ran, in what order and why."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentTypeError
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..console import make_console
from ..errors import EpochalError, MissingDependencyError
from ..files import write_atomic
from ..hosts.keras import evaluate, fit
from .output import print_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import Console

    from ..run import Run

DESCRIPTION = """\
Train a small network to read handwritten digits for some seconds, with the callbacks that are installed, and show what
ran, in which order and why. It needs TensorFlow and scikit-learn: `pip install 'epochal[demo]'`."""

EXAMPLES = {
    "epochal demo": "8 epochs",
    "epochal demo --epochs 2 --out results": "fewer, into another folder",
}

INSTALL = "pip install 'epochal[demo]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--epochs", type=_positive, default=8, metavar="N", help="how many epochs to train (default: 8)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("epochal-demo"),
        metavar="FOLDER",
        help="the folder for the results (default: epochal-demo)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} has to be an int of 1 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Train, evaluate, save and explain."""
    folder: Path = arguments.out
    _check_folder(folder)
    _say(make_console(), "A small network learns to read handwritten digits. Loading TensorFlow takes a moment.")
    keras, datasets = _import()
    images, labels = _digits(datasets)
    train, test = slice(0, 1437), slice(1437, None)
    model = _network(keras)

    path = folder / "results.json"
    path.unlink(missing_ok=True)  # those of an earlier demo
    history = fit(
        model,
        images[train],
        labels[train],
        epochs=arguments.epochs,
        batch_size=32,
        validation_split=0.2,
        verbose="auto",
    )
    metrics = evaluate(model, images[test], labels[test], return_dict=True)

    results = {"history": history.to_rows(), "test": metrics}
    _save(path, results)
    _explain(history.run, metrics, folder)
    return 0


def _import() -> tuple[Any, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _without_notices():
            import keras
            from sklearn import datasets

            keras.ops.zeros(())  # wakes the backend up, which looks for a GPU and says so
    except ImportError as error:
        raise MissingDependencyError(
            f"the demo needs Keras with TensorFlow, and scikit-learn for its data ({error}). Run `{INSTALL}`."
        ) from None
    return keras, datasets


@contextmanager
def _without_notices() -> Iterator[None]:
    """Keep what TensorFlow's C++ side says at its start from being the first thing that the demo shows."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _digits(datasets: Any) -> tuple[Any, Any]:
    """Return scikit-learn's digits: 1,797 hand-written ones of 8 x 8 pixels, scaled to 0 … 1, with their labels."""
    digits = datasets.load_digits()
    return digits.images.astype("float32")[..., None] / 16.0, digits.target


def _network(keras: Any) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EpochalError(
            f"the results cannot go to {str(folder)!r}: {error.strerror}. Choose another with --out."
        ) from None


def _save(path: Path, results: dict[str, Any]) -> None:
    try:
        write_atomic(path, json.dumps(results, indent=1).encode())
    except OSError as error:
        raise EpochalError(f"the results cannot be written to {str(path)!r}: {error.strerror}") from None


def _explain(run: Run, metrics: dict[str, float], folder: Path) -> None:
    run.console.print()
    run.console.print(Text("What ran, in this order", "bold"))
    print_table(run.console, ["callback", "why there"], [[place.name, place.reason] for place in run.order])
    run.console.print()
    assert run.outcome is not None
    _say(run.console, f"The run {run.outcome.status}. {_sentence(metrics)}")
    _say(run.console, f"The metrics of every epoch are in {folder / 'results.json'}.")


def _say(console: Console, text: str) -> None:
    """Print a sentence; only a terminal has an edge to break it at."""
    console.print(Text(text), soft_wrap=not console.is_terminal)


def _sentence(metrics: dict[str, float]) -> str:
    return f"On 360 digits that it never saw the network is right {metrics['accuracy']:.1%} of the time."
