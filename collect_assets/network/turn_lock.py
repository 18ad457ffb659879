"""The lock of a turn: the kernel's, whose wait ends when there is no more time, or when the work is being stopped.

No time limit and no signal ends `flock` in a thread, and who asks for the lock again and again stands behind everybody
who waits: a run takes its next turn within a millisecond. So where the lock is not free, a thread waits in line.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Sequence
from math import isinf
from pathlib import Path

from collect_assets.network.stopping import current_halt
from collect_assets.store.local import storage_errors

GLANCE = 0.005  # seconds between two looks at locks of which one must become free


def take_lock(path: Path, seconds: float) -> int | None:
    """Takes an exclusive lock that the kernel gives back when the process ends, however it ends.

    Args:
        path: the lock file; it is made where it is missing.
        seconds: the most that is waited for it; may be infinite.

    Returns:
        The descriptor of the lock file, for what is to be read and written under the lock; who closes it gives the lock
        back. None when it was not free in that time.

    Raises:
        StopFetching: the work was stopped in the meantime.
        StorageError: the lock file cannot be used.
    """
    with storage_errors(path):
        descriptor = _open(path)
        if _take_at_once(descriptor):
            return descriptor
        return _Waiting(descriptor).comes_within(seconds)


def take_one(paths: Sequence[Path], line: Path, seconds: float) -> tuple[Path, int] | None:
    """Takes the first of several locks that becomes free; who waits stands in line, so that they come in turn.

    The first in the line looks at the locks again and again, since nothing waits for several of them; the others sleep.

    Args:
        paths: the lock files, the preferred one first.
        line: the lock file of the line.
        seconds: the most that is waited, as for `take_lock`.
    """
    until = time.monotonic() + seconds
    first = take_lock(line, seconds)
    if first is None:
        return None
    try:
        while (taken := _free_one(paths)) is None and time.monotonic() < until:
            current_halt().sleep(GLANCE)
    finally:
        os.close(first)
    return taken


def _free_one(paths: Sequence[Path]) -> tuple[Path, int] | None:
    for path in paths:
        with storage_errors(path):
            descriptor = _open(path)
            if _take_at_once(descriptor):
                return path, descriptor
            os.close(descriptor)
    return None


def _take_at_once(descriptor: int) -> bool:
    """Takes the lock if nobody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        os.close(descriptor)
        raise
    return True


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o644)


class _Waiting:
    """Who waits for a lock. Closing a descriptor does not end the wait on it, so the last who uses it closes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._came = False
        self._left = False
        self._error: OSError | None = None

    def comes_within(self, seconds: float) -> int | None:
        """Waits in line for the lock; the descriptor when it came."""
        halt = current_halt()
        try:
            with halt.cutting(self):
                threading.Thread(target=self._wait, name="turn", daemon=True).start()
                self._woken.wait(None if isinf(seconds) else max(seconds, 0.0))
            halt.check()
        except BaseException:
            self._leave()
            raise
        return self._descriptor if self._is_here() else None

    def cut(self) -> None:
        """Wakes who waits."""
        self._woken.set()

    def _is_here(self) -> bool:
        with self._lock:
            if self._error is not None:
                os.close(self._descriptor)
                raise self._error
            self._left = not self._came
            return self._came

    def _leave(self) -> None:
        """Gives the lock back; where it has not come yet, as soon as it comes."""
        with self._lock:
            self._left = True
            if self._came:
                os.close(self._descriptor)

    def _wait(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            self._error = error
        with self._lock:
            self._came = True
            if self._left:
                os.close(self._descriptor)
        self._woken.set()
