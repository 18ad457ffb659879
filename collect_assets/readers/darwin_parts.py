"""Old terms of Darwin Core that make a current one only together, or by what is in them.

Where the published list names several successors, or none, the choice is made here, as Darwin Core defined the terms
then. Nothing is lost: what makes no current value stays, under its own name or its old name's IRI.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Fields = dict[str, Any]
_DARWIN_2 = "http://digir.net/schema/conceptual/darwin/2003/1.0/"
_DARWIN_1_4 = "http://rs.tdwg.org/dwc/dwcore/"
_SEAS = re.compile(r"ocean|\bsea\b|atlantic|pacific|mediterr|ozean|oc[eé]an|\bmer\b|\bmar\b", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$")
_HOURS = re.compile(r"(?:[01]?\d|2[0-3])(?:\.\d+)?$")


def _numbers(fields: Fields) -> None:
    """The catalogue number as text goes first; the numeric one stands in for it, or stays as it was."""
    add_term(fields, "catalogNumber", _pop(fields, "CatalogNumberText"))
    number = _pop(fields, "CatalogNumberNumeric")
    add_term(fields, f"{_DARWIN_2}CatalogNumberNumeric" if "catalogNumber" in fields else "catalogNumber", number)


def _collected(fields: Fields) -> None:
    """The parts of the date of collecting stand for themselves, and make an eventDate where they are one."""
    year, month, day = _pop(fields, "YearCollected"), _pop(fields, "MonthCollected"), _pop(fields, "DayCollected")
    add_term(fields, "year", year)
    add_term(fields, "month", month)
    add_term(fields, "day", day)
    if "eventDate" not in fields and fields.keys().isdisjoint(_INTERVAL):
        add_term(fields, "eventDate", date_of(year, month, day))


def _interval(fields: Fields) -> None:
    """Earliest and latest date make one interval; they stay as they are where an eventDate is given as well."""
    dates = {name: _pop(fields, name) for name in ("EarliestDateCollected", "LatestDateCollected")}
    if "eventDate" in fields:
        for name, date in dates.items():
            add_term(fields, f"{_DARWIN_1_4}{name}", date)
    else:
        add_term(fields, "eventDate", "/".join(filter(None, dict.fromkeys(dates.values()))))


def _identified(fields: Fields) -> None:
    parts = [_pop(fields, name) for name in ("YearIdentified", "MonthIdentified", "DayIdentified")]
    add_term(fields, "dateIdentified", date_of(*parts) or "-".join(filter(None, parts)))


def _day_of_year(fields: Fields) -> None:
    """One day is begin and end."""
    for old in ("JulianDay", "DayOfYear"):
        day = _pop(fields, old)
        for name in ("startDayOfYear", "endDayOfYear"):
            add_term(fields, name, day)


def _times(fields: Fields) -> None:
    """A time stays as it was written, and makes an eventTime where it is one."""
    for name in ("TimeCollected", "TimeOfDay"):
        written = _pop(fields, name)
        add_term(fields, f"{_DARWIN_2}{name}", written)
        if "eventTime" not in fields:
            add_term(fields, "eventTime", time_of(written))


def _continent_ocean(fields: Fields) -> None:
    place = _pop(fields, "ContinentOcean")
    add_term(fields, "waterBody" if _is_sea(place) else "continent", place)


_INTERVAL = frozenset(("EarliestDateCollected", "LatestDateCollected"))
_GROUPS: tuple[tuple[frozenset[str], Callable[[Fields], None]], ...] = (
    (frozenset(("CatalogNumberText", "CatalogNumberNumeric")), _numbers),
    (frozenset(("YearCollected", "MonthCollected", "DayCollected")), _collected),
    (_INTERVAL, _interval),
    (frozenset(("YearIdentified", "MonthIdentified", "DayIdentified")), _identified),
    (frozenset(("JulianDay", "DayOfYear")), _day_of_year),
    (frozenset(("TimeCollected", "TimeOfDay")), _times),
    (frozenset(("ContinentOcean",)), _continent_ocean),
)
PARTS: frozenset[str] = frozenset().union(*(names for names, _ in _GROUPS))


def join_parts(fields: Fields) -> None:
    """Resolves the old terms among the fields of a record; none of them gives another one."""
    for resolve in _resolving(PARTS.intersection(fields)):
        resolve(fields)


@lru_cache(maxsize=1000)
def _resolving(parts: frozenset[str]) -> tuple[Callable[[Fields], None], ...]:
    """Who resolves these terms; records of one source have few sets of them."""
    return tuple(resolve for names, resolve in _GROUPS if not names.isdisjoint(parts))


def add_term(fields: Fields, name: str, value: str) -> None:
    """Adds the value of a term; a second, different one stands beside the first, as Darwin Core writes lists."""
    if not value:
        return
    there = fields.setdefault(name, value)
    if there is value:
        return
    if isinstance(there, list):
        fields[name] = [*there, value]
    elif not isinstance(there, str):
        fields[name] = [there, value]
    elif there.strip() != value.strip():
        fields[name] = f"{there.strip()} | {value.strip()}"


def _pop(fields: Fields, name: str) -> str:
    value = fields.pop(name, "")
    return value.strip() if isinstance(value, str) else str(value)


@lru_cache(maxsize=1000)
def date_of(year: str, month: str, day: str) -> str:
    """The ISO date of parts that make one, to the day, the month or the year; blank where they do not.

    A year of two digits makes none: whose century it is, nobody says.
    """
    if not (len(year) == 4 and year.isdecimal() and year.isascii()):
        return ""
    if not month:
        return "" if day else year
    try:
        whole = dt.date(int(year), int(month), int(day or 1))
    except ValueError:
        return ""
    return whole.isoformat() if day else whole.isoformat()[:7]


def has_short_year(fields: Mapping[str, Any]) -> bool:
    """Whether the year of a record has two digits."""
    year = fields.get("year")
    return isinstance(year, str) and len(year := year.strip()) == 2 and year.isdecimal()


def time_of(written: str) -> str:
    """`8:05` as a time, and `13.5`, the decimal hours of Darwin Core 2; blank where it is neither."""
    if found := _CLOCK.match(written):
        return f"{int(found[1]):02}:{found[2]}:{found[3] or '00'}"
    if not _HOURS.match(written):
        return ""
    seconds = round(float(written) * 3600)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds < 86_400 else ""


@lru_cache(maxsize=1000)
def _is_sea(place: str) -> bool:
    return _SEAS.search(place) is not None
