"""What the JSON formats share: limits that hold before a parser sees them, what stands at the top, and entries.

Memory holds one entry at a time. Which document has which entries stands with each format.
"""

from __future__ import annotations

import codecs
import json
import re
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import ijson

from collect_assets.errors import UnreadableError
from collect_assets.plugins.partly import both_ends, holds_back, matching
from collect_assets.readers.encodings import as_text
from collect_assets.readers.source import Entry, Reject, Source
from collect_assets.store.local import CHUNK, storage_errors

MAX_NESTING = 200  # a hundred thousand brackets, 200 kB, made the parser take all memory (fault F57)
MAX_STRING = 32 << 20
MAX_VALUE = 32 << 20  # bytes of one entry, which stands in memory whole
MAX_NUMBER = 4000  # digits; past Python's limit of 4,300 the parser ends the process
MAX_LISTS = 5000
ERROR_KEYS = ("error", "errors")
_NO_RECORDS = {*ERROR_KEYS, "warnings", "messages", "links", "facets"}
_ERROR_KEY = re.compile(rb'"errors?"\s*:')
_NUMBER_SIGNS = b"+-.0123456789Ee"
_LONG_NUMBER = re.compile(rb"(?<![-+.0-9Ee])[-+.0-9Ee]{%d}" % MAX_NUMBER)
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = [(byte in b"[{") - (byte in b"]}") for byte in range(256)]
_WHOLE = 1 << 53
VOLATILE_ID = r"(^|\.)fid-[-0-9a-f_]+$"


@dataclass(frozen=True)
class Document:
    """A JSON file as UTF-8, checked for what parsers cannot bear."""

    path: Path
    encoding: str
    notes: tuple[str, ...]


@dataclass
class _List:
    objects: int = 0
    others: int = 0


@dataclass
class Top:
    """What stands at the top of a document: `array`, `object` or `value`; and the lists right inside of an object.

    Attributes:
        error: the key of an error message at the top; blank where there is none.
    """

    kind: str = "value"
    lists: dict[str, _List] = field(default_factory=dict)
    error: str = ""

    @property
    def longest(self) -> str | None:
        """The key of the longest list that holds objects only and may be records; None where there is no such list."""
        may = {key: found for key, found in self.lists.items() if key.casefold() not in _NO_RECORDS}
        fit = {key: found.objects for key, found in may.items() if not found.others}
        return max(fit, key=lambda key: fit[key], default=None)


