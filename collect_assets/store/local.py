"""Files on a local disk: atomic writes, and the content-addressed store.

A file appears under its final name only when its bytes are on the disk: written beside it in `work/`, fsynced, renamed
(promise 1). What S3 needs in place of this comes as `s3.py`, with the same functions.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from collect_assets.errors import DamagedFileError, StorageError
from collect_assets.store.syncing import MANY, sync, sync_file_system

CHUNK = 1 << 20
WORK_ELSEWHERE = ".work"  # beside files that lie on another file system than the collection's work/
_AT_MOST = 1 << 30  # bytes in one call
_NOT_BY_THE_KERNEL = {None, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
FORGOTTEN = 24 * 3600.0  # seconds without change after which nobody works on a file of an unknown process any more


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes as lower-case hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class storage_errors:  # noqa: N801 - used as a function; each request enters it ten times, a generator is three times as slow
    """Turns the operating system's errors into a `StorageError` that names the path and what to do."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise StorageError(
                f"{self._path}: cannot be written or read: {error.strerror or error}; free space, "
                "check the folder's permissions and run again"
            ) from error


def temporary(work: Path) -> Path:
    """A new name in `work`, on the same file system as where the file will end; the folder is made if needed."""
    with storage_errors(work):
        work.mkdir(parents=True, exist_ok=True)
    return work / _name()


def new_file(work: Path) -> tuple[Path, int]:
    """A new file in `work`, open for writing; the folder is made where it is missing.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    part = work / _name()
    with storage_errors(part):
        try:
            return part, os.open(part, _NEW, 0o644)
        except FileNotFoundError:
            work.mkdir(parents=True, exist_ok=True)
            return part, os.open(part, _NEW, 0o644)


def new_files(work: Path, contents: Iterable[bytes]) -> list[Path]:
    """New files in `work` with these contents.

    Raises:
        StorageError: the disk is full, or the folder cannot be written; then there is none of them.
    """
    parts: list[Path] = []
    try:
        for content in contents:
            part, descriptor = new_file(work)
            parts.append(part)
            try:
                with storage_errors(part):
                    write_all(descriptor, content)
            finally:
                os.close(descriptor)
    except BaseException:
        for part in parts:
            part.unlink(missing_ok=True)
        raise
    return parts


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


def write_all(descriptor: int, content: bytes) -> None:
    """Writes all of it: the system may take less than it is given when the disk fills up."""
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, memoryview(content)[written:])


_numbers = itertools.count()


def _name() -> str:
    """No other file has this name: there is one process of that beginning, and it counts."""
    return f"{_process(os.getpid())}-{next(_numbers)}"


@cache
def _process(number: int) -> str:
    return f"{number}-{_began(number)}-{_place()}"


@cache
def _place() -> str:
    """Where the numbers of processes are ours: this host, and this namespace, which a container has of its own."""
    namespace = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]


def _began(process: int) -> str | None:
    """When a process began, in ticks since the machine did; None when it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def publish(finished: Path, final: Path) -> None:
    """Moves a file that is complete to its final name: fsync, rename, fsync of the folder.

    Where that is on another file system, it is copied there first, into a hidden work folder beside the final name.

    Raises:
        StorageError: the disk is full, or a folder cannot be written.
    """
    with storage_errors(final):
        sync(finished)
        _rename(finished, final)
        sync(final.parent)


def publish_all(moves: Sequence[tuple[Path, Path]], *, after: Path | None = None) -> dict[Path, StorageError]:
    """Moves many files to their final names: their bytes last from then on, their names when the folder is synced.

    Args:
        moves: complete files of one folder, each with its name.
        after: a folder whose names are on the disk before any of the files appears: that of what they speak of.

    Returns:
        What went wrong with which file, which is gone then; all others are where they should be.

    Raises:
        StorageError: the disk cannot be written; no file is where it should be, and all are gone.
    """
    failed: dict[Path, StorageError] = {}
    try:
        if len(moves) < MANY or not _has_synced_everything(moves[0][0].parent):
            failed |= _failures(moves, lambda part, _: sync(part))
            if after is not None:
                with storage_errors(after):
                    sync(after)
    except BaseException:
        for part, _ in moves:
            part.unlink(missing_ok=True)
        raise
    return failed | _failures([move for move in moves if move[0] not in failed], _rename)


def _has_synced_everything(folder: Path) -> bool:
    with storage_errors(folder):
        return sync_file_system(folder)


def _failures(moves: Sequence[tuple[Path, Path]], step: Callable[[Path, Path], None]) -> dict[Path, StorageError]:
    """Does something to every file; which of them it failed with, and why."""
    failed: dict[Path, StorageError] = {}
    for part, final in moves:
        try:
            with storage_errors(final):
                step(part, final)
        except StorageError as error:
            failed[part] = error
            part.unlink(missing_ok=True)
    return failed


