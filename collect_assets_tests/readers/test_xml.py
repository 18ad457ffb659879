"""XML as it comes: encodings, forbidden characters, documents that break off, bombs; on pages of DiGIR."""

from __future__ import annotations

import subprocess
import sys

import pytest

from collect_assets.readers import xml_stream
from collect_assets_tests.readers.xml_documents import digir_page, specimen


def localities(found) -> list[str]:
    return [record["locality"] for record in found.records]


@pytest.mark.parametrize(
    ("declared", "used", "noted"),
    [
        ("utf-8", "utf-8", False),
        ("UTF-8", "utf-8", False),
        ("uTf-8", "utf-8", False),
        ("iso-8859-1", "utf-8", True),
        ("windows-1252", "utf-8", True),
        ("", "utf-8", False),
        ("no-such-thing", "utf-8", False),
        ("ISO-8859-1", "latin-1", False),
        ("windows-1252", "windows-1252", False),
        ("utf-8", "windows-1252", True),
        ("", "windows-1252", True),
        ("ISO-8859-2", "iso8859-2", False),
        ("utf-16", "utf-16", False),
        ("utf-8", "utf-16-le", False),
        ("utf-8", "utf-8-sig", False),
    ],
)
def test_the_encoding_is_found_whatever_the_declaration_says(read, declared, used, noted):
    place = "Łódź" if used == "iso8859-2" else "Næbbeskov, Århus"
    declaration = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    found = read(digir_page([specimen(1, Locality=place)], declaration=declaration).encode(used))
    assert localities(found) == [place]
    assert found.report.rejected == 0
    assert any("read as" in note for note in found.report.notes) == noted


def test_what_the_register_says_of_the_encoding_goes_before_the_declaration(read):
    page = digir_page([specimen(1, Locality="Ĉapelo")], declaration="<?xml version='1.0' encoding='iso-8859-1'?>")
    found = read(page.encode("iso-8859-3"), encoding="iso-8859-3")
    assert localities(found) == ["Ĉapelo"]
    assert found.report.encoding == "iso8859-3"


def test_a_few_foreign_bytes_among_utf8_are_read_one_by_one_and_counted(read):
    page = digir_page(specimen(n, Locality="Ærø ± Østlie") for n in range(20)).encode()
    found = read(page.replace("Ærø".encode(), b"\xc6r\xf8", 1))
    assert localities(found) == ["Ærø ± Østlie"] * 20
    assert found.report.notes == ("2 bytes that are no utf-8 are read as windows-1252",)


def test_characters_that_xml_forbids_are_left_out_and_counted_and_no_others(read):
    page = digir_page(
        [specimen(1, Locality="a\x1ab\x00c&#x1A;d&#0;e&#xFFFF;f￿g"), specimen(2, Locality="🐟𠀀&#x1F41F;")]
    )
    found = read(page.encode())
    assert localities(found) == ["abcdefg", "🐟𠀀🐟"]
    assert found.report.notes[0] == "6 characters that XML forbids are left out"


@pytest.mark.parametrize("fill", [0, 1, 7, 12, 13, 14])
def test_ampersands_that_stand_for_themselves_are_read_as_such_and_counted(read, fill):
    edge = "x" * ((1 << 18) - 700 + fill)
    values = ["Bed & breakfast", f"{edge}AT&T", "&amp; &#38; &lt; &", "a&b"]
    found = read(digir_page([specimen(n, Locality=value) for n, value in enumerate(values)]).encode())
    assert [record["locality"] for record in found.records] == ["Bed & breakfast", f"{edge}AT&T", "& & < &", "a&b"]
    assert "4 ampersands that stood for themselves are read as such" in found.report.notes
    assert found.report.proves_absence


def test_ampersands_beside_sections_of_plain_text_are_not_guessed_at(read):
    pages = [digir_page([specimen(1, Locality=f"<![CDATA[a & b]]>{more}")]).encode() for more in ("", " & c")]
    assert read(pages[0]).records[0]["locality"] == "a & b"
    assert not read(pages[1]).report.proves_absence


@pytest.mark.parametrize("at", range(-3, 4))
def test_a_forbidden_reference_across_two_pieces_of_the_file_is_seen(read, monkeypatch, at):
    page = digir_page([specimen(1, Locality="a&#x1A;b")])
    monkeypatch.setattr("collect_assets.readers.xml_text.PIECE", page.index("&#x1A;") + 3 + at)
    assert localities(read(page.encode())) == ["ab"]


def test_blanks_before_the_declaration_are_let_pass(read):
    assert localities(read(b"\r\n  " + digir_page([specimen(1, Locality="x")]).encode())) == ["x"]


