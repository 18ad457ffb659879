"""The one place that opens DuckDB: nothing from the network, quoted names, geometry from its wheel."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.store.database import database, literal, quoted

NAMES = st.text(min_size=1, max_size=30).filter(lambda name: "\0" not in name and name.isprintable())


@given(NAMES)
def test_any_name_can_be_a_column_and_any_text_a_literal(name: str) -> None:
    with database() as connection:
        rows = connection.execute(f"SELECT {literal(name)} AS {quoted(name)}")
        assert [column[0] for column in rows.description or ()] == [name]
        assert rows.fetchall() == [(name,)]


def test_no_extension_is_looked_for_on_the_network() -> None:
    with database() as connection:
        for name in ("autoinstall_known_extensions", "autoload_known_extensions"):
            found = connection.execute("SELECT value FROM duckdb_settings() WHERE name = ?", [name]).fetchall()
            assert found == [("false",)]
        with pytest.raises(duckdb.Error):
            connection.execute("SELECT * FROM read_csv('https://example.org/a.csv')")


def test_geometry_works_from_the_wheel() -> None:
    with database(spatial=True) as connection:
        assert connection.execute("SELECT ST_Area(ST_GeomFromText('POLYGON((0 0,2 0,2 2,0 2,0 0))'))").fetchall() == [
            (4.0,)
        ]


def test_a_file_opened_for_reading_cannot_be_changed_and_is_closed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with database(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    with database(path, read_only=True) as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("INSERT INTO t VALUES (2)")
    with database(path) as connection:
        assert connection.execute("SELECT * FROM t").fetchall() == [(1,)]


def test_what_is_not_a_database_is_an_error_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    before = path.read_bytes()
    with pytest.raises(duckdb.Error), database(path):
        pass
    assert path.read_bytes() == before
