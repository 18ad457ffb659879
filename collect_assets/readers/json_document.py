"""One JSON document: a list of objects, an object with such a list inside (the longest), or one object alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collect_assets.errors import UnreadableError
from collect_assets.readers.encodings import start_text
from collect_assets.readers.json_stream import document, object_entry, refuse_error, rest_said, top_of, values
from collect_assets.readers.source import Entry, Reject, Source, Stream

FORMAT = "json"
VERSION = 3
PRIORITY = 40
MAX_ONE = 32 << 20


def matches(source: Source) -> bool:
    """It begins as an object or a list."""
    return start_text(source.start).startswith(("{", "["))


def open_source(source: Source) -> Stream:
    """The objects of the list as entries.

    Raises:
        UnreadableError: it is not valid JSON, is cut off, or holds an error message in place of records.
    """
    whole = document(source)
    top = top_of(whole.path)
    refuse_error(whole.path, top)
    prefix, notes = "item", whole.notes
    if top.kind == "object":
        key = top.longest
        prefix = "" if key is None else f"{key}.item"
        notes = (*notes, "one object, read as one record" if key is None else f"records are those of {key!r}")
    if not prefix and whole.path.stat().st_size > MAX_ONE:
        raise UnreadableError(f"one object of more than {MAX_ONE:,} bytes, without a list of objects right inside")
    if prefix == "resources.item" and _is_table(next(values(whole.path, prefix), None)):
        raise UnreadableError(
            "the descriptor of a data package, whose tables lie elsewhere; collect the package as one zip"
        )
    return Stream(FORMAT, whole.encoding, _entries(whole.path, prefix), source.member, notes)


def _entries(path: Path, prefix: str) -> Iterator[Entry | Reject]:
    number = 0
    for number, value in enumerate(values(path, prefix), 1):
        yield object_entry(number, value)
    if prefix == "features.item":
        yield from rest_said(path, number)


def _is_table(value: object) -> bool:
    """Whether it is a resource of a data package: a named file, in a folder or on the web."""
    return isinstance(value, dict) and {"name", "path"} <= value.keys()
