"""Plain tables: delimiters, quotes, encodings, odd rows."""

from __future__ import annotations

import pytest

from collect_assets.errors import SettingsError, UnreadableError
from collect_assets.items.canonical import canonical_text
from collect_assets.items.records import Reading
from collect_assets.readers.encodings import codec_name
from collect_assets.readers.facts import look_at

TEXT = "reference,name,note\nA1,Café,first\nA2,Ørsted,“second”\n"
RECORDS = [
    {"reference": "A1", "name": "Café", "note": "first"},
    {"reference": "A2", "name": "Ørsted", "note": "“second”"},
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_told_apart(read, encoding):
    found = read(TEXT.encode(encoding))
    assert found.report.problem == ""
    assert found.records == RECORDS
    assert found.report.proves_absence


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"", "utf-16-le")]
)
def test_utf_16_is_read_in_both_byte_orders(read, mark, encoding):
    found = read(mark + TEXT.encode(encoding))
    assert found.records == RECORDS
    assert found.report.encoding == encoding


def test_a_guessed_encoding_is_told_and_a_said_one_is_believed(read):
    guessed, said = read(TEXT.encode("cp1252")), read(TEXT.encode("cp1252"), encoding="latin-1")
    assert guessed.report.encoding == said.report.encoding == "windows-1252"
    assert any("read as windows-1252" in note and "byte 27 " in note for note in guessed.report.notes)
    assert said.report.notes == ()
    assert said.records == RECORDS


def test_all_256_bytes_of_a_western_encoding_are_read(read):
    cell = bytes(byte for byte in range(33, 256) if byte not in b'",')
    found = read(b"id,x\n1," + cell + b"\n", encoding="windows-1252")
    assert found.report.rejected == 0
    assert found.records[0]["x"].startswith("!#$")
    assert "€" in found.records[0]["x"]


def test_a_character_across_two_pieces_of_reading_is_whole(read):
    content = "id,x\n" + "".join(f"{number},{'é' * 37}\n" for number in range(30000))
    for encoding in ("utf-8", "utf-16"):
        found = read(content.encode(encoding))
        assert found.report.records == 30000
        assert {record["x"] for record in found.records} == {"é" * 37}


def test_a_few_bad_bytes_in_utf_8_reject_their_row_only(read):
    content = TEXT.encode() + "A3,Zoë,ok\n".encode() + b"A4,caf\xe9,bad\nA5,fine,ok\n"
    found = read(content)
    assert found.ids == ["A1", "A2", "A3", "A5"]
    assert found.report.encoding == "utf-8"
    assert [(number, line, reason) for number, line, reason, _ in found.rejects] == [(4, 5, "bytes that are no UTF-8")]
    assert not found.report.proves_absence


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_usual_delimiters_are_found(read, delimiter):
    found = read(TEXT.replace(",", delimiter).encode())
    assert found.records == RECORDS


def test_commas_inside_cells_do_not_mislead(read):
    found = read(b"id;name;places\n1;a, b;x, y, z\n2;c;u, v\n")
    assert found.report.columns == ("id", "name", "places")
    assert found.records[0] == {"id": "1", "name": "a, b", "places": "x, y, z"}


def test_a_delimiter_that_the_register_says_is_used(read):
    found = read(b"id^name\n1^a,b\n2^c,d\n", delimiter="^")
    assert found.records == [{"id": "1", "name": "a,b"}, {"id": "2", "name": "c,d"}]


def test_single_quotes_around_headers_are_quotes(read):
    found = read(b"'id','name'\n'1','a,b'\n")
    assert found.records == [{"id": "1", "name": "a,b"}]


def test_stray_quotes_in_tabbed_text_are_text(read):
    found = read(b'id\tname\n1\t"big" oak\n2\t5" nail\n3\tplain\n')
    assert [record["name"] for record in found.records] == ['"big" oak', '5" nail', "plain"]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(read, ends):
    found = read(TEXT.replace("\n", ends).encode())
    assert found.records == RECORDS


def test_mixed_line_ends_are_read(read):
    found = read(b'id,x\r\n1,a\n2,"b\nc"\r\n3,d\r4,e\n')
    assert found.ids == ["1", "2", "3", "4"]
    assert found.report.rejected == 0


def test_line_breaks_and_quotes_inside_quotes_belong_to_the_cell(read):
    found = read(b'id,x\n1,"two\nlines, and ""quotes"""\n2,y\n')
    assert found.records[0]["x"] == 'two\nlines, and "quotes"'
    assert found.ids == ["1", "2"]


def test_headers_are_trimmed_and_made_unique(read):
    found = read(b" id ,name,,Name,name,\xef\xbb\xbf\n1,a,b,c,d,e\n")
    assert found.report.columns == ("id", "name", "column_3", "Name", "name_2", "column_6")
    assert found.records == [{"id": "1", "name": "a", "column_3": "b", "Name": "c", "name_2": "d", "column_6": "e"}]


