"""`sensitive.csv`: whose places are told only roughly, and what of a record is left then.

A row names a field and a value, such as a species that is hunted, and to how many decimals of a degree its place is
told: 1 is about ten kilometres, and blank is not at all. What cannot be understood hides more, never less.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collect_assets.collection import Collection
from collect_assets.csv_rows import Row, read_rows
from collect_assets.errors import RegisterError
from collect_assets.readers.geometry import PAIRS, WKT_NAMES
from collect_assets.registers import Problem

SENSITIVE = "sensitive.csv"
COLUMNS = ("field", "value", "decimals", "who", "why")
HIDDEN = -1  # decimals of a place that is not told at all
MOST = 5
VERSION = 2  # goes up when the same rule leaves something else of a record
SAID = "dataGeneralizations"
_PAIRS = frozenset(name for pair in PAIRS for name in pair)
# What tells a place more finely than a county does, in a field of its own or in words; and what leads to other records
# of the same spot.
_FINE = (
    "coordinates verbatimcoordinates verbatimlatitude verbatimlongitude verbatimlocality locality locationid "
    "locationremarks footprintspatialfit pointradiusspatialfit coordinateuncertaintyinmeters coordinateprecision "
    "minimumelevationinmeters maximumelevationinmeters verbatimelevation verticaldatum minimumdepthinmeters "
    "maximumdepthinmeters verbatimdepth minimumdistanceabovesurfaceinmeters maximumdistanceabovesurfaceinmeters "
    "georeferenceremarks georeferencesources georeferenceprotocol highergeography highergeographyid municipality "
    "island habitat fieldnotes fieldnumber eventid parenteventid eventremarks occurrenceremarks materialsampleid "
    "associatedoccurrences dynamicproperties easting northing gridreference grid-reference grid_reference gridref "
    "osgb mgrs utm uprn usrn address postcode sitenameaddress site-address siteplanurl what3words"
)
_VOCABULARY = re.compile(r".*[/#:]", re.DOTALL)
_PLACES = frozenset((*WKT_NAMES, *_FINE.split()))


@dataclass(frozen=True)
class Sensitive:
    """Items of which the field has, or ever had, this value.

    Attributes:
        value: in lower case; without the star where it is the beginning of the value.
        starts: whether it is.
        decimals: of degrees that are told; `HIDDEN` for none.
        row: of the register.
    """

    field: str
    value: str
    starts: bool
    decimals: int
    who: str = ""
    why: str = ""
    row: int = 0

    @property
    def name(self) -> str:
        """The field's, as it is compared: in lower case, without the vocabulary that it is of."""
        return plain_name(self.field).lower()


@dataclass(frozen=True)
class SensitiveRules:
    """All rows, and what is wrong with some.

    Attributes:
        places: fields that the collection's settings call places, besides those that are known.
    """

    rows: tuple[Sensitive, ...] = ()
    places: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = field(default=(), compare=False)

    def __bool__(self) -> bool:
        return bool(self.rows)

    def unmatched(self, names: Container[str]) -> tuple[Problem, ...]:
        """What is wrong with rows whose field is none of those that records were found to have."""
        missing = "no record has a field {!r}, in any case; nothing is hidden by this row: write it as records do"
        return tuple(
            Problem(SENSITIVE, row.row, missing.format(row.field)) for row in self.rows if row.name not in names
        )

    @property
    def fingerprint(self) -> str:
        """Changes when something else is told; blank without rows."""
        if not self.rows:
            return ""
        rows = sorted((row.field, row.value, row.starts, row.decimals, row.why) for row in self.rows)
        return hashlib.sha256(json.dumps([VERSION, rows, sorted(self.places)]).encode()).hexdigest()[:16]


NO_RULES = SensitiveRules()


