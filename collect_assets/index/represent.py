"""Keeping what searches look at beside the versions of items: columns of fields, keys of ids, words.

A function of `item_version` and the representation alone. A day adds its versions and ends those that ended; what is
represented in another way than before is represented whole again.

Look-ups are by sorted tables and not by indexes: DuckDB skips the parts of a table whose smallest and largest value do
not fit, so a word takes some milliseconds among 60 million. Words are kept in runs, each a sorted list of words with
the versions that have them: of 20 million words in 600,000 records one run takes a fifth of the time that sorting them
took, and memory for no more than one run. Runs of days are merged into one when they hold as much as a run may.
"""

from __future__ import annotations

import json

import duckdb

from collect_assets.index import roughly
from collect_assets.index.representation import Representation
from collect_assets.index.roughly import generalise
from collect_assets.index.words import record_words_sql
from collect_assets.store.database import literal, run_script

RUN = 250_000  # versions of items: so many at a time are represented

TABLES = """
CREATE TABLE search_item (
    version_no BIGINT, endpoint_no INTEGER, item_id VARCHAR, first_date DATE, last_date DATE, words INTEGER,
    xmin DOUBLE, ymin DOUBLE, xmax DOUBLE, ymax DOUBLE{columns}
);
CREATE TABLE item_key (key UBIGINT, version_no BIGINT);
CREATE TABLE word (first_version BIGINT, word VARCHAR, versions BIGINT[]);
CREATE TABLE search_meta (key VARCHAR PRIMARY KEY, value VARCHAR);
"""

ADD_ITEMS = """
INSERT INTO search_item
SELECT version_no, endpoint_no, item_id, first_date, last_date, 0, xmin, ymin, xmax, ymax{columns}
FROM (SELECT *, {values} AS cell FROM shown_version WHERE version_no BETWEEN $first AND $last)
"""

ADD_KEYS = """
INSERT INTO item_key
SELECT {key} AS key, version_no FROM item_version WHERE version_no > $last ORDER BY ALL
"""

# A version stands once for each time that the word is in it.
ADD_WORDS = """
INSERT INTO word
SELECT $first, word, list(version_no) FROM ({words}) GROUP BY word ORDER BY word
"""

COUNT_WORDS = """
UPDATE search_item SET words = w.words
FROM (SELECT version_no, count(*) AS words FROM (SELECT unnest(versions) AS version_no FROM word
                                                 WHERE first_version = $first) GROUP BY version_no) w
WHERE search_item.version_no = w.version_no AND search_item.version_no >= $first
"""

MERGE_RUNS = """
CREATE OR REPLACE TEMP TABLE merged AS
SELECT word, flatten(list(versions)) AS versions FROM word WHERE first_version > $merged GROUP BY word;
DELETE FROM word WHERE first_version > $merged;
INSERT INTO word SELECT $merged + 1, word, versions FROM merged ORDER BY word;
DROP TABLE merged;
"""

END_ITEMS = """
UPDATE search_item SET last_date = v.last_date FROM item_version v
WHERE v.version_no = search_item.version_no AND v.last_date IS NOT NULL
  AND v.last_date IS DISTINCT FROM search_item.last_date
"""

GONE = """
CREATE OR REPLACE TEMP TABLE gone AS
SELECT version_no FROM search_item ANTI JOIN item_version USING (version_no)
"""


def key_sql(item_id: str) -> str:
    """SQL for the number by which an id is looked up."""
    return f"md5_number_lower({item_id})"


def represent(connection: duckdb.DuckDBPyConnection, representation: Representation) -> int:
    """Brings the tables of the search to what `item_version` says.

    Returns:
        How many versions were represented.
    """
    gone = _is_current(connection, representation) and _remove_gone(connection)
    # Who was sensitive for a version that is gone is found only by a look at all that are left.
    if (gone and representation.sensitive) or not _is_current(connection, representation):
        _begin(connection, representation)
    if generalise(connection, representation.sensitive, _newest(connection, "search_item")):
        _begin(connection, representation)
        generalise(connection, representation.sensitive, 0)
    connection.execute(END_ITEMS)
    return _add(connection, representation)


def _begin(connection: duckdb.DuckDBPyConnection, representation: Representation) -> None:
    """Empty tables, in place of those that there are."""
    for table in ("search_item", "item_key", "word", "search_meta", *roughly.NAMES):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    _create(connection, representation)
    connection.execute(roughly.TABLES)
    roughly.show(connection, representation.sensitive)


def _is_current(connection: duckdb.DuckDBPyConnection, representation: Representation) -> bool:
    return _meta(connection).get("representation") == representation.version


