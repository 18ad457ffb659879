"""The harvest tasks of one endpoint on one day, as they stand on record: in its log, or pending before there is one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collect_assets.collecting.log import Log, read_log
from collect_assets.collecting.pending import pending_folder
from collect_assets.collection import Collection
from collect_assets.errors import QueryError
from collect_assets.plugins.tasks import WAITING, State, Task
from collect_assets.registers import endpoint_id


@dataclass(frozen=True)
class HarvestTasks:
    """The tasks of a harvest.

    Attributes:
        outcome: of its log; blank while there is none.
        good: whether a resource came of it.
        message: of its log: which counts do not agree, and what else people should know; blank of a single request,
            whose task has it.
        declared_count: how many records the provider says that it has.
    """

    endpoint: str
    outcome: str
    tasks: tuple[Mapping[str, Any], ...]
    good: bool = False
    message: str = ""
    declared_count: int | None = None

    @property
    def failed(self) -> int:
        """How many brought nothing."""
        return sum(task.get("state") != "finished" for task in self.tasks)


def harvest_tasks(collection: Collection, endpoint: str, entry_date: dt.date) -> HarvestTasks:
    """The tasks of a harvest; of one with a single request, that one.

    Args:
        collection: whose.
        endpoint: its id, the beginning of one, or the URL.
        entry_date: the day.

    Raises:
        QueryError: there is no such harvest, or several begin so, or its log is damaged.
    """
    name = _named(collection, endpoint, entry_date)
    try:
        log = read_log(collection.log_path(entry_date, name))
    except ValueError as error:
        raise QueryError(str(error)) from error
    if log is None:
        return HarvestTasks(name, "", tuple(_pending(pending_folder(collection, entry_date, name))))
    outcome = log.outcome or ("collected" if log.good else "failed")
    if not log.tasks:
        return HarvestTasks(name, outcome, (_only(log),), log.good)
    return HarvestTasks(name, outcome, log.tasks, log.good, log.message, log.declared_count)


def _named(collection: Collection, endpoint: str, entry_date: dt.date) -> str:
    beginning = endpoint_id(endpoint) if "://" in endpoint else endpoint.lower()
    logs = {path.stem for path in (collection.log / entry_date.isoformat()).glob("*.json")}
    folder = pending_folder(collection, entry_date, "x").parent
    found = sorted(
        name for name in logs | {path.name for path in folder.glob("*")} if beginning and name.startswith(beginning)
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise QueryError(f"{endpoint}: {len(found)} endpoints of {entry_date} begin so, such as {', '.join(found[:3])}")
    raise QueryError(f"{endpoint}: {collection.name} has no log and no pending harvest of it on {entry_date}")


def _only(log: Log) -> dict[str, Any]:
    """A plain GET is a harvest of one task."""
    state: State = "finished" if log.good else "failed"
    task = Task("get", f"GET {log.endpoint_url}", state, len(log.attempts), None, 0.0, log.bytes or 0, log.message)
    return task.logged() | {"elapsed": log.elapsed}


def _pending(folder: Path) -> Iterator[dict[str, Any]]:
    """In the order in which they were finished, and then those that are known and were not asked for yet."""
    seen: set[str] = set()
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
        try:
            task = Task(**json.loads(path.read_bytes()))
        except (ValueError, TypeError, OSError):
            continue
        seen.add(task.key)
        yield task.logged()
    try:
        waiting = [Task(**row) for row in json.loads((folder / WAITING).read_bytes())]
    except (ValueError, TypeError, OSError):
        return
    yield from (task.logged() for task in waiting if task.key not in seen)
