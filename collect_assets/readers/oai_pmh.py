"""OAI-PMH 2.0: records with their header, whatever format their metadata is in, and lists of identifiers.

The header's identifier is the id, whatever the register names: a deletion has nothing else. A header that says deleted
gives a deleted record. Metadata in Darwin Core has its terms; of other formats (oai_dc, eml, …) the elements are kept
as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lxml import etree

from collect_assets.errors import DescriptionError, UnreadableError
from collect_assets.readers.abcd import unit_entry
from collect_assets.readers.answers import more_follow
from collect_assets.readers.said import said_by_oai
from collect_assets.readers.source import Description, Entry, Note, Reject, Source, Stream
from collect_assets.readers.xml_fields import darwin_fields, element_value, local_name
from collect_assets.readers.xml_stream import XmlRecords, read_entries, root_of
from collect_assets.readers.xml_text import xml_text

FORMAT = "oai-pmh"
VERSION = 4
PRIORITY = 22
NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
_OAI = f"{{{NAMESPACE}}}"
_RECORDS = (f"{_OAI}record", f"{_OAI}header")
_LISTS = ("ListRecords", "ListIdentifiers", "GetRecord")
_DESCRIPTIONS = frozenset({"Identify", "ListMetadataFormats", "ListSets"})
_EMPTY = "noRecordsMatch"
_DARWIN_CORE = {"SimpleDarwinRecord", "DarwinRecord"}
_SETS = {"SimpleDarwinRecordSet", "DarwinRecordSet"}


def matches(source: Source) -> bool:
    """The root of the protocol."""
    root = root_of(source.start)
    return root is not None and root.localname == "OAI-PMH"


def open_source(source: Source) -> Stream:
    """The records, or the identifiers, of the answer.

    Raises:
        UnreadableError: it is not valid XML from its first byte on, or its encoding is wrong.
    """
    text = xml_text(source)
    return Stream(
        FORMAT,
        text.encoding,
        read_entries(XmlRecords(text, _RECORDS), _entry, partial(_at_end, alone=not source.depth)),
        source.member,
        text.notes,
    )


def _entry(record: etree._Element) -> Entry:
    """A record, or the header alone of a list of identifiers.

    Raises:
        UnreadableError: it has no identifier, or an entity stands in it.
    """
    alone = local_name(record) == "header"
    header = record if alone else record.find(f"{_OAI}header")
    identifier = (header.findtext(f"{_OAI}identifier") or "").strip() if header is not None else ""
    if header is None or not identifier:
        raise UnreadableError("a record without an identifier in its header")
    if (header.get("status") or "").strip().lower() == "deleted":  # some write it with a capital
        return Entry({}, None, identifier, deleted=True, bound=True)
    if alone:
        return Entry({}, None, identifier, bound=True)
    fields = _metadata(record.find(f"{_OAI}metadata"))
    fields["header"] = element_value(header)
    about = [value for part in record.iterfind(f"{_OAI}about") if (value := element_value(part)) is not None]
    return Entry({**fields, "about": about} if about else fields, None, identifier, bound=True)


def _metadata(metadata: etree._Element | None) -> dict[str, Any]:
    """The fields of what a record is about; none where it says nothing."""
    inner = next(iter(metadata), None) if metadata is not None else None
    if inner is not None and local_name(inner) in _SETS:
        inner = next(iter(inner), None)
    if inner is None:
        return {}
    if local_name(inner) in _DARWIN_CORE:
        return darwin_fields(inner)
    unit = next(inner.iter("{*}Unit"), None) if local_name(inner) == "DataSets" else None
    if unit is not None:
        return dict(unit_entry(unit).fields)
    value = element_value(inner)
    return value if isinstance(value, dict) else {local_name(inner): value} if value else {}


def _at_end(root: etree._Element, records: int, *, alone: bool) -> Iterator[Reject | Note | Description]:
    """An error of the protocol is no empty list, but for the one that says so; one page alone is no whole list."""
    yield from said_by_oai(root)
    if alone and any((token.text or "").strip() for token in root.iterfind(f"{_OAI}*/{_OAI}resumptionToken")):
        yield more_follow(FORMAT, records)
    errors = list(root.iterfind(f"{_OAI}error"))
    said = "; ".join(" ".join(f"{found.get('code')} {found.text or ''}".split()) for found in errors)[:500]
    if any(found.get("code") != _EMPTY for found in errors):
        if not records:
            raise UnreadableError(f"the repository answers with an error: {said}")
        yield Reject(records + 1, None, f"the repository reports an error behind {records:,} records: {said}")
    elif not errors and not any(root.find(f"{_OAI}{name}") is not None for name in _LISTS):
        kind = next((local_name(child) for child in reversed(root)), "nothing")
        if kind not in _DESCRIPTIONS:
            raise UnreadableError(f"an answer of OAI-PMH with {kind}; expected {', '.join(_LISTS)}")
        raise DescriptionError(f"an answer of OAI-PMH with {kind}; expected {', '.join(_LISTS)}")
