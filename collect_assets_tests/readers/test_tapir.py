"""TAPIR: pages in known structures and in those that nobody knows."""

from __future__ import annotations

import pytest

from collect_assets_tests.readers.xml_documents import TAPIR, data_sets, tapir_page, unit


def darwin_records(*numbers: int) -> str:
    inner = "".join(
        f"<r:DarwinRecord><c:GlobalUniqueIdentifier>urn:{n}</c:GlobalUniqueIdentifier><c:ScientificName>Aus</c:ScientificName>"
        f"<g:DecimalLatitude>51.5</g:DecimalLatitude><g:DecimalLongitude>3.9</g:DecimalLongitude>"
        f"<u:CatalogNumberNumeric xsi:nil='true'/></r:DarwinRecord>"
        for n in numbers
    )
    spaces = {"r": "dwrecord", "c": "dwcore/", "g": "geospatial/", "u": "curatorial/"}
    names = " ".join(f"xmlns:{prefix}='http://rs.tdwg.org/dwc/{name}'" for prefix, name in spaces.items())
    return f"<r:DarwinRecordSet {names}>{inner}</r:DarwinRecordSet>"


def test_records_of_darwin_core_1_4_have_current_terms_and_their_own_ids(read):
    found = read(tapir_page(darwin_records(1, 2), "totalReturned='2'").encode())
    assert found.ids == ["urn:1", "urn:2"]
    terms = {"scientificName": "Aus", "decimalLatitude": "51.5", "decimalLongitude": "3.9"}
    assert found.records[0] == {"occurrenceID": "urn:1", **terms}
    assert (found.report.format, found.report.proves_absence) == ("tapir", True)


def test_units_of_abcd_are_read_as_abcd(read):
    assert read(tapir_page(data_sets([unit(1), unit(2)]), "totalReturned='2'").encode()).ids == [
        "B|Algae|1",
        "B|Algae|2",
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_in_an_unknown_structure_the_element_that_repeats_is_the_record(read, count):
    inner = "".join(
        f"<specimen catnum='{n}'><identification><name>Luzula</name><name>L.</name></identification></specimen>"
        for n in range(count)
    )
    page = tapir_page(f"<dataset xmlns='http://own.example'>{inner}</dataset>", f"totalReturned='{count}'")
    found = read(page.encode(), id="@catnum")
    assert found.ids == [str(n) for n in range(count)]
    assert found.records[0] == {
        "@catnum": "0",
        "http://own.example/identification": {"name": ["Luzula", "L."]},
    }


def test_an_unknown_structure_with_more_elements_than_records_is_read_by_the_count(read):
    inner = "".join(f"<featureMember><accession><ID>{n}</ID><x/><x/></accession></featureMember>" for n in range(4))
    page = tapir_page(f"<list xmlns='http://own.example'><about/><about/>{inner}</list>", "totalReturned='4'")
    found = read(page.encode())
    assert len(found.rows) == 4
    assert found.records[3] == {"http://own.example/accession": {"ID": "3"}}


def test_a_page_without_records_is_empty_although_something_was_dropped(read):
    dropped = "<diagnostic code='TRUNCATED_RESPONSE' level='warn'>Node dropped 1 times</diagnostic>"
    assert read(tapir_page("", "totalReturned='0'", dropped).encode()).report.proves_absence
    some = read(tapir_page(darwin_records(1), "totalReturned='1'", dropped).encode())
    assert (some.ids, some.report.proves_absence) == (["urn:1"], False)


def test_a_page_with_fewer_records_than_it_says_proves_no_absence(read):
    found = read(tapir_page(darwin_records(1), "totalReturned='3'").encode())
    assert (found.ids, found.report.proves_absence) == (["urn:1"], False)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<error level='error'>UNMAPPED_CONCEPT x</error>", "UNMAPPED_CONCEPT x"),
        ("<pong/>", "with pong"),
        ("<capabilities/>", "with capabilities"),
    ],
)
def test_what_is_no_search_says_what_it_is(read, body, said):
    assert said in read(f"<response xmlns='{TAPIR}'><header/>{body}</response>".encode()).report.problem
