"""What a check of a URL found, and the words that other services have for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class UrlReport:
    """What was found at a URL.

    Attributes:
        url: as it was typed.
        collectable: whether a collection that has it in its register gets a resource.
        outcome: `collected`, or the word of the log: `failed:<why>`, `refused:<why>`.
        plugin: what fits, for the register's column; blank is a plain GET.
        problems: what is wrong or looks wrong, for the person who typed the URL.
        final_url: the one that answered, after `redirects` (status and URL of each).
        content_type: as the server says.
        mime_type: as the first bytes show.
        size: bytes of the resource.
        whole: false where only the first pages of a service were asked for.
        declared: how many records the service says that it has, where it does.
        format: of the reader that read it.
        columns: the fields of the records.
        records: how many could be read, `rejected` how many could not, `without_id` how many of them lack their id.
        id_rule: the fields that would be the id; empty where the hash of the record is.
        first_records: the first ones.
        geometry: kinds of geometry and how many of each; `box` is west, south, east, north.
        error: the keys and messages of digital-land's check service; empty where nothing is wrong.
    """

    url: str
    collectable: bool
    outcome: str
    plugin: str = ""
    problems: tuple[str, ...] = ()
    status: int | None = None
    final_url: str = ""
    redirects: tuple[tuple[int, str], ...] = ()
    content_type: str = ""
    mime_type: str = ""
    encoding: str = ""
    size: int = 0
    whole: bool = True
    declared: int | None = None
    format: str = ""
    columns: tuple[str, ...] = ()
    records: int = 0
    rejected: int = 0
    without_id: int = 0
    duplicates: int = 0
    id_rule: tuple[str, ...] = ()
    first_records: tuple[Mapping[str, Any], ...] = ()
    geometry: tuple[tuple[str, int], ...] = ()
    box: tuple[float, float, float, float] | None = None
    notes: tuple[str, ...] = ()
    elapsed: float = 0.0
    error: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The report as JSON, with hyphens in its keys as logs have them."""
        values = {key.replace("_", "-"): value for key, value in asdict(self).items()}
        values["error"] = dict(self.error) or None
        return json.dumps(values, ensure_ascii=False, indent=2)


MESSAGES = {
    "tls": "SSL certificate verification failed",
    "html": "The selected file must be a CSV, GeoJSON, GML or GeoPackage file",
    "403": "The URL must be accessible",
    "404": "The URL does not exist. Check the URL you've entered is correct (HTTP 404 error)",
    "not-a-layer": "URL must be the data layer",
}
OTHERWISE = "An error occurred, please try again later."


def error_of(report: UrlReport, *, why: str, detail: str, exception: str, entry_date: str, time: str) -> dict[str, str]:
    """The error as digital-land's check service gives it: its keys, and its messages, the first that fits.

    There a page of HTML and a service that is no layer were hardly ever told so, since the content type was looked for
    under another spelling and the status was set only after success; here they are.

    Args:
        report: what was found.
        why: the outcome's second half.
        detail: what happened, in one sentence.
        exception: the class name that `requests` has for it.
        entry_date: the day.
        time: now, as ISO.
    """
    message = next((MESSAGES[key] for key in (why, str(report.status or "")) if key in MESSAGES), OTHERWISE)
    return {
        "errCode": str(report.status or ""),
        "errType": "User Error",
        "errMsg": message,
        "errMsgDetail": detail,
        "errTime": time,
        "endpointUrl": report.url,
        "entryDate": entry_date,
        "fetchStatus": "FAILED",
        "exceptionType": exception,
        "contentType": report.content_type,
        "plugin": report.plugin,
    }
