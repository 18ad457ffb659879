"""What is asked of the item index, as people write it. How it becomes SQL stands in `matching.py`."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from collect_assets.errors import QueryError

OPERATORS = ("!=", ">=", "<=", "=", ">", "<")
OPEN = "*"
_CONDITION = re.compile(r"(?P<field>[^=<>!]+)(?P<operator>!=|>=|<=|=|>|<)(?P<value>.*)", re.DOTALL)
_END_OF_RANGE = re.compile(r"\*|[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|\d{4}-\d\d(-\d\d([T ][\d:.]+Z?)?)?")


@dataclass(frozen=True)
class Condition:
    r"""`field operator value`.

    `field=*` asks that the field is there, `field!=*` that it is not, `field=abc*` for what begins so, and `field=a,b`,
    with numbers, dates or `*` for an open end, for a range with both ends in it. `\*` is a star that means itself.
    """

    field: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """From `FIELD=VALUE`, with `=`, `!=`, `>`, `>=`, `<` or `<=`.

        Raises:
            QueryError: it is not of that form.
        """
        match = _CONDITION.fullmatch(text)
        if match is None or not match["field"].strip():
            raise QueryError(f"{text!r} is not a condition; write FIELD=VALUE, with one of {' '.join(OPERATORS)}")
        return cls(match["field"].strip(), match["operator"], match["value"].strip())

    @property
    def is_equality(self) -> bool:
        """Whether it is of those that are alternatives of each other where a field is named several times."""
        return self.operator == "="

    @property
    def asks_presence(self) -> bool:
        """Whether it asks for any value at all."""
        return self.value == OPEN and self.operator in {"=", "!="}

    @property
    def prefix(self) -> str | None:
        """What the value begins with, for `abc*`."""
        ends = self.value.endswith(OPEN) and not self.value.endswith("\\*")
        return self.plain.removesuffix(OPEN) if ends and self.operator in {"=", "!="} else None

    @property
    def range(self) -> tuple[str, str] | None:
        """Both ends of `a,b`; None where it is none, such as `Lid, J.`."""
        ends = self.value.split(",")
        if self.operator not in {"=", "!="} or len(ends) != 2:
            return None
        low, high = ends[0].strip(), ends[1].strip()
        return (low, high) if _END_OF_RANGE.fullmatch(low) and _END_OF_RANGE.fullmatch(high) else None

    @property
    def plain(self) -> str:
        """The value without the backslashes that protect a `*`."""
        return self.value.replace("\\*", OPEN)


@dataclass(frozen=True)
class Box:
    """A bounding box in degrees, WGS84. One that crosses the date line has its west east of its east."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parse(cls, text: str) -> Box:
        """From `W,S,E,N`.

        Raises:
            QueryError: it is not four numbers in range.
        """
        west, south, east, north = _numbers(text, 4, "bounding box", "W,S,E,N in degrees, such as -1.5,53,-1,54")
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise QueryError(
                f"{text!r} is not a bounding box: longitudes are -180 to 180, latitudes -90 to 90, south first"
            )
        return cls(west, south, east, north)


@dataclass(frozen=True)
class Near:
    """What lies within some kilometres of a point in degrees, WGS84."""

    latitude: float
    longitude: float
    kilometres: float

    @classmethod
    def parse(cls, text: str) -> Near:
        """From `LAT,LON,DISTANCE`, a distance with `km` or `m`; kilometres without either.

        Raises:
            QueryError: it is not that.
        """
        number, unit = re.fullmatch(r"(.*?)\s*(km|m)?", text.strip().lower(), re.DOTALL).groups()  # type: ignore[union-attr]
        expected = "LAT,LON,DISTANCE, such as 53.8,-1.5,10km"
        latitude, longitude, distance = _numbers(number, 3, "place", expected)
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and distance >= 0):
            raise QueryError(f"{text!r} is not a place; write {expected}, latitude first")
        return cls(latitude, longitude, distance / 1000 if unit == "m" else distance)


def _numbers(text: str, count: int, what: str, expected: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(abs(number) < float("inf") for number in numbers):
        raise QueryError(f"{text!r} is not a {what}; write {expected}")
    return numbers


@dataclass(frozen=True)
class Span:
    """Days from one to another, both in it; None is an open end."""

    first: dt.date | None = None
    last: dt.date | None = None

    @classmethod
    def parse(cls, text: str) -> Span:
        """From `DAY,DAY`, `DAY,*`, `*,DAY` or one `DAY`.

        Raises:
            QueryError: it is not that.
        """
        ends = [end.strip() for end in text.split(",")]
        try:
            days = [None if end == OPEN else dt.date.fromisoformat(end) for end in ends]
        except ValueError:
            days = []
        if not 1 <= len(days) <= 2:
            raise QueryError(f"{text!r} is not a span of days; write YYYY-MM-DD,YYYY-MM-DD, with * for an open end")
        return cls(days[0], days[-1])


@dataclass(frozen=True)
class Query:
    """A subset of items. Different things are all demanded; of several of one kind one is enough.

    Attributes:
        text: words that must all occur in the values; `word*` for what begins so.
        where: conditions on fields; those with `=` on one field are alternatives.
        box: overlaps it with its own box.
        polygon: touches this WKT, in degrees, longitude first; the order of its points means nothing.
        near: lies within that distance.
        items: ids.
        endpoints: ids of endpoints, or as much of their beginning as makes them one.
        organisations, datasets: those whose endpoints `source.csv` gives to them.
        resource: the file that holds the bytes of the version.
        changed: the version began within these days.
        withheld: what its endpoint says of it now is not applied: held, rejected, or under manual control.
    """

    text: str = ""
    where: tuple[Condition, ...] = ()
    box: Box | None = None
    polygon: str = ""
    near: Near | None = None
    items: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    resource: str = ""
    changed: Span | None = None
    withheld: bool = False


SortDirection = Literal["ascending", "descending"]


@dataclass(frozen=True)
class Sort:
    """The field to sort by; what lacks it comes last, either way."""

    field: str
    direction: SortDirection = "ascending"

    @classmethod
    def parse(cls, text: str) -> Sort:
        """From `FIELD`, or `-FIELD` for the largest first.

        Raises:
            QueryError: there is no field in it.
        """
        field = text.strip().removeprefix("-").strip()
        if not field:
            raise QueryError(f"{text!r} names no field to sort by; write FIELD or -FIELD")
        return cls(field, "descending" if text.strip().startswith("-") else "ascending")
