"""Versions of items whose place is told only roughly (`items/sensitive.py`): what all who ask get to see of them.

Everything that searches look at is made from the view `shown_version`, so no way of asking knows more than the answers
show. An item is sensitive if any version of it is: else a day before it was named would tell.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import IndexUnavailableError
from collect_assets.items.sensitive import HIDDEN, SENSITIVE, SensitiveRules, generalised, rounded, sensitive_rules
from collect_assets.store.database import insert_rows, literal, run_script

TABLES = """
CREATE TABLE sensitive_item (scope_no INTEGER, item_id VARCHAR, decimals INTEGER, why VARCHAR);
CREATE TABLE rough_version (
    version_no BIGINT, record VARCHAR, geometry BLOB, xmin DOUBLE, ymin DOUBLE, xmax DOUBLE, ymax DOUBLE
);
"""
NAMES = ("sensitive_item", "rough_version")

# Columns of the view are the same either way; without rules it costs nothing.
_PLAIN = "CREATE OR REPLACE VIEW shown_version AS FROM item_version"
_ROUGH = """
CREATE OR REPLACE VIEW shown_version AS
SELECT v.* REPLACE (
    {columns}, CASE WHEN r.version_no IS NULL THEN v.record_hash END AS record_hash
) FROM item_version v LEFT JOIN rough_version r ON r.version_no = v.version_no
"""
_COLUMNS = ("record", "geometry", "xmin", "ymin", "xmax", "ymax")

_RULES = """
CREATE OR REPLACE TEMP TABLE sensitive_rule (
    name VARCHAR, value VARCHAR, starts BOOLEAN, decimals INTEGER, why VARCHAR
);
CREATE OR REPLACE TEMP TABLE newly_sensitive (scope_no INTEGER, item_id VARCHAR, decimals INTEGER, why VARCHAR);
"""

# What is withheld of an item tells of it as well: `collect-assets history` shows it.
_LOOKED_AT = """
(SELECT scope_no, item_id, record FROM item_version WHERE version_no > $last
 UNION ALL SELECT scope_no, item_id, record FROM withheld WHERE record IS NOT NULL)
"""

# One that names the field otherwise than is known yet. To take out what is known and to look for the rest costs as
# much as reading the field from every record, a second for 400,000; `json_tree` costs several times that.
_OTHERWISE = """contains(lower({rest}), lower($name)) AND regexp_matches({rest}, $pattern, 'i')"""
_SPELLING = f"SELECT regexp_extract({{rest}}, $pattern, 1, 'i') FROM {_LOOKED_AT} WHERE {_OTHERWISE} LIMIT 1"
MANY = 4  # spellings of a field, that are looked for one by one
_BY_PATH = f"SELECT scope_no, item_id, unnest(json_extract_string(record, {{path}})) AS value FROM {_LOOKED_AT}"
_BY_TREE = f"""
SELECT scope_no, item_id, json_extract_string(t.value, '$') AS value
FROM (SELECT * FROM {_LOOKED_AT} WHERE {_OTHERWISE}) r, json_tree(r.record) t
WHERE regexp_matches(concat(',', to_json(t.key), ':'), $pattern, 'i')
"""

_MATCHING = """
INSERT INTO newly_sensitive
WITH found AS ({values}), each_value AS (
    SELECT scope_no, item_id, value FROM found UNION ALL
    SELECT scope_no, item_id, unnest(json_extract_string(value, '$[*]')) FROM (
        FROM found WHERE starts_with(value, '[') AND json_valid(value)
    )
)
SELECT scope_no, item_id, min(r.decimals), arg_min(r.why, r.decimals)
FROM (SELECT scope_no, item_id, lower(trim(value)) AS value FROM each_value) v JOIN sensitive_rule r ON r.name = $name
    AND (v.value = r.value OR r.starts AND starts_with(v.value, r.value))