def document(source: Source) -> Document:
    """The file as JSON in UTF-8.

    Raises:
        UnreadableError: its encoding is unknown, it is nested too deep, or something in it is too long.
    """
    text = as_text(source)
    check_limits(text.path)
    return Document(text.path, text.encoding, text.notes)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes behind a byte order mark; what the parser says of them becomes an `UnreadableError`."""
    with storage_errors(path), path.open("rb") as file:
        if file.read(3) != codecs.BOM_UTF8:
            file.seek(0)
        try:
            yield file
        except ijson.JSONError as error:
            reason = " ".join(str(error).split("\n", 1)[0].split())
            raise UnreadableError(f"not whole, valid JSON: {reason}") from None
        except (UnicodeDecodeError, ValueError) as error:
            raise UnreadableError(f"not valid JSON: {error}") from None


def check_limits(path: Path) -> None:
    """Refuses a document before a parser sees it, when it would take all memory, or end the process.

    Raises:
        UnreadableError: its brackets are nested too deep, or a string, a number or an entry is too long.
    """
    depth, kept, within, entries = 0, b"", 0, 0
    with storage_errors(path), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            bare = _STRING.sub(b"", kept + chunk)
            if _long_number(bare):
                raise UnreadableError(f"a number of {MAX_NUMBER:,} or more digits")
            begun = bare.find(b'"')
            cut = begun if begun >= 0 else len(bare.rstrip(_NUMBER_SIGNS))
            kept, bare = bare[cut:], bare[:cut]
            if len(kept) > MAX_STRING:
                raise UnreadableError(f"a string of more than {MAX_STRING:,} bytes")
            brackets = bare.translate(None, _NOT_BRACKETS)
            entries = entries or (1 if brackets.startswith(b"[") else 2 if brackets else 0)
            depths = array("q", accumulate(map(_STEPS.__getitem__, brackets), initial=depth))
            depth = depths[-1]
            if max(depths) > MAX_NESTING:
                raise UnreadableError(f"nested deeper than {MAX_NESTING} levels")
            within = within + len(chunk) if min(depths) > entries else 0
            if within > MAX_VALUE:
                raise UnreadableError(f"one entry of more than {MAX_VALUE:,} bytes")


def _long_number(bare: bytes) -> bool:
    """Whether there is one; the expression, slow, is asked only where a window lies inside of number signs."""
    window = MAX_NUMBER // 2
    within = any(not bare[at : at + window].strip(_NUMBER_SIGNS) for at in range(0, len(bare) - window + 1, window))
    return within and _LONG_NUMBER.search(bare) is not None


def rest_said(path: Path, entries: int) -> Iterator[Reject]:
    """That a service holds more than it gave, as ArcGIS, GeoServer and OGC API Features say it before or behind."""
    ends = both_ends(path)
    matched = matching(ends)
    if matched > entries:
        yield Reject(entries + 1, None, f"the service says that {matched:,} match, and gave {entries:,}")
    elif holds_back(ends):
        yield Reject(entries + 1, None, "the service says that it holds more than it gave (exceededTransferLimit)")


def check_error(path: Path) -> None:
    """Refuses a document that says at its top that something went wrong: it proves nothing absent.

    Looked for only where the word stands somewhere: each event of the parser costs.

    Raises:
        UnreadableError: it does; says what it says.
    """
    with storage_errors(path), path.open("rb") as file:
        before = b""
        while chunk := file.read(CHUNK):
            if _ERROR_KEY.search(before + chunk):
                refuse_error(path, top_of(path))
                return
            before = chunk[-100:]


def refuse_error(path: Path, top: Top) -> None:
    """Raises what a document says at its top in place of records, if it says so.

    Raises:
        UnreadableError: it does.
    """
    if top.error:
        said = json.dumps(next(values(path, top.error), None), ensure_ascii=False, default=str)
        raise UnreadableError(f"an error message in place of records: {said[:300]}")


def top_of(path: Path) -> Top:
    """One pass over a document for what stands at its top.

    Raises:
        UnreadableError: it is not valid JSON, is cut off, or has thousands of lists at its top.
    """
    top, depth, key = Top(), 0, ""
    with opened(path) as file:
        for event, value in ijson.basic_parse(file):
            begins = event in {"start_map", "start_array"}
            if depth == 0 and begins:
                top.kind = "object" if event == "start_map" else "array"
            elif depth == 1 and event == "map_key":
                key = value
            elif depth == 1 and event == "start_array" and top.kind == "object":
                top.lists[key] = _List()
                if len(top.lists) > MAX_LISTS:
                    raise UnreadableError(f"an object of more than {MAX_LISTS:,} lists")
            elif depth == 2 and key in top.lists and event not in {"end_array", "map_key", "end_map"}:
                top.lists[key].objects += event == "start_map"
                top.lists[key].others += event != "start_map"
            if depth and not top.error and key in ERROR_KEYS and top.kind == "object":
                top.error = key if _says_something(depth, event, value) else ""
            depth += begins - (event in {"end_map", "end_array"})
    return top


def _says_something(depth: int, event: str, value: object) -> bool:
    """Whether an event under an error's key is more than null, false or nothing."""
    return bool(value) if depth == 1 and event != "map_key" else depth == 2 and event not in {"end_map", "end_array"}


def values(path: Path, prefix: str) -> Iterator[Any]:
    """The values at a place of a document, one by one.

    Raises:
        UnreadableError: while reading, where the document is not valid or cut off.
    """
    with opened(path) as file:
        yield from ijson.items(file, prefix)


def object_entry(number: int, value: object, line: int | None = None) -> Entry | Reject:
    """A JSON value as an entry; what is no object is rejected."""
    if not isinstance(value, Mapping):
        return Reject(number, line, f"expected an object, found {_kind(value)}", _raw(value))
    # Without both it is a record with a column `type`.
    is_feature = value.get("type") == "Feature" and ("properties" in value or "geometry" in value)
    return feature_entry(number, value, line) if is_feature else Entry(value)


def feature_entry(number: int, value: object, line: int | None = None) -> Entry | Reject:
    """A GeoJSON feature as an entry: its properties, its geometry, and its id where that lasts.

    GeoServer invents ids (`layer.fid-6f1a…`) for layers without a key, anew at each request.
    """
    if not isinstance(value, Mapping) or value.get("type") != "Feature":
        return Reject(number, line, f"expected a GeoJSON feature, found {_kind(value)}", _raw(value))
    properties, geometry, feature_id = value.get("properties") or {}, value.get("geometry"), value.get("id")
    if not isinstance(properties, Mapping) or not isinstance(geometry, Mapping | None):
        return Reject(number, line, "properties and geometry of a feature must be objects or null", _raw(value))
    if isinstance(feature_id, bool | Mapping | list | None) or re.search(VOLATILE_ID, str(feature_id)):
        return Entry(properties, geometry)
    return Entry({"id": feature_id, **properties}, geometry, _id_text(feature_id))


def _id_text(feature_id: object) -> str:
    """`1.0` is 1, as in records: servers change between the two with their software."""
    if not isinstance(feature_id, float | Decimal):
        return str(feature_id)
    number = float(feature_id)
    return str(int(number)) if number.is_integer() and abs(number) < _WHOLE else str(feature_id)


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", list: "a list", type(None): "null", dict: "another object"}
    return names.get(type(value), "a number")


def _raw(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
