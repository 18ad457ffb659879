"""Streamed entries on their way into DuckDB: a temporary text file with one entry a line.

The parts of an entry stand as JSON between unit separators, which JSON never holds unescaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from collect_assets.errors import UnreadableError
from collect_assets.items.canonical import canonical_json, canonical_record, canonical_text, json_text, record_text
from collect_assets.items.plain import plain_text
from collect_assets.items.rejects import FIELD, MAX_RAW, Rejects, lines_relation, writing_rejects
from collect_assets.readers.delimited import MAX_COLUMNS
from collect_assets.readers.source import NOTHING_SAID, Description, Entry, Note, Reject, Scratch
from collect_assets.store.database import literal
from collect_assets.store.local import storage_errors

MAX_ENTRY = 32 << 20  # bytes of one line; DuckDB holds some lines of the longest allowed size at once
GEOMETRY = "geometry"
MAX_NOTES = 20
_COLUMNS = ("record", "geojson", "place", "entry_id", "deleted", "member")
_BUFFER = 1 << 16
_LINE_ROOM = 4096


@dataclass(frozen=True)
class Lines:
    """A written file of lines.

    Attributes:
        relation: what stands after FROM; gives `record`, `geojson`, `place`, `entry_id`, `deleted` (blank where it is
            not) and `member` (blank for the stream's). The place is the number of characters of the record before
            which its geometry would stand; blank where it has one, or none is there.
        fields: every field that any record has.
        rejects: entries that cannot be records.
        geometries: how many entries have a geometry.
        entry_ids: how many have an id of the format's own.
        notes: what showed while it was read.
        bound: how many can have no other id than their own.
        about: what describes the dataset, as far as it stood among the entries.
    """

    relation: str
    fields: frozenset[str]
    rejects: Rejects
    geometries: int
    entry_ids: int
    notes: tuple[str, ...] = ()
    bound: int = 0
    about: Description = NOTHING_SAID


def write_lines(entries: Iterable[Entry | Reject | Note | Description], scratch: Scratch) -> Lines:
    """Writes entries in canonical form.

    Raises:
        UnreadableError: the stream broke off, an entry is nested too deep, or all have too many different fields.
    """
    path, fields, notes, about = scratch.file(), set[str](), Counter[str](), NOTHING_SAID
    geometries, entry_ids, bound = 0, 0, 0
    with writing_rejects(scratch) as rejects, storage_errors(path), path.open("wb", _BUFFER) as file:
        for number, entry in enumerate(entries, 1):
            if not isinstance(entry, Entry):
                if isinstance(entry, Reject):
                    rejects.add(entry)
                elif isinstance(entry, Description):
                    about = about.with_more(entry)
                elif len(notes) < MAX_NOTES or entry.text in notes:
                    notes[entry.text] += entry.count
                continue
            line, names = _line(entry)
            if len(line) > MAX_ENTRY - _LINE_ROOM:
                reason = f"a record of {len(line):,} bytes; at most {MAX_ENTRY:,} are taken"
                rejects.add(Reject(number, None, reason, line[:MAX_RAW].decode("utf-8", "replace")))
                continue
            file.write(line)
            fields.update(names)
            if len(fields) > MAX_COLUMNS:
                raise UnreadableError(f"more than {MAX_COLUMNS:,} different fields, as where ids are used for names")
            geometries += entry.geometry is not None
            entry_ids += bool(entry.entry_id)
            bound += entry.bound
    names = frozenset(canonical_text(name) for name in fields)
    said = tuple(f"{count:,} {text}" if count else text for text, count in notes.items())
    relation = lines_relation(path, _COLUMNS, MAX_ENTRY)
    return Lines(relation, names, rejects, geometries, entry_ids, said, bound, about)


def _line(entry: Entry) -> tuple[bytes, Iterable[str]]:
    """The line of an entry, and the fields that it and its record have."""
    if entry.geometry is None and (text := plain_text(entry.fields)) is not None:
        names: Iterable[str] = entry.fields
        geometry = place = ""
    else:
        record = canonical_record(entry.fields)
        text, names = record_text(record), (*entry.fields, *record)
        geometry = "" if entry.geometry is None else canonical_json(entry.geometry)
        place = _place(record) if geometry else ""
    parts = (text, geometry, place, _visible(entry.entry_id), "x" if entry.deleted else "", _visible(entry.member))
    return f"{FIELD.join(parts)}\n".encode(), names


def _visible(text: str) -> str:
    """A text without control characters: one would end the line, or the part."""
    text = canonical_text(text)
    return text if text.isprintable() else "".join(character for character in text if character >= " ")


def _place(record: Mapping[str, Any]) -> str:
    if GEOMETRY in record:
        return ""
    return str(len(json_text({key: part for key, part in record.items() if key < GEOMETRY})) - 1)


def placed_record_sql(stored: str) -> str:
    """SQL for a record that holds its geometry as GeoJSON where that is not stored apart: nothing of it is lost.

    Args:
        stored: SQL for the geometry that is stored apart.
    """
    rest = "record[place::BIGINT + 1:]"
    before, after = "if(place = '1', '', ',')", f"if(place = '1' AND {rest} <> '}}', ',', '')"
    member = literal(json_text(GEOMETRY) + ":")
    whole = f"record[:place::BIGINT] || {before} || {member} || geojson || {after} || {rest}"
    return f"CASE WHEN {stored} IS NULL AND place IS NOT NULL THEN {whole} ELSE record END"


def pointer_sql(record: str, name: str) -> str:
    """SQL for the text of a top-level field of a JSON record."""
    return f"json_extract_string({record}, {literal(_pointer(name))})"


def pointers_sql(record: str, names: Iterable[str]) -> str:
    """SQL for the list of the texts of several such fields: the record is parsed once for all of them."""
    return f"json_extract_string({record}, [{', '.join(literal(_pointer(name)) for name in names)}])"


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
