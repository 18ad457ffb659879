"""What a reader is given, and the two things that it can give back: a table that DuckDB reads, or a stream of entries.

No format is known here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from collect_assets.readers.facts import Facts
from collect_assets.store.local import storage_errors, temporary

START = 1 << 16
NO_CELL = "NULL"


class Scratch:
    """Temporary files in a collection's `work/`, on the same file system as what is derived; gone when reading ends."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self._files: list[Path] = []

    def file(self) -> Path:
        """A new name; the file itself is the caller's to write."""
        path = temporary(self.work)
        self._files.append(path)
        return path

    def folder(self) -> Path:
        """A new folder, for what DuckDB spills: shared by processes it would mix up their files."""
        path = self.file()
        with storage_errors(path):
            path.mkdir()
        return path

    def clear(self) -> None:
        """Removes everything that was handed out and is still there."""
        for path in self._files:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        self._files.clear()


@contextmanager
def scratch_files(work: Path) -> Iterator[Scratch]:
    """Temporary files for the time of the `with`."""
    scratch = Scratch(work)
    try:
        yield scratch
    finally:
        scratch.clear()


@dataclass(frozen=True)
class Source:
    """A file to read.

    Attributes:
        path: where its bytes are.
        start: its first bytes, for telling the format.
        scratch: where temporary files go.
        member: its name inside an archive; blank for a file of its own.
        encoding: what the register says of it; blank to find out.
        delimiter: what the register says of it; blank to find out.
        depth: how many archives it was taken out of.
        facts: what its bytes tell, where they were looked at when it was unpacked.
    """

    path: Path
    start: bytes
    scratch: Scratch
    member: str = ""
    encoding: str = ""
    delimiter: str = ""
    depth: int = 0
    facts: Facts | None = None


def read_start(path: Path) -> bytes:
    """The first bytes of a file, by which readers tell its format."""
    with storage_errors(path), path.open("rb") as file:
        return file.read(START)


@dataclass(frozen=True)
class Column:
    """A column of a table: the record's key, the SQL that gives its text, and what stands in for a blank cell."""

    name: str
    sql: str = NO_CELL
    default: str = ""


@dataclass(frozen=True)
class Cells:
    """What the cells of a file may hold besides what is the same in canonical form.

    Attributes:
        controls: control characters.
        beyond: characters that normalization may change, or blanks that are no ASCII.
        blanks: blanks at their ends, or nothing between quotes.
        small: whether the file is so small that looking at it row by row is not worth what that takes to plan.
    """

    controls: bool = True
    beyond: bool = True
    blanks: bool = True
    small: bool = False


@dataclass(frozen=True)
class TableFile:
    """One file of a table as DuckDB reads it.

    Attributes:
        path: UTF-8 text with one kind of line end.
        relation: what stands after FROM; gives the columns `c0`, `c1`, … and `member`.
        member: the file's name inside the archive.
        header_rows: rows above the first record.
        cells: what its cells may hold.
        strict: whether DuckDB rejects rows of it, as it does of text.
    """

    path: Path
    relation: str
    member: str = ""
    header_rows: int = 1
    cells: Cells = Cells()
    strict: bool = True


@dataclass(frozen=True)
class Extension:
    """Rows that belong to the records of a table: a list in each, under a name of its own.

    Attributes:
        name: the field of the record; extensions of one name make one list.
        files: read one after the other.
        columns: those of the rows.
        key: SQL of the cell that says to which record a row belongs.
        record_key: SQL of the cell of the table that it is compared with.
        single: whether the record refers to the row, so that where the row lies the record does too.
    """

    name: str
    files: tuple[TableFile, ...]
    columns: tuple[Column, ...]
    key: str
    record_key: str
    single: bool = False


@dataclass(frozen=True)
class Description:
    """What a provider says of a dataset beside its records; blank where it says nothing.

    Attributes:
        said_by: the kind of document that says it, such as `eml`.
        licence: its address or name, else what is said of rights.
        declared_count: how many records there should be.
        last_update: as it is written.
        identifier: of this version of the description.
    """

    said_by: str = ""
    title: str = ""
    publisher: str = ""
    contact: str = ""
    licence: str = ""
    citation: str = ""
    declared_count: str = ""
    last_update: str = ""
    identifier: str = ""

    def with_more(self, other: Description) -> Description:
        """This, and what another part of the same resource says where this says nothing."""
        return replace(self, **{name: said for name, said in vars(other).items() if said and not getattr(self, name)})


NOTHING_SAID = Description()


@dataclass(frozen=True)
class Table:
    """What DuckDB can read without Python looking at its rows.

    Attributes:
        files: read one after the other as one table.
        columns: those of the records, in the file's order.
        ids: columns that may hold the id, the best first; empty for the usual ones.
        extensions: rows that are nested in the records.
        about: what describes the dataset.
    """

    format: str
    encoding: str
    files: tuple[TableFile, ...]
    columns: tuple[Column, ...]
    member: str = ""
    ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extensions: tuple[Extension, ...] = ()
    about: Description = NOTHING_SAID


class Entry(NamedTuple):
    """One entry of a streamed document; a tuple, since millions are made, and a frozen dataclass takes thrice the time.

    Attributes:
        entry_id: an id that the format itself gives it, apart from its fields.
        deleted: the document says that it is no more; it then has its id and no fields.
        bound: nothing but its `entry_id` can be its id, since deletions and lists of identifiers name nothing else.
        member: the file inside an archive that it comes from, where the stream has several.
    """

    fields: Mapping[str, Any]
    geometry: Mapping[str, Any] | None = None
    entry_id: str = ""
    deleted: bool = False
    member: str = ""
    bound: bool = False


@dataclass(frozen=True)
class Reject:
    """An entry that cannot be a record: its number in the document, its line where lines count, why, and its text."""

    record_number: int
    line: int | None
    reason: str
    raw: str = ""


@dataclass(frozen=True)
class Note:
    """What people should know of how a stream was read, and what shows only while it is.

    Attributes:
        count: of what the text speaks; of notes with one text they are added up. 0 where nothing is counted.
    """

    text: str
    count: int = 0


@dataclass(frozen=True)
class Stream:
    """What is not a table: entries one by one. When `UnreadableError` comes while it is read, nothing of it counts.

    What describes the dataset is known at once (`about`), or stands among the entries.
    """

    format: str
    encoding: str
    entries: Iterator[Entry | Reject | Note | Description]
    member: str = ""
    notes: tuple[str, ...] = field(default=())
    about: Description = NOTHING_SAID
