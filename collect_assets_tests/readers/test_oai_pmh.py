"""OAI-PMH: records in any format, deletions, identifiers."""

from __future__ import annotations

import pytest

from collect_assets_tests.readers.xml_documents import OAI, data_sets, oai_header, oai_page, unit

DC = "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:oai_dc='http://www.openarchives.org/OAI/2.0/oai_dc/'"


def record(number: int, metadata: str, *sets: str) -> str:
    return f"<record>{oai_header(number, *sets)}<metadata>{metadata}</metadata></record>"


def test_metadata_is_kept_as_its_elements_with_the_header_beside_it(read):
    dublin_core = (
        f"<oai_dc:dc {DC}><dc:title xml:lang='en'>T</dc:title><dc:creator>A</dc:creator><dc:creator>A</dc:creator>"
    )
    found = read(oai_page(record(1, f"{dublin_core}<dc:date/></oai_dc:dc>", "a", "b") + record(2, "")).encode())
    assert found.ids == ["oai:x:1", "oai:x:2"]
    assert found.records == [
        {
            "title": {"#text": "T", "@lang": "en"},
            "creator": ["A", "A"],
            "header": {"identifier": "oai:x:1", "datestamp": "2020-01-01", "setSpec": ["a", "b"]},
        },
        {"header": {"identifier": "oai:x:2", "datestamp": "2020-01-02"}},
    ]


@pytest.mark.parametrize("status", ["deleted", "Deleted", " DELETED\n"])
def test_what_the_header_calls_deleted_is_a_deleted_record_with_nothing_but_its_id(read, status):
    gone = f"<record>{oai_header(1, 'a', status=status)}</record>"
    found = read(oai_page(gone + record(2, "<eml packageId='p'><dataset><title>x</title></dataset></eml>")).encode())
    assert (found.rows[0][0], found.rows[0][2]) == ("oai:x:1", "{}")
    assert [row[9] for row in found.rows] == [True, False]
    assert found.records[1]["@packageId"] == "p"
    assert found.records[1]["dataset"] == {"title": "x"}


def test_a_list_of_identifiers_gives_records_with_ids_only(read):
    headers = oai_header(1) + oai_header(2, status="deleted") + oai_header(3, "a")
    found = read(oai_page(headers, "ListIdentifiers").encode())
    assert [(row[0], row[2], row[9]) for row in found.rows] == [
        ("oai:x:1", "{}", False),
        ("oai:x:2", "{}", True),
        ("oai:x:3", "{}", False),
    ]


SIMPLE = "http://rs.tdwg.org/dwc/xsd/simpledarwincore/"
SIMPLE_RECORD = f"""
<d:SimpleDarwinRecord xmlns:d='{SIMPLE}' xmlns:dwc='http://rs.tdwg.org/dwc/terms/'>
<dwc:scientificName>Aus bus</dwc:scientificName></d:SimpleDarwinRecord>"""
RECORD_1_4 = """
<DarwinRecordSet xmlns='http://rs.tdwg.org/dwc/dwrecord'><DarwinRecord>
<c:ScientificName xmlns:c='http://rs.tdwg.org/dwc/dwcore/'>Aus bus</c:ScientificName>
</DarwinRecord></DarwinRecordSet>"""
IDENTIFIED = """
<Identifications><Identification><Result><TaxonIdentified><ScientificName>
<FullScientificNameString>Aus bus</FullScientificNameString>
</ScientificName></TaxonIdentified></Result></Identification></Identifications>"""


@pytest.mark.parametrize("metadata", [SIMPLE_RECORD, RECORD_1_4, data_sets([unit(1, IDENTIFIED)])])
def test_metadata_in_darwin_core_or_abcd_has_its_terms(read, metadata):
    assert read(oai_page(record(1, metadata)).encode()).records[0]["scientificName"] == "Aus bus"


def test_the_identifier_of_the_header_is_the_id_whatever_the_register_names(read):
    metadata = f"<oai_dc:dc {DC}><dc:identifier>own-1</dc:identifier></oai_dc:dc>"
    gone = f"<record>{oai_header(2, status='deleted')}</record>"
    found = read(oai_page(record(1, metadata) + gone).encode(), id="identifier")
    assert found.ids == ["oai:x:1", "oai:x:2"]
    assert "and not identifier: a deletion has nothing else" in found.report.notes[0]
    upper = read(oai_page(gone.replace("oai:x", "OAI:X")).encode(), id="identifier", id_case="lower")
    assert upper.ids == ["oai:x:2"]


def test_records_inside_of_metadata_are_not_those_of_the_list(read):
    marc = "<record xmlns='http://www.loc.gov/MARC21/slim'><header>x</header><leader>y</leader></record>"
    nested = f"<wrap><record xmlns='{OAI}'><header><identifier>inner</identifier></header></record></wrap>"
    found = read(oai_page(record(1, marc) + record(2, nested)).encode())
    assert found.ids == ["oai:x:1", "oai:x:2"]
    assert found.records[0]["leader"] == "y"


def test_a_record_without_identifier_is_rejected_and_the_others_count(read):
    found = read(oai_page("<record><header status='deleted'/></record>" + record(2, "")).encode())
    assert (found.ids, found.rejects[0][0]) == (["oai:x:2"], 1)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("noRecordsMatch", ""),
        ("badResumptionToken", "the repository answers with an error: badResumptionToken expired"),
    ],
)
def test_an_error_is_no_empty_list_but_for_the_one_that_says_so(read, code, problem):
    text = "" if code == "noRecordsMatch" else "expired"
    report = read(f"<OAI-PMH xmlns='{OAI}'><request/><error code='{code}'>{text}</error></OAI-PMH>".encode()).report
    assert (report.problem, report.records) == (problem, 0)
