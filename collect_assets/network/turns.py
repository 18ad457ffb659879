"""Politeness: one request at a time to a host, for all threads and processes of this machine, and a pause in between.

A turn is a lock file of the host, or one of several where `host.csv` allows more at once; in it stands when the host
may be asked again and how far it is slowed down, so that both hold between processes too. (`time.monotonic` counts from
the machine's start: all processes share it, and a clock set back does no harm.)

Where `host.csv` puts the host into a group, a turn is two of them: the group's, then the host's own, which is what a
collection sees that has another group for the host, or none. Nobody who waits holds a host's: who has one has all, and
gives it back after the request. Who waits for a host's may hold one of a group's, and those who want that one hold
nothing. So nobody waits in a circle, however the groups overlap.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import ceil, inf, isnan
from pathlib import Path

from collect_assets.collection import Politeness
from collect_assets.errors import FailedError, StorageError
from collect_assets.network.hosts import Hosts, Place
from collect_assets.network.pace import TOO_MUCH, Pace
from collect_assets.network.turn_lock import take_lock, take_one
from collect_assets.store.local import storage_errors

Note = tuple[float, float]  # when a host may be asked again, and by how much it is slowed down
NOTHING: Note = 0.0, 1.0  # what stands in no lock file: no pause, and not slowed down
WIDTH = 32  # characters of a lock file: the time, and by how much the host is slowed down


class Turn:
    """The use of a host: how long the request took, what came, and whether the host asked to be left alone a while.

    Attributes:
        ends: when it is of no use any more, by the clock of the turns.
        longest: of the host's pause, what the endpoint waits for where that is more than the collection does.
    """

    def __init__(self, host: str, ends: float = inf, longest: float = 0.0) -> None:
        self.host = host
        self.ends = ends
        self.longest = longest
        self.elapsed = 0.0
        self.status: int | None = None
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
        hosts: Hosts | None = None,
    ) -> None:
        self.folder = folder or shared_folder()
        self._hosts = hosts or Hosts()
        self._pace = Pace(politeness, longest)
        self._clock = clock
        self._sleep = sleep
        self._known: dict[str, Sequence[Path]] = {}
        self._own: dict[Path, Note] = {}

    @contextmanager
    def take(self, host: str, ends: float = inf, longest: float = 0.0) -> Iterator[Turn]:
        """Waits for the turn at a host and for its pause to be over.

        Args:
            host: with its port.
            ends: until when; a run waits as long as it takes.
            longest: the pause that the endpoint obeys; a shorter one than the collection's changes nothing, since the
                pause is the host's, and other endpoints of it noted what they were told.

        Raises:
            FailedError: `busy`: both would take longer.
            StopFetching: the work was stopped in the meantime.
            StorageError: the lock file cannot be used.
        """
        place = self._hosts.of(host)
        turn = Turn(host, ends, longest)
        if place.queue == host:
            with self._hold(host, place, turn):
                yield turn
        else:
            with self._hold(place.queue, place, turn), self._hold(host, place, turn):  # in this order everywhere
                yield turn

    @contextmanager
    def _hold(self, queue: str, place: Place, turn: Turn) -> Iterator[None]:
        """One of the locks of a queue, from when its pause is over; afterwards what came of the turn stands in it."""
        paths = self._paths(queue, place.at_once)
        path, lock = self._lock(paths, turn)
        try:
            before = self._read(path, lock)
            until, slowed = max(before, self._own.get(path, NOTHING))
            wait = until - self._clock()
            slowed = self._pace.remembered(slowed, -wait)
            self._pause(self._pace.at_most(wait, place, turn.longest), turn)
            try:
                yield
            finally:
                slowed = self._pace.slowed(slowed, turn.status)
                pause = self._pace.pause(turn.elapsed, slowed, place)
                until = self._clock() + max(pause, turn.cooling)
                if len(paths) > 1:
                    until, slowed = self._shared(paths, path, lock, before, (until, slowed), turn)
                self._note(path, lock, until, slowed)
        finally:
            os.close(lock)

    def _shared(self, paths: Sequence[Path], path: Path, lock: int, before: Note, after: Note, turn: Turn) -> Note:
        """What a host that takes several requests at once said to one of them holds for the others too.

        Those that run just now find it in their lock files at their end: it is what was not there before.
        """
        if turn.status in TOO_MUCH:
            for other in paths:
                if other != path:
                    self._tell(other, after)
        told = self._read(path, lock)
        return after if told == before else (max(after[0], told[0]), max(after[1], told[1]))

    def _tell(self, path: Path, note: Note) -> None:
        with suppress(StorageError, OSError):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                known = self._read(path, file)
                self._note(path, file, max(note[0], known[0]), max(note[1], known[1]))
            finally:
                os.close(file)

    def _lock(self, paths: Sequence[Path], turn: Turn) -> tuple[Path, int]:
        """One of the locks of a queue: of those that are free the one whose pause is over first."""
        seconds = max(turn.ends - self._clock(), 0.0)
        path, *others = paths
        if others:
            taken = take_one(sorted(paths, key=_until), path.with_name(f"{path.name}-line"), seconds)
        else:
            lock = take_lock(path, seconds)
            taken = None if lock is None else (path, lock)
        if taken is None:
            raise FailedError("busy", f"{turn.host} is being collected just now, by another run on this machine, "
                              f"and the turn did not come within {seconds:.1f} s; try again when that run is done, or "
                              "give it more time", exception="Timeout")  # fmt: skip
        return taken

    def _pause(self, seconds: float, turn: Turn) -> None:
        if seconds > turn.ends - self._clock():
            asked = "asked for a pause" if seconds > self._pace.politeness.max_pause else "was asked a moment ago"
            until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ceil(seconds))
            raise FailedError("busy", f"{turn.host} {asked}, and is not to be asked again for another "
                              f"{ceil(seconds)} s, until {until:%H:%M:%S} UTC; try again after that, or give it more "
                              "time", exception="Timeout")  # fmt: skip
        self._sleep(seconds)

    def _paths(self, queue: str, at_once: int) -> Sequence[Path]:
        """The lock files of a queue, one for each request that may run there at the same time."""
        if (paths := self._known.get(queue)) is None:
            name = hashlib.sha256(queue.encode()).hexdigest()[:32]
            paths = [self.folder / (f"{name}-{number}" if number else name) for number in range(at_once)]
            self._known[queue] = paths
        return paths

    def _read(self, path: Path, lock: int) -> Note:
        """When the host may be asked again, and by how much it is slowed down.

        What was written before this machine started says nothing: the clock began anew.
        """
        with storage_errors(path):
            until, slowed = _parsed(os.pread(lock, WIDTH, 0))
            now = self._clock()
            stale = until > now and os.fstat(lock).st_mtime < time.time() - now
        return NOTHING if stale else (until, slowed)

    def _note(self, path: Path, lock: int, until: float, slowed: float) -> None:
        """Writes down when the host may be asked again.

        This process remembers it too: the disk may be full, or somebody may have tidied the file away.
        """
        self._own[path] = until, slowed
        with suppress(OSError):
            os.pwrite(lock, f"{until:{WIDTH - 10}.6f} {slowed:9.3f}".encode(), 0)


def _until(path: Path) -> float:
    """When a host may be asked again, as far as a lock file shows it to who does not hold it."""
    try:
        return _parsed(path.read_bytes())[0]
    except OSError:  # nobody ever took it; what else may be wrong with it is found out by taking it
        return 0.0


def _parsed(content: bytes) -> Note:
    words = content.split()
    try:
        until, slowed, *_ = [*map(float, words), *NOTHING[len(words) :]]
    except ValueError:  # a process was killed while it wrote
        return NOTHING
    return NOTHING if isnan(until) or isnan(slowed) else (until, slowed)


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