GROUP BY scope_no, item_id
"""

_NEWLY = """
CREATE OR REPLACE TEMP TABLE newly_sensitive AS
SELECT n.scope_no, n.item_id, min(n.decimals) AS decimals, arg_min(n.why, n.decimals) AS why
FROM newly_sensitive n LEFT JOIN sensitive_item s USING (scope_no, item_id)
WHERE s.decimals IS NULL OR n.decimals < s.decimals GROUP BY ALL;
DELETE FROM sensitive_item USING newly_sensitive n
WHERE sensitive_item.scope_no = n.scope_no AND sensitive_item.item_id = n.item_id;
INSERT INTO sensitive_item FROM newly_sensitive;
"""

_TOLD_BEFORE = """
SELECT 1 FROM item_version v JOIN newly_sensitive USING (scope_no, item_id) WHERE v.version_no <= $last LIMIT 1
"""

_TO_TELL = """
SELECT v.version_no, v.record, v.xmin, v.ymin, v.xmax, v.ymax, s.decimals, coalesce(s.why, '')
FROM item_version v JOIN sensitive_item s USING (scope_no, item_id) WHERE v.version_no > $last
"""
_SOME = "SELECT rowid, * FROM to_tell WHERE rowid > ? ORDER BY rowid LIMIT ?"
_TOLD = """
CREATE OR REPLACE TEMP TABLE told (version_no BIGINT, record VARCHAR, geometry VARCHAR, x DOUBLE, y DOUBLE)
"""
AT_ONCE = 1000
_FIELD = "sensitive field "  # of search_meta: one that some record has


def check_sensitive(connection: duckdb.DuckDBPyConnection, collection: Collection) -> None:
    """Refuses an index that tells another thing of sensitive places than `sensitive.csv` does by now.

    Raises:
        IndexUnavailableError: it does; it has to be brought up to date first.
        RegisterError: the register cannot be read.
    """
    wanted = sensitive_rules(collection).fingerprint
    try:
        row = connection.execute("SELECT value FROM search_meta WHERE key = 'sensitive'").fetchone()
    except duckdb.CatalogException:
        row = None
    if row != (wanted,):
        what = f"{SENSITIVE} changed since the item index was made" if row else "the item index is of earlier software"
        raise IndexUnavailableError(
            f"{collection.name}: {what}; run `collect-assets index --collection-dir {collection.folder}`"
        )


def show(connection: duckdb.DuckDBPyConnection, rules: SensitiveRules) -> None:
    """Makes the view through which versions are seen."""
    columns = ", ".join(
        f"CASE WHEN r.version_no IS NULL THEN v.{name} ELSE r.{name} END AS {name}" for name in _COLUMNS
    )
    connection.execute(_ROUGH.format(columns=columns) if rules else _PLAIN)


def generalise(connection: duckdb.DuckDBPyConnection, rules: SensitiveRules, last: int) -> bool:
    """Says what is told of the versions after `last`.

    Returns:
        Whether an item is sensitive now whose earlier versions were told: then all has to be represented again.
    """
    if not rules:
        return False
    run_script(connection, _RULES)
    insert_rows(connection, "sensitive_rule", [(r.name, r.value, r.starts, r.decimals, r.why) for r in rules.rows])
    for name in sorted({row.name for row in rules.rows}):
        _match(connection, name, last)
    run_script(connection, _NEWLY)
    if connection.execute(_TOLD_BEFORE, {"last": last}).fetchone():
        return True
    _tell(connection, rules, last)
    return False


def _match(connection: duckdb.DuckDBPyConnection, name: str, last: int) -> None:
    """Finds the items that rules on a field name, however records spell it."""
    named = re.escape(json.dumps(name, ensure_ascii=False)[1:-1])
    asked = {"name": name, "last": last}
    otherwise = {**asked, "pattern": rf'[{{,]\s*"((?:[^"\\]*[/#:]\s*)?{named}[/#]*)"\s*:'}
    rest, spellings = "record", 0
    while spellings < MANY and (row := connection.execute(_SPELLING.format(rest=rest), otherwise).fetchone()):
        path, key = literal(f'$.."{row[0]}"'), literal(f'"{row[0]}":')
        connection.execute(_MATCHING.format(values=_BY_PATH.format(path=path)), asked)
        rest, spellings = f"replace({rest}, {key}, '')", spellings + 1
    if spellings == MANY:
        connection.execute(_MATCHING.format(values=_BY_TREE.format(rest=rest)), otherwise)
    if spellings:
        connection.execute("INSERT OR IGNORE INTO search_meta VALUES (?, '')", [f"{_FIELD}{name}"])


def found_fields(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The fields that rules name and that records of the index have."""
    rows = connection.execute("SELECT key FROM search_meta WHERE starts_with(key, ?)", [_FIELD]).fetchall()
    return frozenset(key.removeprefix(_FIELD) for (key,) in rows)


def _tell(connection: duckdb.DuckDBPyConnection, rules: SensitiveRules, last: int) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE to_tell AS {_TO_TELL}", {"last": last})
    beyond = -1
    while some := connection.execute(_SOME, [beyond, AT_ONCE]).fetchall():
        connection.execute(_TOLD)
        insert_rows(connection, "told", [_told(row[1:], rules) for row in some])
        connection.execute("INSERT INTO rough_version SELECT version_no, record, unhex(geometry), x, y, x, y FROM told")
        beyond = some[-1][0]


def _told(row: Sequence[Any], rules: SensitiveRules) -> tuple[object, ...]:
    """The rough record and place of a version; a shape becomes the point in the middle of its box."""
    number, record, west, south, east, north, decimals, why = row
    rough = json.dumps(generalised(json.loads(record), decimals, why, rules.places), ensure_ascii=False,
                       separators=(",", ":"))  # fmt: skip
    if west is None or decimals == HIDDEN:
        return (number, rough, None, None, None)
    x, y = (rounded((low + high) / 2, decimals) for low, high in ((west, east), (south, north)))
    return (number, rough, struct.pack("<BIdd", 1, 1, x, y).hex(), x, y)
