"""The one place that opens DuckDB.

No extension is ever looked for on the network, memory is bounded, spilled data goes to a folder of ours, and the
spatial extension is loaded from its wheel. It stands in `store/`, left of the readers and the index, since both need
it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import duckdb

from collect_assets.errors import SettingsError

MEMORY_LIMIT = "1500MB"


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
        "threads": len(os.sched_getaffinity(0)),
    }
    if spill is not None:
        spill.mkdir(parents=True, exist_ok=True)
        config["temp_directory"] = str(spill)
    connection = duckdb.connect(str(path or ":memory:"), read_only=read_only, config=config)
    try:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        if spatial:
            connection.execute(f"LOAD {literal(spatial_extension())}")
        yield connection
    finally:
        connection.close()


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
