"""RemoteMonitor with a real server, with one that never answers, and with none."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest

import epochal
from epochal.testing import FakeHost, FakeModel
from epochal_remote_monitor import RemoteMonitor

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 60.0
"""More seconds than any test takes: what waits that long would hang."""


@pytest.mark.parametrize("send_as_json", [False, True])
def test_a_server_gets_every_epoch(send_as_json: bool, server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    monitor = RemoteMonitor(server.root, "/metrics", headers={"X-Run": "7"}, send_as_json=send_as_json, timeout=LONG)
    FakeHost(monitor).fit(epochs=3, values=lambda epoch, _: {"loss": 0.5 - epoch, "accuracy": float("nan")})
    assert [payload for _, _, payload in server.requests] == [
        {"epoch": epoch, "accuracy": None, "loss": 0.5 - epoch} for epoch in range(3)
    ]
    assert {path for path, _, _ in server.requests} == {"/metrics"}
    assert {headers["x-run"] for _, headers, _ in server.requests} == {"7"}
    assert (monitor.delivered, monitor.undelivered) == (3, 0)
    assert capsys.readouterr().out == ""


def test_a_slow_server_holds_nothing_up(server: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        if epoch == 4:
            assert len(server.requests) <= 1
            server.answers.set()  # only now does it answer the first request

    server.answers.clear()
    FakeHost(RemoteMonitor(server.root, timeout=LONG)).fit(epochs=5, step=step)
    assert server.epochs == [0, 1, 2, 3, 4]


def test_of_what_waits_too_long_the_newest_is_kept(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def step(epoch: int, batch: int) -> None:
        if (epoch, batch) == (1, 0):
            assert server.arrived.acquire(timeout=LONG)

    server.answers.clear()
    monitor = RemoteMonitor(server.root, timeout=LONG, queue_size=2)
    FakeHost(monitor, AtTheEnd(server.answers.set)).fit(epochs=5, step=step)
    assert server.epochs == [0, 3, 4]
    assert (monitor.delivered, monitor.undelivered) == (3, 2)
    printed = capsys.readouterr().out
    assert (
        f"2 of 5 epochs were not delivered to {server.root}/publish/epoch/end/: more than 2 were waiting (2)."
        in printed
    )


class AtTheEnd(epochal.Callback):
    """Calls a function at the end of training, before the reporters."""

    def __init__(self, function: Callable[[], None]) -> None:
        self.function = function

    def on_train_end(self, logs: Any = None) -> None:
        self.function()


def test_a_server_that_never_answers(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers.clear()
    monitor = RemoteMonitor(server.root, timeout=0.01)
    run = FakeHost(monitor).fit(epochs=3)
    assert run.outcome is not None
    assert run.outcome.status == "completed"
    assert (monitor.delivered, monitor.undelivered) == (0, 3)
    printed = capsys.readouterr().out
    assert printed.count("3 of 3 epochs were not delivered") == 1
    assert "no answer within 0.01 s" in printed or "training had ended" in printed


def test_the_time_that_a_request_may_take_is_limited(server: Any) -> None:
    server.answers.clear()
    monitor = RemoteMonitor(server.root, timeout=0.01)
    monitor.on_epoch_end(0, {})
    assert monitor.flush(LONG)
    assert monitor.undelivered == 1


def test_a_server_that_is_not_there(nowhere: str, capsys: pytest.CaptureFixture[str]) -> None:
    monitor = RemoteMonitor(nowhere, timeout=LONG)
    run = FakeHost(monitor).fit(epochs=2)
    assert run.outcome is not None
    assert run.outcome.status == "completed"
    printed = capsys.readouterr().out
    assert f"2 of 2 epochs were not delivered to {nowhere}/publish/epoch/end/: ConnectionError: Connection" in printed
    assert printed.count("\n") == 1
    assert "0x" not in printed


@pytest.mark.parametrize(
    ("status", "location", "reason"),
    [
        (500, "", "the server answered 500 Internal Server Error (2)"),
        (404, "", "the server answered 404 Not Found (2)"),
        (301, "/elsewhere", "/elsewhere, and the data is lost on the way"),
    ],
)
def test_another_answer_than_success_is_no_delivery(
    status: int, location: str, reason: str, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status, server.location = status, location
    monitor = RemoteMonitor(server.root, timeout=LONG)
    FakeHost(monitor).fit(epochs=2)
    assert (monitor.delivered, monitor.undelivered) == (0, 2)
    assert reason in capsys.readouterr().out


def test_any_answer_of_success_is_a_delivery(server: Any) -> None:
    server.status = 204
    monitor = RemoteMonitor(server.root, timeout=LONG)
    FakeHost(monitor).fit()
    assert monitor.delivered == 1


def test_after_an_error_it_is_said_too(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def step(epoch: int, batch: int) -> None:
        if epoch == 2:
            raise ArithmeticError

    server.status = 503
    monitor = RemoteMonitor(server.root, timeout=LONG)
    with pytest.raises(ArithmeticError):
        FakeHost(monitor).fit(epochs=5, step=step)
    assert server.epochs == [0, 1]
    assert capsys.readouterr().out.count("2 of 2 epochs were not delivered") == 1


def test_in_a_bare_fit_it_is_said_at_the_end(nowhere: str, capsys: pytest.CaptureFixture[str]) -> None:
    monitor = RemoteMonitor(nowhere.replace("//", "//user:secret@"), timeout=LONG)
    monitor.set_model(FakeModel())
    monitor.on_train_begin()
    monitor.on_epoch_end(0, {"loss": 1.0})
    monitor.on_train_end()
    printed = capsys.readouterr().out
    assert f"1 of 1 epochs were not delivered to {nowhere}/" in printed
    assert "secret" not in printed


def test_a_bare_fit_that_failed_is_told_of_when_the_next_one_begins(
    nowhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = RemoteMonitor(nowhere, timeout=LONG)
    monitor.set_model(FakeModel())
    monitor.on_train_begin()
    monitor.on_epoch_end(0, {"loss": 1.0})
    assert monitor.flush()
    monitor.on_train_begin()
    assert "1 of 1 epochs were not delivered" in capsys.readouterr().out
    assert monitor.undelivered == 0


def test_a_second_fit_counts_anew(server: Any) -> None:
    monitor = RemoteMonitor(server.root, timeout=LONG)
    host = FakeHost(monitor)
    host.fit(epochs=2)
    host.evaluate()
    host.fit(epochs=1)
    assert monitor.delivered == 1
    assert server.epochs == [0, 1, 0]


def test_it_takes_epochs_also_after_the_end_of_training(server: Any) -> None:
    monitor = RemoteMonitor(server.root, timeout=LONG)
    FakeHost(monitor).fit(epochs=2)
    monitor.on_epoch_end(2, {})
    assert monitor.flush()
    assert monitor.delivered == 1
    assert server.epochs == [0, 1, 2]


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_copies_also_while_it_sends(copied: Any, server: Any) -> None:
    server.answers.clear()
    monitor = RemoteMonitor(server.root, timeout=LONG)
    monitor.on_epoch_end(0, {"loss": 1.0})
    made = copied(monitor)
    server.answers.set()
    made.on_epoch_end(1, {"loss": 1.0})
    assert monitor.flush()
    assert made.flush()
    assert (monitor.delivered, made.delivered) == (1, 1)
    assert sorted(server.epochs) == [0, 1]


def test_only_the_chief_of_several_processes_sends(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monitor = RemoteMonitor(server.root, timeout=LONG)
    FakeHost(monitor).fit()
    monitor.set_model(FakeModel())
    monitor.on_epoch_end(0, {})
    assert monitor.flush()
    assert server.requests == []


@pytest.mark.parametrize("value", [np.arange(1), np.float32(0)], ids=["array", "scalar"])
def test_requests_is_called_as_keras_calls_it(value: Any) -> None:
    with mock.patch("requests.post") as post:
        for monitor in (RemoteMonitor(), RemoteMonitor(send_as_json=True)):
            monitor.on_epoch_end(0, {"loss": 0.5, "val": value})
            assert monitor.flush(LONG)
    url, others = "http://localhost:9000/publish/epoch/end/", {"headers": None, "timeout": 5.0}
    sent = {"epoch": 0, "loss": 0.5, "val": value.item()}
    assert post.call_args_list == [
        mock.call(url, {"data": json.dumps(sent)}, **others),
        mock.call(url, json=sent, **others),
    ]
    assert (monitor.delivered, monitor.undelivered) == (1, 0)


def test_an_error_of_any_kind_is_no_delivery(capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch("requests.post", side_effect=UnicodeError("label too long")):
        FakeHost(RemoteMonitor(timeout=LONG)).fit()
    assert "UnicodeError: label too long (1)" in capsys.readouterr().out


def test_requests_is_imported_when_training_begins() -> None:
    code = (
        "import sys, epochal_remote_monitor; epochal_remote_monitor.RemoteMonitor(); "
        "assert not {'requests', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_requests_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(epochal.MissingDependencyError, match="pip install requests"):
        RemoteMonitor().on_train_begin()
    with pytest.raises(epochal.MissingDependencyError, match="pip install requests"):
        RemoteMonitor().on_epoch_end(0, {})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"root": 3}, TypeError, "root=3"),
        ({"path": None}, TypeError, "path=None"),
        ({"field": ["data"]}, TypeError, "field="),
        ({"headers": ["X"]}, TypeError, "headers=.* has to be a mapping"),
        ({"timeout": "5"}, TypeError, "timeout='5'"),
        ({"timeout": 0}, ValueError, "timeout=0 has to be more than 0"),
        ({"timeout": float("nan")}, ValueError, "timeout=nan"),
        ({"queue_size": 0}, ValueError, "queue_size=0"),
        ({"queue_size": 1.5}, ValueError, "queue_size=1.5"),
        ({"rooot": "http://host"}, TypeError, "rooot"),
    ],
    ids=str,
)
def test_a_parameter_that_makes_no_sense_is_an_error(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        RemoteMonitor(**arguments)


@pytest.mark.parametrize("root", ["localhost:9000", "ftp://host", ""])
def test_what_is_not_an_address_is_warned_of_and_training_goes_on(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.warns(UserWarning, match=f"RemoteMonitor: root='{root}' is not an address"):
        monitor = RemoteMonitor(root)
    FakeHost(monitor).fit(epochs=2)
    assert monitor.undelivered == 2
    assert "2 of 2 epochs were not delivered" in capsys.readouterr().out


def test_a_field_that_is_not_text_is_taken_and_warned_of() -> None:
    field: Any = None
    with pytest.warns(UserWarning, match="RemoteMonitor: field=None is not text, and the field is called 'None'"):
        assert RemoteMonitor(field=field).field is None


def test_no_limits_are_taken_too() -> None:
    monitor = RemoteMonitor("http://127.0.0.1:9", timeout=float("inf"), queue_size=None)
    FakeHost(monitor).fit(epochs=3)
    assert (monitor.undelivered, monitor.flush()) == (3, True)


def test_it_has_kerass_attributes() -> None:
    monitor = RemoteMonitor("http://host", "/path", "field", {"X": "1"}, True)
    attributes = (monitor.root, monitor.path, monitor.field, monitor.headers, monitor.send_as_json)
    assert attributes == ("http://host", "/path", "field", {"X": "1"}, True)
