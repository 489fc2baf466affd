"""`epochal run` with real Keras: the numbers are those of the script alone, and every call has the active callbacks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

SAME = """
import json, sys
import keras
import numpy as np
import tensorflow as tf
from keras import Model
from tests.recording import KerasRecorder

random = np.random.default_rng(3)
x = random.normal(size=(40, 4)).astype("float32")
y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
found = {}

def note(title, call, model):
    recorder = KerasRecorder()
    result = call([recorder])
    if isinstance(result, keras.callbacks.History):
        assert result is model.history
        result = {"epoch": result.epoch, "history": result.history, "params": result.params}
    weights = [weight.tolist() for weight in model.get_weights()]
    found[title] = [np.asarray(result).tolist() if isinstance(result, np.ndarray) else result, recorder.calls, weights]

def compiled(model, **more):
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], **more)
    return model

def sequential():
    keras.utils.set_random_seed(7)
    layers = [keras.layers.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(1, activation="sigmoid")]
    return compiled(keras.Sequential(layers))

def functional():
    keras.utils.set_random_seed(7)
    inputs = keras.layers.Input((4,))
    return compiled(Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs)))

class Stepping(Model):
    def __init__(self):
        super().__init__()
        keras.utils.set_random_seed(7)
        self.dense = keras.layers.Dense(1, activation="sigmoid")
    def call(self, x):
        return self.dense(x)
    def train_step(self, data):
        logs = super().train_step(data)
        return {**logs, "twice": 2 * logs["loss"]}

class Extra(keras.callbacks.Callback):
    seen = []
    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, {**logs}))

class OwnFit(keras.Sequential):
    def fit(self, *args, callbacks=None, **kwargs):
        return super().fit(*args, callbacks=list(callbacks) + [Extra()], **kwargs)

class Predicting(keras.callbacks.Callback):
    sums = []
    def on_epoch_end(self, epoch, logs=None):
        self.sums.append(float(self.model.predict(x, verbose=0).sum()))
        self.sums.append(self.model.evaluate(x, y, verbose=0, return_dict=True))

