"""DiGIR: the pages that its providers answer with, in Darwin Core 2 and the flavours of it (MaNIS, extensions)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lxml import etree

from collect_assets.errors import DescriptionError, UnreadableError
from collect_assets.readers.answers import error_said, missing_said, more_follow
from collect_assets.readers.said import said_by_digir
from collect_assets.readers.source import Description, Entry, Note, Reject, Source, Stream
from collect_assets.readers.xml_fields import darwin_fields, darwin_id
from collect_assets.readers.xml_stream import XmlRecords, read_entries, root_of
from collect_assets.readers.xml_text import xml_text

FORMAT = "digir"
VERSION = 3
PRIORITY = 22
NAMESPACE = "http://digir.net/schema/protocol/2003/1.0"
_RECORDS = (f"{{{NAMESPACE}}}record", "record")
_HARMLESS = frozenset(("QUERY_PRODUCED_NO_RESULTS",))  # some providers call it an error; it is an empty answer


def matches(source: Source) -> bool:
    """A `response` of the protocol, also where its namespace was forgotten."""
    root = root_of(source.start)
    return root is not None and root.localname == "response" and root.namespace in {None, NAMESPACE}


def open_source(source: Source) -> Stream:
    """The records of the page.

    Raises:
        UnreadableError: it is not valid XML from its first byte on, or its encoding is wrong.
    """
    text = xml_text(source)
    entries = read_entries(XmlRecords(text, _RECORDS), darwin_entry, partial(_at_end, alone=not source.depth))
    return Stream(FORMAT, text.encoding, entries, source.member, text.notes)


def darwin_entry(record: etree._Element) -> Entry:
    """A record of Darwin Core."""
    fields = darwin_fields(record)
    return Entry(fields, None, darwin_id(fields))


def _at_end(root: etree._Element, records: int, *, alone: bool) -> Iterator[Reject | Note | Description]:
    """What the page says of itself: an error, or nothing at all, is not an empty list."""
    yield from said_by_digir(root)
    kind, content = (root.findtext("{*}header/{*}type") or "search").strip(), root.find("{*}content")
    if kind != "search":
        error = DescriptionError if kind == "metadata" else UnreadableError
        raise error(f"an answer of DiGIR to a request of type {kind}; only those to a search have records")
    diagnostics = list(root.iter("{*}diagnostic"))
    yield from error_said(diagnostics, "severity", records, _HARMLESS)
    if content is None and not diagnostics:
        reason = "a page with a header only: it says neither that there are records nor that there are none"
        yield Reject(records + 1, None, reason)
    counts = [found.text for found in diagnostics if found.get("code") == "RECORD_COUNT"]
    yield from missing_said(counts[0] if counts else None, records)
    ends = ((found.text or "").strip().lower() for found in diagnostics if found.get("code") == "END_OF_RECORDS")
    if alone and "false" in ends:
        yield more_follow(FORMAT, records)
