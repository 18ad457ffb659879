"""Spreadsheets: xlsx, xls and ods, alone and in a zip."""

from __future__ import annotations

import pytest

from collect_assets_tests.readers.workbooks import ods, xls, xlsx

ROWS = [["reference", "name", "hectares"], ["A", "Ågot \u201cField\u201d", 1.5], ["B", "  x ", 7.0]]
RECORDS = [
    {"reference": "A", "name": "Ågot \u201cField\u201d", "hectares": "1.5"},
    {"reference": "B", "name": "x", "hectares": "7"},
]


@pytest.mark.parametrize("book", [xlsx({"Sites": ROWS}), xls(ROWS), ods(ROWS)], ids=["xlsx", "xls", "ods"])
def test_a_spreadsheet_gives_the_records_that_a_table_gives(read, zipped, book):
    found = read(book)
    assert (found.report.format, found.report.problem, found.report.member) == ("spreadsheet", "", "Sites")
    assert found.records == RECORDS
    assert found.ids == ["A", "B"]
    inside = read(zipped({"data/sites.xlsx": book}))
    assert (inside.records, inside.report.member) == (RECORDS, "data/sites.xlsx")


def test_the_first_visible_sheet_with_rows_is_read_and_others_are_named(read):
    sheets = {"Empty": [], "Lists": [["x"], ["1"]], "Sites": ROWS, "Notes": [["read me"]]}
    found = read(xlsx(sheets, hidden=["Lists"]))
    assert found.records == RECORDS
    assert any("others are not: Notes" in note for note in found.report.notes)


def test_line_breaks_and_commas_in_cells_stay(read):
    rows = [["reference", "name"], ["A", 'a, "b"\nc']]
    assert read(xlsx({"Sites": rows})).records == [{"reference": "A", "name": 'a, "b"\nc'}]


def test_a_spreadsheet_that_is_damaged_or_empty_is_a_problem(read):
    assert "without rows" in read(xlsx({"Sites": []})).report.problem
    whole = xls(ROWS)
    assert read(whole[:1500]).report.problem
    broken = xlsx({"Sites": ROWS}).replace(b"<sheets>", b"<shoots>")
    assert read(broken).report.problem
