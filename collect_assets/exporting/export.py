"""Exporting a subset of items into a file, with a citation beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import QueryError, StorageError
from collect_assets.exporting.archive import write_archive
from collect_assets.exporting.citation import Citation, cite
from collect_assets.exporting.flat import write_csv, write_parquet
from collect_assets.exporting.lines import write_geojson, write_ndjson
from collect_assets.exporting.stage import Stage, staged
from collect_assets.searching.query import Query
from collect_assets.store.local import publish, storage_errors

Format = Literal["csv", "ndjson", "parquet", "geojson", "dwca"]
FORMATS: tuple[Format, ...] = get_args(Format)
_ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet", ".geojson": "geojson",
    ".zip": "dwca",
}  # fmt: skip
_WRITERS: dict[Format, Callable[[Stage, Path], None]] = {
    "csv": write_csv, "ndjson": write_ndjson, "parquet": write_parquet, "geojson": write_geojson,
}  # fmt: skip

_NOT_WRITTEN = ("ould not write", "No space left", "Failed to write", "max_temp_directory_size")  # in DuckDB's words


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        citation_path: where the citation is; None where it is in the file.
        left_out: collections that could not be asked, and why.
    """

    path: Path
    format: Format
    items: int
    citation: Citation
    citation_path: Path | None
    left_out: tuple[str, ...] = ()


def format_of(path: Path) -> Format:
    """The format that the ending of a name stands for.

    Raises:
        QueryError: it stands for none.
    """
    found = _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise QueryError(f"{path}: its ending says no format; name one of {', '.join(FORMATS)}")
    return found


def export(
    collections: Collection | Sequence[Collection],
    query: Query,
    path: Path,
    *,
    format: Format | None = None,  # noqa: A002 - what everybody calls it
    as_of: dt.date | None = None,
) -> Export:
    """Writes a subset of items into a file, whole or not at all, and a citation beside it, or in it for an archive.

    Args:
        collections: whose; of several those that cannot be asked are left out and named.
        query: the subset.
        path: the file; one that is there is replaced.
        format: of the file; by its ending when left out.
        as_of: the state at the end of that entry-date; the newest of each index when left out.

    Raises:
        IndexUnavailableError: there is no index.
        QueryError: something in the query cannot be understood, or no index speaks of that day.
        StorageError: the disk is full, or the file cannot be written.
    """
    asked = [collections] if isinstance(collections, Collection) else list(collections)
    form = format or format_of(path)
    if not asked:
        raise QueryError("there is no collection to export from")
    with staged(asked, query, as_of) as stage, _writing(path):
        return _write(stage, cite(stage, query), path, form)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Told apart from an index that cannot be read, which is open meanwhile."""
    try:
        with storage_errors(path):
            yield
    except duckdb.IOException as error:
        reason = str(error).split("\n", 1)[0]
        if not any(said in reason for said in _NOT_WRITTEN):
            raise
        raise StorageError(f"{path}: cannot be written: {reason}; free space and run again") from error


def _write(stage: Stage, citation: Citation, path: Path, form: Format) -> Export:
    part = stage.scratch.file()
    beside = None if form == "dwca" else path.with_name(f"{path.name}.citation.json")
    if beside is None:
        write_archive(stage, citation, part)
    else:
        _WRITERS[form](stage, part)
        said = stage.scratch.file()
        said.write_bytes(citation.to_json())
        publish(said, beside)
    publish(part, path)
    return Export(path, form, stage.items, citation, beside, stage.left_out)
