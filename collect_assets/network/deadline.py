"""The total time limit of a request: one thread that shuts sockets down when their time is over.

A read timeout does not do it: a body that drips a byte per second never meets one (measured, faults F08 and F09).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_IDLE = 5.0  # seconds after which the thread of an unused watchdog ends


class Handle:
    """A second descriptor of a connection, to shut it down with; it is closed when nobody refers to it any more.

    Wrapping a socket for TLS takes it away from its object in the middle of a handshake, and a descriptor number could
    be another connection's by the time it is shut down.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._descriptor = os.dup(sock.fileno())

    def shut_down(self) -> None:
        """Ends every read and write on the connection, now and later."""
        sock = socket.socket(fileno=self._descriptor)
        with suppress(OSError):  # not connected any more
            sock.shutdown(socket.SHUT_RDWR)
        sock.detach()

    def __del__(self) -> None:
        os.close(self._descriptor)


class Deadline:
    """The limit of one request: it knows the connection that is in use, and whether time ran out."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.expired = False
        self._lock = threading.Lock()
        self._cut = False
        self._handle: Handle | None = None

    def remaining(self) -> float:
        """Seconds left, never less than a moment, since a timeout of 0 would mean something else."""
        return max(self.at - time.monotonic(), 0.001)

    def watch(self, handle: Handle) -> None:
        """Makes this the connection to shut down, in place of the one before."""
        with self._lock:
            self._handle = handle
            if self._cut:
                handle.shut_down()

    def cut(self) -> None:
        """Ends every read and write on the connection now."""
        with self._lock:
            self._cut = True
            if self._handle is not None:
                self._handle.shut_down()

    def expire(self) -> None:
        """Ends it because its time is over."""
        self.expired = True
        self.cut()

    def close(self) -> None:
        """Forgets the connection, which lives on."""
        with self._lock:
            self._handle = None


class Watchdog:
    """Holds all running deadlines and sleeps until the next one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[Deadline] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    @contextmanager
    def limit(self, seconds: float) -> Iterator[Deadline]:
        """A deadline from now on, until the block ends."""
        deadline = Deadline(time.monotonic() + seconds)
        self._add(deadline)
        try:
            yield deadline
        finally:
            with self._changed:
                self._running.discard(deadline)
            deadline.close()

    def _add(self, deadline: Deadline) -> None:
        with self._changed:
            self._running.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.at < self._wakes_at:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            idle_since = time.monotonic()
            while True:
                now = time.monotonic()
                for deadline in [each for each in self._running if each.at <= now]:
                    self._running.discard(deadline)
                    deadline.expire()
                if self._running:
                    idle_since = now
                elif now - idle_since >= _IDLE:
                    self._thread = None
                    return
                self._wakes_at = min([each.at for each in self._running], default=now + _IDLE)
                self._changed.wait(self._wakes_at - now)
