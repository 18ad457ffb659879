"""Registers: the CSVs that people write, read and checked.

A register is read whole or refused; a bad row is a `Problem` with file, row and reason, and stops nothing. Columns and
types are those of the Endpoint dataset specification of digital-land (`endpoint`, `endpoint-url`, `parameters`,
`plugin`, `entry-date`, `start-date`, `end-date`); the id of an endpoint is the sha256 of its URL exactly as registered.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Collection as Those
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from collect_assets.csv_rows import Row, read_rows, short
from collect_assets.errors import RegisterError

NEEDED = ("endpoint-url",)
_SECRET = re.compile(
    r"(?:^|[-_.])(?:(?:api|access|auth|subscription)?[-_]?(?:key|token)|sig|signature|password|passwd|pwd|secret|code)$",
    re.IGNORECASE,
)
EXPOSED = "which looks like a secret; registers are public, so ask for a URL without it, and have this one revoked"
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ].*)?)?)?$")


@dataclass(frozen=True)
class Problem:
    """Something wrong in a row of a register.

    Attributes:
        skip: the word for the log when the row is not collected for it.
        code: the word for what is wrong where the row is collected all the same.
    """

    file: str
    row: int
    reason: str
    skip: str = ""
    code: str = ""

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason}"


@dataclass(frozen=True)
class Endpoint:
    """One row of `endpoint.csv`, checked.

    Attributes:
        endpoint: sha256 of the URL, lower-case hex.
        url: exactly as registered.
        plugin: how it is harvested; blank is a plain GET.
        parameters: what the row says to the plugin and the reader.
        entry_date: when the row was entered; unrelated to the entry-date of collecting.
        row: the line in the register, for messages.
    """

    endpoint: str
    url: str
    plugin: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    entry_date: str = ""
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    row: int = 0

    def ended(self, day: dt.date) -> bool:
        """Whether it is no longer collected on a day: on its end-date itself it is not, as upstream has it."""
        return self.end_date is not None and self.end_date <= day


@dataclass(frozen=True)
class Skip:
    """A row that is not collected: the endpoint (as far as known), and why, as a word for the run's file."""

    endpoint: str
    url: str
    why: str
    row: int
    reason: str


@dataclass(frozen=True)
class EndpointRegister:
    """`endpoint.csv` as it stands: what can be collected, what cannot, and why."""

    path: Path
    sha256: str
    content: bytes
    endpoints: tuple[Endpoint, ...]
    skips: tuple[Skip, ...]
    problems: tuple[Problem, ...]

    def active(self, day: dt.date) -> list[Endpoint]:
        """The endpoints to collect on a day, in the register's order."""
        return [endpoint for endpoint in self.endpoints if not endpoint.ended(day)]

    def by_id(self) -> dict[str, Endpoint]:
        """Endpoints by their id."""
        return {endpoint.endpoint: endpoint for endpoint in self.endpoints}


def endpoint_id(url: str) -> str:
    """The id of an endpoint: sha256 of its URL as UTF-8, without any normalisation."""
    return hashlib.sha256(url.encode()).hexdigest()


def read_endpoints(path: Path, *, plugins: Those[str] = ("",)) -> EndpointRegister:
    """Reads `endpoint.csv`, with or without BOM, any line ends, extra or missing optional columns.

    Args:
        path: the register.
        plugins: the names that the `plugin` column may hold.

    Raises:
        RegisterError: the file is missing, not a CSV, or lacks the column `endpoint-url`.
    """
    content = read_content(path, NEEDED)
    endpoints: dict[str, Endpoint] = {}
    skips: list[Skip] = []
    problems: list[Problem] = []
    for row in read_rows(path, content, needed=NEEDED):
        url = row.cells["endpoint-url"]
        bad = Problem(path.name, row.number, row.reason, row.skip)
        checked = bad if row.skip else _check(path.name, row, plugins)
        if secret := secret_in(url):
            problems.append(Problem(path.name, row.number, f"endpoint-url has {secret}, {EXPOSED}", code="secret"))
        if isinstance(checked, Problem):
            problems.append(checked)
            given = row.cells.get("endpoint") or (endpoint_id(url) if url else "")
            skips.append(Skip(given, url, checked.skip, row.number, checked.reason))
        elif (first := endpoints.get(checked.endpoint)) is None:
            endpoints[checked.endpoint] = checked
        else:
            again = f"the same endpoint as row {first.row}; it is collected once"
            problems.append(Problem(path.name, row.number, again, code="duplicate"))
            endpoints[checked.endpoint] = _merge(first, checked)
    sha256 = hashlib.sha256(content).hexdigest()
    return EndpointRegister(path, sha256, content, tuple(endpoints.values()), tuple(skips), tuple(problems))


def _merge(first: Endpoint, second: Endpoint) -> Endpoint:
    """Of two rows for one endpoint the one that is still collected counts: upstream ends rows, not endpoints."""
    ends = (first.end_date or dt.date.max, second.end_date or dt.date.max)
    return second if ends[1] > ends[0] else first


