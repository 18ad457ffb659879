"""What people see of a day in Dagster: tables and numbers made of reports. Small, since events are kept for ever."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence

from dagster import MetadataValue

from collect_assets.collecting.day import DayReport
from collect_assets.collecting.log import Log
from collect_assets.collection import Collection
from collect_assets.index.days import ChangedItem, IndexDay
from collect_assets.items.day import DayRecords
from collect_assets.orchestration.day_events import Value
from collect_assets.registers import EndpointRegister

MOST_PROBLEMS, MOST_FAILURES, LONGEST_CELL = 20, 50, 160
TASK_COLUMNS = ("key", "state", "attempts", "records", "elapsed", "request")


def table(header: Sequence[str], rows: Iterable[Sequence[object]], most: int) -> MetadataValue:
    """A Markdown table of the first rows, and how many there are more."""
    rows = list(rows)
    if not rows:
        return MetadataValue.md("none")
    lines = [header, ["---"] * len(header), *rows[:most]]
    text = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
    return MetadataValue.md(text + (f"\n\n… and {len(rows) - most} more" if len(rows) > most else ""))


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    text = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def register_shown(register: EndpointRegister, active: int) -> dict[str, Value]:
    """The register of endpoints as it stands on a day; `active` of them are collected."""
    return {
        "active": active,
        "ended": len(register.endpoints) - active,
        "skipped": len(register.skips),
        "problems": table(("row", "reason"), ((p.row, p.reason) for p in register.problems), MOST_PROBLEMS),
        "register": MetadataValue.path(str(register.path)),
        "hash": register.sha256,
    }


def log_shown(collection: Collection, report: DayReport) -> dict[str, Value]:
    """The day's logs: how many came to what, and why the others failed."""
    words = report.outcomes
    refused = sum(count for word, count in words.items() if word.startswith("refused"))
    harvests = [log for log in report.logs if log.tasks]
    tasks = [task for log in harvests for task in log.tasks]
    incomplete = [(h.endpoint_url, *_counted(h), _said(h.declared_count)) for h in harvests if _lacks(h)]
    unverified = [(log.endpoint_url, log.outcome) for log in report.unverified]
    return {
        "collected": len(report.resources),
        "failed": len(report.failures) - refused,
        "refused": refused,
        "not_modified": words.get("not-modified", 0),
        "skipped": len(report.skips),
        "never_asked": len(report.never_asked),
        "already": report.already,
        "fetched": sum(report.fetched.values()),
        "seconds": round(sum(_seconds(log.elapsed) for log in report.logs), 3),
        "outcomes": table(("outcome", "endpoints"), words.items(), MOST_FAILURES),
        "tasks": len(tasks),
        "tasks_failed": sum(task.get("state") == "failed" for task in tasks),
        "tasks_waiting": sum(task.get("state") == "waiting" for task in tasks),
        "harvests": table(("endpoint-url", "tasks", "failed", "declared-count"), incomplete, MOST_FAILURES),
        "harvest_tasks": table(("endpoint-url", *TASK_COLUMNS), _tasks(harvests), MOST_FAILURES),
        "failures": failures_shown(report, MOST_FAILURES),
        "unverified": len(unverified),
        "without_certificate_check": table(("endpoint-url", "outcome"), unverified, MOST_FAILURES),
        "audited": sum(log.audit != "" for log in report.logs),
        "logs": MetadataValue.path(str(collection.log / report.entry_date.isoformat())),
    }


def failures_shown(report: DayReport, most: int) -> MetadataValue:
    """The endpoints that gave nothing, and why."""
    rows = ((f.endpoint_url, f.outcome or "failed", f.status, f.message or f.exception) for f in report.failures)
    return table(("endpoint-url", "outcome", "status", "message"), rows, most)


def _tasks(harvests: Sequence[Log]) -> list[tuple[object, ...]]:
    """The tasks of harvests; those that are not finished first, since a table shows only so many."""
    rows = [(log.endpoint_url, *(task.get(column, "") for column in TASK_COLUMNS)) for log in harvests
            for task in log.tasks]  # fmt: skip
    return sorted(rows, key=lambda row: row[2] == "finished")


def _counted(log: Log) -> tuple[int, int]:
    """How many tasks a harvest had, and how many of them failed."""
    return len(log.tasks), sum(task.get("state") == "failed" for task in log.tasks)


def _lacks(log: Log) -> bool:
    """Whether tasks failed, or all succeeded and the counts do not agree."""
    return _counted(log)[1] > 0 or log.complete is False


def _said(count: int | None) -> str:
    return "" if count is None else str(count)


def _seconds(elapsed: str) -> float:
    try:
        return float(elapsed)
    except ValueError:
        return 0.0


def resource_shown(collection: Collection, report: DayReport) -> dict[str, Value]:
    """What the day's logs name."""
    sizes = {log.resource: log.bytes or 0 for log in report.logs if log.good}
    new = {log.resource for log in report.logs if log.outcome in {"first", "changed"}}
    return {
        "resources": len(report.resources),
        "distinct": len(sizes),
        "bytes": sum(sizes.values()),
        "new": len(new),
        "folder": MetadataValue.path(str(collection.resources.folder)),
    }


def record_shown(day: DayRecords, urls: Mapping[str, str]) -> dict[str, Value]:
    """What reading the day's resources came to; `urls` by endpoint."""
    unreadable = ((urls.get(endpoint, endpoint), reason) for endpoint, reason in sorted(day.unreadable.items()))
    read = sorted(day.reports.items(), key=lambda pair: -pair[1].records)
    counts = ((urls.get(e, e), r.format, r.records, r.rejected, r.without_id, r.duplicates) for e, r in read)
    return {
        "records": day.records,
        "rejected": day.rejected,
        "without_id": day.without_id,
        "unreadable": len(day.unreadable),
        "reasons": table(("endpoint-url", "reason"), unreadable, MOST_FAILURES),
        "endpoints": table(
            ("endpoint-url", "format", "records", "rejected", "without id", "duplicates"), counts, MOST_PROBLEMS
        ),
    }


def index_shown(collection: Collection, day: IndexDay, changed: Sequence[ChangedItem]) -> dict[str, Value]:
    """What the index says of a day: counts, what could not be read, and the first items that changed."""
    preview = ((i.endpoint[:8], i.item, i.change, json.dumps(i.record, ensure_ascii=False)) for i in changed)
    return {
        "created": day.created,
        "updated": day.updated,
        "restored": day.restored,
        "deleted": day.deleted,
        "held": day.held,
        "items": day.items,
        "records": day.records,
        "bytes": collection.index.stat().st_size,
        **_age(day),
        "index": MetadataValue.path(str(collection.index)),
        "preview": table(("endpoint", "item", "change", "record"), preview, len(changed) or 1),
        "problems": table(("endpoint", "reason"), sorted(day.problems.items()), MOST_PROBLEMS),
    }


def _age(day: IndexDay) -> dict[str, Value]:
    """When the index was published, and how many hours that was after the day began: late days stand out in a plot."""
    if day.published is None:
        return {}
    published = day.published.replace(tzinfo=dt.UTC)
    began = dt.datetime.combine(day.entry_date, dt.time(), dt.UTC)
    hours = round((published - began).total_seconds() / 3600, 1)
    return {"published": MetadataValue.timestamp(published), "hours_after_day_began": MetadataValue.float(hours)}
