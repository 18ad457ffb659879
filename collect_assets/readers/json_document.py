"""One JSON document: a list of objects, an object with such a list inside (the longest), or one object alone."""

from __future__ import annotations

from collections.abc import Iterator

from collect_assets.errors import UnreadableError
from collect_assets.readers.encodings import start_text
from collect_assets.readers.json_stream import document, object_entry, refuse_error, top_of, values
from collect_assets.readers.source import Entry, Reject, Source, Stream

FORMAT = "json"
VERSION = 2
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
    return Stream(FORMAT, whole.encoding, _entries(values(whole.path, prefix)), source.member, notes)


def _entries(found: Iterator[object]) -> Iterator[Entry | Reject]:
    for number, value in enumerate(found, 1):
        yield object_entry(number, value)
