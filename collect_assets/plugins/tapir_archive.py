"""An archive that the capabilities of a TAPIR provider name: a document of its records, a gzip of one, a zip of some.

It is taken in place of a search if every document in it can be read, and as many records are in it as the capabilities
say. Where they say nothing, nothing tells whether it is whole. The limits are those of the readers.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from collect_assets.errors import FailedError, RefusedError
from collect_assets.network.gate import Answer
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.biocase_archive import MAX_DOCUMENT, PIECE, ArchiveReader
from collect_assets.plugins.document import Document
from collect_assets.plugins.tapir_pages import count_records
from collect_assets.plugins.tasks import Kept, Task, Tasks
from collect_assets.store.local import storage_errors, temporary
from collect_assets.store.zip_limits import is_bomb

_GZIP = b"\x1f\x8b"
_ZIP = b"PK"


@dataclass(frozen=True)
class TapirArchiveReader:
    """Accepts an archive; its facts say whether its records were found to be as many as they should be.

    Attributes:
        records: that the capabilities say are in it.
        tolerance: share of them that may be missing.
    """

    work: Path
    records: int | None
    tolerance: float

    def __call__(self, answer: Answer, body: Path) -> Kept:
        """The archive as it came.

        Raises:
            RefusedError: it is beyond the limits.
            FailedError: it holds something else than records, is damaged, or records are missing.
        """
        zipped = ArchiveReader(self.work, self.records, self.tolerance, count_records, "the capabilities say")
        if answer.start.startswith(_ZIP):
            kept = zipped(answer, body)
        elif answer.start.startswith(_GZIP):
            kept = zipped.kept(answer.url, body, self._in_gzip(answer.url, body))
        else:
            kept = zipped.kept(answer.url, body, count_records(answer.url, body))
        if not kept.records:
            raise FailedError("archive", f"{answer.url}: the archive has no records of a structure that is known")
        return replace(kept, facts={"agrees": self.records is not None})

    def _in_gzip(self, url: str, body: Path) -> int:
        document, size, packed = temporary(self.work), 0, body.stat().st_size
        try:
            with gzip.open(body) as unpacked, storage_errors(document), document.open("wb") as file:
                while piece := _next(url, unpacked):
                    size += len(piece)
                    if size > MAX_DOCUMENT or is_bomb(size, packed):
                        raise RefusedError("archive", f"{url}: the gzip unpacks to more than {size} B")
                    file.write(piece)
            return count_records(url, document)
        finally:
            document.unlink(missing_ok=True)


def harvest_of_archive(request: HarvestRequest, tasks: Tasks, archive: Task) -> Harvest:
    """The harvest whose resource is the archive; it proves nothing where nobody says how many records are in it."""
    page = tasks.page(archive.key)
    with Document(request.work) as document:
        with storage_errors(page), page.open("rb") as file:
            while piece := file.read(PIECE):
                document.write(piece)
        harvest = document.finish(request.url, tasks)
    return harvest if archive.facts.get("agrees") else replace(harvest, complete=False, coverage="changes")


def of_taken(location: str, task: Task) -> str:
    """What people should know of an archive that was taken."""
    said = f"the archive that the capabilities name: {location}; later harvests ask for pages"
    unproven = "how many records it should have is not said, so it proves no deletion"
    return said if task.facts.get("agrees") else f"{said}; {unproven}"


def _next(url: str, unpacked: gzip.GzipFile) -> bytes:
    """The next piece. A bad gzip raises an `OSError`, which must not pass for a fault of our disk."""
    try:
        return unpacked.read(PIECE)
    except (EOFError, zlib.error, OSError) as error:
        raise FailedError("archive", f"{url}: no whole gzip: {error}") from error