def _rename(synced: Path, final: Path) -> None:
    """Moves a file that is on the disk already; its folder is made where it is missing."""
    try:
        _replace(synced, final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(synced, final)


def _replace(synced: Path, final: Path) -> None:
    try:
        os.replace(synced, final)  # noqa: PTH105 - `Path.replace` makes a path of the answer, for each request twice
    except FileNotFoundError:
        final.parent.mkdir(parents=True, exist_ok=True)
        synced.replace(final)


def _copy(finished: Path, final: Path) -> None:
    work = final.parent / WORK_ELSEWHERE
    sweep(work)
    part = temporary(work)
    try:
        shutil.copyfile(finished, part)
        publish(part, final)
    finally:
        part.unlink(missing_ok=True)
    finished.unlink()


def copy_file(source: Path, target: Path) -> None:
    """Copies a file; where the file system can (XFS, Btrfs), both share their blocks until one is changed.

    Raises:
        OSError: the source cannot be read, or the target not be written.
    """
    with source.open("rb") as read, target.open("wb") as written:
        try:
            while os.copy_file_range(read.fileno(), written.fileno(), _AT_MOST):
                pass
        except (AttributeError, OSError) as error:
            if getattr(error, "errno", None) not in _NOT_BY_THE_KERNEL:
                raise
            shutil.copyfileobj(read, written, CHUNK)


def write_atomically(final: Path, content: bytes, work: Path) -> None:
    """Writes a small file whole or not at all.

    Args:
        final: its name.
        content: all of it.
        work: where it is written first.

    Raises:
        StorageError: the disk is full, or a folder cannot be written; the old file, if any, is as it was.
    """
    (part,) = new_files(work, [content])
    try:
        publish(part, final)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sweep(work: Path) -> int:
    """Removes what interrupted runs left in `work`; returns how many files and folders.

    What is in the making belongs to a process by its name (`<pid>-<when it began>-<where>-…`); everything of processes
    that are gone goes. The number alone says nothing: in a container every run has the same. Of processes in other
    containers or on other hosts nothing is known; what they made goes when it has not changed for a day.
    """
    removed = 0
    with storage_errors(work):
        for path in work.iterdir() if work.is_dir() else ():
            if _is_left(path):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
                removed += 1
    return removed


def _is_left(path: Path) -> bool:
    process, began, place, *_ = [*path.name.split("-"), "", ""]
    if not process.isdecimal():
        return False
    if place != _place():
        return time.time() - _changed(path) > FORGOTTEN
    alive_since = _began(int(process))
    return alive_since is None or (began.isdecimal() and began != alive_since)


def _changed(path: Path) -> float:
    """When a file, or whatever is in a folder, last changed; of what is gone meanwhile it is just now."""
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except FileNotFoundError:
        return time.time()


@contextmanager
def file_lock(path: Path) -> Iterator[int]:
    """Holds an exclusive lock that the kernel gives back when the process ends, however it ends.

    Yields:
        The descriptor of the lock file, for what is to be read and written under the lock.

    Raises:
        StorageError: the lock file cannot be made.
    """
    with storage_errors(path):
        try:
            descriptor = os.open(path, _LOCK, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, _LOCK, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


class ContentStore:
    """A folder of files that are named by the sha256 of their bytes."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder = folder
        self.work = work

    def path(self, sha256: str) -> Path:
        """Where the file with this hash is, or would be."""
        return self.folder / sha256

    def add(self, part: Path, sha256: str) -> Path | None:
        """Takes a finished file in; a file of that name that is already there is checked, and replaced if damaged.

        Args:
            part: a file, best on the same file system; it is gone afterwards.
            sha256: the hash of its bytes, which the caller computed while writing.

        Returns:
            Where the damaged bytes were put aside, as `<sha256>.damaged`, for whoever wants to know what happened; None
            when all was well.

        Raises:
            StorageError: the disk is full, or the folder cannot be written.
        """
        final = self.path(sha256)
        with storage_errors(final):
            if not final.exists():
                publish(part, final)
                return None
            if self._is_whole(final, part, sha256):
                part.unlink()
                return None
            return self._replace_damaged(final, part, sha256)

    def _replace_damaged(self, final: Path, part: Path, sha256: str) -> Path | None:
        """One at a time: of two threads that found the damage, the later must not put the good file aside."""
        with file_lock(self.work / "damaged.lock"):
            damaged = None
            if final.exists() and not self._is_whole(final, part, sha256):
                damaged = final.with_name(f"{sha256}.damaged")
                final.replace(damaged)
            publish(part, final)
            return damaged

    @staticmethod
    def _is_whole(final: Path, part: Path, sha256: str) -> bool:
        try:
            return final.stat().st_size == part.stat().st_size and sha256_of(final) == sha256
        except FileNotFoundError:  # another thread is putting it aside just now
            return False

    def check(self, sha256: str, *, size: int | None = None, whole: bool = True) -> None:
        """Checks one file.

        Args:
            sha256: its name.
            size: the number of bytes that it must have, where the log says so.
            whole: whether its bytes are read and hashed too.

        Raises:
            DamagedFileError: it is missing, cannot be read, has another size, or another hash.
        """
        path = self.path(sha256)
        try:
            self._check(path, sha256, size, whole=whole)
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}; check its permissions and the disk"
            raise DamagedFileError(path, reason) from error

    @staticmethod
    def _check(path: Path, sha256: str, size: int | None, *, whole: bool) -> None:
        if not path.is_file():
            raise DamagedFileError(path, "is missing; the log names it. Restore it from a copy of the collection")
        if size is not None and path.stat().st_size != size:
            raise DamagedFileError(path, f"has {path.stat().st_size} bytes, the log says {size}")
        if whole and sha256_of(path) != sha256:
            raise DamagedFileError(path, "has other bytes than its name says; restore it, or collect it again")

    def names(self) -> Iterator[str]:
        """The hashes of all files, in no order.

        Raises:
            StorageError: the folder cannot be read.
        """
        with storage_errors(self.folder):
            if self.folder.is_dir():
                yield from (path.name for path in self.folder.iterdir() if len(path.name) == 64)
