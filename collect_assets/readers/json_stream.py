"""What the JSON formats share: a guard against deep nesting, what stands at the top, and entries one by one.

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
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import ijson

from collect_assets.errors import UnreadableError
from collect_assets.readers.encodings import as_text
from collect_assets.readers.source import Entry, Reject, Source
from collect_assets.store.local import CHUNK, storage_errors

MAX_NESTING = 200  # a hundred thousand brackets, 200 kB, made the parser take all memory (fault F57)
MAX_STRING = 32 << 20
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = [(byte in b"[{") - (byte in b"]}") for byte in range(256)]
_VOLATILE_ID = re.compile(r"(^|\.)fid-[-0-9a-f_]+$")


@dataclass(frozen=True)
class Document:
    """A JSON file as UTF-8, checked for nesting."""

    path: Path
    encoding: str
    notes: tuple[str, ...]


@dataclass
class _List:
    objects: int = 0
    others: int = 0


@dataclass
class Top:
    """What stands at the top of a document: `array`, `object` or `value`; and the lists right inside of an object."""

    kind: str = "value"
    lists: dict[str, _List] = field(default_factory=dict)

    @property
    def longest(self) -> str | None:
        """The key of the longest list that holds objects only; None where there is no such list."""
        fit = {key: found.objects for key, found in self.lists.items() if not found.others}
        return max(fit, key=lambda key: fit[key], default=None)


def document(source: Source) -> Document:
    """The file as JSON in UTF-8.

    Raises:
        UnreadableError: its encoding is unknown, or it is nested too deep.
    """
    text = as_text(source)
    check_nesting(text.path)
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


def check_nesting(path: Path) -> None:
    """Refuses a document before a parser sees it, when its brackets are nested too deep.

    Raises:
        UnreadableError: they are, or a string is too long.
    """
    depth, kept = 0, b""
    with storage_errors(path), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            bare = _STRING.sub(b"", kept + chunk)
            begun = bare.find(b'"')
            kept, bare = (bare[begun:], bare[:begun]) if begun >= 0 else (b"", bare)
            if len(kept) > MAX_STRING:
                raise UnreadableError(f"a string of more than {MAX_STRING:,} bytes")
            depths = array("q", accumulate(map(_STEPS.__getitem__, bare.translate(None, _NOT_BRACKETS)), initial=depth))
            depth = depths[-1]
            if max(depths) > MAX_NESTING:
                raise UnreadableError(f"nested deeper than {MAX_NESTING} levels")


def top_of(path: Path) -> Top:
    """One pass over a document for what stands at its top.

    Raises:
        UnreadableError: it is not valid JSON, or cut off.
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
            elif depth == 2 and key in top.lists and event not in {"end_array", "map_key", "end_map"}:
                top.lists[key].objects += event == "start_map"
                top.lists[key].others += event != "start_map"
            depth += begins - (event in {"end_map", "end_array"})
    return top


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
    return feature_entry(number, value, line) if value.get("type") == "Feature" else Entry(value)


def feature_entry(number: int, value: object, line: int | None = None) -> Entry | Reject:
    """A GeoJSON feature as an entry: its properties, its geometry, and its id where that lasts.

    GeoServer invents ids (`layer.fid-6f1a…`) for layers without a key, anew at each request.
    """
    if not isinstance(value, Mapping) or value.get("type") != "Feature":
        return Reject(number, line, f"expected a GeoJSON feature, found {_kind(value)}", _raw(value))
    properties, geometry, feature_id = value.get("properties") or {}, value.get("geometry"), value.get("id")
    if not isinstance(properties, Mapping) or not isinstance(geometry, Mapping | None):
        return Reject(number, line, "properties and geometry of a feature must be objects or null", _raw(value))
    if isinstance(feature_id, bool | Mapping | list | None) or _VOLATILE_ID.search(str(feature_id)):
        return Entry(properties, geometry)
    return Entry({"id": feature_id, **properties}, geometry, str(feature_id))


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", list: "a list", type(None): "null", dict: "another object"}
    return names.get(type(value), "a number")


def _raw(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
