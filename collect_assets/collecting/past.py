"""What earlier days say about an endpoint: its last good log, and whether a resource was served before.

Only for outcomes and validators; nothing that is derived reads it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from collect_assets.collecting.log import Log, read_adopted, read_log
from collect_assets.collection import Collection

RECENT = 30  # collected days; an endpoint that was not good for longer is asked without validators

_SENDABLE = re.compile(r"[!-~\xa0-\xff](?:[ -~\t\xa0-\xff]*)")  # as a header; what is folded over lines is not

SKEW = dt.timedelta(days=1)  # clocks of others, and logs that say only the day


class Past:
    """The good logs of a collection before (and on) an entry-date, newest first."""

    def __init__(self, collection: Collection, entry_date: dt.date) -> None:
        self._collection = collection
        self._entry_date = entry_date
        self._days = [day for day in reversed(collection.entry_dates()) if day <= entry_date]
        self._earlier = [day for day in self._days if day < entry_date]
        self._adopted_of: dict[dt.date, dict[str, Log]] = {}

    def of_day(self, endpoint: str) -> Log | None:
        """The log of the entry-date itself, also one that was adopted for it; a damaged one counts as none.

        A day that had none at all when this was made is not looked into for each endpoint.
        """
        return self._read(self._entry_date, endpoint) if self._days[:1] == [self._entry_date] else None

    def last_good(self, endpoint: str) -> Log | None:
        """The newest log with a resource, of the last days that were collected; None when there is none.

        Not of all days: what never answers would cost a look into each of them, in every run.
        """
        return next(self._good(endpoint, self._days[:RECENT]), None)

    def harvested(self, endpoint: str, plugin: str) -> Mapping[str, Any]:
        """How far the last good harvest of an earlier day reached; empty where that is no use.

        Not of the day itself: its log is replaced by what comes now, and what it brought would be lost with it.
        """
        last = next(self._good(endpoint, self._earlier[:RECENT]), None)
        if last is None or last.plugin != plugin or not last.harvested or not _at_hand(last, self._collection):
            return {}
        return last.harvested

    def outcome(self, endpoint: str, resource: str, canonical: str) -> str:
        """The word for a good answer, beside what earlier days had: `first`, `same`, `changed`, or `returned`.

        The last is for a resource that was served before, and then something else was.
        """
        earlier = self._good(endpoint, self._earlier)
        last = next(earlier, None)
        if last is None:
            return "first"
        if resource == last.resource or (canonical and canonical == last.canonical_hash):
            return "same"
        return "returned" if any(log.resource == resource for log in earlier) else "changed"

    def before(self, endpoint: str, days: int) -> list[Log | None]:
        """The logs of the last days that were collected before the entry-date, newest first; None where one lacks."""
        return [self._read(day, endpoint) for day in self._earlier[:days]]

    def failing(self, endpoint: str, days: int) -> bool:
        """Whether it failed on each of the last days that were collected before the entry-date."""
        if len(self._earlier) < days:
            return False
        logs = (self._read(day, endpoint) for day in self._earlier[:days])
        return all(log is not None and not log.good for log in logs)

    def _read(self, day: dt.date, endpoint: str) -> Log | None:
        try:
            log = read_log(self._collection.log_path(day, endpoint))
        except ValueError:
            log = None
        return log or self._adopted(day).get(endpoint)

    def _adopted(self, day: dt.date) -> dict[str, Log]:
        """What was adopted for a day from a table of others, by endpoint; read once."""
        if day not in self._adopted_of:
            self._adopted_of[day] = {log.endpoint: log for log in read_adopted(self._collection, day)[0]}
        return self._adopted_of[day]

    def _good(self, endpoint: str, days: list[dt.date]) -> Iterator[Log]:
        for day in days:
            log = self._read(day, endpoint)
            if log is not None and log.good:
                yield log


def validators(log: Log | None, collection: Collection) -> dict[str, str]:
    """The request headers that ask a server only for what changed since a log.

    None are sent when the log's resource is not there with its size: then the bytes are needed.
    """
    if log is None or not log.resource or log.plugin:
        return {}
    if not _at_hand(log, collection):
        return {}
    headers = {name.lower(): value for name, value in log.response_headers.items()}
    modified = headers.get("last-modified", "")
    sent = {
        "If-None-Match": headers.get("etag", ""),
        "If-Modified-Since": "" if _is_future(modified, log) else modified,
    }
    return {name: value for name, value in sent.items() if _SENDABLE.fullmatch(value)}


def _at_hand(log: Log, collection: Collection) -> bool:
    """Whether the log's resource is there with its size."""
    path = collection.resources.path(log.resource)
    return path.is_file() and (log.bytes is None or path.stat().st_size == log.bytes)


def _is_future(modified: str, log: Log) -> bool:
    """Whether a Last-Modified was later than its answer (fault F32): it says nothing, and never changes again.

    What is no date at all is sent back as it came: servers that write such things compare texts.
    """
    try:
        fetched = dt.datetime.fromisoformat(log.fetched_at or log.entry_date)
        return parsedate_to_datetime(modified) > _in_utc(fetched) + SKEW
    except (ValueError, TypeError, OverflowError):
        return False


def _in_utc(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