def _meta(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    there = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'search_meta'").fetchone()
    return dict(connection.execute("SELECT key, value FROM search_meta").fetchall()) if there else {}


def _create(connection: duckdb.DuckDBPyConnection, representation: Representation) -> None:
    types = {"number": "DOUBLE"}
    columns = "".join(f", {each.name} {types.get(each.kind, 'VARCHAR')}" for each in representation.columns)
    connection.execute(TABLES.format(columns=columns))
    columns = json.dumps([[each.field, each.kind, each.name] for each in representation.columns])
    counts = dict.fromkeys(("gone", "merged", "sorted-keys"), "0")
    said = {"representation": representation.version, "sensitive": representation.sensitive.fingerprint}
    rows = {**said, "columns": columns, **counts}
    connection.executemany("INSERT INTO search_meta VALUES (?, ?)", sorted(rows.items()))


def _remove_gone(connection: duckdb.DuckDBPyConnection) -> bool:
    """Removes versions that are not there any more; whether there were any.

    Their words stay: a search looks at no version that went.

    When more went than are left, all is represented again. Numbers of versions never come again.
    """
    newest = _newest(connection, "search_item")
    represented = _number(connection, "SELECT count(*) FROM search_item")
    if represented == _number(connection, "SELECT count(*) FROM item_version WHERE version_no <= ?", newest):
        return False
    connection.execute(GONE)
    for table in ("search_item", "item_key"):
        connection.execute(f"DELETE FROM {table} WHERE version_no IN (FROM gone)")
    left = _number(connection, "SELECT count(*) FROM search_item")
    gone = int(_meta(connection)["gone"]) + represented - left
    _remember(connection, "gone", gone)
    if gone > left:
        _remember(connection, "representation", "to be made anew")
    return True


def _add(connection: duckdb.DuckDBPyConnection, representation: Representation) -> int:
    represented, newest = (_newest(connection, table) for table in ("search_item", "item_version"))
    merged = int(_meta(connection)["merged"])
    for first in range(represented + 1, newest + 1, RUN):
        last = min(first + RUN - 1, newest)
        _add_run(connection, representation, first, last)
        if last - merged >= RUN:
            if first > merged + 1:
                run_script(connection, MERGE_RUNS, {"merged": merged})
            merged = last
            _remember(connection, "merged", merged)
    connection.execute(ADD_KEYS.format(key=key_sql("item_id")), {"last": represented})
    _sort_keys(connection)
    return _number(connection, "SELECT count(*) FROM item_version WHERE version_no > ?", represented)


def _add_run(connection: duckdb.DuckDBPyConnection, representation: Representation, first: int, last: int) -> None:
    between = {"first": first, "last": last}
    versions = "shown_version WHERE version_no BETWEEN $first AND $last"
    connection.execute(ADD_WORDS.format(words=record_words_sql(versions, representation.without_words)), between)
    connection.execute(_items_sql(representation), between)
    connection.execute(COUNT_WORDS, {"first": first})


def _items_sql(representation: Representation) -> str:
    columns = representation.columns
    paths = ", ".join(literal(pointer(each.field)) for each in columns)
    cells = "".join(
        f", TRY_CAST(cell[{n}] AS DOUBLE)" if each.kind == "number" else f", cell[{n}]"
        for n, each in enumerate(columns, 1)
    )
    values = f"json_extract_string(record, [{paths}])" if columns else "NULL"
    return ADD_ITEMS.format(columns=cells, values=values)


def pointer(field: str) -> str:
    """The JSON pointer to a field of a record."""
    return "/" + field.replace("~", "~0").replace("/", "~1")


def _sort_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """Sorts the keys whole when what was appended since then outgrows what was sorted."""
    rows, sorted_rows = _number(connection, "SELECT count(*) FROM item_key"), int(_meta(connection)["sorted-keys"])
    if rows < 2 * sorted_rows:
        return
    if sorted_rows:
        connection.execute("CREATE TABLE item_key_sorted AS FROM item_key ORDER BY key, version_no")
        connection.execute("DROP TABLE item_key; ALTER TABLE item_key_sorted RENAME TO item_key")
    _remember(connection, "sorted-keys", rows)


def _remember(connection: duckdb.DuckDBPyConnection, key: str, value: object) -> None:
    connection.execute("UPDATE search_meta SET value = ? WHERE key = ?", [str(value), key])


def _newest(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return _number(connection, f"SELECT coalesce(max(version_no), 0) FROM {table}")


def _number(connection: duckdb.DuckDBPyConnection, query: str, *values: int) -> int:
    found = connection.execute(query, values).fetchone()
    return int(found[0]) if found else 0
