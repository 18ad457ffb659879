"""Sets of Darwin Core classes that are linked by ids (`DarwinRecordSet` of the generic XML schema), joined to records.

A record is an occurrence, or where there is none a taxon, an event, and so on. What it refers to (its event, location,
taxon, …) gives terms that it lacks; what refers to it (identifications, measurements, …) stands in it as rows. The
classes may come in any order, so all but the records wait in a file, by their ids.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from lxml import etree

from collect_assets.readers.source import Description, Entry, Note, Reject, Scratch, Source, Stream
from collect_assets.readers.xml_fields import darwin_fields, darwin_id, local_name
from collect_assets.readers.xml_stream import XmlRecords, read_entries, root_of
from collect_assets.readers.xml_text import XmlText, xml_text

FORMAT = "darwin-core-classes"
VERSION = 2
PRIORITY = 24
_NAMESPACE = "http://rs.tdwg.org/dwc/dwcrecord"
KEYS = {
    "Occurrence": "occurrenceID",
    "MaterialEntity": "materialEntityID",
    "MaterialSample": "materialSampleID",
    "Organism": "organismID",
    "Taxon": "taxonID",
    "Event": "eventID",
    "Location": "locationID",
    "GeologicalContext": "geologicalContextID",
    "Identification": "identificationID",
    "MeasurementOrFact": "measurementID",
    "ResourceRelationship": "resourceRelationshipID",
}
"""Classes with the term of their id; the first that there is makes the records."""

_REFERS = ("occurrenceID", "resourceID", "taxonID", "eventID", "materialEntityID", "organismID")
_ROWS = ("Identification", "MeasurementOrFact", "ResourceRelationship")
_TABLE = """
CREATE TABLE waiting (class TEXT, id TEXT, refers TEXT, fields TEXT);
"""
_BY_ID = "SELECT fields FROM waiting WHERE class = ? AND id = ? LIMIT 1"
_BY_REFERENCE = "SELECT class, fields FROM waiting WHERE refers = ? ORDER BY rowid"
_INDEXES = "CREATE INDEX by_id ON waiting (class, id); CREATE INDEX by_reference ON waiting (refers)"


def matches(source: Source) -> bool:
    """A set in the namespace of linked classes."""
    root = root_of(source.start)
    return root is not None and root.localname == "DarwinRecordSet" and (root.namespace or "").rstrip("/") == _NAMESPACE


def open_source(source: Source) -> Stream:
    """The records of the set, in the order of the document.

    Raises:
        UnreadableError: it is not valid XML from its first byte on, or its encoding is wrong.
    """
    text = xml_text(source)
    return Stream(FORMAT, text.encoding, _entries(text, source.scratch), source.member, text.notes)


def _entries(text: XmlText, scratch: Scratch) -> Iterator[Entry | Reject | Note | Description]:
    with closing(sqlite3.connect(scratch.file(), isolation_level=None)) as waiting:
        waiting.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLE)
        core = _put_aside(text, waiting)
        waiting.executescript(_INDEXES)
        tags = [f"{{*}}{core}"]
        yield from read_entries(
            XmlRecords(text, tags), lambda found: _joined(darwin_fields(found), core, waiting), _nothing
        )


def _nothing(_root: etree._Element, _records: int) -> Iterable[Reject | Note | Description]:
    return ()


def _put_aside(text: XmlText, waiting: sqlite3.Connection) -> str:
    """Stores every class but that of the records; gives the name of that one.

    Where the document breaks off is told when the records are read.
    """
    seen = set[str]()
    waiting.execute("BEGIN")
    for element in XmlRecords(text, [f"{{*}}{name}" for name in KEYS]):
        name, fields = local_name(element), darwin_fields(element)
        seen.add(name)
        refers = next(
            (fields[term] for term in _REFERS if term != KEYS[name] and isinstance(fields.get(term), str)), None
        )
        row = (name, _text(fields.get(KEYS[name])), _text(refers), json.dumps(fields))
        waiting.execute("INSERT INTO waiting VALUES (?, ?, ?, ?)", row)
    core = next((name for name in KEYS if name in seen), "Occurrence")
    waiting.execute("DELETE FROM waiting WHERE class = ?", (core,))
    waiting.execute("COMMIT")
    return core


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) else None


def _joined(fields: dict[str, Any], core: str, waiting: sqlite3.Connection) -> Entry:
    """A record with what it refers to, directly or through that, and what refers to any of these."""
    own = _text(fields.get(KEYS[core])) or ""
    rows = _referring(own, waiting)
    for identification in rows.get("Identification", [])[:1]:
        _fill(fields, identification)
    for name in (name for name in KEYS if name not in _ROWS and name != core):
        identifier = _text(fields.get(KEYS[name])) or ""
        found = waiting.execute(_BY_ID, (name, identifier)).fetchone() if identifier else None
        if found:
            _fill(fields, json.loads(found[0]))
            for kind, more in _referring(identifier, waiting).items():
                rows.setdefault(kind, []).extend(row for row in more if row not in rows[kind])
    return Entry({**fields, **rows}, None, darwin_id(fields) or own)


def _fill(fields: dict[str, Any], more: dict[str, Any]) -> None:
    for term, value in more.items():
        fields.setdefault(term, value)


def _referring(identifier: str, waiting: sqlite3.Connection) -> dict[str, list[Any]]:
    """Rows by their class."""
    found: dict[str, list[Any]] = {}
    for name, fields in waiting.execute(_BY_REFERENCE, (identifier,)) if identifier else ():
        if name in _ROWS:
            found.setdefault(name, []).append(json.loads(fields))
    return found
