"""A subset as a Darwin Core Archive (Darwin Core text guide, 2023-09-13): a core, its extensions, `meta.xml`, EML.

Read back as an endpoint it gives the same items: the id of the core is the field that made the ids, and each list of
nested rows is an extension. Values are text there, so a record whose values were numbers has another hash.
"""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from collect_assets.exporting.citation import Citation
from collect_assets.exporting.eml import eml_document
from collect_assets.exporting.stage import SORTED, WKT, Stage, cells_sql
from collect_assets.exporting.terms import DARWIN, UNKNOWN, address
from collect_assets.index.represent import pointer
from collect_assets.items.identity import USUAL_IDS
from collect_assets.readers.dwca import KEY_TERMS
from collect_assets.store.database import literal

TEXT = "http://rs.tdwg.org/dwc/text/"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the same subset gives the same bytes
_OF_OCCURRENCES = {"scientificName", "basisOfRecord", "catalogNumber"}


@dataclass(frozen=True)
class _Table:
    """A file of the archive: its name there, what its rows are, SQL for them, and its columns; the first is the key."""

    file: str
    row_type: str
    rows: str
    terms: tuple[str, ...]
    id_index: int | None = None  # where the key is one of the columns


def write_archive(stage: Stage, citation: Citation, path: Path) -> None:
    """Writes the zip; the citation goes into it."""
    core = _core(stage)
    tables = [core, *(_extension(stage, name, _key_sql(stage, core)) for name in stage.lists)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "meta.xml", _descriptor(tables))
        _add(archive, "eml.xml", eml_document(citation))
        _add(archive, "citation.json", citation.to_json())
        for table in tables:
            body = stage.scratch.file()
            stage.connection.execute(f"COPY ({table.rows}) TO {literal(body)} (FORMAT csv, HEADER false)")
            with archive.open(_entry(table.file), "w", force_zip64=True) as out, body.open("rb") as rows:
                out.write(_header(table))
                shutil.copyfileobj(rows, out, 1 << 20)
            body.unlink()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIRST_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_entry(name), content)


def _header(table: _Table) -> bytes:
    names = ([] if table.id_index is not None else ["id"]) + [term.rsplit("/", 1)[-1] for term in table.terms]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(names)
    return out.getvalue().encode()


def _core(stage: Stage) -> _Table:
    fields = [name for name in stage.fields if name not in stage.lists]
    id_field = _id_field(stage, fields)
    shape = ["footprintWKT"] if stage.has_shapes_apart(fields) else []
    cells = ", ".join([f"cell[{n}]" for n, _ in enumerate(fields, 1)] + ([WKT] if shape else []))
    key = "" if id_field else f"{_own_key(stage)}{', ' if cells else ''}"
    if shape:
        stage.load_spatial()
    return _Table(
        "records.csv",
        _row_type(id_field, fields),
        f"SELECT {key}{cells} FROM (SELECT *, {cells_sql(fields)} AS cell FROM {SORTED})",
        tuple(map(address, fields + shape)),
        fields.index(id_field) if id_field else None,
    )


def _id_field(stage: Stage, fields: Sequence[str]) -> str:
    """The field that is the id of every record, each once; blank where there is none."""
    ids = [*KEY_TERMS.values(), *USUAL_IDS]
    ordered = sorted(fields, key=lambda name: (ids.index(name) if name in ids else len(ids), name))
    if not ordered:
        return ""
    tests = ", ".join(f"coalesce(bool_and(coalesce(cell[{n}] = item, false)), false)" for n, _ in enumerate(ordered, 1))
    query = (
        f"SELECT count(DISTINCT item) = count(*), {tests} FROM (SELECT item, {cells_sql(ordered)} AS cell FROM subset)"
    )
    once, *same = stage.first(query)
    return next((name for name, is_id in zip(ordered, same, strict=True) if once and is_id), "")


def _own_key(stage: Stage) -> str:
    """SQL for a key beside the fields: the id, with the endpoint before it where two have the same."""
    if stage.first("SELECT count(DISTINCT item) = count(*) FROM subset")[0]:
        return "item"
    return "concat_ws('/', collection, endpoint, item)" if stage.several else "concat_ws('/', endpoint, item)"


def _key_sql(stage: Stage, core: _Table) -> str:
    return "item" if core.id_index is not None else _own_key(stage)


def _row_type(id_field: str, fields: Sequence[str]) -> str:
    """The class whose key term is the id; of none whose key term is there and is not, since readers go by that."""
    by_key = {key: name for name, key in KEY_TERMS.items()}
    if id_field in by_key:
        return DARWIN + by_key[id_field]
    free = "occurrenceID" not in fields and bool(_OF_OCCURRENCES & set(fields))
    return f"{DARWIN}Occurrence" if free else f"{UNKNOWN}Record"


def _extension(stage: Stage, name: str, key: str) -> _Table:
    rows = f"SELECT {key} AS key, unnest((record -> {literal(pointer(name))})::JSON[]) AS part FROM {SORTED}"
    shapes = stage.connection.execute(f"SELECT DISTINCT json_keys(part) FROM ({rows})").fetchall()
    fields = sorted({field for (names,) in shapes for field in names})
    cells = "".join(f", cell[{number}]" for number, _ in enumerate(fields, 1))
    return _Table(
        f"extension-{stage.lists.index(name) + 1}.csv",
        address(name),
        f"SELECT key{cells} FROM (SELECT key, {cells_sql(fields, 'part')} AS cell FROM ({rows}))",
        tuple(map(address, fields)),
    )


def _descriptor(tables: Sequence[_Table]) -> bytes:
    root = etree.Element(f"{{{TEXT}}}archive", {"metadata": "eml.xml"}, nsmap={None: TEXT})  # type: ignore[dict-item]  # the stubs know no default namespace
    for number, table in enumerate(tables):
        said = {"encoding": "UTF-8", "fieldsTerminatedBy": ",", "linesTerminatedBy": "\\n", "fieldsEnclosedBy": '"',
                "ignoreHeaderLines": "1", "rowType": table.row_type}  # fmt: skip
        element = etree.SubElement(root, f"{{{TEXT}}}{'extension' if number else 'core'}", said)
        files = etree.SubElement(element, f"{{{TEXT}}}files")
        etree.SubElement(files, f"{{{TEXT}}}location").text = table.file
        etree.SubElement(element, f"{{{TEXT}}}{'coreid' if number else 'id'}", {"index": str(table.id_index or 0)})
        first = 0 if table.id_index is not None else 1
        for index, term in enumerate(table.terms, first):
            etree.SubElement(element, f"{{{TEXT}}}field", {"index": str(index), "term": term})
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