@dataclass(frozen=True)
class Source:
    """One row of `source.csv`: who publishes an endpoint, and the datasets that it feeds, with `;` between them."""

    endpoint: str
    organisation: str
    datasets: str
    licence: str = ""
    attribution: str = ""
    documentation_url: str = ""


def read_sources(path: Path) -> list[Source]:
    """The rows of `source.csv` that name an endpoint. `datasets` counts before the older `pipelines`.

    Raises:
        RegisterError: the file is missing, not a CSV, or lacks `endpoint` and `organisation`.
    """
    needed = ("endpoint", "organisation")
    cells = (row.cells for row in read_rows(path, read_content(path, needed), needed=needed) if not row.skip)
    return [
        Source(
            row["endpoint"],
            row["organisation"],
            row.get("datasets", row.get("pipelines", "")),
            *(row.get(column, "") for column in ("licence", "attribution", "documentation-url")),
        )
        for row in cells
        if row["endpoint"]
    ]


def endpoints_of(path: Path, organisation: str) -> set[str]:
    """The endpoints that `source.csv` gives to an organisation.

    Raises:
        RegisterError: the file is missing, not a CSV, or lacks `endpoint` and `organisation`.
    """
    return {source.endpoint for source in read_sources(path) if source.organisation == organisation}


def read_content(path: Path, needed: tuple[str, ...]) -> bytes:
    """The bytes of a register.

    Raises:
        RegisterError: it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        columns = ", ".join(needed)
        raise RegisterError(f"{path}: no such file; it has to be a CSV with the columns {columns}") from None
    except OSError as error:
        raise RegisterError(f"{path}: cannot be read: {error.strerror or error}") from error


def _check(file: str, row: Row, plugins: Those[str]) -> Endpoint | Problem:
    def problem(reason: str, skip: str) -> Problem:
        return Problem(file, row.number, reason, skip)

    cell = row.cells.get
    url, given, plugin = cell("endpoint-url", ""), cell("endpoint", "").strip(), cell("plugin", "")
    if not url.strip():
        return problem("no endpoint-url; the row is kept for people and not collected", "no-url")
    if given and given != endpoint_id(url):
        return problem(f"endpoint is not the sha256 of endpoint-url, which is {endpoint_id(url)}", "hash-mismatch")
    if urlsplit_scheme(url) is None:
        return problem(f"endpoint-url {url!r} has no scheme; write https:// or http:// before it", "bad-url")
    if plugin not in plugins:
        known = ", ".join(sorted(name for name in plugins if name)) or "none but blank"
        return problem(f"unknown plugin {plugin!r}; known: {known}", "unknown-plugin")
    try:
        start, end = parse_date(cell("start-date", "")), parse_date(cell("end-date", ""))
        parameters = _parameters(cell("parameters", ""))
    except _BadCellError as error:
        return problem(str(error), error.skip)
    return Endpoint(endpoint_id(url), url, plugin, parameters, cell("entry-date", ""), start, end, row.number)


class _BadCellError(ValueError):
    """A cell that cannot be understood, and the word for the log."""

    def __init__(self, skip: str, reason: str) -> None:
        super().__init__(reason)
        self.skip = skip


def urlsplit_scheme(url: str) -> str | None:
    """The scheme of a URL, or None where there is none (`www.example.org/?of=https://…`) or it cannot be parsed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme or None if "://" in url or parts.scheme in {"file", "mailto"} else None


def secret_in(url: str) -> str | None:
    """What in a URL looks like a secret, without its value; None where nothing does."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if "@" in parts.netloc:
        return "a user name or password before its host"
    keys = (key for key, value in parse_qsl(parts.query) if value)
    found = next((key for key in keys if _SECRET.search(key)), None)
    return f"{short(found)} in its query" if found else None


def parse_date(text: str) -> dt.date | None:
    """A register's date, which may be truncated to a month or year, or carry a time; blank is None.

    Raises:
        ValueError: it is not a date.
    """
    if not text.strip():
        return None
    match = _DATE.match(text.strip())
    if match is None:
        raise _BadCellError("bad-date", f"{short(text)} is not a date; write YYYY-MM-DD")
    year, month, day = (int(part or 1) for part in match.groups())
    try:
        return dt.date(year, month, day)
    except ValueError as error:
        raise _BadCellError("bad-date", f"{short(text)} is not a date: {error}; write YYYY-MM-DD") from error


def _parameters(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise _BadCellError("bad-parameters", f"parameters {short(text)}: not JSON: {error}") from error
    if not isinstance(value, dict):
        example = '{"id": ["reference"]}'
        raise _BadCellError("bad-parameters", f"parameters {short(text)}: not a JSON object such as {example}")
    return value


def _finite(text: str) -> float:
    """`1e999` is a number in JSON and none of ours: it could not be written into a log again."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large for a number")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number that JSON has")
