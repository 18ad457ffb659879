"""The log of one endpoint on one entry-date, and its JSON.

The first keys are those of digital-land-python, unchanged in meaning, so that its readers understand our logs and we
understand its: `status` and `elapsed` are strings, older files have `url` and `datetime`, unknown keys are kept out
of the way. Canonical JSON: UTF-8, sorted keys, no spaces, no final newline.
"""

from __future__ import annotations

import builtins
import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from collect_assets.collection import Collection
from collect_assets.registers import Problem, endpoint_id

LEGACY_KEYS = {"url": "endpoint-url", "datetime": "entry-date"}
TRANSIENT = frozenset(
    f"failed:{why}"
    for why in (
        "connect",
        "dns",
        "dns-timeout",
        "no-response",
        "timeout",
        "deadline",
        "too-slow",
        "truncated",
        "host-given-up",
        "storage",
        "error",
        "incomplete",
        "unavailable",
    )
)


@dataclass(frozen=True)
class Log:
    """What happened to one endpoint on one entry-date.

    Attributes:
        entry_date: the day's time stamp, the same in all logs of a day; the truth is in `fetched_at`.
        elapsed: seconds, of all attempts with their pauses.
        outcome: `first`, `changed`, `same`, `returned`, `not-modified`, `refused:<why>`, `failed:<why>`; blank in
        logs that
            others wrote.
        status: as a string; "200" also where the cache answered for a 304, which then stands in `wire_status`.
        resource: sha256 of what was served; blank when nothing was kept.
        bytes: size of the resource.
        harvested: how far a harvest reached that the next one goes on from; as the plugin wants it.
        audit: what fetching in full showed of a server that may answer 304: `agrees`, or, from then on, `lies`.
    """

    endpoint: str
    endpoint_url: str
    entry_date: str
    elapsed: str = ""
    outcome: str = ""
    plugin: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    fetched_at: str = ""
    status: str = ""
    wire_status: str = ""
    resource: str = ""
    partial_resource: str = ""
    canonical_hash: str = ""
    bytes: int | None = None
    content_type: str = ""
    mime_type: str = ""
    exception: str = ""
    message: str = ""
    ssl_verify: bool | None = None
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    attempts: tuple[Mapping[str, Any], ...] = ()
    redirects: tuple[Mapping[str, Any], ...] = ()
    tasks: tuple[Mapping[str, Any], ...] = ()
    complete: bool | None = None
    coverage: str = ""
    harvested: Mapping[str, Any] = field(default_factory=dict)
    audit: str = ""
    run: str = ""

    @property
    def good(self) -> bool:
        """Whether a resource stands behind it."""
        return bool(self.resource)

    @property
    def size(self) -> int | None:
        """The size of the resource, as far as the log says it: in logs of others `bytes` is the size on the wire."""
        return self.bytes if self.run else None

    @property
    def transient(self) -> bool:
        """Whether the failure may well be gone at the next request; of a log without an outcome, by its status."""
        if self.good:
            return False
        late = self.status in {"202", "408", "425", "429"} or (self.status.isdigit() and int(self.status) >= 500)
        return late or self.outcome in TRANSIENT or (not self.outcome and not self.status)

    def to_json(self) -> builtins.bytes:
        """Canonical JSON; what is blank is left out."""
        values = {key: getattr(self, name) for name, key in KEYS.items()}
        kept = {key: value for key, value in values.items() if value not in ("", None, (), {}) or key == "endpoint-url"}
        return canonical_json(kept)

    @classmethod
    def from_json(cls, content: builtins.bytes) -> Log:
        """Reads a log, ours or one of digital-land-python's, old or new.

        Raises:
            ValueError: not JSON, not an object, without `endpoint-url`, or a key of another kind than it has to be.
        """
        values = json.loads(content)
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004 - the caller handles one kind of error
        values = {LEGACY_KEYS.get(key, key): value for key, value in values.items()}
        if "endpoint-url" not in values:
            raise ValueError("without endpoint-url")
        known: dict[str, Any] = {
            name: _value(name, values[key]) for name, key in KEYS.items() if values.get(key) is not None
        }
        known.setdefault("endpoint", endpoint_id(str(values["endpoint-url"])))
        known.setdefault("entry_date", "")
        return cls(**known)


