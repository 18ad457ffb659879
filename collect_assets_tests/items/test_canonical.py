"""The canonical form: one for tables in SQL, one for streams in Python, and the two agree."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collect_assets.errors import UnreadableError
from collect_assets.items.canonical import (
    BLANKS,
    canonical_json,
    canonical_record,
    canonical_text,
    canonical_value,
    filled_sql,
    hash_sql,
    json_sql,
    json_text,
    odd_sql,
    record_hash,
    record_text,
    text_sql,
)
from collect_assets.items.plain import plain_text

CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.text(st.sampled_from(list(BLANKS + 'a"\\/\x1f\x7f\u0301\u00e9e\u2028{}')), max_size=6),
)
NAMES = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=5)
    .map(canonical_text)
    .filter(bool)
)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


@settings(max_examples=300, deadline=None)
@given(record=st.dictionaries(NAMES, st.none() | CELLS, min_size=1, max_size=5))
@example(record={"a": "\x1f", "b": "\u0065\u0301", "B": "\u00a0\ufeff", "é": '"\\', "'": "''"})
@example(record={"a": "".join(map(chr, range(1, 160)))})
def test_sql_and_python_agree_on_every_flat_record(connection, record):
    names = list(record)
    columns = ", ".join(f"{text_sql(f'c{number}')} AS t{number}" for number in range(len(names)))
    given_cells = ", ".join(f"${number + 1}::VARCHAR AS c{number}" for number in range(len(names)))
    cells = {name: f"t{number}" for number, name in enumerate(names)}
    query = f"""SELECT record, {hash_sql("record")} FROM (
        SELECT {json_sql(cells)} AS record FROM (SELECT {columns} FROM (SELECT {given_cells})))"""
    in_sql = connection.execute(query, list(record.values())).fetchone()
    in_python = canonical_json(record)
    assert in_sql == (in_python, record_hash(in_python))
    assert json.loads(in_python) == {
        name: canonical_text(cell) for name, cell in record.items() if cell is not None and canonical_text(cell)
    }


def test_keys_are_sorted_and_blanks_left_out_at_every_depth():
    record = {"b": {"z": None, "y": " ", "x": [{"d": "", "c": 1}, None]}, "a": "x", "c": {}, "d": [], "e": {"f": {}}}
    assert canonical_json(record) == '{"a":"x","b":{"x":[{"c":1},null]}}'


def test_nul_is_left_out():
    assert canonical_json({"a\0b": "\0c\0 ", "d": "\0"}) == '{"ab":"c"}'


def test_false_and_zero_are_not_blank():
    assert canonical_json({"a": False, "b": 0, "c": 0.0}) == '{"a":false,"b":0,"c":0}'


@pytest.mark.parametrize(("first", "second"), [("é", "e\u0301"), ("x", " x\u00a0\t"), (1, 1.0), ("x", "\ufeffx\r\n")])
def test_ways_to_write_the_same_have_one_hash(first, second):
    assert record_hash(canonical_json({"a": first})) == record_hash(canonical_json({"a": second}))


@pytest.mark.parametrize(("first", "second"), [("1", 1), ("a b", "a  b"), ("A", "a"), (True, "true"), (0.1, 0.2)])
def test_what_differs_has_another_hash(first, second):
    assert record_hash(canonical_json({"a": first})) != record_hash(canonical_json({"a": second}))


def test_the_hash_of_version_1_never_changes():
    assert str(record_hash(canonical_json({"b": " é ", "a": "1"}))) == "ee686024-bd28-03e1-e01d-6ef4842e643c"


def test_records_nested_too_deep_are_refused():
    record: dict = {}
    for _ in range(5000):
        record = {"a": record}
    with pytest.raises(UnreadableError, match="nested deeper"):
        canonical_json({"x": record})


def test_keys_that_differ_in_blanks_only_are_both_kept():
    assert canonical_json({"a": "1", "a ": "2", " a": "3", "a_2": "4", "b": {"c": 1, "c\t": 2}}) == (
        '{"a":"1","a_2":"2","a_2_2":"4","a_3":"3","b":{"c":1,"c_2":2}}'
    )
    assert canonical_json({"a": "1", "a ": None}) == '{"a":"1"}'


@settings(max_examples=200, deadline=None)
@given(cells=st.lists(st.none() | CELLS, min_size=1, max_size=4))
@example(cells=[None, ""])
@example(cells=[" ", "\u00a0", "\ufeff"])
def test_a_row_is_filled_where_any_cell_has_a_canonical_text(connection, cells):
    given_cells = ", ".join(f"${number + 1}::VARCHAR AS c{number}" for number in range(len(cells)))
    query = f"SELECT {filled_sql([f'c{number}' for number in range(len(cells))])} FROM (SELECT {given_cells})"
    filled = connection.execute(query, cells).fetchone()[0]
    assert filled is any(cell is not None and canonical_text(cell) for cell in cells)


ODD_CELLS = st.text(st.sampled_from('ab "\\,\u00a0\u0085\u0301e\u00e9\u2003\ufb01A\u030an'), max_size=5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(ODD_CELLS, min_size=3, max_size=3), min_size=1, max_size=40))
def test_a_record_that_is_taken_as_it_is_has_its_canonical_form_already(rows):
    cells = {"a": "c0", "b": "c1", "key": "c2"}
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE cells (c0 VARCHAR, c1 VARCHAR, c2 VARCHAR)")
        connection.executemany("INSERT INTO cells VALUES (?, ?, ?)", [[cell or None for cell in row] for row in rows])
        canonical = json_sql({name: text_sql(cell) for name, cell in cells.items()})
        odd = odd_sql("raw", list(cells.values()), beyond=True, blanks=True)
        wrong = connection.execute(f"""
            SELECT raw, canonical FROM (SELECT *, {json_sql(cells)} AS raw, {canonical} AS canonical FROM cells)
            WHERE raw <> canonical AND NOT ({odd})""").fetchall()
    assert wrong == []


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=8) | st.integers() | st.none() | st.lists(st.text())))
def test_the_quick_ways_to_a_record_and_its_text_are_the_slow_ones(fields):
    record = canonical_record(fields)
    assert record == (canonical_value(fields) or {})
    assert record_text(record) == json_text(record)


@given(st.text(), st.sampled_from(["%s", "a%b", 'q"', "\u2028", "é", "\x7f"]))
def test_odd_keys_and_texts_come_through_the_quick_way(text, key):
    record = canonical_record({key: text, "other": "x", "third": "\x01\x1f\\"})
    assert record_text(record) == json_text(record)


@settings(max_examples=500)
@given(st.dictionaries(NAMES | st.text(max_size=3), CELLS | st.integers() | st.none() | st.lists(CELLS), max_size=4))
@example({"a": "x", "b": "\u0338"})
@example({"a": "x ", "b": "y"})
@example({"a": "x", "b": " y"})
@example({"a": "", "b": "y"})
@example({"a": "x", "b": 'a","b'})
@example({"a": "e\u0301", "b": "y"})
@example({"a": "x", "a ": "y"})
def test_the_text_of_a_plain_record_is_its_canonical_form(fields):
    assert plain_text(fields) in (None, canonical_json(fields))


def test_a_record_of_ordinary_texts_is_plain():
    assert plain_text({"b": "Ågot's field, {north} of 50 %s", 'q"\\': "ł", "a": "1"}) is not None


@pytest.mark.parametrize(
    "odd", ["", " a", "a ", 'a"b', "a\\b", "a\nb", "a\0", "\u2003a", "e\u0301", "\ud800", 1, None, ["a"]]
)
def test_a_record_with_anything_else_is_not_plain(odd):
    assert plain_text({"a": "1", "b": odd}) is plain_text({"b": odd, "a": "1"}) is None
