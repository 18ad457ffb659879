"""The registers about items that people write: `successor.csv` and `manual-item.csv`.

A bad row is a `Problem` and stops nothing; a register that is not there says nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from collect_assets.csv_rows import Row, read_rows
from collect_assets.errors import RegisterError
from collect_assets.registers import Problem, parse_date

SUCCESSORS, MANUAL_ITEMS = "successor.csv", "manual-item.csv"
_DAY = dt.timedelta(1)


@dataclass(frozen=True)
class Successor:
    """From a day on, the items of one endpoint live on by what another serves."""

    old: str
    new: str
    first_date: dt.date


@dataclass(frozen=True)
class ManualItem:
    """While these days last (both in it, None is open), a harvest neither updates nor deletes the item."""

    item: str
    endpoint: str
    first_date: dt.date | None
    last_date: dt.date | None
    who: str = ""
    why: str = ""


def read_successors(folder: Path) -> tuple[list[Successor], list[Problem]]:
    """`successor.csv`: each endpoint has one successor, and none is its own, however far down the line.

    Raises:
        RegisterError: it is there and cannot be read, or lacks a column.
    """
    found: dict[str, Successor] = {}

    def add(row: Row) -> str:
        old, new = row.cells["old-endpoint"].strip(), row.cells["new-endpoint"].strip()
        day = parse_date(row.cells["from"])
        if not old or not new or day is None:
            return "needs old-endpoint, new-endpoint and from"
        if old in found:
            return f"{old[:12]} has a successor already; the first row counts"
        if old in _line(found, new):
            return f"{old[:12]} would be its own successor"
        found[old] = Successor(old, new, day)
        return ""

    problems = _each(folder / SUCCESSORS, ("old-endpoint", "new-endpoint", "from"), add)
    return list(found.values()), problems


def _line(found: dict[str, Successor], start: str) -> list[str]:
    line = [start]
    while (following := found.get(line[-1])) is not None:
        line.append(following.new)
    return line


def read_manual_items(folder: Path) -> tuple[list[ManualItem], list[Problem]]:
    """`manual-item.csv`, one span for days that overlap or follow each other.

    Raises:
        RegisterError: it is there and cannot be read, or lacks a column.
    """
    found: list[ManualItem] = []

    def add(row: Row) -> str:
        cell = row.cells.get
        item, endpoint = cell("item", "").strip(), cell("endpoint", "").strip()
        if not item or not endpoint:
            return "needs item and endpoint"
        first, last, reason = _span(cell("from", ""), cell("to", ""))
        found.append(ManualItem(item, endpoint, first, last, cell("who", "").strip(), cell("why", "").strip()))
        return reason

    problems = _each(folder / MANUAL_ITEMS, ("item", "endpoint"), add)
    return joined(found), problems


def _span(first: str, last: str) -> tuple[dt.date | None, dt.date | None, str]:
    """Both ends; of what cannot be understood every day, since who wrote it wants the item to be left alone."""
    try:
        span = parse_date(first), parse_date(last)
    except ValueError as error:
        return None, None, f"{error}; the item is left alone on every day"
    if span[0] and span[1] and span[1] < span[0]:
        return None, None, f"ends on {span[1]}, before it begins on {span[0]}; the item is left alone on every day"
    return *span, ""


def joined(items: Iterable[ManualItem]) -> list[ManualItem]:
    """Spans of one item that overlap, or follow each other without a day between, as one."""
    spans: list[ManualItem] = []
    for one in sorted(items, key=lambda each: (each.endpoint, each.item, each.first_date or dt.date.min)):
        last = spans[-1] if spans else None
        if last is not None and (last.endpoint, last.item) == (one.endpoint, one.item) and _touch(last, one):
            end = None if last.last_date is None or one.last_date is None else max(last.last_date, one.last_date)
            spans[-1] = ManualItem(one.item, one.endpoint, last.first_date, end, last.who, last.why)
        else:
            spans.append(one)
    return spans


def _touch(earlier: ManualItem, later: ManualItem) -> bool:
    return earlier.last_date is None or (later.first_date or dt.date.min) <= earlier.last_date + _DAY


def _each(path: Path, needed: tuple[str, ...], add: Callable[[Row], str]) -> list[Problem]:
    """Gives each row to `add`, which says what is wrong with it; returns the problems."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RegisterError(f"{path}: cannot be read: {error.strerror or error}") from error
    problems = []
    for row in read_rows(path, content, needed=needed):
        try:
            reason = row.reason or add(row)
        except ValueError as error:
            reason = str(error)
        if reason:
            problems.append(Problem(path.name, row.number, reason))
    return problems
