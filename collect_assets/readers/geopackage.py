"""GeoPackage: all layers of features."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from collect_assets.errors import UnreadableError
from collect_assets.readers.converted import own_folder
from collect_assets.readers.source import Source, Table
from collect_assets.readers.spatial import Layers, read_layers

FORMAT = "geopackage"
VERSION = 1
PRIORITY = 15
_LAYERS = (
    "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes') ORDER BY table_name LIMIT 1000"
)
_SQLITE = b"SQLite format 3\0"
_APPLICATION = slice(68, 72)


def matches(source: Source) -> bool:
    """SQLite's first bytes, with the application id of GeoPackage."""
    return source.start.startswith(_SQLITE) and source.start[_APPLICATION] in {b"GPKG", b"GP10", b"GP11"}


def open_source(source: Source) -> Table:
    """The features as a table.

    Raises:
        UnreadableError: it is damaged.
    """
    path = own_folder(source.path, source.scratch, "layers.gpkg")
    names = _layers(path)
    if not names:
        raise UnreadableError(f"{FORMAT}: there is no layer of features in it")
    return read_layers(Layers(FORMAT, "GPKG", str(path), source.member, names), source.scratch)


def _layers(path: Path) -> tuple[str, ...]:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            return tuple(str(name) for (name,) in connection.execute(_LAYERS))
    except sqlite3.Error as error:
        raise UnreadableError(f"{FORMAT}: {error}") from None
