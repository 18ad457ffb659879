"""The documented SQL, as written, on a stored copy, from a plain DuckDB connection."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from collect_assets.folding.fold import fold
from collect_assets_tests.index.kept import collection_at, day, keep, table

DOCUMENT = (Path(__file__).parents[2] / "docs/sql.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
TABLES = re.findall(r"^\| `(\w+)` \| type .*?\n\n", DOCUMENT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A connection to a copy of what is derived; the collection itself is gone."""
    made = collection_at(tmp_path_factory.mktemp("sql") / "c")
    keep(made, day(0), "one", table(("a", "Oak", "x"), ("b", "Elm", "y"), ("a", "Oak", "again"), ("", "Ash", "z")))
    keep(made, day(0), "two", None)
    keep(made, day(1), "one", table(("a", "Old oak", "x"), ("b", "Elm", "y")))
    fold(made, day(1))
    stored = tmp_path_factory.mktemp("stored") / "derived"
    shutil.copytree(made.derived, stored, symlinks=True)
    shutil.rmtree(made.folder)
    connection = duckdb.connect(str(stored / "index.duckdb"), read_only=True)
    connection.execute(f"SET VARIABLE derived = '{stored}'")
    yield connection
    connection.close()


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_documented_query_runs_as_written(copy, query):
    assert copy.execute(query).fetchall() != []


def test_every_table_is_there_with_the_columns_and_types_that_are_documented(copy):
    assert TABLES == ["log", "resource", "record", "item", "item_version", "index_operation"]
    for name in TABLES:
        (rows,) = re.findall(rf"^\| `{name}` \| type .*?\n\|---.*?\n(.*?)\n\n", DOCUMENT, re.DOTALL | re.MULTILINE)
        there = {column: kind for column, kind, *_ in copy.execute(f"DESCRIBE {name}").fetchall()}
        for row in rows.splitlines():
            names, kind = row.split("|")[1:3]
            for column in re.findall(r"`(\w+)`", names):
                assert column in there, f"{name}.{column}"
                assert not kind.strip() or kind.split()[-1] == there[column], f"{name}.{column} is {there[column]}"


def test_the_tables_say_what_happened(copy):
    assert copy.execute("SELECT count(*), count(resource) FROM log").fetchone() == (3, 2)
    assert copy.execute("SELECT records, without_id, duplicates FROM resource ORDER BY entry_date").fetchall() == [
        (4, 1, 1),
        (2, 0, 0),
    ]
    assert copy.execute("SELECT count(*), count(item_id), min(number), max(number) FROM record").fetchone() == (
        6,
        5,
        1,
        4,
    )
    assert copy.execute("SELECT item_id, change FROM item ORDER BY ALL").fetchall() == [
        ("a", "updated"),
        ("b", "created"),
    ]


def test_nobody_who_reads_a_copy_can_change_it(copy):
    with pytest.raises(duckdb.Error, match="read-only"):
        copy.execute("DELETE FROM item_version")
