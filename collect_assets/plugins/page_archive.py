"""The one resource of a harvest in a record protocol: a zip of its pages, verbatim, behind a list of what brought them.

First comes `tasks.json` with the plugin and, for each page, its name and its request; then the pages, named by their
place in six digits. Nothing in it varies from run to run, so that the same pages are the same file: dates and
attributes are fixed, and members are stored as they are, since another zlib packs otherwise.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from collect_assets.errors import FailedError
from collect_assets.network.gate import Fetcher
from collect_assets.plugins import Coverage, Harvest, HarvestRequest
from collect_assets.plugins.document import START, File, harvest_of
from collect_assets.plugins.tasks import Task, Tasks
from collect_assets.store.canonical import TASKS
from collect_assets.store.local import sha256_of, storage_errors, temporary
from collect_assets.store.zip_limits import MAX_MEMBERS

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can have
FILE_MODE = 0o100644
UNIX = 3
PIECE = 1 << 20


def tasks_of(request: HarvestRequest, gate: Fetcher) -> Tasks:
    """The tasks of a harvest, tried as often as the endpoint's limits say."""
    return Tasks(
        request.pending,
        request.work,
        gate,
        attempts=request.attempts,
        backoff=request.backoff,
        look=request.look,
    )


def page_archive(
    request: HarvestRequest,
    plugin: str,
    tasks: Tasks,
    pages: Sequence[Task],
    *,
    short: str = "",
    coverage: Coverage = "full",
    note: str = "",
    declared_count: int | None = None,
) -> Harvest:
    """The harvest whose resource is the archive of its pages; an incomplete one where tasks failed or it is `short`.

    Args:
        request: what was asked for.
        plugin: its name, for whoever reads the archive.
        tasks: all tasks of the harvest.
        pages: those whose pages are in the archive, finished, in order.
        short: what does not agree with what the provider declared, in words for people.
        coverage: what the harvest speaks of.
        note: what people should know about it.
        declared_count: how many records the provider says that it has.

    Raises:
        FailedError: there are more pages than an archive may have.
        StorageError: the disk is full.
    """
    if len(pages) >= MAX_MEMBERS:
        raise FailedError("limit", f"{request.url}: {len(pages)} pages, and an archive may have {MAX_MEMBERS - 1}; "
                          "raise the size of a page in parameters")  # fmt: skip
    part = temporary(request.work)
    try:
        with storage_errors(part):
            _write(part, plugin, tasks, pages)
            with part.open("rb") as file:
                start = file.read(START)
            kept = File(part, sha256_of(part), part.stat().st_size, start)
        return harvest_of(request.url, tasks, kept, short, coverage, note, declared_count)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def page_name(place: int) -> str:
    """The name of a page in the archive; the first place is 1."""
    return f"{place:06d}.xml"


def _write(part: Path, plugin: str, tasks: Tasks, pages: Sequence[Task]) -> None:
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        with _member(archive, TASKS) as member:
            for piece in _listed(plugin, pages):
                member.write(piece.encode())
        for place, page in enumerate(pages, 1):
            path = tasks.page(page.key)
            with path.open("rb") as file, _member(archive, page_name(place), path.stat().st_size) as member:
                shutil.copyfileobj(file, member, PIECE)


@contextmanager
def _member(archive: zipfile.ZipFile, name: str, size: int = 0) -> Iterator[IO[bytes]]:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.create_system = UNIX
    info.external_attr = FILE_MODE << 16
    info.file_size = size
    with archive.open(info, "w") as member:
        yield member


def _listed(plugin: str, pages: Sequence[Task]) -> Iterator[str]:
    """`tasks.json` in pieces."""
    yield f'{{"plugin": {json.dumps(plugin)}, "tasks": ['
    for place, page in enumerate(pages, 1):
        row = json.dumps({"page": page_name(place), "request": page.request}, ensure_ascii=False)
        yield f"{',' if place > 1 else ''}\n{row}"
    yield "\n]}\n"
