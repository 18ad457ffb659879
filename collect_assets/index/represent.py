"""Keeping what searches look at beside the versions of items: columns of fields, keys of ids, words.

A function of `item_version` and the representation alone. A day adds its versions and ends those that ended; what is
represented in another way than before is represented whole again.

Look-ups are by sorted tables and not by indexes: DuckDB skips the parts of a table whose smallest and largest value do
not fit, so a word takes some milliseconds among 80 million, and a day costs no more than that day. Each day is appended
as one sorted run; when the runs outgrow what is sorted whole, all is sorted again.
"""

from __future__ import annotations

import json

import duckdb

from collect_assets.index import roughly
from collect_assets.index.representation import Representation
from collect_assets.index.roughly import generalise
from collect_assets.index.words import LONGEST_WORD, record_text_sql, words_sql
from collect_assets.store.database import literal, quoted

TABLES = """
CREATE TABLE search_item (
    version_no BIGINT, endpoint_no INTEGER, item_id VARCHAR, first_date DATE, last_date DATE, words INTEGER,
    xmin DOUBLE, ymin DOUBLE, xmax DOUBLE, ymax DOUBLE{columns}
);
CREATE TABLE item_key (key UBIGINT, version_no BIGINT);
CREATE TABLE word (word VARCHAR, version_no BIGINT, times UTINYINT);
CREATE TABLE search_meta (key VARCHAR PRIMARY KEY, value VARCHAR);
"""

ADD_ITEMS = """
INSERT INTO search_item
SELECT version_no, endpoint_no, item_id, first_date, last_date, 0, xmin, ymin, xmax, ymax{columns}
FROM (SELECT *, {values} AS cell FROM shown_version WHERE version_no > $last)
"""

ADD_KEYS = """
INSERT INTO item_key
SELECT {key} AS key, version_no FROM item_version WHERE version_no > $last ORDER BY ALL
"""

ADD_WORDS = """
INSERT INTO word
SELECT word, version_no, least(count(*), 255) FROM (
    SELECT version_no, unnest({words}) AS word
    FROM (SELECT version_no, {text} AS text FROM shown_version WHERE version_no > $last)
)
WHERE word <> '' AND length(word) <= {longest} GROUP BY ALL ORDER BY word, version_no
"""

COUNT_WORDS = """
UPDATE search_item SET words = w.words
FROM (SELECT version_no, sum(times) AS words FROM word WHERE version_no > $last GROUP BY version_no) w
WHERE search_item.version_no = w.version_no
"""

END_ITEMS = """
UPDATE search_item SET last_date = v.last_date FROM item_version v
WHERE v.version_no = search_item.version_no AND v.last_date IS DISTINCT FROM search_item.last_date
"""

GONE = """
CREATE OR REPLACE TEMP TABLE gone AS
SELECT version_no FROM search_item ANTI JOIN item_version USING (version_no)
"""

SORTED = {"word": "word, version_no", "item_key": "key, version_no"}


def key_sql(item_id: str) -> str:
    """SQL for the number by which an id is looked up."""
    return f"md5_number_lower({item_id})"


def represent(connection: duckdb.DuckDBPyConnection, representation: Representation) -> int:
    """Brings the tables of the search to what `item_version` says.

    Returns:
        How many versions were represented.
    """
    if not _is_current(connection, representation):
        _begin(connection, representation)
    gone = _remove_gone(connection)
    # Who was sensitive for a version that is gone is found only by a look at all that are left.
    if (gone and representation.sensitive) or generalise(connection, representation.sensitive, _last(connection)):
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


def _last(connection: duckdb.DuckDBPyConnection) -> int:
    return _number(connection, "SELECT coalesce(max(version_no), 0) FROM search_item")


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
    rows = {
        "representation": representation.version,
        "sensitive": representation.sensitive.fingerprint,
        "columns": columns,
        **dict.fromkeys(SORTED, "0"),
    }
    connection.executemany("INSERT INTO search_meta VALUES (?, ?)", sorted(rows.items()))


def _remove_gone(connection: duckdb.DuckDBPyConnection) -> bool:
    """Returns whether there were any."""
    connection.execute(GONE)
    gone = connection.execute("SELECT 1 FROM gone LIMIT 1").fetchone() is not None
    if gone:
        for table in ("search_item", "item_key", "word"):
            connection.execute(f"DELETE FROM {table} WHERE version_no IN (FROM gone)")
    return gone


def _add(connection: duckdb.DuckDBPyConnection, representation: Representation) -> int:
    last = {"last": _last(connection)}
    added = _number(connection, "SELECT count(*) FROM item_version WHERE version_no > $last", last)
    if not added:
        return 0
    connection.execute(_items_sql(representation), last)
    connection.execute(ADD_KEYS.format(key=key_sql("item_id")), last)
    text = record_text_sql("record", representation.without_words)
    connection.execute(ADD_WORDS.format(words=words_sql("text"), text=text, longest=LONGEST_WORD), last)
    connection.execute(COUNT_WORDS, last)
    for table, order in SORTED.items():
        _sort_again(connection, table, order)
    return added


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


def _sort_again(connection: duckdb.DuckDBPyConnection, table: str, order: str) -> None:
    """Sorts a table whole when what was appended since then outgrows what was sorted."""
    rows = _number(connection, f"SELECT count(*) FROM {table}")
    sorted_rows = int(_meta(connection).get(table, "0"))
    if rows < 2 * sorted_rows:
        return
    if sorted_rows:
        connection.execute(f"CREATE TABLE {quoted(table + '_sorted')} AS FROM {table} ORDER BY {order}")
        connection.execute(f"DROP TABLE {table}; ALTER TABLE {quoted(table + '_sorted')} RENAME TO {table}")
    connection.execute("UPDATE search_meta SET value = ? WHERE key = ?", [str(rows), table])


def _number(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, int] | None = None) -> int:
    found = connection.execute(query, values or {}).fetchone()
    return int(found[0]) if found else 0