model = sequential()
note("arrays", lambda c: model.fit(x, y, 10, 3, 0, c, 0.25), model)
valid = {"verbose": 0, "validation_data": (x, y)}
note("again", lambda c: model.fit(x, y, epochs=5, initial_epoch=3, callbacks=c, **valid), model)
note("evaluate", lambda c: model.evaluate(x, y, verbose=0, callbacks=c), model)
note("evaluate as a dict", lambda c: model.evaluate(x, y, verbose=0, callbacks=c, return_dict=True), model)
note("predict", lambda c: model.predict(x, verbose=0, callbacks=c), model)
model = functional()
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
note("dataset", lambda c: model.fit(data, epochs=2, verbose=0, callbacks=c, validation_data=data), model)
stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=9.0, restore_best_weights=True)
note("stopped", lambda c: model.fit(x, y, epochs=9, verbose=0, callbacks=[*c, stop, Predicting()]), model)
model = compiled(Stepping())
note("own step", lambda c: model.fit(x, y, epochs=2, verbose=0, callbacks=c), model)
model = compiled(OwnFit([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")]), steps_per_execution=2)
note("own fit", lambda c: model.fit(x, y, batch_size=9, epochs=2, verbose=0, callbacks=c, validation_split=0.2), model)
model = sequential()
generator = ((x[:8], y[:8]) for _ in range(6))
note("generator", lambda c: model.fit(generator, steps_per_epoch=3, epochs=2, verbose=0, callbacks=c), model)
print(model.train_on_batch(x, y))
with open(sys.argv[1], "w") as file:
    json.dump([found, Extra.seen, Predicting.sums, stop.stopped_epoch], file, default=float)
"""


def run(folder: Path, *words: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        env={**kept, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_the_numbers_are_those_of_the_script_alone(tmp_path: Path) -> None:
    (tmp_path / "same.py").write_text(SAME)
    alone = run(tmp_path, "same.py", "alone.json")
    driven = run(
        tmp_path,
        *("-m", "epochal", "run", "--enable", "terminate_on_nan", "--set", "csv_logger.filename=log.csv"),
        *("same.py", "driven.json"),
    )
    expected, found = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("alone", "driven"))
    assert found[0].keys() == expected[0].keys()
    for title, values in expected[0].items():
        assert found[0][title] == values, title
    assert found[1:] == expected[1:]
    assert len(found[1]) == 2
    assert driven.stdout == alone.stdout
    assert (tmp_path / "log.csv").read_text().startswith("epoch,accuracy,loss\n0,")  # the last fit's


MANY = """
import threading
import epochal
import keras
import numpy as np
import tensorflow as tf

x, y = np.random.default_rng(3).normal(size=(40, 4)), np.ones((40, 1))
model = tf.keras.Sequential([tf.keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "mse")

def show(title, history):
    print("RUN", title, *history.run.callbacks)

class LowerLoss(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["lower"] = 0.5 * logs["loss"]

history = model.fit(x, y, verbose=2, callbacks=[LowerLoss()])
show("theirs", history)
assert list(history.history) == ["loss", "lower"], history.history
show("bar", model.fit(x, y, callbacks=[keras.callbacks.ProgbarLogger()]))
show("history", model.fit(x, y, verbose=0, callbacks=[keras.callbacks.History()]))
show("twice", model.fit(x, y, verbose=0, callbacks=[
    keras.callbacks.EarlyStopping("loss"), keras.callbacks.TerminateOnNaN(), keras.callbacks.TensorBoard("theirs")]))
show("epochal.fit", epochal.fit(model, x, y, verbose=0))
show("epochal.callbacks", model.fit(x, y, verbose=0, callbacks=epochal.callbacks()))
thread = threading.Thread(target=lambda: show("thread", model.fit(x, y, verbose=0)))
thread.start()
thread.join()
import tf_keras
other = tf_keras.Sequential([tf_keras.layers.Dense(1)])
other.compile("sgd", "mse")
for _ in range(2):
    assert type(other.fit(x, y, verbose=0)) is tf_keras.callbacks.History
"""


def test_every_call_has_the_active_callbacks_and_the_scripts_own(tmp_path: Path) -> None:
    (tmp_path / "many.py").write_text(MANY)
    (tmp_path / "epochal.toml").write_text('[callbacks.early_stopping]\nmonitor = "loss"\nmin_delta = 0.1\n')
    done = run(
        tmp_path,
        *("-m", "epochal", "run", "--enable=terminate_on_nan", "--set", "tensorboard.log_dir=ours"),
        *("--set", "early_stopping.patience=4", "--profile", "many.py"),
    )
    found = dict(line.removeprefix("RUN ").split(" ", 1) for line in done.stdout.splitlines() if line.startswith("RUN"))
    ours = "base_logger history early_stopping terminate_on_nan progbar_logger tensorboard"
    assert found == {
        "theirs": ours.replace("history", "history lower_loss"),
        "bar": ours.replace("history", "history progbar_logger").removesuffix("progbar_logger tensorboard")
        + "tensorboard",
        "history": ours.replace("history", "history history#2"),
        "twice": "base_logger history early_stopping terminate_on_nan tensorboard progbar_logger",
        "epochal.fit": ours,
        "epochal.callbacks": ours,
        "thread": ours,
    }
    assert (tmp_path / "theirs").is_dir()
    assert (tmp_path / "ours").is_dir()
    assert done.stdout.count("Epoch 1/1") == 1
    assert "━━━" in done.stdout  # Keras's own bar
    for place in ("epochal.toml, line 1, callbacks.early_stopping", "--enable terminate_on_nan", "--set tensorboard"):
        assert f"so {place}" in done.stderr
    assert done.stderr.count("the models of tf_keras are not driven") == 1


END = """
import os, signal, sys
import keras
import numpy as np

class Sending(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))

signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell begins in the background ignores it
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
try:
    model.fit(np.ones((40, 2)), np.ones(40), batch_size=4, epochs=9, verbose=0, callbacks=[Sending()])
finally:
    print("finally", len(model.history.epoch))
print("never")
"""
TELLER = """
import epochal

class Teller(epochal.Callback):
    def on_run_end(self, outcome):
        print(outcome.status, outcome.reason, flush=True)
"""


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("SIGINT", 130, ["interrupted Ctrl-C", "finally 0"]),
        ("SIGTERM", -signal.SIGTERM, ["interrupted SIGTERM"]),
    ],
)
def test_a_signal_ends_run_and_script(name: str, code: int, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "end.py").write_text(END)
    (tmp_path / "teller.py").write_text(TELLER)
    done = run(tmp_path, "-m", "epochal", "run", "--enable", "teller:Teller", "-m", "end", name, code=code)
    assert done.stdout.splitlines() == expected
    if name == "SIGINT":
        assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
        assert f'File "{tmp_path / "end.py"}", line 15, in <module>' in done.stderr


def test_a_plan_trains_nothing(tmp_path: Path) -> None:
    (tmp_path / "many.py").write_text(MANY)
    done = run(tmp_path, "-m", "epochal", "run", "--plan", "--enable=early_stopping", "many.py")
    assert "lower_loss" in done.stdout
    assert "given in code as number 1" in done.stdout
    assert "Epoch 1/1" not in done.stdout
    assert "RUN" not in done.stdout
    assert "epochal" not in done.stderr


def test_what_the_script_says_before_it_imports_keras_holds(tmp_path: Path) -> None:
    begin = "import os, sys\nassert not {'keras', 'tensorflow', 'numpy'} & {*sys.modules}\n"
    (tmp_path / "early.py").write_text(f"{begin}os.environ['KERAS_BACKEND'] = 'nonsense'\nimport keras\n")
    names = "early_stopping,terminate_on_nan,model_checkpoint,swap_ema_weights,reduce_lr_on_plateau"
    options: list[Any] = ["--enable", names, "--set", "model_checkpoint.filepath=a.keras"]
    done = run(tmp_path, "-m", "epochal", "run", *options, "early.py", code=1)
    assert "nonsense" in done.stderr.splitlines()[-1]
