"""The metrics of every epoch, sent to a server."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from epochal import Callback, MissingDependencyError, Priority
from epochal.arguments import Argument, Key, Most, Number, Switch, Text
from epochal.errors import one_line

from .payload import make_payload
from .sender import Sender

Logs = Mapping[str, Any] | None


class Address(Text):
    """The address of a server. With a wrong one training goes on, as in Keras, and nothing is delivered."""

    def remark(self, value: Any) -> str:
        """Warn of what is not an address."""
        is_address = re.match(r"https?://[^/]", value, re.IGNORECASE)
        return "" if is_address else "is not an address like 'http://localhost:9000', so nothing will be delivered"


class FormField(Key):
    """The name of a field in a form; what is not text is written as text, as in Keras."""

    def remark(self, value: Any) -> str:
        """Warn of what is not text."""
        return "" if isinstance(value, str) else f"is not text, and the field is called {str(value)!r}"


class Headers(Argument[Mapping[str, str] | None]):
    """Headers of a request."""

    def check(self, value: Any) -> Mapping[str, str] | None:
        """Return the headers."""
        if value is not None and not isinstance(value, Mapping):
            raise TypeError("has to be a mapping of names to values")
        return value


class RemoteMonitor(Callback):
    """Sends the metrics of every epoch to a server, as a POST request with JSON, in the background.

    Training never waits for the server, but for its end: then it waits until everything has been sent, for `timeout`
    seconds at the most. What was not delivered (no connection, no answer in time, another answer than success, too many
    that wait) is counted, and said in one line at the end.

    The request has the number of the epoch, counted from 0, as `epoch`, and every metric under its name: as a form,
    whose `field` holds the JSON, or with `send_as_json` as its body. NaN and infinity are `null`.

    Args:
        root: The server's address, `http://…` or `https://…`.
        path: What stands behind it in the address.
        field: The form's field; not used with `send_as_json`.
        headers: Further headers of the request.
        send_as_json: Whether the request's body is the JSON itself.
        timeout: For how many seconds it waits for a connection and for an answer, and at the end of training.
        queue_size: How many epochs may wait to be sent. Where one more comes, the oldest is given up. None: any number.

    Raises:
        TypeError, ValueError: A parameter is not usable.

    Attributes:
        root, path, field, headers, send_as_json, timeout, queue_size: As given.
    """

    priority = Priority.REPORT
    provides = ()
    critical = False

    root = Address()
    path = Text()
    field = FormField()
    headers = Headers()
    send_as_json = Switch()
    timeout = Number(above=0)
    queue_size = Most()

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
        *,
        timeout: float = 5.0,
        queue_size: int | None = 100,
    ) -> None:
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json
        self.timeout = timeout
        self.queue_size = queue_size
        self._sender: Sender | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of copies and pickles what waits to be sent."""
        return {**super().__getstate__(), "_sender": None}

    @property
    def delivered(self) -> int:
        """How many epochs of the last fit the server took, as far as it is known."""
        return self._sender.delivered if self._sender is not None else 0

    @property
    def undelivered(self) -> int:
        """How many epochs of the last fit it did not take, as far as it is known."""
        return self._sender.undelivered if self._sender is not None else 0

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until every epoch so far was delivered, or could not be; tells whether that is so.

        Args:
            timeout: For how many seconds at the most. None: the callback's own `timeout`.
        """
        return self._sender is None or self._sender.wait(self.timeout if timeout is None else timeout)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin to count anew. What is left of a fit that failed is given up."""
        self._close(0)
        self._sender = None
        _import_requests()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Send the epoch."""
        if not self.is_chief:
            return
        if self._sender is None or self._sender.closed:
            _import_requests()
            self._sender = Sender(self._post, self.queue_size)
        self._sender.put(make_payload(epoch, logs or {}))

    def on_train_end(self, logs: Logs = None) -> None:
        """Wait for the rest, and say what was not delivered."""
        self._close(self.timeout)

    def on_run_end(self) -> None:
        """Do the same after an error, which leaves out the end of training."""
        self._close(self.timeout)

    def _close(self, timeout: float) -> None:
        sender = self._sender
        if sender is None or sender.closed:
            return
        sender.close(timeout)
        if sender.failures:
            reasons = "; ".join(f"{reason} ({times})" for reason, times in sender.failures.most_common())
            total = sender.delivered + sender.undelivered
            self.print(
                f"RemoteMonitor: {sender.undelivered} of {total} epochs were not delivered to {self._address}: "
                f"{reasons}."
            )

    @property
    def _address(self) -> str:
        """Where it sends to, without a password."""
        return re.sub(r"//[^/]*@", "//", self.root + self.path)

    def _post(self, payload: dict[str, Any]) -> str:
        """Send an epoch; gives why it could not, or nothing. It runs in the thread."""
        requests = _import_requests()
        url, others = self.root + self.path, {"headers": self.headers, "timeout": _seconds(self.timeout)}
        try:
            if self.send_as_json:
                response = requests.post(url, json=payload, **others)
            else:
                response = requests.post(url, {self.field: json.dumps(payload)}, **others)
        except requests.exceptions.Timeout:
            return f"no answer within {self.timeout:g} s"
        except Exception as error:  # whatever it is, training goes on and it is said at the end
            return _reason(error)
        if not response.ok:
            return f"the server answered {response.status_code} {response.reason}"
        if response.request.method == "GET":
            return f"the server redirects to {response.url}, and the data is lost on the way; give that address"
        return ""


def _reason(error: BaseException) -> str:
    """Return what is behind an exception of requests, whose own text has the address of an object in it."""
    cause = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    text = getattr(cause, "strerror", None) or one_line(cause)
    return f"{type(error).__name__}: {text}" if cause is not error else one_line(error)


def _import_requests() -> Any:
    try:
        import requests
    except ImportError as error:
        raise MissingDependencyError(
            "RemoteMonitor needs requests, which is not installed. Run `pip install requests`."
        ) from error
    return requests


def _seconds(timeout: float) -> float | None:
    """Return a timeout as the operating system takes it, which knows no infinity."""
    return None if math.isinf(timeout) else timeout
