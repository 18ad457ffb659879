"""Darwin Core as XML documents: Simple Darwin Core, and the records of Darwin Core 1.4.

Sets of linked classes stand in `darwin_classes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from collect_assets.errors import UnreadableError
from collect_assets.readers.digir import darwin_entry
from collect_assets.readers.source import Description, Note, Reject, Source, Stream
from collect_assets.readers.xml_stream import XmlRecords, read_entries, root_of
from collect_assets.readers.xml_text import xml_text

FORMAT = "darwin-core-xml"
VERSION = 2
PRIORITY = 25
RECORDS = ("{*}SimpleDarwinRecord", "{*}DarwinRecord")
_ROOTS = {"SimpleDarwinRecordSet", "DarwinRecordSet", "SimpleDarwinRecord", "DarwinRecord"}


def matches(source: Source) -> bool:
    """A set of records, or one record."""
    root = root_of(source.start)
    return root is not None and root.localname in _ROOTS


def open_source(source: Source) -> Stream:
    """The records of the document.

    Raises:
        UnreadableError: it is not valid XML from its first byte on, or its encoding is wrong.
    """
    text = xml_text(source)
    entries = read_entries(XmlRecords(text, RECORDS), darwin_entry, _at_end)
    return Stream(FORMAT, text.encoding, entries, source.member, text.notes)


def _at_end(root: etree._Element, records: int) -> Iterable[Reject | Note | Description]:
    if not records and len(root):
        raise UnreadableError(f"no records of Darwin Core in it; it has elements {etree.QName(root[0]).localname}")
    return ()
