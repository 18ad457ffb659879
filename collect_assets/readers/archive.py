"""Zip archives, guarded: members are found by name and copied in pieces, never extracted by path.

Limits hold before and while bytes are unpacked (faults F53 to F55). No format is known here.
"""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from collect_assets.errors import UnreadableError
from collect_assets.readers.facts import Facts, Look
from collect_assets.readers.source import Scratch, Source, read_start
from collect_assets.store.local import storage_errors
from collect_assets.store.zip_limits import MAX_DIRECTORY, MAX_MEMBERS, MAX_RATIO, METHODS, directory_size, is_bomb

MAX_UNPACKED = 32 << 30
PIECE = 1 << 18  # unpacking in pieces of 1 MB takes a third longer
_DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, LookupError)


class Archive:
    """An open zip whose directory is sound."""

    def __init__(self, opened: zipfile.ZipFile, scratch: Scratch) -> None:
        self._zip = opened
        self._scratch = scratch
        self._by_name: dict[str, list[zipfile.ZipInfo]] = {}
        for info in opened.infolist():
            if info.filename and not info.is_dir():
                self._by_name.setdefault(plain_name(info.filename), []).append(info)

    @property
    def names(self) -> list[str]:
        """The files in it, sorted, without what operating systems leave there."""
        return sorted(name for name in self._by_name if not _clutter(name))

    def read(self, name: str, limit: int) -> bytes:
        """A small member whole.

        Raises:
            UnreadableError: it is missing, damaged, encrypted or too large.
        """
        with self._member(name) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise UnreadableError(f"{name} has more than {limit:,} bytes")
        return content

    def copy(self, name: str) -> tuple[Path, Facts]:
        """A temporary copy of a member, its checksum checked, and what its bytes tell.

        Raises:
            UnreadableError: it is missing, damaged, encrypted, too large, or unpacks like a bomb.
        """
        packed = self._info(name).compress_size
        with self._member(name) as file:
            return copy_unpacked(file, name, packed, self._scratch)

    def source(self, name: str, parent: Source) -> Source:
        """A copy of a member, to be read as a file of its own."""
        path, facts = self.copy(name)
        options = (parent.encoding, parent.delimiter, parent.depth + 1)
        return Source(path, read_start(path), self._scratch, name, *options, facts)

    def _info(self, name: str) -> zipfile.ZipInfo:
        found = self._by_name.get(name, [])
        if not found:
            raise UnreadableError(f"the archive has no {name}; it has: {', '.join(self.names[:10]) or 'nothing'}")
        if len(found) > 1:
            raise UnreadableError(f"the archive has {len(found)} files named {name}")
        if found[0].flag_bits & 1:
            raise UnreadableError(f"{name} is encrypted")
        if found[0].compress_type not in METHODS:
            raise UnreadableError(
                f"{name} is packed by method {found[0].compress_type}; only stored and deflated are read"
            )
        return found[0]

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
        info = self._info(name)
        with damage_named(f"{name} is damaged inside the archive"), self._zip.open(info) as file:
            yield file


@contextmanager
def damage_named(what: str) -> Iterator[None]:
    """What unpacking says of a damaged archive as an `UnreadableError`; faults of our disk pass through.

    Raises:
        UnreadableError: `zipfile` met what it did not expect; a bad offset makes it seek where there is nothing.
    """
    try:
        yield
    except _DAMAGES as error:
        raise UnreadableError(f"{what}: {error}") from None
    except OSError as error:
        if error.errno not in {None, errno.EINVAL}:
            raise
        raise UnreadableError(f"{what}: {error}") from None


@contextmanager
def open_archive(source: Source) -> Iterator[Archive]:
    """The archive for the time of the `with`; copies of members last as long as the scratch.

    Raises:
        UnreadableError: it is cut off, damaged, inside another archive, or has too many members.
    """
    if source.depth:
        raise UnreadableError(f"{source.member or 'the content'} is an archive inside an archive; it is not opened")
    with storage_errors(source.path), source.path.open("rb") as file:
        _check_directory(file)
        with damage_named("a damaged or cut off zip"):
            opened = zipfile.ZipFile(file)
        with opened:
            if len(opened.infolist()) > MAX_MEMBERS:
                raise UnreadableError(f"the archive has more than {MAX_MEMBERS:,} members")
            yield Archive(opened, source.scratch)


def _check_directory(file: IO[bytes]) -> None:
    """The directory is read whole into memory, so its size is looked at first."""
    size = directory_size(file)
    if size is None:
        raise UnreadableError("a damaged or cut off zip: its directory at the end is missing")
    if size > MAX_DIRECTORY:
        raise UnreadableError(f"the directory of the zip has more than {MAX_DIRECTORY:,} bytes")


def copy_unpacked(file: IO[bytes], name: str, packed: int, scratch: Scratch) -> tuple[Path, Facts]:
    """Copies what is unpacked on the fly, within the limits of size and ratio; says what its bytes tell.

    They are looked at in another thread: unpacking leaves Python's lock alone, and one core is not enough for both.

    Raises:
        UnreadableError: it passes one of the limits.
    """
    path, size, look = scratch.file(), 0, Look()
    with storage_errors(path), path.open("wb") as copy, ThreadPoolExecutor(1) as other:
        looked: Future[None] | None = None
        while chunk := _next(file, name):
            size += len(chunk)
            if size > MAX_UNPACKED:
                raise UnreadableError(f"{name} has more than {MAX_UNPACKED:,} bytes unpacked")
            if is_bomb(size, packed):
                raise UnreadableError(f"{name} unpacks to more than {MAX_RATIO} times its size, as archive bombs do")
            if looked:
                looked.result()
            looked = other.submit(look.add, chunk)
            copy.write(chunk)
        if looked:
            looked.result()
    return path, look.finish()


def _next(file: IO[bytes], name: str) -> bytes:
    """The next piece. A bad gzip raises an `OSError`, which must not pass for a fault of our disk."""
    with damage_named(f"{name} is damaged or cut off"):
        return file.read(PIECE)


def plain_name(name: str) -> str:
    """A member's name as descriptors write it: slashes, and none in front (old IPTs wrote backslashes)."""
    return name.replace("\\", "/").removeprefix("./").lstrip("/")


def _clutter(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return name.startswith("__MACOSX/") or last.startswith(".") or last in {"Thumbs.db", "desktop.ini"}
