"""Finding the addresses of a name within a time limit.

`getaddrinfo` has no limit of its own (fault F02): it is called in a thread that is left behind when its time is over.
There is no cache: connections are kept, so a name is asked about once for many requests, and an answer that is kept
longer than its publisher says leads to wrong hosts.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from urllib3.exceptions import NameResolutionError

Resolved = tuple[int, tuple[Any, ...]]  # the family and the socket address
Resolver = Callable[[str, int], Sequence[Resolved]]


class SlowNameError(NameResolutionError):
    """Nobody said within the time limit which addresses a name has."""


def resolve(host: str, port: int) -> list[Resolved]:
    """Every address of a host, in the system's order.

    Raises:
        socket.gaierror: there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))


class Names:
    """Looks names up for all threads; who asks for one that is being looked up waits for the same answer."""

    def __init__(self, resolver: Resolver = resolve) -> None:
        self._resolver = resolver
        self._running: dict[tuple[str, int], Future[Sequence[Resolved]]] = {}
        self._lock = threading.Lock()

    def find(self, host: str, port: int, within: float) -> Sequence[Resolved]:
        """The addresses of a host.

        Raises:
            TimeoutError: they were not found in time.
            socket.gaierror: it has none.
        """
        if _is_address(host):
            return self._resolver(host, port)
        return self._lookup(host, port).result(within)

    def _lookup(self, host: str, port: int) -> Future[Sequence[Resolved]]:
        with self._lock:
            if running := self._running.get((host, port)):
                return running
            lookup: Future[Sequence[Resolved]] = Future()
            self._running[host, port] = lookup
        threading.Thread(target=self._run, args=(host, port, lookup), name="names", daemon=True).start()
        return lookup

    def _run(self, host: str, port: int, lookup: Future[Sequence[Resolved]]) -> None:
        try:
            found = self._resolver(host, port)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is read
            self._forget(host, port)
            lookup.set_exception(error)
        else:
            self._forget(host, port)
            lookup.set_result(found)

    def _forget(self, host: str, port: int) -> None:
        with self._lock:
            self._running.pop((host, port), None)


def _is_address(host: str) -> bool:
    """Whether nobody has to be asked; what is wrong with it, if anything, is found out by resolving it."""
    return ":" in host or host.replace(".", "").isdecimal()
