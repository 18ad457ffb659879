"""Where the finished tasks of harvests lie until the harvest is finished: `work/pending/<entry-date>/<endpoint>/`.

They belong to the day and the endpoint, and not to the process that fetched them, so the sweep of `work/` by process
leaves them alone. They go when their harvest is finished, or when the day is over and nobody may go on with it.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

from collect_assets.collecting.window import Window
from collect_assets.collection import Collection


def pending_folder(collection: Collection, entry_date: dt.date, endpoint: str) -> Path:
    """The place for the tasks of one harvest."""
    return collection.work.joinpath("pending", entry_date.isoformat(), endpoint)


def discard(pending: Path) -> None:
    """Removes the tasks of a harvest, and the day's folder where it was the last one."""
    shutil.rmtree(pending, ignore_errors=True)
    try:
        pending.parent.rmdir()
    except OSError:  # others of the day are pending, or there was nothing
        return


def discard_finished(pending: Path, log: Path) -> None:
    """Removes tasks of a harvest whose good log was written after them: the process ended before it could."""
    try:
        written = log.stat().st_mtime_ns
        newest = max((path.stat().st_mtime_ns for path in pending.iterdir()), default=0)
    except OSError:
        return
    if newest <= written:
        discard(pending)


def sweep_pending(collection: Collection, now: dt.datetime) -> int:
    """Removes what is left of days that can no longer be collected; returns of how many days."""
    removed = 0
    grace = dt.timedelta(hours=collection.settings.grace_hours)
    for folder in sorted(_top(collection).iterdir()) if _top(collection).is_dir() else ():
        if now >= _closes(folder.name, grace):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _closes(day: str, grace: dt.timedelta) -> dt.datetime:
    try:
        return Window(dt.date.fromisoformat(day), grace).closes
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)


def _top(collection: Collection) -> Path:
    return collection.work / "pending"