def read_sensitive(folder: Path, places: frozenset[str] = frozenset()) -> SensitiveRules:
    """The rules in `sensitive.csv`; none where there is no such file.

    Raises:
        RegisterError: it is there and cannot be read, or lacks `field` or `value`: then nothing must be told.
    """
    path = folder / SENSITIVE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return SensitiveRules()
    except OSError as error:
        raise RegisterError(f"{path}: cannot be read: {error.strerror or error}") from error
    rows, problems = [], []
    for row in read_rows(path, content, needed=("field", "value")):
        name, value = row.cells.get("field", "").strip(), row.cells.get("value", "").strip()
        plain = value.removesuffix("*").strip() if value.endswith("*") else value
        if not name or not plain:
            problems.append(Problem(path.name, row.number, "needs field and value; nothing is hidden by this row"))
            continue
        decimals, reason = _decimals(row)
        if reason:
            problems.append(Problem(path.name, row.number, reason))
        who, why = (row.cells.get(column, "").strip() for column in ("who", "why"))
        rows.append(Sensitive(name, plain.lower(), value.endswith("*"), decimals, who, why, row.number))
    return SensitiveRules(tuple(rows), places, tuple(problems))


def sensitive_rules(collection: Collection) -> SensitiveRules:
    """Those of a collection, as its register and settings stand.

    Raises:
        RegisterError: the register is there and cannot be read.
    """
    places = frozenset(name for name, kind in collection.settings.index.fields.items() if kind == "place")
    return read_sensitive(collection.registers, places)


def _decimals(row: Row) -> tuple[int, str]:
    text = row.cells.get("decimals", "").strip()
    if not text:
        return HIDDEN, ""
    if text.isdecimal() and int(text) <= MOST:
        return int(text), ""
    return HIDDEN, f"decimals is {text[:20]!r}, expected 0 to {MOST}, or nothing; the place is not told at all"


def generalised(
    record: Mapping[str, Any], decimals: int, why: str, places: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """What is told of a record: its coordinates rounded, and without all else that tells the place.

    Args:
        record: as it was served.
        decimals: of degrees that are told; `HIDDEN` for none.
        why: what people are told of the reason.
        places: names of further fields that tell a place.
    """
    exact = {text for text in _coordinates(record) if len(text.partition(".")[2]) > max(decimals, 0)}
    left: dict[str, Any] = _told(record, decimals, {name.casefold() for name in places}, exact) or {}
    finely = f"rounded to {decimals} decimals of a degree, what tells it more finely left out"
    done = "left out" if decimals == HIDDEN else finely
    said = f"place {done}{f': {why}' if why else ''}"
    before = left.get(SAID)
    return dict(sorted({**left, SAID: f"{before}; {said}" if isinstance(before, str) else said}.items()))


def plain_name(name: str) -> str:
    """A field's name without the vocabulary that it is of: `http://rs.tdwg.org/dwc/terms/locality`, `dwc:locality`."""
    return _VOCABULARY.sub("", name.strip().rstrip("/#")).strip() or name.strip()


def _name(name: str) -> str:
    return plain_name(name).casefold()


def _coordinates(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """The coordinates as they are written, wherever they stand."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if _name(name) in _PAIRS and isinstance(part, str | int | float):
                yield str(part).lstrip("+-")
            else:
                yield from _coordinates(part)
    elif isinstance(value, list):
        for part in value:
            yield from _coordinates(part)


def _told(value: Any, decimals: int, places: set[str], exact: set[str]) -> Any:  # noqa: ANN401
    """What is left of a value; None where that is nothing."""
    if isinstance(value, Mapping):
        parts = ((name, _member(name, part, decimals, places, exact)) for name, part in value.items())
        return {name: part for name, part in parts if part is not None} or None
    if isinstance(value, list):
        return [left for part in value if (left := _told(part, decimals, places, exact)) is not None] or None
    return None if any(text in str(value) for text in exact) else value


def _member(name: str, value: Any, decimals: int, places: set[str], exact: set[str]) -> Any:  # noqa: ANN401
    folded = _name(name)
    if folded in _PLACES or folded in places or name.casefold() in places:
        return None
    if folded in _PAIRS:
        return rounded(value, decimals)
    return _told(value, decimals, places, exact)


def rounded(value: object, decimals: int) -> str | float | None:
    """A coordinate in degrees, rounded; None where it is none, or is not told."""
    try:
        number = float(value) if isinstance(value, str | int | float) else float("nan")
    except ValueError:
        return None
    if decimals == HIDDEN or not -180 <= number <= 180:
        return None
    number = round(number, decimals) + 0.0  # no -0.0
    return f"{number:.{decimals}f}" if isinstance(value, str) else number
