"""TAPIR: the pages that its providers answer with, whatever structure the output model gives them.

Records of Darwin Core and ABCD are known by their names. Of another structure the element that repeats as often as the
page says it has records is the record; that is found in a pass of its own, since it shows only at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lxml import etree

from collect_assets.errors import DescriptionError, UnreadableError
from collect_assets.readers.abcd import UNIT, unit_entry
from collect_assets.readers.answers import error_said, missing_said, more_follow
from collect_assets.readers.darwin_xml import RECORDS
from collect_assets.readers.digir import darwin_entry
from collect_assets.readers.said import said_by_tapir
from collect_assets.readers.source import Description, Entry, Note, Reject, Source, Stream
from collect_assets.readers.tapir_structure import record_tag
from collect_assets.readers.xml_fields import local_name
from collect_assets.readers.xml_stream import XmlRecords, read_entries, root_of
from collect_assets.readers.xml_text import XmlText, xml_text

FORMAT = "tapir"
VERSION = 3
PRIORITY = 22
NAMESPACE = "http://rs.tdwg.org/tapir/1.0"
_TAPIR = f"{{{NAMESPACE}}}"
_KNOWN = (*RECORDS, UNIT)
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_DESCRIPTIONS = frozenset({"metadata", "capabilities", "pong"})
_DROPPED = "TRUNCATED_RESPONSE"


def matches(source: Source) -> bool:
    """A `response` of the protocol."""
    root = root_of(source.start)
    return root is not None and root.localname == "response" and root.namespace == NAMESPACE


def open_source(source: Source) -> Stream:
    """The records of the page.

    Raises:
        UnreadableError: it is not valid XML from its first byte on, or its encoding is wrong.
    """
    text = xml_text(source)
    return Stream(FORMAT, text.encoding, _entries(text, alone=not source.depth), source.member, text.notes)


def _entries(text: XmlText, *, alone: bool) -> Iterator[Entry | Reject | Note | Description]:
    tag = record_tag(text, _TAPIR)
    tags = (tag,) if tag else _KNOWN
    yield from read_entries(XmlRecords(text, tags), _entry, partial(_at_end, alone=alone))


def _entry(record: etree._Element) -> Entry:
    """A record in one of the known structures, or in another."""
    name = local_name(record)
    if name == "Unit":
        return unit_entry(record)
    if name in {"DarwinRecord", "SimpleDarwinRecord"}:
        return darwin_entry(record)
    attributes: dict[str, Any] = {
        f"@{etree.QName(name).localname}": value for name, value in record.items() if not str(name).startswith(_XSI)
    }
    entry = darwin_entry(record)
    return Entry({**attributes, **entry.fields}, None, entry.entry_id)


def _at_end(root: etree._Element, records: int, *, alone: bool) -> Iterator[Reject | Note | Description]:
    """What the page says of itself: errors, and records that it left out."""
    yield from said_by_tapir(root)
    search, error = root.find(f"{_TAPIR}search"), root.find(f"{_TAPIR}error")
    if error is not None:
        raise UnreadableError(
            f"the provider answers with an error: {' '.join(''.join(map(str, error.itertext())).split())}"[:500]
        )
    diagnostics = list(root.iterfind(f"{_TAPIR}diagnostics/{_TAPIR}diagnostic"))
    yield from error_said(diagnostics, "level", records)
    if search is None:
        kind = next(
            (local_name(child) for child in root if local_name(child) not in {"header", "diagnostics"}), "nothing"
        )
        if kind not in _DESCRIPTIONS:
            raise UnreadableError(f"an answer of TAPIR with {kind}; only those to a search have records")
        raise DescriptionError(f"an answer of TAPIR with {kind}; only those to a search have records")
    summary = search.find(f"{_TAPIR}summary")
    yield from missing_said(None if summary is None else summary.get("totalReturned"), records)
    if alone and summary is not None and (summary.get("next") or "").strip():
        yield more_follow(FORMAT, records)
    if any(found.get("code") == _DROPPED for found in diagnostics) and records:
        yield Reject(records + 1, None, "the provider left records out of this page (TRUNCATED_RESPONSE)")
