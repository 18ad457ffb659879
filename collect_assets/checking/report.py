"""What a check says: plain values, for people by way of the shell and Dagster, for programs as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from collect_assets.errors import Redirect

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that the person who typed the URL should know.

    Attributes:
        level: `error` where it cannot be collected for it, `warning` where something is lost or odd.
        what: what it is and means.
        advice: what to do about it; blank where nothing is to be done.
    """

    level: Level
    what: str
    advice: str = ""


@dataclass(frozen=True)
class Choice:
    """One of the things that a service holds: a layer, a service, a feature type; and its URL, which can be checked."""

    name: str
    title: str
    url: str


@dataclass(frozen=True)
class IdCheck:
    """The id that records would have.

    Attributes:
        fields: that make it; empty where the hash of a record is its id.
        filled: the share of records that have one, 0 to 1.
        duplicates: records whose id had already occurred.
        conflicts: those of them that differ from the first record of their id.
    """

    fields: tuple[str, ...]
    filled: float
    duplicates: int
    conflicts: int


@dataclass(frozen=True)
class GeometryCheck:
    """Where the records are.

    Attributes:
        kinds: how many records have a geometry of which kind, such as `MULTIPOLYGON`.
        box: west, south, east and north of all, in degrees.
    """

    kinds: Mapping[str, int]
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class RejectedRow:
    """A row that could not be read: its number among the records, its line where lines count, and why."""

    record_number: int
    line: int | None
    reason: str


@dataclass(frozen=True)
class UrlCheck:
    """What a URL serves, and whether it can be collected.

    Attributes:
        url: as it was typed.
        plugin: the one that fits, or was given; blank for a plain GET.
        collectable: whether a register may have this URL with this plugin and these parameters.
        outcome: the word that a log would have; `first` where it was collected.
        summary: the answer in one sentence.
        final_url: the one that answered, after redirects; blank where none did.
        status: of the last answer; None where none came.
        exception: the class of what was raised, as logs have it.
        elapsed: seconds on the wire.
        requests: how many were sent, redirects left out.
        mime_type: what the first bytes show.
        content_type: what the server says.
        bytes: of what was looked at.
        whole: whether that was everything that a harvest would bring.
        records: that could be read in what was looked at.
        declared_count: how many the service says that it has, where it says so.
        choices: what a service holds, where the URL names the service and not one of them.
        error: what services that know digital-land's `check_url` expect of a failure; None where there is none.
    """

    url: str
    plugin: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    collectable: bool = False
    outcome: str = ""
    summary: str = ""
    final_url: str = ""
    redirects: tuple[Redirect, ...] = ()
    status: int | None = None
    exception: str = ""
    elapsed: float = 0.0
    requests: int = 0
    mime_type: str = ""
    content_type: str = ""
    format: str = ""
    encoding: str = ""
    member: str = ""
    bytes: int = 0
    whole: bool = False
    columns: tuple[str, ...] = ()
    records: int = 0
    declared_count: int | None = None
    first_records: tuple[Mapping[str, Any], ...] = ()
    ids: IdCheck | None = None
    geometry: GeometryCheck | None = None
    rejected: int = 0
    first_rejected: tuple[RejectedRow, ...] = ()
    choices: tuple[Choice, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: Mapping[str, str | None] | None = None

    @property
    def was_no_url(self) -> bool:
        """Whether what was typed is no URL that could ever be asked: nothing is said of any server."""
        return not self.requests and self.outcome in {"refused:url", "refused:scheme"}

    def as_dict(self) -> dict[str, Any]:
        """The same as dicts, lists and plain values."""
        return json.loads(self.to_json())  # type: ignore[no-any-return]

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
