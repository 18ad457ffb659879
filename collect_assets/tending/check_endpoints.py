"""What is wrong with the rows of `endpoint.csv`: what keeps an endpoint from being collected, and what misleads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from urllib.parse import urlsplit

from collect_assets.csv_rows import Row, short
from collect_assets.registers import endpoint_id
from collect_assets.tending.estate import Registers, has_ended
from collect_assets.tending.findings import CODES, Fix

FILE = "endpoint.csv"
_NEW_ROW = "they belong to what its id is made of, so end this row and add one without them"
SCHEMES = frozenset({"http", "https"})


def check_endpoints(registers: Registers, today: dt.date) -> None:
    """Looks at the endpoints of one collection."""
    rows = {row.number: row for row in registers.rows(FILE)}
    for problem in registers.endpoints.problems if registers.endpoints else ():
        row = rows.get(problem.row)
        if row is None or (problem.code == "duplicate" and _is_again(registers, row)):
            continue
        code = problem.skip or problem.code
        fix = _of_hash(row) if code == "hash-mismatch" else None
        ended = has_ended(row, today)
        registers.find(FILE, row.number, code if code in CODES else "other", problem.reason, ended=ended, fix=fix)
    for row in rows.values():
        _url(registers, row, ended=has_ended(row, today))


def _is_again(registers: Registers, row: Row) -> bool:
    """Whether it is the very same row as another one, which is said already."""
    return any(
        had.row == row.number and had.code == "duplicate-row" for had in registers.findings if had.file.name == FILE
    )


def _of_hash(row: Row) -> Fix | None:
    """Which of the two is right cannot be known, unless only spaces or capitals stand between them."""
    url, given = row.cells["endpoint-url"], row.cells.get("endpoint", "").strip()
    if given.lower() == endpoint_id(url):
        return Fix(cells={"endpoint": given.lower()})
    if given.lower() == endpoint_id(url.strip()):
        return Fix(cells={"endpoint": given.lower(), "endpoint-url": url.strip()})
    return None


def _url(registers: Registers, row: Row, *, ended: bool) -> None:
    url, given = row.cells["endpoint-url"], row.cells.get("endpoint", "")
    if not url.strip():
        return
    if not given.strip() and "endpoint" in row.cells:
        fix = Fix(cells={"endpoint": endpoint_id(url)})
        registers.find(
            FILE, row.number, "no-hash", f"endpoint is blank; it is {endpoint_id(url)}", ended=ended, fix=fix
        )
    if any(character.isspace() for character in url):
        registers.find(FILE, row.number, "url-space", f"{_where_spaces(url)} {short(url)}; {_NEW_ROW}", ended=ended)
    if not _can_be_asked(url):
        reason = f"{short(url)} cannot be asked: only http:// and https:// with a host are"
        registers.find(FILE, row.number, "bad-url", reason, ended=ended)


def _where_spaces(url: str) -> str:
    return "spaces around" if url != url.strip() else "spaces, which are sent as %20, in"


def _can_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
        return parts.scheme.lower() in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def check_across(estate: Iterable[Registers], today: dt.date) -> None:
    """Looks for endpoints that are registered in more than one collection, as each of them asks for it."""
    first: dict[str, Registers] = {}
    for registers in estate:
        for endpoint in registers.endpoints.endpoints if registers.endpoints else ():
            other = first.setdefault(endpoint.endpoint, registers)
            if other is not registers:
                reason = f"{endpoint.url} is registered in {other.name} too, and asked for both"
                registers.find(FILE, endpoint.row, "duplicate-across", reason, ended=endpoint.ended(today))
