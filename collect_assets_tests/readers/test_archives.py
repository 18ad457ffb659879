"""Zips: of one table, Darwin Core Archives by their descriptor, and archives that are not what they should be."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile

import pytest

DWC = "http://rs.tdwg.org/dwc/terms/"


def descriptor(
    fields: str,
    *,
    core: str = 'fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"',
    row_type: str = "Occurrence",
    files: str = "<location>core.txt</location>",
) -> str:
    return (
        f'<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml"><core encoding="UTF-8" {core} '
        f'rowType="{DWC}{row_type}"><files>{files}</files>{fields}</core></archive>'
    )


def term(name: str, index: int | None = None, default: str | None = None) -> str:
    at = "" if index is None else f' index="{index}"'
    return f'<field term="{DWC}{name}"{at}' + ("/>" if default is None else f' default="{default}"/>')


FIELDS = '<id index="0"/>' + term("occurrenceID", 1) + term("country", 2)
CORE = "id\toccurrenceID\tcountry\n1\to1\tBelgium\n2\to2\tFrance\n"


def test_the_core_of_an_archive_is_read_as_its_descriptor_says(read, zipped):
    found = read(zipped({"meta.xml": descriptor(FIELDS), "core.txt": CORE, "eml.xml": "<eml/>"}))
    assert found.report.format == "dwca"
    assert found.report.member == "core.txt"
    assert found.ids == ["o1", "o2"]
    assert found.records[0] == {"id": "1", "occurrenceID": "o1", "country": "Belgium"}
    assert {row[8] for row in found.rows} == {"core.txt"}


def test_the_core_id_is_the_id_where_the_key_term_is_blank(read, zipped):
    found = read(zipped({"meta.xml": descriptor(FIELDS), "core.txt": "a\tb\tc\n1\t\tBelgium\n2\t\tFrance\n"}))
    assert found.ids == ["1", "2"]


@pytest.mark.parametrize("folder", ["", "archive/"])
def test_a_folder_inside_and_backslashes_are_let_pass(read, zipped, folder):
    found = read(zipped({f"{folder}meta.xml": descriptor(FIELDS), f"{folder}core.txt": CORE}))
    assert found.ids == ["o1", "o2"]
    assert read(zipped({"\\meta.xml": descriptor(FIELDS), "\\core.txt": CORE})).ids == ["o1", "o2"]


def test_quotes_delimiters_encoding_and_header_lines_are_the_descriptors(read, zipped):
    core = 'fieldsTerminatedBy="|" linesTerminatedBy="\\r\\n" fieldsEnclosedBy="\'" ignoreHeaderLines="2"'
    text = "a title\r\nid|occurrenceID|country\r\n1|o1|'C\u00f4te | d''Ivoire'\r\n"
    meta = descriptor(FIELDS, core=core).replace("UTF-8", "ISO-8859-1")
    found = read(zipped({"meta.xml": meta, "core.txt": text.encode("latin-1")}))
    assert found.records == [{"id": "1", "occurrenceID": "o1", "country": "C\u00f4te | d'Ivoire"}]


def test_quotes_are_text_where_the_descriptor_says_none(read, zipped):
    text = 'id\toccurrenceID\tcountry\n1\to1\t"open\n2\to2\t"a" b\n'
    found = read(zipped({"meta.xml": descriptor(FIELDS), "core.txt": text}))
    assert [record["country"] for record in found.records] == ['"open', '"a" b']


def test_odd_line_ends_are_honoured(read, zipped):
    meta = descriptor(FIELDS, core='fieldsTerminatedBy="," linesTerminatedBy="~|" fieldsEnclosedBy=""')
    text = "~|".join(f"{number},o{number},Place\n{number}" for number in range(300_000))
    found = read(zipped({"meta.xml": meta, "core.txt": text}))
    assert found.report.records == 300_000
    assert found.records[7] == {"id": "7", "occurrenceID": "o7", "country": "Place 7"}


def test_the_guides_defaults_hold_where_nothing_is_said(read, zipped):
    meta = descriptor(FIELDS, core="").replace('encoding="UTF-8"', "")
    found = read(zipped({"meta.xml": meta, "core.txt": '1,o1,"Bel, gium"\n2,o2,France\n'}))
    assert [record["country"] for record in found.records] == ["Bel, gium", "France"]


def test_defaults_fill_blanks_and_make_constant_columns(read, zipped):
    fields = '<id index="0"/>' + term("country", 2, "Belgium") + term("basisOfRecord", None, "it's") + term("year")
    found = read(zipped({"meta.xml": descriptor(fields), "core.txt": "a\tb\tc\n1\tx\t \n2\tx\tFrance\n"}))
    assert found.records == [
        {"id": "1", "country": "Belgium", "basisOfRecord": "it's"},
        {"id": "2", "country": "France", "basisOfRecord": "it's"},
    ]


@pytest.mark.parametrize("header", ["occurrenceID,{0}", "OCCURRENCEID,{0}", "oak,elm"])
def test_a_header_that_the_descriptor_forgets_is_no_record(read, zipped, header):
    fields = [(0, "occurrenceID"), (1, "scientificName")]
    named = "".join(f"<field index='{n}' term='http://rs.tdwg.org/dwc/terms/{name}'/>" for n, name in fields)
    meta = (
        "<archive xmlns='http://rs.tdwg.org/dwc/text/'><core rowType='http://rs.tdwg.org/dwc/terms/Occurrence' "
        f"fieldsTerminatedBy=','><files><location>core.txt</location></files><id index='0'/>{named}</core></archive>"
    )
    found = read(zipped({"meta.xml": meta, "core.txt": f"{header.format('scientificName')}\n1,a\n2,b\n"}))
    assert found.ids == (["oak", "1", "2"] if header == "oak,elm" else ["1", "2"])
    assert ("has no header" in "".join(found.report.notes)) == (header != "oak,elm")


def test_terms_of_one_name_keep_their_whole_address(read, zipped):
    fields = '<id index="0"/>' + term("type", 1) + '<field index="2" term="http://purl.org/dc/terms/type"/>'
    found = read(zipped({"meta.xml": descriptor(fields), "core.txt": "a\tb\tc\n1\tx\ty\n"}))
    assert found.records == [{"id": "1", DWC + "type": "x", "http://purl.org/dc/terms/type": "y"}]


def test_several_files_are_one_table(read, zipped):
    meta = descriptor(FIELDS, files="<location>a.txt</location><location>b.txt</location>")
    found = read(zipped({"meta.xml": meta, "a.txt": CORE, "b.txt": "h\th\th\n3\to3\tSpain\n4\to4\n"}))
    assert found.ids == ["o1", "o2", "o3"]
    assert [row[8] for row in found.rows] == ["a.txt", "a.txt", "b.txt"]
    assert found.report.member == ""
    assert found.rejects[0][:2] == (2, 3)
    assert "(b.txt)" in found.rejects[0][2]


def test_the_id_is_the_key_of_the_row_type(read, zipped):
    fields = '<id index="0"/>' + term("taxonID", 1) + term("occurrenceID", 2)
    found = read(zipped({"meta.xml": descriptor(fields, row_type="Taxon"), "core.txt": "a\tb\tc\n1\tt1\to1\n"}))
    assert found.ids == ["t1"]


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        (descriptor(FIELDS, files="<location>other.txt</location>"), "no other.txt"),
        (descriptor(FIELDS, files="<location>../../etc/passwd</location>"), "no ../../etc/passwd"),
        (descriptor(FIELDS, files="<location>http://example.org/core.txt</location>"), "another address"),
        (descriptor(FIELDS, files=""), "names no file"),
        (descriptor(FIELDS + term("year", 9)), "describes column 10"),
        (descriptor(FIELDS + term("year", -1)), "not a column number"),
        (descriptor(FIELDS).replace("</core>", ""), "not well-formed"),
        ("<archive/>", "no <core>"),
        ("<archive><table/><table/></archive>", "no <core>, and 2 <table>s of which none is said to be it"),
        (descriptor(FIELDS).replace("UTF-8", "klingon"), "not known"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + descriptor(FIELDS), "document type"),
        ('<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + descriptor(FIELDS), "document type"),
    ],
)
def test_a_wrong_descriptor_is_named(read, zipped, meta, said):
    found = read(zipped({"meta.xml": meta, "core.txt": CORE}))
    assert said in found.report.problem
    assert not found.report.proves_absence


def test_a_lone_table_is_the_core_as_archives_of_the_encyclopedia_of_life_have_it(read, zipped):
    meta = descriptor(FIELDS.replace('<id index="0"/>', term("taxonID", 0)), row_type="Taxon")
    found = read(zipped({"meta.xml": meta.replace("core ", "table ").replace("/core>", "/table>"), "core.txt": CORE}))
    assert (found.report.format, found.report.problem, found.ids) == ("dwca", "", ["1", "2"])
    with_id = descriptor(FIELDS).replace("core ", "table ").replace("/core>", "/table>")
    found = read(zipped({"meta.xml": with_id, "core.txt": CORE}))
    assert found.records[0] == {"id": "1", "occurrenceID": "o1", "country": "Belgium"}


def test_an_empty_core_is_no_records(read, zipped):
    for text in ("id\toccurrenceID\tcountry\n", ""):
        found = read(zipped({"meta.xml": descriptor(FIELDS), "core.txt": text}))
        assert (found.report.records, found.report.problem) == (0, "")


def test_a_zip_of_one_table_is_read_as_that_table(read, zipped):
    found = read(
        zipped({"folder/sites.csv": "reference,name\nA,x\n", "README.txt": "read me", "__MACOSX/._sites.csv": "\0"})
    )
    assert found.ids == ["A"]
    assert found.report.member == "folder/sites.csv"
    assert read(zipped({"sites.json": '[{"id": 1}]'})).ids == ["1"]


def test_a_table_that_is_packed_by_itself_is_read_out_of_its_zip(read, zipped):
    table = gzip.compress(b"reference,name\nA,x\n")
    found = read(zipped({"sites.csv.gz": table, "README.txt": "read me"}))
    assert (found.ids, found.report.member) == (["A"], "sites.csv.gz")
    assert "an archive inside an archive" in read(zipped({"sites.csv.gz": gzip.compress(table)})).report.problem
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a.csv"))
    assert "archive inside an archive" in read(zipped({"sites.csv.gz": inner.getvalue()})).report.problem


def test_f54_a_gzip_in_a_zip_does_not_multiply_the_limits(read, zipped):
    bomb = b"".join(gzip.compress(bytes(1 << 20)) for _ in range(1100))
    assert len(bomb) > 1 << 20
    assert "as archive bombs do" in read(zipped({"sites.csv.gz": bomb})).report.problem


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.csv": "id,x\n1,2\n", "b.csv": "id,x\n1,2\n"}, "a.csv, b.csv"),
        ({"photo.png": "x"}, "none among photo.png"),
        ({}, "no files"),
        ({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}, "spreadsheet that cannot be read"),
        ({"sites.shp": "x", "sites.dbf": "x"}, "shapefile are missing"),
    ],
)
def test_a_zip_that_is_not_one_table_says_what_it_has(read, zipped, members, said):
    assert said in read(zipped(members)).report.problem


def test_an_archive_inside_an_archive_is_not_opened(read, zipped):
    inner = zipped({"a.csv": "id,x\n1,2\n"})
    assert "inside an archive" in read(zipped({"inner.csv": inner})).report.problem


def test_a_bomb_is_refused_before_it_is_unpacked(read, zipped):
    found = read(zipped({"a.csv": b"id,x\n" + b"0" * (100 << 20)}))
    assert "archive bombs" in found.report.problem


def test_two_members_of_one_name_are_not_guessed_between(read):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", "id,x\n1,2\n")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", "id,x\n3,4\n")
    assert "2 files named a.csv" in read(buffer.getvalue()).report.problem


def test_encrypted_truncated_and_damaged_archives_are_named(read, zipped):
    whole = zipped({"a.csv": "id,x\n" + "".join(f"{number},{number**5}\n" for number in range(5000))})
    assert "cut off zip" in read(whole[:-30]).report.problem
    assert "cut off zip" in read(whole[:2000]).report.problem
    damaged = bytearray(whole)
    damaged[60] ^= 0xFF
    assert "damaged" in read(bytes(damaged)).report.problem
    encrypted = bytearray(whole)
    central = encrypted.rfind(b"PK\x01\x02")
    for at in (6, central + 8):
        struct.pack_into("<H", encrypted, at, 1)
    assert "encrypted" in read(bytes(encrypted)).report.problem


@pytest.fixture
def tarred():
    def packing(members: dict[str, str], mode: str = "w:gz") -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as archive:
            for name, content in members.items():
                header = tarfile.TarInfo(name)
                header.size = len(content.encode())
                archive.addfile(header, io.BytesIO(content.encode()))
        return buffer.getvalue()

    return packing


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_tar_is_read_as_a_zip_is(read, tarred, mode):
    found = read(tarred({"a/meta.xml": descriptor(FIELDS), "a/core.txt": CORE}, mode))
    assert (found.report.format, found.ids) == ("dwca", ["o1", "o2"])
    assert read(tarred({"./sites.csv": "reference,name\nA,x\n"}, mode)).ids == ["A"]


def test_links_in_a_tar_are_not_followed(read, tmp_path):
    (tmp_path / "secret.csv").write_text("id,x\n1,2\n")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        link = tarfile.TarInfo("a.csv")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.csv")
        archive.addfile(link)
    assert "no files" in read(buffer.getvalue()).report.problem


def test_a_tar_that_is_cut_off_or_names_at_endless_length_is_named(read, tarred):
    whole = tarred({"a.csv": "id,x\n" + "1,2\n" * 20_000}, "w")
    assert read(whole[:30_000]).report.problem
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    assert "header of" in read(header.tobuf(tarfile.GNU_FORMAT) + whole).report.problem


def test_blank_lines_above_the_header_of_a_core_are_passed_over(read, zipped):
    found = read(zipped({"meta.xml": descriptor(FIELDS), "core.txt": "\n\n" + CORE + "bad\n"}))
    assert found.ids == ["o1", "o2"]
    assert [row[1] for row in found.rejects] == [6]


@pytest.mark.parametrize("encoding", ["rot13", "hex", "idna", "undefined", "punycode", "bz2"])
def test_an_encoding_that_is_none_of_text_is_named(read, zipped, encoding):
    meta = descriptor(FIELDS).replace("UTF-8", encoding)
    assert "not known" in read(zipped({"meta.xml": meta, "core.txt": CORE})).report.problem


def test_numbers_of_thousands_of_digits_in_a_descriptor_are_named(read, zipped):
    meta = descriptor('<id index="0"/>' + term("country", "9" * 5000))
    assert "not a column number" in read(zipped({"meta.xml": meta, "core.txt": CORE})).report.problem
    meta = descriptor(FIELDS).replace('ignoreHeaderLines="1"', f'ignoreHeaderLines="{"9" * 5000}"')
    assert any("taken for 0" in note for note in read(zipped({"meta.xml": meta, "core.txt": CORE})).report.notes)


def test_a_broken_zip_is_a_problem_wherever_it_is_broken(read, zipped):
    whole = zipped({"meta.xml": descriptor(FIELDS), "core.txt": CORE, "é.txt": "x"})
    chance = random.Random(5)
    directory = whole.index(b"PK\x01\x02")
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 4))):
            broken[chance.randrange(directory, len(broken))] = chance.randrange(256)
        read(bytes(broken))


@pytest.mark.parametrize(
    ("at", "value"),
    [(28, b"\0\0"), (42, b"\xff\xff\xff\x7f"), (42, b"\xf0\xff\xff\xff")],
    ids=["no name", "far", "end"],
)
def test_members_without_a_name_or_with_a_bad_place_are_the_archives_fault(read, zipped, at, value):
    broken = bytearray(zipped({"a.csv": "id,x\n1,2\n"}))
    directory = broken.index(b"PK\x01\x02")
    broken[directory + at : directory + at + len(value)] = value
    found = read(bytes(broken))
    assert found.report.problem
    assert not found.report.proves_absence


def test_what_stands_for_nothing_elsewhere_and_entities_stay_text(read, zipped):
    cells = "\\N\tnull\tA &amp; B\nnull\t\\N\tNA\n"
    found = read(zipped({"meta.xml": descriptor(FIELDS), "core.txt": f"id\toccurrenceID\tcountry\n{cells}"}))
    assert [record["country"] for record in found.records] == ["A &amp; B", "NA"]
    assert found.ids == ["null", "\\N"]
    table = read(f"reference\tname\tcountry\n{cells}".encode())
    assert [record["name"] for record in table.records] == ["null", "\\N"]
    assert table.ids == ["\\N", "null"]
