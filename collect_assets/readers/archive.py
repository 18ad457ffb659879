"""Zip and tar archives, guarded: members are found by name and copied in pieces, never extracted by path.

Limits hold before and while bytes are unpacked (faults F53 to F55). No format is known here.
"""

from __future__ import annotations

import errno
import struct
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Self

from collect_assets.errors import UnreadableError
from collect_assets.readers.facts import Facts, Look
from collect_assets.readers.source import Scratch, Source, read_start
from collect_assets.store.local import storage_errors
from collect_assets.store.zip_limits import MAX_DIRECTORY, MAX_MEMBERS, MAX_RATIO, METHODS, directory_size, is_bomb

MAX_UNPACKED = 32 << 30
PIECE = 1 << 18  # unpacking in pieces of 1 MB takes a third longer
TAR_MARK = slice(257, 262)
MAX_NAME = 1 << 20
_NAMING = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
)


class Archive(ABC):
    """An open archive: the files in it by their plain names, read in pieces.

    Args:
        names: of its files, as often as they are in it.
        scratch: where copies go.
    """

    def __init__(self, names: Iterable[str], scratch: Scratch) -> None:
        self._scratch = scratch
        self._count = Counter(names)

    @property
    def names(self) -> list[str]:
        """The files in it, sorted, without what operating systems leave there."""
        return sorted(name for name in self._count if not _clutter(name))

    def read(self, name: str, limit: int) -> bytes:
        """A small member whole.

        Raises:
            UnreadableError: it is missing, damaged, encrypted or too large.
        """
        with self._member(name) as (file, _):
            content = file.read(limit + 1)
        if len(content) > limit:
            raise UnreadableError(f"{name} has more than {limit:,} bytes")
        return content

    def source(self, name: str, parent: Source) -> Source:
        """A temporary copy of a member, its checksum checked, to be read as a file of its own.

        Raises:
            UnreadableError: it is missing, damaged, encrypted, too large, or unpacks like a bomb.
        """
        with self._member(name) as (file, packed):
            path, facts = copy_unpacked(file, name, packed, self._scratch)
        options = (parent.encoding, parent.delimiter, parent.depth + 1)
        return Source(path, read_start(path), self._scratch, name, *options, facts)

    @contextmanager
    def _member(self, name: str) -> Iterator[tuple[IO[bytes], int]]:
        """The content of a member, and how many bytes it has packed."""
        if not self._count[name]:
            raise UnreadableError(f"the archive has no {name}; it has: {', '.join(self.names[:10]) or 'nothing'}")
        if self._count[name] > 1:
            raise UnreadableError(f"the archive has {self._count[name]} files named {name}")
        with damage_named(f"{name} is damaged inside the archive"), self._open(name) as opened:
            yield opened

    @abstractmethod
    def _open(self, name: str) -> AbstractContextManager[tuple[IO[bytes], int]]: ...


class _Zip(Archive):
    def __init__(self, opened: zipfile.ZipFile, scratch: Scratch) -> None:
        self._zip = opened
        members = [
            (plain_name(info.filename), info) for info in opened.infolist() if info.filename and not info.is_dir()
        ]
        self._by_name = dict(members)
        super().__init__((name for name, _ in members), scratch)

    @contextmanager
    def _open(self, name: str) -> Iterator[tuple[IO[bytes], int]]:
        info = self._by_name[name]
        if info.flag_bits & 1:
            raise UnreadableError(f"{name} is encrypted")
        if info.compress_type not in METHODS:
            raise UnreadableError(f"{name} is packed by method {info.compress_type}; only stored and deflated are read")
        with self._zip.open(info) as file:
            yield file, info.compress_size


class _Header(tarfile.TarInfo):
    """A header of a tar; one that announces a long name, which is read into memory, must not be as long as a bomb."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _NAMING and header.size > MAX_NAME:
            raise UnreadableError(f"the tar has a header of {header.size:,} bytes; at most {MAX_NAME:,} are read")
        return header


class _Tar(Archive):
    """A tar: only plain files count, links and devices are passed over."""

    def __init__(self, opened: tarfile.TarFile, scratch: Scratch) -> None:
        self._tar = opened
        members = list(islice(opened, MAX_MEMBERS + 1))
        if len(members) > MAX_MEMBERS:
            raise UnreadableError(f"the archive has more than {MAX_MEMBERS:,} members")
        files = [(plain_name(info.name), info) for info in members if info.isreg() and not info.issparse()]
        self._by_name = dict(files)
        super().__init__((name for name, _ in files), scratch)

    @contextmanager
    def _open(self, name: str) -> Iterator[tuple[IO[bytes], int]]:
        info = self._by_name[name]
        file = self._tar.extractfile(info)
        if file is None:
            raise UnreadableError(f"{name} is no file")
        with file:
            yield file, info.size


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


def is_archive(start: bytes) -> bool:
    """Whether a file that begins so is a zip or a tar."""
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06")) or start[TAR_MARK] == b"ustar"


@contextmanager
def open_archive(source: Source) -> Iterator[Archive]:
    """The archive for the time of the `with`; copies of members last as long as the scratch.

    Raises:
        UnreadableError: it is cut off, damaged, inside another archive, or has too many members.
    """
    if source.depth:
        raise UnreadableError(f"{source.member or 'the content'} is an archive inside an archive; it is not opened")
    with storage_errors(source.path), source.path.open("rb") as file:
        if source.start[TAR_MARK] == b"ustar":
            with damage_named("a damaged or cut off tar"):
                tar = tarfile.open(fileobj=file, mode="r:", tarinfo=_Header)  # noqa: SIM115 - it holds nothing but `file`
                archive = _Tar(tar, source.scratch)
            yield archive
            return
        _check_directory(file)
        with damage_named("a damaged or cut off zip"):
            opened = zipfile.ZipFile(file)
        with opened:
            if len(opened.infolist()) > MAX_MEMBERS:
                raise UnreadableError(f"the archive has more than {MAX_MEMBERS:,} members")
            yield _Zip(opened, source.scratch)


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