def test_a_header_without_rows_is_no_records_and_no_problem(read):
    for content in (b"reference,name\n", b"reference,name"):
        found = read(content)
        assert (found.report.records, found.report.problem, found.report.notes) == (0, "", ())
        assert found.report.proves_absence


def test_blank_rows_are_no_records(read):
    found = read(b"reference,name\n1,a\n,\n  , \n\n2,b\n,,\n")
    assert found.ids == ["1", "2"]


def test_rows_that_do_not_fit_are_kept_with_line_and_reason(read):
    found = read(b'id,x,y\n1,a,b\n"2\n2",a\n3,a,b\n4,a,b,c\n5,a,b\n')
    assert found.ids == ["1", "3", "5"]
    assert found.report.rejected == 2
    (short_number, short_line, short, raw), (long_number, long_line, long, _) = found.rejects
    assert (short_number, short_line, long_number, long_line) == (2, 3, 4, 6)
    assert "missing columns" in short
    assert "too many columns" in long
    assert raw == '"2\n2",a'


def test_a_quote_that_never_closes_takes_no_rows_before_it(read):
    found = read(b'id,x\n1,a\n2,"b\n3,c\n')
    assert found.ids == ["1"]
    assert "quote is not closed" in found.rejects[0][2]
    assert not found.report.proves_absence


def test_nul_bytes_are_left_out_and_control_characters_kept(read):
    found = read(b"id,x\n" + b"0,plain\n" * 9000 + "1,é\0ü\n".encode() + b"2,\x1f\x07c\n")
    assert found.records[-2:] == [{"id": "1", "x": "éü"}, {"id": "2", "x": "\x07c"}]


def test_a_cell_of_two_megabytes_is_read_and_one_of_twenty_rejected(read):
    found = read(b"id,x\n1," + b"x" * (2 << 20) + b"\n2," + b"y" * (20 << 20) + b"\n3,z\n")
    assert found.ids == ["1", "3"]
    assert len(found.records[0]["x"]) == 2 << 20
    assert found.rejects[0][2] == "the row is too long"


def test_sql_in_names_and_values_stays_text(read):
    found = read(b'id,"x\'); DROP TABLE t; --","a""b"\n1,\'; SELECT 1,{}\n')
    assert found.records == [{"id": "1", "x'); DROP TABLE t; --": "'; SELECT 1", 'a"b': "{}"}]


def test_one_column_of_ids_is_a_table_and_prose_is_not(read):
    assert read(b"reference\nA1\nA2\n").ids == ["A1", "A2"]
    prose = read(b"Dear reader\nthis file has moved.\nPlease look elsewhere.\n")
    assert "not a table" in prose.report.problem
    assert not prose.report.proves_absence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"\n <html lang='en'>", "a web page"),
        (b"<?xml version='1.0'?><gml/>", "XML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
        (b"SQLite format 3\0....", "SQLite"),
        (b"\x01\x02\x03,\x04\n\x05,\x06", "binary"),
        (b"", "empty"),
        (b"\n\n\n", "not a table"),
    ],
)
def test_what_is_no_table_is_named(read, content, said):
    found = read(content)
    assert said in found.report.problem
    assert found.report.records == 0
    assert not found.file.exists()


