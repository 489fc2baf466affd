"""`epochal run` with a made-up Keras: what is driven, with which callbacks, and what is told before anything trains."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Site

KERAS = """
import os
__version__ = "3.0"
import keras.callbacks as callbacks
from keras.callbacks import CallbackList
print("keras is imported", os.environ.get("KERAS_BACKEND", ""))

def listed(model, callbacks, verbose, epochs):
    if isinstance(callbacks, CallbackList):
        return callbacks
    return CallbackList(callbacks, True, verbose != 0, model, verbose=verbose, epochs=epochs, steps=1)

class Model:
    stop_training = False
    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, validation_data=None):
        "Train."
        callbacks = listed(self, callbacks, verbose, epochs)
        callbacks.on_train_begin()
        for epoch in range(epochs):
            callbacks.on_epoch_begin(epoch)
            callbacks.on_train_batch_begin(0)
            callbacks.on_train_batch_end(0, {"loss": 0.5})
            logs = {"loss": 0.5}
            if validation_data is not None:
                logs["val_loss"] = self.evaluate(validation_data, callbacks=callbacks, _use_cached_eval_dataset=True)
            callbacks.on_epoch_end(epoch, logs)
        callbacks.on_train_end(logs)
        return self.history
    def evaluate(self, x=None, y=None, verbose="auto", callbacks=None, **kwargs):
        callbacks = listed(self, callbacks, verbose, 1)
        callbacks.on_test_begin()
        callbacks.on_test_end({"loss": 0.25})
        return 0.25
    def predict(self, x, verbose="auto", callbacks=None):
        callbacks = listed(self, callbacks, verbose, 1)
        callbacks.on_predict_begin()
        callbacks.on_predict_end({})
        return x
    def train_on_batch(self, x):
        return x
"""
KERAS_CALLBACKS = """
class Callback:
    params = model = None
    def set_params(self, params): self.params = params
    def set_model(self, model): self.model = model

EVENTS = ["on_epoch_begin", "on_epoch_end"]
EVENTS += [f"on_{s}_batch_{e}" for s in ("train", "test", "predict") for e in ("begin", "end")]
for event in EVENTS:
    setattr(Callback, event, lambda self, index, logs=None: None)
for event in [f"on_{s}_{e}" for s in ("train", "test", "predict") for e in ("begin", "end")]:
    setattr(Callback, event, lambda self, logs=None: None)

class History(Callback):
    def set_model(self, model): model.history = self

class ProgbarLogger(Callback):
    def on_train_begin(self, logs=None): print("Keras's own bar")

class EarlyStopping(Callback): ...

class CallbackList(Callback):
    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        self.callbacks = [*callbacks] if callbacks else []
        for kind, wanted in ((History, add_history), (ProgbarLogger, add_progbar)):
            if wanted and not any(isinstance(each, kind) for each in self.callbacks):
                self.callbacks.append(kind())
        for each in self.callbacks:
            each.set_model(model)
            each.set_params(params)

def passing(event):
    return lambda self, *values: [getattr(each, event)(*values) for each in self.callbacks] and None
for event in [name for name in dir(Callback) if name.startswith("on_")]:
    setattr(CallbackList, event, passing(event))
"""
TELLER = """
import epochal

class Teller(epochal.Callback):
    def __init__(self, mark="", number=0):
        self.mark = mark
    def on_run_begin(self):
        print("begin", self.run.stage, *self.run.callbacks, self.mark)
    def on_run_end(self, outcome):
        print("end", outcome.status)
    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, logs)

class EarlyStopping(Teller):
    ...
"""
THEIRS = """
import keras

class Theirs(keras.callbacks.Callback):
    def __init__(self, number: int = 0):
        print("theirs", number)
