"""The queue and its thread."""

from __future__ import annotations

import threading
from threading import Event

from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_remote_monitor.sender import Sender

LONG = 60.0


@settings(deadline=None)
@given(st.lists(st.sampled_from(["", "refused", "late"]), max_size=20))
def test_everything_is_sent_in_order_and_counted_once(results: list[str]) -> None:
    sent: list[int] = []

    def send(number: int) -> str:
        sent.append(number)
        return results[number]

    sender = Sender(send, size=100)
    for number in range(len(results)):
        sender.put(number)
    assert sender.wait(LONG)
    assert sent == list(range(len(results)))
    assert sender.delivered == results.count("")
    assert sender.failures == {reason: results.count(reason) for reason in {*results} - {""}}


class Slow:
    """Sends when it is told to."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.begun, self.goes = Event(), Event()

    def __call__(self, number: int) -> str:
        self.begun.set()
        self.goes.wait()
        self.sent.append(number)
        return ""


def test_to_put_does_not_wait_and_the_oldest_is_given_up() -> None:
    slow = Slow()
    sender = Sender(slow, size=2)
    sender.put(0)
    slow.begun.wait()
    for number in range(1, 6):
        sender.put(number)
    assert slow.sent == []
    slow.goes.set()
    assert sender.wait(LONG)
    assert slow.sent == [0, 4, 5]
    assert (sender.delivered, dict(sender.failures)) == (3, {"more than 2 were waiting": 3})


def test_what_is_left_at_the_end_is_given_up_and_counted() -> None:
    slow = Slow()
    sender = Sender(slow, size=10)
    for number in range(3):
        sender.put(number)
    slow.begun.wait()
    assert not sender.wait(0)
    sender.close(0)
    assert (sender.delivered, dict(sender.failures)) == (0, {"training had ended": 3})
    slow.goes.set()
    assert sender.wait(LONG)
    assert slow.sent == [0]
    assert (sender.delivered, sender.undelivered) == (0, 3)


def test_the_thread_ends_when_there_is_nothing_to_send_and_comes_again() -> None:
    threads: list[threading.Thread] = []

    def send(_: int) -> str:
        threads.append(threading.current_thread())
        return ""

    sender = Sender(send, size=10)
    for number in range(2):
        sender.put(number)
        assert sender.wait(LONG)
        threads[-1].join(LONG)
    assert threads[0] is not threads[1]
    assert not any(thread.is_alive() for thread in threads)
    assert all(thread.daemon for thread in threads)


def test_with_nothing_to_send_there_is_nothing_to_wait_for() -> None:
    sender = Sender(lambda _: "", size=1)
    assert sender.wait(0)
    sender.close(0)
    assert sender.undelivered == 0
