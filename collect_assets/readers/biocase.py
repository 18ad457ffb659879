"""BioCASe: the pages that its providers answer with, in ABCD 1.2, 2.06 and 2.1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lxml import etree

from collect_assets.errors import DescriptionError, UnreadableError
from collect_assets.readers.abcd import UNIT, unit_entry
from collect_assets.readers.answers import error_said, missing_said, more_follow
from collect_assets.readers.said import said_by_abcd
from collect_assets.readers.source import Description, Note, Reject, Source, Stream
from collect_assets.readers.xml_stream import XmlRecords, read_entries, root_of
from collect_assets.readers.xml_text import xml_text

FORMAT = "biocase"
VERSION = 3
PRIORITY = 22
_COUNTS = ("recordStart", "recordCount", "recordDropped", "totalSearchHits")
_NAMESPACE = "http://www.biocase.org/schemas/protocol/"


def matches(source: Source) -> bool:
    """A `response` in any version of the protocol."""
    root = root_of(source.start)
    return root is not None and root.localname == "response" and (root.namespace or "").startswith(_NAMESPACE)


def open_source(source: Source) -> Stream:
    """The units of the page.

    Raises:
        UnreadableError: it is not valid XML from its first byte on, or its encoding is wrong.
    """
    text = xml_text(source)
    entries = read_entries(XmlRecords(text, [UNIT]), unit_entry, partial(_at_end, alone=not source.depth))
    return Stream(FORMAT, text.encoding, entries, source.member, text.notes)


def _at_end(root: etree._Element, records: int, *, alone: bool) -> Iterator[Reject | Note | Description]:
    """What the page says of itself; its diagnostics may repeat the provider's SQL, and only errors are told."""
    yield from said_by_abcd(root, FORMAT)
    kind, content = (root.findtext("{*}header/{*}type") or "search").strip(), root.find("{*}content")
    if kind != "search":
        error = DescriptionError if kind in {"capabilities", "scan"} else UnreadableError
        raise error(f"an answer of BioCASe to a request of type {kind}; only those to a search have records")
    yield from error_said(root.iter("{*}diagnostic"), "severity", records)
    if content is None:
        yield Reject(records + 1, None, "a page without content: it does not say that there are no records")
        return
    dropped = (content.get("recordDropped") or "0").strip()
    if dropped.isdecimal() and int(dropped):
        yield Reject(records + 1, None, f"the provider dropped {dropped} records of this page")
    yield from missing_said(content.get("recordCount"), records)
    if alone and _is_followed(content):
        yield more_follow(FORMAT, records)


def _is_followed(content: etree._Element) -> bool:
    """Whether its counts say that it is not the last page; where one is left out they say nothing."""
    texts = [(content.get(name) or "").strip() for name in _COUNTS]
    if not all(text.isdecimal() for text in texts):
        return False
    start, count, dropped, hits = map(int, texts)
    return start + count + dropped < hits
