"""Darwin Core Archives as the descriptor `meta.xml` says (Darwin Core text guide, 2023-09-13).

The rows of the core are the records; those of extensions become lists in them. How a descriptor is understood stands in
`dwca_descriptor.py`.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import Archive, is_archive, open_archive
from collect_assets.readers.delimited import Dialect, csv_rows, rows_skipped, sample_text, table_file
from collect_assets.readers.dwca_descriptor import DescribedTable, Descriptor, parse_descriptor, term_name
from collect_assets.readers.eml import read_eml
from collect_assets.readers.encodings import Text, as_text
from collect_assets.readers.source import (
    NO_CELL,
    NOTHING_SAID,
    Column,
    Description,
    Extension,
    Source,
    Table,
    TableFile,
)

FORMAT = "dwca"
VERSION = 5
PRIORITY = 11
MAX_DESCRIPTOR = 5 << 20

_UNSAID = "meta.xml: says that {} has no header; its first row names the columns, and is read as one"
METADATA = ("eml.xml", "metadata.xml")
KEY_TERMS = {"Occurrence": "occurrenceID", "Taxon": "taxonID", "Event": "eventID", "MaterialEntity": "materialEntityID"}


def matches(source: Source) -> bool:
    """A zip or tar with a `meta.xml` at its top, or in the one folder at its top."""
    if source.depth or not is_archive(source.start):
        return False
    try:
        with open_archive(source) as archive:
            return _descriptor_name(archive.names) is not None
    except UnreadableError:
        return False


def open_source(source: Source) -> Table:
    """The core as a table, with its extensions.

    Raises:
        UnreadableError: the archive is damaged, its descriptor wrong, or a file that it names is missing.
    """
    with open_archive(source) as archive:
        name = _descriptor_name(archive.names)
        if name is None:
            raise UnreadableError("the archive has no meta.xml")
        described = parse_descriptor(archive.read(name, MAX_DESCRIPTOR))
        folder = name[: -len("meta.xml")]
        opened = [_opened(archive, source, folder, table) for table in (described.core, *described.extensions)]
        about, said = _about(archive, source, folder, described.metadata)
    core = opened[0]
    notes = [*described.notes, *said, *(note for part in opened for note in part.notes)]
    member = core.files[0].member if len(core.files) == 1 else ""
    table = Table(FORMAT, core.encoding, core.files, _columns(described.core), member, _ids(described.core))
    names = _names(described)
    extensions = tuple(
        Extension(name, part.files, _columns(extension), f"c{extension.id_index}", _core_id(described.core))
        for name, extension, part in zip(names, described.extensions, opened[1:], strict=True)
    )
    return replace(table, extensions=extensions, about=about, notes=tuple(dict.fromkeys(notes)))


def _about(archive: Archive, source: Source, folder: str, named: str) -> tuple[Description, tuple[str, ...]]:
    """What describes the dataset: the document that the descriptor names, else one of the usual name."""
    usual = (name for name in archive.names if name[len(folder) :].lower() in METADATA)
    name = folder + named if named and "://" not in named else next(usual, "")
    if name and name not in archive.names:
        return NOTHING_SAID, (f"meta.xml: names {named} for what describes the dataset; it is not there",)
    return read_eml(archive.source(name, source)) if name else (NOTHING_SAID, ())


@dataclass(frozen=True)
class _Opened:
    files: tuple[TableFile, ...]
    encoding: str
    notes: tuple[str, ...]


def _opened(archive: Archive, source: Source, folder: str, table: DescribedTable) -> _Opened:
    texts = [(place, _text(archive, source, table, folder + place)) for place in table.locations]
    unsaid = not table.header_rows and all(_has_header(table, text.path) for _, text in texts)
    notes = (_UNSAID.format(table.locations[0]),) if unsaid else ()
    table = replace(table, header_rows=1) if unsaid else table
    files = tuple(_file(table, place, text) for place, text in texts)
    said = (note for _, text in texts for note in text.notes)
    return _Opened(files, texts[0][1].encoding, (*said, *table.notes, *notes))


def _has_header(table: DescribedTable, path: Path) -> bool:
    """Whether the first row names the terms of most columns: no record does."""
    row = next(iter(csv_rows(_lines(path), Dialect(table.delimiters[0], table.quote, 0))), [])
    named = [field for field in table.fields if field.index is not None and field.index < len(row)]
    same = [field for field in named if row[field.index or 0].strip().casefold() == field.name.casefold()]
    return len(same) > 1 and len(same) * 2 > len(named)


def _names(described: Descriptor) -> list[str]:
    """What the lists of extensions are called in records: the row type's name where nothing else is called so."""
    types = [extension.row_type for extension in described.extensions]
    taken = Counter([*(term_name(each) for each in set(types)), *(field.name for field in described.core.fields)])
    return [term_name(each) if taken[term_name(each)] == 1 and each else each or "extension" for each in types]


def _core_id(core: DescribedTable) -> str:
    return NO_CELL if core.id_index is None else f"c{core.id_index}"


def _descriptor_name(names: list[str]) -> str | None:
    found = [name for name in names if name.lower().rsplit("/", 1)[-1] == "meta.xml" and name.count("/") <= 1]
    return min(found, key=lambda name: name.count("/"), default=None)


def _text(archive: Archive, source: Source, core: DescribedTable, name: str) -> Text:
    return as_text(archive.source(name, source), core.encoding, lines_end=core.lines_end)


def _file(core: DescribedTable, place: str, text: Text) -> TableFile:
    dialect, width = Dialect(), 0
    for delimiter in core.delimiters:
        dialect = Dialect(delimiter, core.quote, core.header_rows)
        dialect = replace(dialect, header_rows=rows_skipped(_lines(text.path), dialect))
        width = _width(text.path, dialect) or core.width
        if width >= core.width:
            break
    if width < core.width:
        raise UnreadableError(
            f"meta.xml: describes column {core.width} of {place}, which has {width}; "
            f"is its fieldsTerminatedBy {dialect.delimiter!r} right?"
        )
    return table_file(text, dialect, width, place)


def _lines(path: Path) -> io.StringIO:
    return io.StringIO(sample_text(path), newline="")


def _width(path: Path, dialect: Dialect) -> int:
    """How many cells the first record has, else the header; 0 when the file is empty."""
    width = 0
    for number, row in enumerate(csv_rows(_lines(path), dialect)):
        width = len(row) or width
        if number >= dialect.header_rows and row:
            break
    return width


def _columns(core: DescribedTable) -> tuple[Column, ...]:
    return tuple(
        Column(field.name, NO_CELL if field.index is None else f"c{field.index}", field.default)
        for field in core.fields
    )


def _ids(core: DescribedTable) -> tuple[str, ...]:
    """The key term of the row type where the core has it, then the column that the descriptor calls the id."""
    names = [field.name for field in core.fields]
    key = KEY_TERMS.get(term_name(core.row_type), "")
    wanted = [key] if key in names else []
    if core.id_name:
        wanted.append(core.id_name)
    return tuple(wanted)