KEYS = {item.name: item.name.replace("_", "-") for item in fields(Log)}
_HEADERS = {"request_headers", "response_headers"}
_KINDS: Mapping[str, type] = {
    "parameters": dict,
    "harvested": dict,
    **dict.fromkeys(_HEADERS, dict),
    **dict.fromkeys(("attempts", "redirects", "tasks"), list),
    **dict.fromkeys(("ssl_verify", "complete"), bool),
    "bytes": int,
}  # the others are strings; a harvest of today reads them (validators), and must not stumble over a stranger's log


def _value(name: str, value: object) -> object:
    if name in {"elapsed", "status"}:
        return str(value)
    kind = _KINDS.get(name, str)
    if not isinstance(value, kind):
        raise ValueError(f"{KEYS[name]} is {str(value)[:50]!r}")  # noqa: TRY004 - the caller handles one kind of error
    if name in _HEADERS and isinstance(value, dict):
        return {header: str(content) for header, content in value.items()}
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else value


_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no spaces, as digital-land-python writes its logs.

    Half a surrogate pair, which JSON can hold and UTF-8 cannot, stays the escape that it came as.
    """
    return _CANONICAL.encode(value).encode("utf-8", "backslashreplace")


def read_log(path: Path) -> Log | None:
    """One log; None when there is none.

    Raises:
        ValueError: it is damaged; the message names the file.
    """
    try:
        return Log.from_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError, OSError) as error:
        raise ValueError(f"{path}: not a log: {error}; collect the endpoint again or restore the file") from error


def read_logs(
    collection: Collection, entry_date: dt.date, written: Mapping[str, Log] | None = None
) -> tuple[list[Log], list[Problem]]:
    """All logs of an entry-date in order of endpoint; those that are damaged come as problems.

    Where an endpoint has no file, what was adopted from a table of others stands for it.

    Args:
        collection: whose logs.
        entry_date: the day.
        written: logs by endpoint that the caller has just written, and need not be read again.
    """
    written = written or {}
    logs, problems = list[Log](), list[Problem]()
    for path in log_paths(collection, entry_date):
        try:
            log = written.get(path.stem) or read_log(path)
            if log is not None and log.endpoint == path.stem:
                logs.append(log)
            elif log is not None:
                problems.append(Problem(path.name, 0, f"{path}: holds the log of {log.endpoint}; it is passed over"))
        except ValueError as error:
            problems.append(Problem(path.name, 0, str(error)))
    adopted, damaged = read_adopted(collection, entry_date)
    if adopted:
        have = {log.endpoint for log in logs}
        logs += [log for log in adopted if log.endpoint not in have]
        logs.sort(key=lambda log: log.endpoint)
    return logs, [*problems, *damaged]


def read_adopted(collection: Collection, entry_date: dt.date) -> tuple[list[Log], list[Problem]]:
    """The logs of a day that were adopted from a table of others; lines that are damaged come as problems."""
    path = collection.adopted(entry_date)
    logs, problems = list[Log](), list[Problem]()
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [Problem(path.name, 0, f"{path}: cannot be read: {error.strerror or error}; check its permissions")]
    for number, line in enumerate(lines, 1):
        try:
            logs.append(Log.from_json(line))
        except (ValueError, RecursionError) as error:
            reason = f"{path}: line {number} is no log: {error}; it is passed over, restore the file from a copy"
            problems.append(Problem(path.name, number, reason))
    return logs, problems


def adopted_logs(path: Path) -> Iterator[Log]:
    """The logs of a day that were adopted from a table of others.

    Raises:
        ValueError: a line is damaged.
    """
    for line in path.read_bytes().splitlines():
        yield Log.from_json(line)


def log_paths(collection: Collection, entry_date: dt.date) -> Iterator[Path]:
    """The files that are logs of an entry-date, in order of name."""
    folder = collection.log / entry_date.isoformat()
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - a path for each, sorted, takes ten times as long
    yield from (folder / name for name in sorted(names) if name.endswith(".json"))
