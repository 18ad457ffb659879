"""Putting on record what came of endpoints: their resources first, then the logs that name them (promise 1).

Many threads collect, and one puts on record what they brought meanwhile: a disk that makes one file last is as busy as
with a hundred of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from collect_assets.collecting.log import Log
from collect_assets.collecting.pending import discard
from collect_assets.collection import Collection
from collect_assets.errors import StorageError
from collect_assets.store.local import new_files, publish_all, storage_errors
from collect_assets.store.syncing import sync


@dataclass(frozen=True)
class Collected:
    """What came of an endpoint, on its way to the record.

    Attributes:
        log: what happened.
        part: the bytes of the resource that the log names, where no file of the store has them yet.
        stands: whether the day has a good log of the endpoint, which no failure replaces.
        tasks: the folder of the tasks that are finished, if there are any.
        resumable: whether they are kept for the next run of the day.
    """

    log: Log
    part: Path | None = None
    stands: bool = False
    tasks: Path | None = None
    resumable: bool = False


@dataclass(frozen=True)
class Record:
    """The record of one entry-date.

    Attributes:
        written: the logs that were put there, by endpoint.
    """

    collection: Collection
    entry_date: dt.date
    written: dict[str, Log] = field(default_factory=dict)

    def put(self, batch: Sequence[Collected]) -> list[Log]:
        """Puts everything on record that was collected.

        Returns:
            The logs in the order of the batch, also those in whose place the day keeps a good one; where a resource
            could not be kept, its log says so.

        Raises:
            StorageError: not even a log could be written.
        """
        lost = self._keep_resources(batch)
        batch = [
            _without_resource(each, lost[each.part]) if each.part and each.part in lost else each for each in batch
        ]
        self._write_logs([each.log for each in batch if each.log.good or not each.stands])
        if done := [each.tasks for each in batch if each.tasks is not None and not each.resumable]:
            self.sync()
            for tasks in done:
                discard(tasks)
        return [each.log for each in batch]

    def sync(self) -> None:
        """Makes the names of the logs last; their bytes do."""
        if self.written:
            folder = self.collection.log / self.entry_date.isoformat()
            with storage_errors(folder):
                sync(folder)

    def _keep_resources(self, batch: Iterable[Collected]) -> dict[Path, StorageError]:
        resources = self.collection.resources
        names = ((each.part, each.log.resource or each.log.partial_resource) for each in batch)
        return publish_all([(part, resources.path(name)) for part, name in names if part is not None])

    def _write_logs(self, logs: Sequence[Log]) -> None:
        finals = [self.collection.log_path(self.entry_date, log.endpoint) for log in logs]
        named = any(log.resource or log.partial_resource for log in logs)
        parts = new_files(self.collection.work, [log.to_json() for log in logs])
        failed = publish_all(list(zip(parts, finals, strict=True)),
                             after=self.collection.resources.folder if named else None)  # fmt: skip
        self.written.update((log.endpoint, log) for log, part in zip(logs, parts, strict=True) if part not in failed)
        for error in failed.values():
            raise error


def _without_resource(came: Collected, error: StorageError) -> Collected:
    """What is left of an answer that could not be kept: its log, which says why."""
    log = replace(came.log, outcome="failed:storage", message=str(error), resource="", partial_resource="",
                  canonical_hash="", bytes=None, mime_type="", complete=None, coverage="", harvested={},
                  audit="")  # fmt: skip
    return replace(came, log=log, part=None, resumable=True)
