"""The one resource of a harvest of many pages: a file that is written piece by piece and hashed on its way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer
from collect_assets.plugins import Coverage, Harvest
from collect_assets.plugins.tasks import Tasks
from collect_assets.store.local import storage_errors, temporary

START = 2048
MOST_NAMED = 5  # failed tasks that a message names; the log has them all


class Document:
    """A new file in `work`. It is gone after the `with` unless `finish` was called."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._digest = hashlib.sha256()
        self._finished = False
        self.size = 0
        self.start = b""

    def __enter__(self) -> Self:
        self.part = temporary(self._work)
        with storage_errors(self.part):
            self._file: BinaryIO = self.part.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            with storage_errors(self.part):
                self._file.close()
        finally:
            if not self._finished:
                self.part.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Adds to its end."""
        with storage_errors(self.part):
            self._file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)
        if len(self.start) < START:
            self.start += piece[: START - len(self.start)]

    def finish(self, url: str, tasks: Tasks, short: str = "", declared_count: int | None = None) -> Harvest:
        """The harvest that brought it; an incomplete one where tasks failed or something is `short`."""
        with storage_errors(self.part):
            self._file.flush()
        self._finished = True
        file = File(self.part, self._digest.hexdigest(), self.size, self.start)
        return harvest_of(url, tasks, file, short, declared_count=declared_count)


@dataclass(frozen=True)
class File:
    """The bytes of a harvest."""

    part: Path
    sha256: str
    size: int
    start: bytes


def harvest_of(
    url: str,
    tasks: Tasks,
    file: File,
    short: str,
    coverage: Coverage = "full",
    note: str = "",
    declared_count: int | None = None,
) -> Harvest:
    """The harvest that brought a file; an incomplete one where tasks failed or something is `short`."""
    incomplete = _incomplete(url, tasks, short)
    return Harvest(
        _answer(url, tasks),
        file.part,
        file.sha256,
        file.size,
        file.start,
        complete=incomplete is None and not tasks.enough,
        coverage=coverage,
        note=note,
        incomplete=incomplete,
        tasks=tasks.logged(),
        resumable=bool(tasks.failed or tasks.waiting),
        declared_count=declared_count,
    )


def _incomplete(url: str, tasks: Tasks, short: str) -> FailedError | None:
    failed, waiting = tasks.failed, [] if tasks.enough else tasks.waiting
    if not failed and not waiting and not short:
        return None
    named = "; ".join(f"{task.key}: {task.message}" for task in failed[:MOST_NAMED])
    more = f"; and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
    tasks_failed = f"{len(failed)} of {len(list(tasks))} tasks failed ({named}{more})" if failed else ""
    not_asked = f"{len(waiting)} tasks were not asked for after that" if waiting else ""
    reason = "; ".join(filter(None, (tasks_failed, not_asked, short)))
    return FailedError("incomplete", f"{url}: {reason}; what came is kept as partial-resource", transient=True)


def _answer(url: str, tasks: Tasks) -> Answer:
    """The first answer of this run, with the time that all tasks took; all may have been there from an earlier run."""
    elapsed = sum(task.elapsed for task in tasks)
    first = tasks.answer or Answer(url, 200, {}, {}, (), (), elapsed, None, None, 0, b"")
    return Answer(**{**vars(first), "elapsed": elapsed})