"""


class Scripts:
    """A folder for scripts, and what is installed for them."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder
        self.site = site

    def run(self, script: str, *options: str, code: int = 0, **environment: str) -> list[str]:
        """Run a script with options of epochal's; give the lines of its output, those of its errors last."""
        (self.folder / "train.py").write_text(script)
        return self.call([sys.executable, "-m", "epochal", "run", *options, "train.py", "--own"], code, **environment)

    def call(self, words: list[str], code: int = 0, **environment: str) -> list[str]:
        source = os.path.dirname(os.path.dirname(sys.modules["epochal"].__file__ or ""))
        path = os.pathsep.join([str(self.site.folder), source])
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
        done = subprocess.run(
            words,
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            env={**kept, "PYTHONPATH": path, "EPOCHAL_AUTOLOAD": "0", **environment},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return [*done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.fixture
def scripts(site: Site, tmp_path: Path) -> Scripts:
    site.pinned()
    site.package("keras", KERAS)
    (site.folder / "keras/callbacks.py").write_text(KERAS_CALLBACKS)
    site.package("tellers", TELLER)
    site.package("theirs", THEIRS)
    site.distribution("tellers", callbacks={"teller": "tellers:Teller"})
    site.distribution("epochal-early-stopping", callbacks={"early_stopping": "tellers:EarlyStopping"})
    site.distribution("theirs", callbacks={"theirs": "theirs:Theirs"})
    (tmp_path / "scripts").mkdir()
    return Scripts(tmp_path / "scripts", site)


IMPORT = "keras is imported "
ACTIVE = "base_logger history teller"
FIT = [f"begin train {ACTIVE} ", "epoch 0 {'loss': 0.5}", "end completed"]


def test_every_call_of_every_model_is_a_run(scripts: Scripts) -> None:
    lines = scripts.run(
        """
import keras
from keras import Model
class Step(Model):
    def train_step(self, data): ...
model = Model()
history = model.fit(epochs=2, validation_data=0)
print(type(history).__name__, isinstance(history, keras.callbacks.History), history is model.history, history.epoch)
print(Step().evaluate(verbose=0), Step().predict(7), Model.predict(model, x=8), Model().train_on_batch(9))
""",
        "--enable=teller",
    )
    losses = {"loss": 0.5, "val_loss": 0.25}
    assert lines == [
        IMPORT,
        f"begin train {ACTIVE} ",
        f"epoch 0 {losses}",
        f"epoch 1 {losses}",
        "end completed",
        "History True True [0, 1]",
        *[line for stage in ("test", "predict", "predict") for line in (f"begin {stage} {ACTIVE} ", "end completed")],
        "0.25 7 8 9",
    ]


def test_without_options_nothing_but_the_active_ones_run(scripts: Scripts) -> None:
    assert scripts.run("import keras; print(*keras.Model().fit().run.callbacks)") == [IMPORT, "base_logger history"]


@pytest.mark.parametrize(
    "given",
    [
        "callbacks=[Mine()]",
        "callbacks=Mine()",
        "callbacks={'a': Mine()}",
        "callbacks=(None, [Mine()])",
        "callbacks=keras.callbacks.CallbackList([Mine()])",
        "None, None, None, 1, 'auto', [Mine()]",
    ],
)
def test_the_scripts_own_callbacks_take_their_place(given: str, scripts: Scripts) -> None:
    mine = (
        "class Mine(keras.callbacks.Callback):\n    def on_train_begin(self, logs=None): print('mine', self.params)\n"
    )
    lines = scripts.run(f"import keras\n{mine}keras.Model().fit({given})", "--enable", "teller")
    begin, told, *rest = lines[1:]
    assert begin == "begin train base_logger history mine teller "
    assert told == "mine {'verbose': 'auto', 'epochs': 1, 'steps': None}"
    assert rest == FIT[1:]


OWN_FIT = """
import keras
class Extra(keras.callbacks.Callback): ...
class Own(keras.Model):
    def fit(self, *args, callbacks=None, **kwargs):
        return super().fit(*args, callbacks={}, **kwargs)
Own().fit(callbacks=[keras.callbacks.Callback()])
"""


@pytest.mark.parametrize(
    "join", ["callbacks", "list(callbacks) + [Extra()]", "callbacks + [Extra()]", "[Extra()] + callbacks"]
)
def test_a_models_own_fit_sees_the_scripts_callbacks_and_is_driven_below(join: str, scripts: Scripts) -> None:
    lines = scripts.run(OWN_FIT.format(join), "--enable", "teller")
    names = {"callbacks": ["callback"], "[Extra()] + callbacks": ["extra", "callback"]}.get(join, ["callback", "extra"])
    assert lines[1:] == [f"begin train base_logger history {' '.join(names)} teller ", *FIT[1:]]


def test_a_fit_that_never_calls_keras_drives_its_validation_itself(scripts: Scripts) -> None:
    lines = scripts.run(
        """
import keras
class Own(keras.Model):
    def fit(self, callbacks=None):
        listed = keras.callbacks.CallbackList(callbacks, add_history=True, model=self)
        listed.on_train_begin()
        return self.evaluate(0, callbacks=listed)
print(Own().fit())
""",
        "--enable",
        "teller",
    )
    assert lines == [IMPORT, "0.25"]


def test_a_callback_that_is_installed_between_two_fits_is_found(scripts: Scripts) -> None:
    scripts.site.package("mine", "import epochal\nclass Mine(epochal.Callback): ...")
    lines = scripts.run(
        """
import keras, mine
from pathlib import Path
print(*keras.Model().fit(callbacks=[mine.Mine()]).run.callbacks)
metadata = Path(mine.__file__).parents[1] / "later-1.0.dist-info"
metadata.mkdir()
(metadata / "METADATA").write_text("Metadata-Version: 2.1\\nName: later\\nVersion: 1.0\\n")
(metadata / "entry_points.txt").write_text("[epochal.callbacks]\\nlater = mine:Mine\\n")
print(*keras.Model().fit(callbacks=[mine.Mine()]).run.callbacks)
"""
    )
    assert lines == [IMPORT, "base_logger history mine", "base_logger history later"]


def test_what_epochal_drives_already_is_not_driven_twice(scripts: Scripts) -> None:
    lines = scripts.run(
        """
import epochal, keras
model = keras.Model()
epochal.fit(model, validation_data=0)
model.fit(callbacks=epochal.callbacks())
model.fit(callbacks=[keras.callbacks.Callback(), epochal.callbacks()][::-1][0] + [keras.callbacks.Callback()])
class Own(keras.Model):
    def fit(self, callbacks=None):
        return super().fit(callbacks=list(callbacks))
epochal.fit(Own())
""",
        "--enable",
        "teller",
    )
    assert [line.split()[0] for line in lines[1:]] == ["begin", "epoch", "end"] * 4


def test_it_does_not_matter_how_keras_is_imported(scripts: Scripts) -> None:
    fit = "keras.Model().fit()\n"
    thread = "import threading\ndef work():\n    import keras; keras.Model().fit()\n"
    ways = {
        "looked for before": "import importlib.util as u; assert u.find_spec('keras')\nimport keras; " + fit,
        "in a thread": thread + "t = threading.Thread(target=work); t.start(); t.join()",
        "in a thread that outlives the script": thread + "threading.Thread(target=work).start()",
        "executed again": "import importlib, keras; importlib.reload(keras); " + fit,
        "a module of it": "import keras.callbacks; " + fit,
    }
    for way, script in ways.items():
        assert [line for line in scripts.run(script, "--enable", "teller") if line != IMPORT] == FIT, way
    begin = "import keras; from epochal.cli import main; main(['run', '--enable', 'teller', 'train.py'])"
    (scripts.folder / "train.py").write_text(f"import keras; {fit}")
    assert scripts.call([sys.executable, "-c", begin]) == [IMPORT, *FIT]


def test_the_methods_look_as_before(scripts: Scripts) -> None:
    script = "import inspect, keras; f = keras.Model.fit; print(f.__doc__, f.__qualname__, inspect.signature(f))"
    assert scripts.run(script)[1].startswith("Train. Model.fit (self, x=None, y=None, batch_size=None, epochs=1,")


def test_nothing_is_imported_that_the_script_does_not_import(scripts: Scripts) -> None:
    (scripts.folder / "own.py").write_text("print('own')")
    script = "import sys; print({'keras', 'theirs', 'own', 'numpy', 'tensorflow'} & {*sys.modules})"
    options = ["--enable", "theirs", "--set", "own:Callback.x=own:b", "--set", "teller.mark=own:b"]
    assert scripts.run(script, *options) == ["set()"]


def test_a_callback_that_needs_keras_waits_for_what_the_script_says_of_it(scripts: Scripts) -> None:
    begin = "import os; os.environ['KERAS_BACKEND'] = 'jax'\nprint('script')\nimport keras; "
    lines = scripts.run(f"{begin}print(*keras.Model().fit().run.callbacks)", "--set", "theirs.number=3")
    assert lines == ["script", "keras is imported jax", "theirs 3", "base_logger history theirs"]
    lines = scripts.run(f"{begin}keras.Model().fit()", "--set", "theirs.number=x", code=1)
    assert lines == [
        "script",
        "keras is imported jax",
        "epochal: the settings have a mistake:",
        "  --set theirs.number: int is expected, and 'x' (str) stands there.",
    ]


# The options


def test_values_and_instances_are_set(scripts: Scripts) -> None:
    script = "import keras; keras.Model().predict(0)"
    lines = scripts.run(script, "--set", "teller.mark=a = b", "--set=teller#2.mark='2'", "--set", "teller.number=3")
    assert lines[1:3] == [f"begin predict {ACTIVE} teller#2 {mark}" for mark in ("a = b", "2")]


def test_the_command_line_is_above_the_environment_and_that_above_the_file(scripts: Scripts) -> None:
    script = "import keras; print(*keras.Model().fit().run.callbacks)"
    (scripts.folder / "epochal.toml").write_text("enable = ['early_stopping']\n[callbacks.teller]\nmark = 'file'\n")
    assert scripts.run(script)[1] == "begin train base_logger history early_stopping teller "
    lines = scripts.run(script, "--disable", "early_stopping", "--set", "teller.mark=set")
    assert lines[1] == f"begin train {ACTIVE} set"
    lines = scripts.run(script, "--enable", "teller", EPOCHAL_DISABLE="teller,early_stopping")
    assert lines[1] == f"begin train {ACTIVE} file"
    other = scripts.folder / "other.toml"
    other.write_text("[callbacks.teller]\nmark = 'other'\n")
    assert scripts.run(script, "--config", "other.toml", EPOCHAL_CONFIG="nowhere")[1] == f"begin train {ACTIVE} other"
    moved = "import os; os.chdir('/'); " + script
    assert scripts.run(moved, "--config=other.toml")[1] == f"begin train {ACTIVE} other"
    assert scripts.run(moved, EPOCHAL_CONFIG="other.toml")[1] == f"begin train {ACTIVE} other"
    assert scripts.run(moved)[-1] == "base_logger history early_stopping teller"
    assert scripts.run(script, EPOCHAL_CONFIG="")[1:] == ["base_logger history"]
    assert scripts.run(script, "--config", "")[1:] == ["base_logger history"]


def test_all_mistakes_are_told_before_the_script_begins(scripts: Scripts) -> None:
    (scripts.folder / "epochal.toml").write_text("[callbacks.teller]\nmrak = 'a'\n[callbacks.nothing]\n")
    options = ["--enable", "early_stoping", "--disable", "history", "--set", "theirs#9.number=1", "--enable", "a:B"]
    lines = scripts.run("print('never')", *options, "--config", "epochal.toml", code=1)
    assert lines[0] == "epochal: the settings have 6 mistakes:"
    expected = [
        "--set theirs#9.number: there is no instance 'theirs#9'",
        "epochal.toml, line 3, callbacks.nothing: no installed callback has the name 'nothing'.",
        "--enable early_stoping: no installed callback has the name 'early_stoping'. Did you mean 'early_stopping'?",
        "--disable history: 'history' is pinned",
        "epochal.toml, line 2, callbacks.teller.mrak: Teller has no parameter 'mrak'. Did you mean 'mark'?",
        "--enable a:B: 'a:B' cannot be imported, because there is no package 'a'.",
    ]
    found = {line.strip() for line in lines[1:]}
    assert len(found) == 6
    assert all(any(line.startswith(begin) for line in found) for begin in expected), found
    assert "cannot be read" in scripts.run("print('never')", "--config", "no.toml", code=1)[1]


def test_what_only_a_run_can_know_is_told_in_a_sentence_too(scripts: Scripts) -> None:
    source = "import epochal\nclass Picky(epochal.Callback):\n    def preflight(self): raise ValueError('no disk')\n"
    scripts.site.package("picky", source)
    scripts.site.distribution("picky", callbacks={"picky": "picky:Picky"})
    lines = scripts.run("import keras\nprint(1)\nkeras.Model().fit()", "--enable", "picky", code=1)
    assert lines[1] == "1"
    assert lines[2].startswith("epochal: nothing has been trained, because of")
    assert "Traceback" not in " ".join(lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--enabel", "teller"], "unrecognized arguments: --enabel"),
        (["--enab", "teller"], "unrecognized arguments: --enab"),
        (["--set", "teller=3"], "'teller=3' is not of the form name.parameter=value"),
        (["--set", "teller.mark"], "'teller.mark' is not of the form"),
        (["--set", ".mark=3"], "'.mark=3' is not of the form"),
        (["--set", "teller.=3"], "'teller.=3' is not of the form"),
        (["--set", "teller.2=3"], "'teller.2=3' is not of the form"),
    ],
)
def test_a_wrong_option_is_told_with_the_usage(options: list[str], message: str, scripts: Scripts) -> None:
    lines = scripts.run("print('never')", *options, code=2)
    assert lines[0].startswith("usage: epochal")
    assert message in lines[-1]


def test_a_script_has_to_be_given(scripts: Scripts) -> None:
    for words in ([], ["--plan"], ["--enable", "teller"], ["--enable"], ["-m"], ["--"]):
        lines = scripts.call([sys.executable, "-m", "epochal", "run", *words], 2)
        assert lines[-1].startswith("epochal run: error: "), words


def test_two_dashes_may_stand_before_the_script_and_are_the_scripts_behind_it(scripts: Scripts) -> None:
    (scripts.folder / "--plan").write_text("import sys; print(sys.argv)")
    command = [sys.executable, "-m", "epochal", "run", "--", "--plan", "--", "-x"]
    assert scripts.call(command) == ["['--plan', '--', '-x']"]


# Callbacks that are there twice


def test_a_callback_of_the_scripts_replaces_the_settings_own_of_its_name(scripts: Scripts) -> None:
    script = "import keras, tellers\nprint(*keras.Model().fit(callbacks=[{}]).run.callbacks)"
    for given in ("keras.callbacks.EarlyStopping()", "tellers.EarlyStopping()"):
        lines = scripts.run(script.format(given), "--enable", "early_stopping")
        assert "base_logger history early_stopping" in lines
        (warning,) = (line for line in lines if "UserWarning" in line)
        path = scripts.folder / "train.py"
        message = "the code gives its own 'early_stopping', so --enable early_stopping is not used."
        assert warning == f"{path}:2: UserWarning: {message}"
    lines = scripts.run(script.format("keras.callbacks.EarlyStopping()"), "--disable", "early_stopping")
    assert lines[1] == "base_logger history"
    assert "that the code gives is left out: --disable early_stopping switches it off" in lines[2]
    lines = scripts.run(script.format("keras.callbacks.History()"))
    assert lines[1:] == ["base_logger history history#2"]


# --plan


def test_a_plan_is_shown_at_the_first_run_and_nothing_is_trained(scripts: Scripts) -> None:
    begin = "import epochal, keras\nprint('begin')\nclass Mine(keras.callbacks.Callback): ...\n"
    calls = {
        "fit": "keras.Model().fit(callbacks=[Mine()])",
        "evaluate": "keras.Model().evaluate(callbacks=[Mine()])",
        "ours": "epochal.fit(keras.Model(), callbacks=[Mine()])",
        "bare": "keras.Model().fit(callbacks=epochal.callbacks(Mine()))",
        "loop": "with epochal.loop(object(), callbacks=[Mine()]): print('never')",
        "kept": "try:\n    keras.Model().fit(callbacks=[Mine()])\nexcept BaseException: keras.Model().predict(0)",
        "caught": "try:\n    keras.Model().fit(callbacks=[Mine()])\nexcept BaseException: 1 / 0",
    }
    for way, call in calls.items():
        lines = scripts.run(f"{begin}{call}\nprint('never')", "--plan", "--enable", "teller")
        text = "\n".join(lines)
        assert lines[:2] == [IMPORT, "begin"], way
        assert "mine" in text, way
        assert "given in code as number 1" in text, way
        assert "never" not in text, way
        assert "begin train" not in text, way


def test_a_program_without_a_run_has_no_plan(scripts: Scripts) -> None:
    message = "epochal: 'train.py' ended before any fit, evaluate or predict, so there is no plan"
    assert scripts.run("print(1)", "--plan", code=1) == ["1", message]
    assert scripts.run("raise SystemExit(3)", "--plan", code=3) == [message]
    assert scripts.run("raise SystemExit", "--plan", code=1) == [message]
    assert scripts.run("1 / 0", "--plan", code=1)[-1] == message


def test_a_plan_with_a_mistake_in_the_code_tells_it(scripts: Scripts) -> None:
    wrong = "class Mine(epochal.Callback):\n    def on_epoch_end(self): ...\n"
    lines = scripts.run(f"import epochal, keras\n{wrong}keras.Model().fit(callbacks=[Mine()])", "--plan", code=1)
    assert any("on_epoch_end" in line and "by position" in line for line in lines)


# What is not driven


def test_models_of_tf_keras_are_not_driven_which_is_said_once(scripts: Scripts) -> None:
    scripts.site.package("tf_keras", KERAS.replace("keras.callbacks", "tf_keras.callbacks"))
    (scripts.site.folder / "tf_keras/callbacks.py").write_text(KERAS_CALLBACKS)
    script = "import tf_keras\nmodel = tf_keras.Model()\nmodel.fit(epochs=1)\nmodel.fit(verbose=0)\nmodel.predict(0)"
    lines = scripts.run(script, "--enable", "teller")
    assert lines[:2] == [IMPORT, "Keras's own bar"]
    assert sum("the models of tf_keras are not driven by `epochal run`" in line for line in lines) == 1
    assert lines[2].startswith(f"{scripts.folder / 'train.py'}:3: UserWarning")
    lines = scripts.run(script, "--plan", code=1)
    assert lines[-1] == "epochal: the models of tf_keras are not driven by `epochal run`, so there is no plan"
    assert "Keras's own bar" not in lines


def test_a_package_that_only_has_its_name_is_left_alone(scripts: Scripts) -> None:
    (scripts.folder / "keras.py").write_text("class Model:\n    fit = 3")
    assert scripts.run("import keras; print(keras.Model.fit)") == ["3"]
    folder = """
import sys
from importlib.machinery import ModuleSpec
class Folders:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, None, is_package=True)
sys.meta_path.insert(1, Folders())
import keras
print(keras.__path__, hasattr(keras, "Model"))
"""
    assert scripts.run(folder) == ["[] False"]


def test_finders_of_the_old_kind_are_passed_over(scripts: Scripts) -> None:
    script = """
import sys
class Old:
    def find_module(self, name, path=None): ...
sys.meta_path.insert(1, Old())
import keras
keras.Model().fit()
"""
    assert scripts.run(script, "--enable", "teller") == [IMPORT, *FIT]


# Errors


def test_an_error_of_the_scripts_is_shown_as_python_shows_it(scripts: Scripts) -> None:
    script = """
import keras
class Bad(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise ValueError("bad")
keras.Model().fit(callbacks=[Bad()])
"""
    lines = scripts.run(script, "--enable", "teller", code=1)
    assert "end failed" in lines
    trace = lines[lines.index("Traceback (most recent call last):") :]
    assert trace[1] == f'  File "{scripts.folder / "train.py"}", line 6, in <module>'
    assert "ValueError: bad" in trace
    assert [line.partition(", in ")[2] for line in trace if "File" in line][-1] == "on_epoch_end"
    assert not [line for line in trace if f"epochal{os.sep}" in line]


def test_an_error_of_epochals_own_keeps_its_lines(scripts: Scripts) -> None:
    lines = scripts.run("import keras\nkeras.Model().fit(callbacks=[keras.callbacks.EarlyStopping])", code=1)
    assert [line for line in lines if f"choosing{os.sep}selection.py" in line]
    assert "EarlyStopping is a class, and a callback is an instance of it" in lines[-1]
    lines = scripts.run("import keras\nkeras.Model().fit(callbacks=[object()])", code=1)
    assert "is not a callback" in lines[-1]


def test_a_wrong_call_is_kerass_own_error(scripts: Scripts) -> None:
    lines = scripts.run("import keras\nkeras.Model().fit(epoch=3)", code=1)
    assert lines[-1].startswith("TypeError: ")
    assert "fit() got an unexpected keyword argument 'epoch'" in lines[-1]