def test_a_table_cannot_name_another_file(read, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("id,x\n1,secret\n")
    vrt = f"<OGRVRTDataSource><OGRVRTLayer><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    assert "XML" in read(vrt.encode()).report.problem
    found = read(f"id,x\n1,read_csv('{secret}')\n2,{secret}\n".encode())
    assert [record["x"] for record in found.records] == [f"read_csv('{secret}')", str(secret)]


def test_rows_stay_in_the_order_of_a_large_file(read):
    content = "id,x\n" + "".join(f'{number},"{"y" * (number % 50)}\n{number}"\n' for number in range(400_000))
    found = read(content.encode())
    assert found.ids == [str(number) for number in range(400_000)]
    assert found.report.rejected == 0


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("above", ["", "\n", "\n\n\n", "  \n", ",,\n", "\ufeff\n", "sep=,\n", '"sep=,"\n\n'])
def test_blank_lines_above_the_header_are_passed_over(read, above, ends):
    found = read((above + TEXT + "\n\nbad\n").replace("\n", ends).encode())
    assert found.records == RECORDS
    lines_above = above.count("\n")
    assert [row[1] for row in found.rejects] == [lines_above + 6]
    assert read(f'{above}"refe\nrence",name\nA,x\n'.replace("\n", ends).encode()).report.records == 1


def test_the_delimiter_that_a_spreadsheet_writes_above_the_header_is_used(read):
    found = read(b"sep=;\r\nreference;name\r\n1;a, b\r\n2;c, d\r\n")
    assert found.records == [{"reference": "1", "name": "a, b"}, {"reference": "2", "name": "c, d"}]


def test_rows_that_end_with_a_delimiter_the_header_lacks_are_read(read):
    found = read(b"reference,name\n1,oak,\n2,ash,\n")
    assert found.records == [{"reference": "1", "name": "oak"}, {"reference": "2", "name": "ash"}]
    assert found.report.rejected == 0


def test_no_delimiter_is_better_than_one_that_splits_the_header(read):
    found = read(b"reference,name\n1,oak,more\n2,ash,more\n")
    assert "others" in found.report.problem
    assert read(b"Dear reader, hello\nthis file has moved.\n").report.problem != ""


@pytest.mark.parametrize("after", ["", '5" nails'])
def test_quoted_line_breaks_in_a_large_file_make_no_rows(read, after):
    # Over 64 MB: DuckDB reads 32 at a time, and a buffer may begin inside of a cell whose lines look like rows.
    cell = "x,y,z\n" * 400_000
    rows = "".join(f'{number},"{cell}",{after}\n' for number in range(28))
    found = read(f"reference,text,note\n{rows}".encode(), id="reference")
    assert found.ids == [str(number) for number in range(28)]
    assert found.report.rejected == 0


@pytest.mark.parametrize(
    ("content", "odd"),
    [
        (b'a,"b"\n"c",d\n', False),
        (b'a,"b\nc"\n', True),
        (b'a,"b\r\nc"\r\n', True),
        (b'a,"b\rc"\r', True),
        (b'a,"b' + b"x" * (2 << 20) + b'"\n', False),
        (b'a,"b' + b"x" * (3 << 20) + b'\n"\n', True),
        (b"x" * ((1 << 20) - 1) + b'"\n"\n', True),
        (b"x" * ((1 << 20) - 1) + b'""\n', False),
        (b'a,"b', True),
    ],
    ids=range(9),
)
def test_quotes_that_stay_open_at_the_end_of_a_line_are_seen(tmp_path, content, odd):
    (tmp_path / "table").write_bytes(content)
    assert look_at(tmp_path / "table").breaks is odd


@pytest.mark.parametrize(
    "encoding", ["rot13", "hex", "bz2", "zlib", "base64", "uu", "idna", "punycode", "undefined", "unicode_escape"]
)
def test_what_is_no_encoding_of_text_is_refused(encoding):
    with pytest.raises(UnreadableError, match="is not known"):
        codec_name(encoding)
    with pytest.raises(SettingsError, match="is not known"):
        Reading.of({"encoding": encoding})


def test_encodings_of_other_alphabets_are_read(read):
    text = "reference,name\nA,Дуб\n"
    for encoding in ("cp1251", "koi8-r", "utf-32", "utf-7"):
        assert read(text.encode(encoding), encoding=encoding).records == [{"reference": "A", "name": "Дуб"}]


ODD_CELLS = (
    "plain",
    " before",
    "after ",
    "\u00a0hard",
    "e\u0301",
    "Ågot Østlie",
    '"a"',
    "Дуб",
    "\u2003",
    "",
    " ",
    '""',
    "x\ty",
)


@pytest.mark.parametrize("filling", ["x" * 50, "é" * 25, "— " * 15])
def test_large_tables_and_small_ones_come_to_the_same_records(read, filling):
    # Above 1 MB only records that look odd are brought into canonical form cell by cell.
    cells = [ODD_CELLS[number % len(ODD_CELLS)] for number in range(20_000)]
    quoted = ['"' + cell.replace('"', '""') + '"' if cell else "" for cell in cells]
    rows = [f"{number},{cell},{filling}" for number, cell in enumerate(quoted)]
    large = read("\n".join(["reference,name,note", *rows]).encode())
    small = read("\n".join(["reference,name,note", *rows[:50]]).encode())
    assert large.file.parent == small.file.parent
    assert [row[:3] for row in large.rows[:50]] == [row[:3] for row in small.rows]
    assert [record.get("name", "") for record in large.records] == [canonical_text(cell) for cell in cells]


@pytest.mark.parametrize(
    ("content", "beyond", "controls"),
    [
        (b"a,b\n", False, False),
        ("Ågot Østlie °\r\n".encode(), False, False),
        (b"a" * ((1 << 16) - 1) + "\u00a0".encode(), True, False),
        (b"a" * ((1 << 16) - 1) + "\u00b0".encode(), False, False),
        (b"a" * ((1 << 16) - 1) + "\u0085".encode(), True, False),
        ("e\u0301".encode(), True, False),
        ("\u2003".encode(), True, False),
        (b"a\x1fb", False, True),
    ],
    ids=range(8),
)
def test_what_cells_may_hold_is_seen_in_the_bytes(tmp_path, content, beyond, controls):
    (tmp_path / "table").write_bytes(content)
    facts = look_at(tmp_path / "table")
    assert (facts.beyond, facts.controls) == (beyond, controls)
