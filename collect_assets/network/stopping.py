"""How work that waits is told to stop: the threads of one `Gate.each` share a `Halt`.

Waiting for the network, for a pause or between retries all end when it stops; nothing is recorded for what was cut off.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class StopFetching(BaseException):
    """Raised out of `fetch` when the work is being stopped.

    No `Exception`, so that the edge that records what went wrong with one endpoint does not take it for a failure of
    the provider: an interrupted endpoint has no log, and is asked again by the next run.
    """


class Cuttable(Protocol):
    """What ends at once when it is cut."""

    def cut(self) -> None:
        """End it."""


class Halt:
    """A switch that is thrown once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._running: set[Cuttable] = set()

    def stop(self) -> None:
        """Wakes who sleeps and cuts what runs."""
        with self._lock:
            self._event.set()
            running = list(self._running)
        for each in running:
            each.cut()

    @property
    def stopped(self) -> bool:
        """Whether it was thrown."""
        return self._event.is_set()

    def check(self) -> None:
        """Goes on, or raises `StopFetching`."""
        if self._event.is_set():
            raise StopFetching

    def sleep(self, seconds: float) -> None:
        """Sleeps, unless stopped: then raises `StopFetching`."""
        if self._event.wait(seconds):
            raise StopFetching

    @contextmanager
    def cutting(self, running: Cuttable) -> Iterator[None]:
        """Has something cut when stopped in the meantime."""
        with self._lock:
            self.check()
            self._running.add(running)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(running)


class _Current(threading.local):
    halt: Halt | None = None


_current = _Current()


def current_halt() -> Halt:
    """The switch of this thread; one that nobody throws where the thread is not a worker's."""
    if _current.halt is None:
        _current.halt = Halt()
    return _current.halt


def set_current_halt(halt: Halt) -> None:
    """Makes a switch that of this thread."""
    _current.halt = halt
