"""Which hosts cannot be connected to, and are not worth another try: what this run saw, and what others saw beside it.

Ten runs that each waited three times for a silent host, one after the other as politeness wants it, took six minutes.
So what a run learns of such a host stands in a file beside its lock. Nobody is given up on hearsay alone: failures from
before a run began leave it one attempt of its own, and only those count that had as long a time to connect.
(`time.monotonic` counts from the machine's start: all processes share it.)
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Failures:
    """Attempts in a row, of any run, that brought no connection.

    Attributes:
        last: when the last one ended.
        patience: the seconds that it had to connect.
    """

    count: int = 0
    last: float = 0.0
    patience: float = 0.0


class UnreachableHosts:
    """The account of one run, for its threads. What is asked about a host is asked in its turn, but for `reason`."""

    def __init__(
        self, give_up_after: int, *, clock: Callable[[], float], folder: Path | None = None, remembered: float = 0.0
    ) -> None:
        """Begins the account.

        Args:
            give_up_after: so many attempts in a row.
            clock: the same for all processes.
            folder: where other runs find the failures, and this one theirs; None keeps the account to itself.
            remembered: seconds for which failures of others count; 0 for never.
        """
        self._after = give_up_after
        self._clock = clock
        self._folder = folder if remembered > 0 else None
        self._remembered = remembered
        self._began = clock()
        self._own: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._fine: set[str] = set()
        self._lock = threading.Lock()

    def reason(self, host: str) -> str:
        """Why a host is not asked any more; blank as long as it is."""
        return self._reasons.get(host, "")

    def look(self, host: str, patience: float) -> None:
        """Takes in what other runs found, before the host is asked.

        Args:
            host: with its port.
            patience: the seconds that it would be given to connect.
        """
        if self._folder is not None and host not in self._fine:
            self._judge(host, self._read(host), patience)

    def failed(self, host: str, patience: float) -> None:
        """Counts an attempt without a connection."""
        with self._lock:
            self._own[host] += 1
            self._fine.discard(host)
        before = self._read(host)
        count = before.count if self._counts(before, patience) else 0
        failures = Failures(count + 1, self._clock(), patience)
        self._write(host, failures)
        self._judge(host, failures, patience)

    def connected(self, host: str) -> None:
        """Forgets the failures of a host that can be connected to."""
        if host in self._fine:
            return
        with self._lock:
            self._fine.add(host)
            self._own.pop(host, None)
        if self._folder is not None:
            with suppress(OSError):  # mostly there is none
                self._path(self._folder, host).unlink()

    def _judge(self, host: str, seen: Failures, patience: float) -> None:
        own = self._own[host]
        count = max(own, self._heard(seen) if self._counts(seen, patience) else 0)
        if count < self._after:
            return
        ago = self._clock() - seen.last
        who = "" if own == count else (f" ({own} of them in this run, the others by other runs on this machine, the "
                                       f"last one {ago:.0f} s ago)")  # fmt: skip
        self._reasons[host] = (f"{host} could not be connected to {count} times in a row{who} and is not asked again "
                               "in this run")  # fmt: skip

    def _heard(self, seen: Failures) -> int:
        """How many failures count; where all are from before this run began, it makes an attempt of its own."""
        return seen.count if seen.last >= self._began else min(seen.count, self._after - 1)

    def _counts(self, seen: Failures, patience: float) -> bool:
        return seen.patience >= patience and 0 <= self._clock() - seen.last <= self._remembered

    def _read(self, host: str) -> Failures:
        if self._folder is None:
            return Failures()
        try:
            count, last, patience = self._path(self._folder, host).read_text().split()
            return Failures(int(count), float(last), float(patience))
        except (OSError, ValueError):  # there is none, or its process was killed while it wrote
            return Failures()

    def _write(self, host: str, failures: Failures) -> None:
        """Writes the failures down for others; where that is not possible, they find out by themselves."""
        if self._folder is not None:
            with suppress(OSError):
                self._path(self._folder, host).write_text(f"{failures.count} {failures.last:.6f} {failures.patience}")

    @staticmethod
    def _path(folder: Path, host: str) -> Path:
        return folder / f"{hashlib.sha256(host.encode()).hexdigest()[:32]}-unreachable"
