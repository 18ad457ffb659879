"""A register as text: what is meant is changed, and every other byte stays."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.errors import RegisterError
from collect_assets.tending.text import RegisterText, split

PATH = Path("endpoint.csv")
MIXED = (
    b"\xef\xbb\xbfendpoint,endpoint-url,notes,end-date\r\n"
    b'1,"https://a.org",  spaces kept ,\r\n'
    b"2,https://b.org\n"
    b'3,https://c.org,"several\r\nlines, ""quoted""",2024-01-01\r'
    b"\r\n"
    b"4,https://d.org,x,"
)


def text(content: bytes = MIXED) -> RegisterText:
    return RegisterText(PATH, content, needed=("endpoint-url",))


def row(register: RegisterText, endpoint: str):  # type: ignore[no-untyped-def]
    return next(row for row in register.rows if row.cells["endpoint"] == endpoint)


def test_without_a_change_every_byte_is_as_it_was() -> None:
    assert text().content == MIXED


def test_a_cell_is_set_and_the_rest_of_its_row_keeps_quotes_spaces_and_line_end() -> None:
    register = text()
    register.set(row(register, "1"), "end-date", "2025-01-01")
    assert register.content == MIXED.replace(b"kept ,\r\n", b"kept ,2025-01-01\r\n")


def test_a_cell_that_was_quoted_stays_quoted_and_one_that_has_to_be_becomes_so() -> None:
    register = text()
    register.set(row(register, "1"), "endpoint-url", "https://z.org")
    register.set(row(register, "4"), "notes", 'a, "b"')
    assert register.content == MIXED.replace(b'"https://a.org"', b'"https://z.org"').replace(b",x,", b',"a, ""b""",')


def test_a_short_row_gets_the_commas_that_a_cell_behind_its_end_needs() -> None:
    register = text()
    register.set(row(register, "2"), "end-date", "2025-01-01")
    assert register.content == MIXED.replace(b"2,https://b.org\n", b"2,https://b.org,,2025-01-01\n")


def test_a_cell_behind_one_of_several_lines_is_set() -> None:
    register = text()
    register.set(row(register, "3"), "end-date", "2025-01-01")
    assert register.content == MIXED.replace(b"2024-01-01", b"2025-01-01")


def test_two_cells_of_a_row_are_set_one_after_the_other() -> None:
    register = text()
    for column, value in (("end-date", "2025-01-01"), ("endpoint", "11")):
        register.set(row(register, "1"), column, value)
    assert register.content == MIXED.replace(b"kept ,\r\n", b"kept ,2025-01-01\r\n").replace(b"\n1,", b"\n11,")


def test_a_row_of_several_lines_is_taken_out_whole() -> None:
    register = text()
    register.remove(row(register, "3"))
    assert register.content == MIXED[: MIXED.index(b"3,")] + MIXED[MIXED.index(b"\r\n4,") :]


def test_a_row_is_put_behind_a_last_one_without_line_end_in_the_columns_and_line_ends_of_the_file() -> None:
    register = text()
    register.append({"end-date": "2025-01-01", "endpoint-url": "https://e.org", "parameters": ""})
    assert register.content == MIXED + b"\r\n,https://e.org,,2025-01-01\r\n"


def test_a_value_for_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(RegisterError, match=r"endpoint\.csv: has no column plugin"):
        text().append({"endpoint-url": "https://e.org", "plugin": "wfs"})


def test_a_row_whose_quotes_are_odd_is_not_changed() -> None:
    register = text(b'endpoint,endpoint-url\n1,https://a.org,"open\n2,https://b.org\n')
    with pytest.raises(RegisterError, match="row 2: cannot be changed"):
        register.set(row(register, "1"), "endpoint", "3")


@given(st.text(alphabet='ab, "\n\r\t', max_size=20))
def test_a_row_is_split_where_a_csv_reader_splits_it_or_not_at_all(line: str) -> None:
    cells = split(line)
    if cells is not None:
        assert ",".join(cells) == line
        read = next(csv.reader(io.StringIO(line, newline="")), [""]) or [""]
        assert len(cells) == len(read)


@given(st.lists(st.text(max_size=8).filter(lambda cell: "\0" not in cell), min_size=2, max_size=5), st.data())
def test_whatever_a_csv_writer_wrote_one_cell_changes_and_the_others_do_not(
    cells: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(cells) - 1))
    value = data.draw(st.sampled_from(["", "2025-01-01", 'a,"b', "two\nlines"]))
    out = io.StringIO(newline="")
    names = [f"c{n}" for n in range(len(cells))]
    csv.writer(out).writerows([names, cells])
    register = RegisterText(PATH, out.getvalue().encode("utf-8", "replace"))
    if not register.rows or register.rows[0].skip:
        return
    before = list(register.rows[0].cells.values())
    register.set(register.rows[0], names[place], value)
    after = RegisterText(PATH, register.content)
    expected = [value if n == place else cell for n, cell in enumerate(before)]
    assert [list(row.cells.values()) for row in after.rows] == [expected]
