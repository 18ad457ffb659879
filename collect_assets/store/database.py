"""The one place that opens DuckDB.

No extension is ever looked for on the network, memory is bounded, spilled data goes to a folder of ours, and the
spatial extension is loaded from its wheel. It stands in `store/`, left of the readers and the index, since both need
it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import duckdb

from collect_assets.errors import SettingsError

MEMORY_LIMIT = "1500MB"
STORAGE = "v1.2.0"  # the oldest DuckDB that reads our files: the first to compress with zstd
_SETTINGS = "SET enable_progress_bar = false; SET TimeZone = 'UTC'"


def quoted(identifier: str) -> str:
    """An SQL identifier in double quotes, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """An SQL string in single quotes, for the few statements that take no bound parameters."""
    return "'" + str(text).replace("'", "''") + "'"


@contextmanager
def database(
    path: Path | None = None,
    *,
    read_only: bool = False,
    spill: Path | None = None,
    spatial: bool = False,
    memory_limit: str = MEMORY_LIMIT,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that is closed at the end of the `with`.

    Args:
        path: a database file; in memory when left out.
        read_only: opens the file beside other readers, and changes nothing.
        spill: where DuckDB may put what does not fit in memory; its own default when left out.
        spatial: whether geometry functions are needed.
        memory_limit: in DuckDB's words, such as `2GB`.

    Raises:
        duckdb.Error: the file is not a database, is damaged, or is locked by a writer.
        SettingsError: the spatial extension is not installed.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": memory_limit,
        "storage_compatibility_version": STORAGE,
        "threads": len(os.sched_getaffinity(0)),
    }
    if spill is not None:
        spill.mkdir(parents=True, exist_ok=True)
        config["temp_directory"] = str(spill)
    connection = duckdb.connect(str(path or ":memory:"), read_only=read_only, config=config)
    try:
        connection.execute(_SETTINGS)
        if spatial:
            connection.execute(f"LOAD {literal(spatial_extension())}")
        yield connection
    finally:
        connection.close()


class MemoryDatabase:
    """Connections to one database in memory, opened when the first is asked for; each has temporary tables of its own.

    For many short uses: opening DuckDB takes 8 ms, and loading the spatial extension 110 ms, each time.
    """

    def __init__(self, spill: Path) -> None:
        self._spill = spill
        self._opened = ExitStack()
        self._first: duckdb.DuckDBPyConnection | None = None
        self._spatial = False

    @contextmanager
    def connection(self, *, spatial: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that is closed at the end of the `with`.

        Args:
            spatial: whether geometry functions are needed.

        Raises:
            SettingsError: the spatial extension is not installed.
        """
        if self._first is None:
            self._first = self._opened.enter_context(database(spill=self._spill))
        if spatial and not self._spatial:
            self._first.execute(f"LOAD {literal(spatial_extension())}")
            self._spatial = True
        connection = self._first.cursor()
        try:
            connection.execute(_SETTINGS)
            yield connection
        except duckdb.Error:
            self.close()  # an internal error of DuckDB makes a whole database unusable
            raise
        finally:
            connection.close()

    def close(self) -> None:
        """Closes the database; it is opened again when needed."""
        self._opened.close()
        self._first, self._spatial = None, False


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[object]]) -> None:
    """Adds rows to a table, in the order of its columns.

    They go in as one JSON text: 80 times faster than `executemany`, which looks for pandas at each value, in vain.
    """
    columns = [(name, kind) for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()]
    shape = json.dumps([dict(columns)])
    content = json.dumps([dict(zip((name for name, _ in columns), row, strict=True)) for row in rows], default=str)
    names = ", ".join(quoted(name) for name, _ in columns)
    connection.execute(
        f"INSERT INTO {table} SELECT {names} FROM (SELECT unnest(from_json($content, $shape), recursive := true))",
        {"content": content, "shape": shape},
    )


def run_script(connection: duckdb.DuckDBPyConnection, script: str, values: dict[str, object] | None = None) -> None:
    """Runs several statements, each with those of the values that it names; DuckDB binds only in the last of several.

    Args:
        connection: where to run them.
        script: statements, each ending with a semicolon and the end of its line.
        values: by the names that follow `$`.
    """
    for statement in script.split(";\n"):
        if statement.strip():
            used = {name: value for name, value in (values or {}).items() if f"${name}" in statement}
            connection.execute(statement, used)


def spatial_extension() -> Path:
    """The file of the spatial extension inside its wheel.

    Raises:
        SettingsError: the wheel is not installed, or not of DuckDB's version.
    """
    spec = find_spec("duckdb_extension_spatial")
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    for folder in folders:
        path = folder / "extensions" / f"v{duckdb.__version__}" / "spatial.duckdb_extension"
        if path.is_file():
            return path
    raise SettingsError(f"duckdb-extension-spatial {duckdb.__version__} is not installed; pip install it")
