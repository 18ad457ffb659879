"""Data packages: Darwin Core Data Packages, Camtrap DP and others, a zip or tar with a `datapackage.json`.

One of its tables gives the records, the others stand in them where they share a key: rows that a record refers to
(the deployment of an observation) and rows that refer to it (the identifications of an occurrence).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import Archive, is_archive, open_archive
from collect_assets.readers.converted import Rows, converted
from collect_assets.readers.delimited import Dialect, column_names, csv_rows, sample_text, table_file
from collect_assets.readers.encodings import as_text
from collect_assets.readers.package_descriptor import PackageTable, parse_package
from collect_assets.readers.source import Column, Extension, Source, Table, TableFile
from collect_assets.store.database import literal

FORMAT = "data-package"
VERSION = 1
PRIORITY = 12
MAX_DESCRIPTOR = 5 << 20
RECORDS = ("observations", "occurrence", "material", "event", "organism", "taxon")
"""Tables that give the records where a package has several, the best first; else the first of the package does."""


@dataclass(frozen=True)
class _Opened:
    name: str
    files: tuple[TableFile, ...]
    columns: tuple[Column, ...]
    encoding: str
    key: str
    notes: tuple[str, ...]

    def column(self, name: str) -> Column | None:
        """The column of a name, in whatever letter case."""
        return next((column for column in self.columns if name and column.name.casefold() == name.casefold()), None)


def matches(source: Source) -> bool:
    """An archive with a `datapackage.json` at its top, or in the one folder at its top."""
    if source.depth or not is_archive(source.start):
        return False
    try:
        with open_archive(source) as archive:
            return _descriptor_name(archive.names) is not None
    except UnreadableError:
        return False


def open_source(source: Source) -> Table:
    """The table of records, with the others as rows in them.

    Raises:
        UnreadableError: the archive is damaged, its descriptor wrong, or a file that it names is missing.
    """
    with open_archive(source) as archive:
        name = _descriptor_name(archive.names)
        if name is None:
            raise UnreadableError("the archive has no datapackage.json")
        described, notes = parse_package(archive.read(name, MAX_DESCRIPTOR))
        if not described:
            raise UnreadableError(f"datapackage.json: there is no table in it; {'; '.join(notes) or 'no resources'}")
        folder = name[: -len("datapackage.json")]
        opened = [_open(archive, source, folder, table) for table in described]
    core = _core(opened)
    joined = {other.name: _joined(core, other) for other in opened if other is not core}
    notes += [
        f"{name}: no column in common with {core.name}; it is left out" for name, each in joined.items() if not each
    ]
    ids = (core.key,) if core.column(core.key) else ()
    extensions = tuple(extension for extension in joined.values() if extension)
    notes += [note for each in opened for note in each.notes]
    member = core.files[0].member if len(core.files) == 1 else ""
    return Table(FORMAT, core.encoding, core.files, core.columns, member, ids, tuple(dict.fromkeys(notes)), extensions)


def _descriptor_name(names: Iterable[str]) -> str | None:
    found = [name for name in names if name.rsplit("/", 1)[-1] == "datapackage.json" and name.count("/") <= 1]
    return min(found, key=lambda name: name.count("/"), default=None)


def _core(opened: list[_Opened]) -> _Opened:
    named = {table.name.casefold(): table for table in reversed(opened)}
    return next((named[name] for name in RECORDS if name in named), opened[0])


def _joined(core: _Opened, other: _Opened) -> Extension | None:
    """The other table as rows of the records: by its own key where records have it, else by theirs."""
    refers, referred = core.column(other.key), other.column(core.key)
    name = f"{other.name} rows" if core.column(other.name) else other.name
    if refers and (key := other.column(other.key)):
        return Extension(name, other.files, other.columns, key.sql, refers.sql, single=True)
    if referred and (key := core.column(core.key)):
        return Extension(name, other.files, other.columns, referred.sql, key.sql)
    return None


def _open(archive: Archive, source: Source, folder: str, table: PackageTable) -> _Opened:
    if table.paths[0].lower().endswith(".parquet"):
        return _open_parquet(archive, source, folder, table)
    texts = [(path, as_text(archive.source(folder + path, source), table.encoding)) for path in table.paths]
    dialect = Dialect(table.delimiter, table.quote, int(table.header))
    headers = [_first_row(sample_text(text.path), dialect) if table.header else list(table.fields) for _, text in texts]
    if not headers[0]:
        raise UnreadableError(f"{table.name}: nothing names its columns, neither a first row nor a schema")
    if different := [path for (path, _), header in zip(texts, headers, strict=True) if header != headers[0]]:
        raise UnreadableError(f"{table.name}: {different[0]} has other columns than {table.paths[0]}")
    names = column_names(headers[0])
    files = tuple(table_file(text, dialect, len(names), path) for path, text in texts)
    columns = tuple(Column(name, f"c{number}") for number, name in enumerate(names))
    notes = tuple(note for _, text in texts for note in text.notes)
    return _Opened(table.name, files, columns, texts[0][1].encoding, table.key or _usual_key(table.name), notes)


def _open_parquet(archive: Archive, source: Source, folder: str, table: PackageTable) -> _Opened:
    copies = [(path, archive.source(folder + path, source).path) for path in table.paths]
    rows = [
        Rows(f"read_parquet([{literal(copy)}], hive_partitioning = false)", (), True, path) for path, copy in copies
    ]
    read = converted(FORMAT, rows, source.scratch)
    return _Opened(table.name, read.files, read.columns, read.encoding, table.key or _usual_key(table.name), ())


def _first_row(sample: str, dialect: Dialect) -> list[str]:
    return next(csv_rows(io.StringIO(sample, newline=""), dialect), [])


def _usual_key(name: str) -> str:
    """The key that a table of this name has by custom: `deployments` has deploymentID, `usage-policy` usagePolicyID."""
    words = re.split(r"[-_ ]+", name.removesuffix("s"))
    return words[0] + "".join(word.capitalize() for word in words[1:]) + "ID"