def test_a_document_that_is_cut_off_gives_what_stands_before_and_says_where_it_broke(read):
    page = digir_page(specimen(n, Locality="Årø") for n in range(50)).encode()
    cut = page[: page.index(b">30<") + 2]
    found = read(cut)
    assert found.ids == [f"BPBM|ent|{n}" for n in range(30)]
    assert [(row[0], row[1]) for row in found.rejects] == [(31, 31)]
    assert "breaks off after 30 records" in found.rejects[0][2]
    assert not found.report.proves_absence


@pytest.mark.parametrize("step", range(1, 40, 3))
def test_wherever_a_document_is_cut_no_record_is_half(read, step):
    page = digir_page(specimen(n, Locality="Årø på øya") for n in range(40)).encode()
    found = read(page[: len(page) - len(page) * step // 45])
    assert found.ids == [f"BPBM|ent|{n}" for n in range(len(found.ids))]
    assert all(record["locality"] == "Årø på øya" for record in found.records)
    assert len(found.ids) < 40 or step < 4
    assert found.report.rejected == 1


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("</darwin:Oops>", "tag mismatch"),
        ("a &nbsp; b", "nbsp"),
        ("a < b", "StartTag"),
        ("<a b=c/>", "AttValue"),
    ],
)
def test_what_is_not_well_formed_ends_the_document_and_is_never_passed_over(read, broken, reason):
    records = [specimen(n, Locality=broken if n == 3 else "x") for n in range(2000)]
    found = read(digir_page(records).encode())
    assert found.ids == ["BPBM|ent|0", "BPBM|ent|1", "BPBM|ent|2"]
    assert len(found.rejects) == 1 and reason in found.rejects[0][2]


def test_a_document_that_breaks_before_its_first_record_is_unreadable(read):
    report = read(digir_page([specimen(1)]).encode()[:400]).report
    assert report.problem.startswith("XML that cannot be read (line 1)")


@pytest.mark.parametrize(
    "definition",
    [
        "<!DOCTYPE response [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE response [<!ENTITY a 'aaaaaaaaaa'><!ENTITY x '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>",
        "<!DOCTYPE response SYSTEM 'http://127.0.0.1:9/x.dtd' [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/y'> %p;]>",
    ],
)
def test_a_document_with_entities_of_its_own_is_not_read(read, definition):
    found = read(digir_page([specimen(1, Locality="&x;")], declaration=definition).encode())
    assert "document type" in found.report.problem or "XML" in found.report.problem
    assert found.rows == []


def test_an_entity_that_a_document_type_elsewhere_may_define_rejects_its_record(read):
    page = digir_page(
        [specimen(1), specimen(2, Locality="a &what; b"), specimen(3)],
        declaration="<!DOCTYPE response SYSTEM 'http://127.0.0.1:9/x.dtd'>",
    )
    found = read(page.encode())
    assert found.ids == ["BPBM|ent|1", "BPBM|ent|3"]
    assert [(row[0], row[2]) for row in found.rejects] == [(2, "an entity stands in it, which is not read")]


def test_a_record_without_end_or_nested_without_end_stops_the_reading(read, monkeypatch):
    monkeypatch.setattr(xml_stream, "MAX_RECORD", 100_000)
    endless = digir_page([specimen(1), specimen(2, Locality="<a/>" * 100_000), specimen(3)])
    found = read(endless.encode())
    assert (found.ids, found.report.rejected) == (["BPBM|ent|1"], 1)
    assert "more than 100,000 bytes" in found.rejects[0][2]
    deep = digir_page([specimen(1), specimen(2, Locality="<a>" * 100_000)])
    found = read(deep.encode())
    assert (found.ids, found.report.rejected) == (["BPBM|ent|1"], 1)
    nested = digir_page([specimen(1), specimen(2, Locality="<a>" * 150 + "x" + "</a>" * 150), specimen(3)])
    found = read(nested.encode())
    assert found.ids == ["BPBM|ent|1", "BPBM|ent|3"]
    assert found.rejects[0][2] == "nested deeper than 100 levels"


MEASURED = """
import sys
from pathlib import Path
from collect_assets.items.lines import write_lines
from collect_assets.readers.formats import open_source
from collect_assets.readers.source import Source, read_start, scratch_files
document = Path(sys.argv[1])
with scratch_files(document.parent) as scratch:
    write_lines(open_source(Source(document, read_start(document), scratch)).entries, scratch)
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(peak.split()[1]) // 1024)  # what a process began with is not in it, unlike in ru_maxrss
"""


def test_memory_does_not_grow_with_the_document(tmp_path):
    def peak(count: int) -> int:
        document = tmp_path / f"{count}.xml"
        document.write_text(digir_page(specimen(n, Locality="x" * 900, Notes="y" * 900) for n in range(count)))
        run = [sys.executable, "-c", MEASURED, str(document)]
        return int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)

    small, large = peak(500), peak(30_000)
    assert large - small < 20, f"{small} MB for a document of 1 MB, {large} MB for one of 60 MB"
