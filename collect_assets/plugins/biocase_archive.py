"""An ABCD archive: a zip of documents of about a thousand units each, which a provider made of a whole dataset.

It is taken in place of a search if every document in it can be read and the units are as many as the inventory says.
Members are read where they lie, never unpacked by name; the limits are those of the readers.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collect_assets.errors import FailedError, RefusedError
from collect_assets.network.gate import Answer
from collect_assets.plugins.biocase_answers import count_units
from collect_assets.plugins.tasks import Kept
from collect_assets.store.local import storage_errors, temporary
from collect_assets.store.zip_limits import MAX_DIRECTORY, MAX_MEMBERS, METHODS, directory_size, is_bomb

MAX_DOCUMENT = 1 << 30
PIECE = 1 << 18
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, LookupError, OSError)


@dataclass(frozen=True)
class ArchiveReader:
    """Accepts an archive.

    Attributes:
        records: that the inventory says are in it.
        tolerance: share of them that may be missing.
        counting: counts the records of a document, whose name it is given for messages.
        said: who says how many there are, for messages.
    """

    work: Path
    records: int | None
    tolerance: float
    counting: Callable[[str, Path], int] = count_units
    said: str = "the inventory says"

    def __call__(self, answer: Answer, body: Path) -> Kept:
        """The archive as it came.

        Raises:
            RefusedError: it is beyond the limits.
            FailedError: it is no archive of ABCD documents, one cannot be read, or records are missing.
        """
        return self.kept(answer.url, body, sum(self._units(answer.url, body)))

    def kept(self, url: str, body: Path, count: int) -> Kept:
        """An archive with so many records.

        Raises:
            FailedError: records are missing.
        """
        if self.records is not None and count < self.records * (1 - self.tolerance):
            raise FailedError("incomplete", f"{url}: the archive has {count} records, and {self.said} {self.records}")
        return Kept(body, count)

    def _units(self, url: str, body: Path) -> Iterator[int]:
        try:
            with body.open("rb") as file:
                if (directory_size(file) or 0) > MAX_DIRECTORY:
                    raise RefusedError("archive", f"{url}: the directory of the zip is larger than {MAX_DIRECTORY} B")
                with zipfile.ZipFile(file) as archive:
                    for member in _documents(url, archive, body.stat().st_size):
                        yield self._count(url, archive, member)
        except _DAMAGES as error:
            raise FailedError("archive", f"{url}: no whole zip: {error}") from error

    def _count(self, url: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
        document = temporary(self.work)
        try:
            with archive.open(member) as packed, storage_errors(document), document.open("wb") as file:
                while piece := packed.read(PIECE):
                    file.write(piece)
            return self.counting(f"{url} ({member.filename})", document)
        finally:
            document.unlink(missing_ok=True)


def _documents(url: str, archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The XML documents in it, each once."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    names = [member.filename for member in members]
    if len(members) > MAX_MEMBERS or sum(member.compress_size for member in members) > size:
        raise RefusedError("archive", f"{url}: {len(members)} members that overlap, or are too many")
    if len(set(names)) < len(names):
        raise FailedError("archive", f"{url}: two members have one name")
    for member in members:
        if member.compress_type not in METHODS or member.flag_bits & 1:
            raise FailedError("archive", f"{url}: {member.filename} is encrypted, or packed in an unusual way")
        if is_bomb(member.file_size, member.compress_size) or member.file_size > MAX_DOCUMENT:
            raise RefusedError("archive", f"{url}: {member.filename} unpacks to {member.file_size} B")
    found = [member for member in members if member.filename.lower().endswith(".xml")]
    if not found:
        raise FailedError("archive", f"{url}: has no XML document")
    return found
