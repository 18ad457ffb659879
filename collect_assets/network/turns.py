"""Politeness: one request at a time to a host, for all threads and processes of this machine, and a pause in between.

A turn is a lock file of the host; in it stands when the host may be asked again, so that the pause holds between
processes too. (`time.monotonic` counts from the machine's start: all processes share it, and a clock set back does no
harm.)
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isnan
from pathlib import Path

from collect_assets.collection import Politeness
from collect_assets.errors import StorageError
from collect_assets.store.local import file_lock, storage_errors

WIDTH = 32  # characters of the time in a lock file


class Turn:
    """The use of a host: how long the request took, and whether the host asked to be left alone for a while."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.cooling = 0.0


class Turns:
    """Gives out turns at hosts, first come first served as the kernel's locks are."""

    def __init__(
        self,
        folder: Path | None,
        politeness: Politeness,
        *,
        longest: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._folder = folder or shared_folder()
        self._politeness = politeness
        self._longest = max(longest, politeness.max_pause)
        self._clock = clock
        self._sleep = sleep
        self._unwritten: dict[Path, float] = {}

    @contextmanager
    def take(self, host: str) -> Iterator[Turn]:
        """Waits for the turn at a host and for its pause to be over.

        Raises:
            StorageError: the lock file cannot be used.
        """
        path = self._folder / hashlib.sha256(host.encode()).hexdigest()[:32]
        with file_lock(path):
            self._sleep_until(max(_read(path), self._unwritten.get(path, 0.0)))
            turn = Turn()
            try:
                yield turn
            finally:
                self._note(path, self._clock() + max(self.pause(turn.elapsed), turn.cooling))

    def pause(self, elapsed: float) -> float:
        """The seconds between a request that took so long and the next one."""
        rules = self._politeness
        return min(max(rules.pause_share * elapsed, rules.min_pause), rules.max_pause)

    def _note(self, path: Path, until: float) -> None:
        """Writes down when the host may be asked again; on a full disk only this process knows, and goes on."""
        try:
            _write(path, until)
        except StorageError:
            self._unwritten[path] = until

    def _sleep_until(self, time: float) -> None:
        """Sleeps; never longer than any pause of ours can be, whatever a file from before a restart says."""
        wait = min(time - self._clock(), self._longest)
        self._sleep(max(wait, 0.0))


def _read(path: Path) -> float:
    with storage_errors(path):
        try:
            until = float(path.read_bytes()[:WIDTH] or 0)
        except ValueError:  # a process was killed while it wrote
            return 0.0
        return 0.0 if isnan(until) else until


def _write(path: Path, until: float) -> None:
    """Writes over what is there: emptying a file first makes ext4 write it to the disk, 20 times as slow."""
    with storage_errors(path), path.open("r+b", buffering=0) as file:
        file.write(f"{until:{WIDTH}.6f}".encode())


def shared_folder() -> Path:
    """Where all processes of a user find the locks; nobody else can write there.

    Raises:
        StorageError: there is something else of that name.
    """
    top = Path(tempfile.gettempdir()) / f"collect-assets-{os.getuid()}"
    with storage_errors(top):
        top.mkdir(mode=0o700, exist_ok=True)
        found = top.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o170022 != 0o040000:
        raise StorageError(f"{top}: must be a folder that you own and nobody else can write to; remove it, or name "
                           "another folder for the locks")  # fmt: skip
    return top / "host"
