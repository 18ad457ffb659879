"""Pages of DiGIR by themselves: terms old and new, ids, and what a page says of itself."""

from __future__ import annotations

import pytest

from collect_assets_tests.readers.xml_documents import DIGIR, digir_page, digir_record, specimen

SHORT = (("85", "1985", "03"), ("99",))


def test_terms_are_called_by_their_current_names_whatever_their_case(read):
    found = read(
        digir_page(
            [
                specimen(
                    1,
                    Collector="M. Vahl",
                    SubSpecies="minor",
                    Species="sylvestris",
                    Latitude="55.68",
                    Longitude="12.57",
                    CoordinatePrecision="1000",
                    DateLastModified="2004-06-24",
                    Tissues="leaf",
                )
            ]
        ).encode()
    )
    assert found.records == [
        {
            "institutionCode": "BPBM",
            "collectionCode": "ent",
            "catalogNumber": "1",
            "recordedBy": "M. Vahl",
            "infraspecificEpithet": "minor",
            "specificEpithet": "sylvestris",
            "decimalLatitude": "55.68",
            "decimalLongitude": "12.57",
            "coordinateUncertaintyInMeters": "1000",
            "modified": "2004-06-24",
            "http://digir.net/schema/conceptual/darwin/2003/1.0/Tissues": "leaf",
        }
    ]
    assert found.ids == ["BPBM|ent|1"]
    assert found.rows[0][4:8] == (12.57, 55.68, 12.57, 55.68)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"YearCollected": "1985", "MonthCollected": "6", "DayCollected": "2"},
         {"year": "1985", "month": "6", "day": "2", "eventDate": "1985-06-02"}),
        ({"YearCollected": "1985", "MonthCollected": "6"}, {"year": "1985", "month": "6", "eventDate": "1985-06"}),
        ({"YearCollected": "1985"}, {"year": "1985", "eventDate": "1985"}),
        ({"YearCollected": "85", "MonthCollected": "6"}, {"year": "85", "month": "6"}),
        ({"YearCollected": "1985", "MonthCollected": "2", "DayCollected": "30"},
         {"year": "1985", "month": "2", "day": "30"}),
        ({"YearIdentified": "1999", "MonthIdentified": "1", "DayIdentified": "9"}, {"dateIdentified": "1999-01-09"}),
        ({"YearIdentified": "99", "MonthIdentified": "1"}, {"dateIdentified": "99-1"}),
        ({"EarliestDateCollected": "1900-01", "LatestDateCollected": "1901"}, {"eventDate": "1900-01/1901"}),
        ({"EarliestDateCollected": "1900", "LatestDateCollected": "1900"}, {"eventDate": "1900"}),
        ({"EarliestDateCollected": "1900", "YearCollected": "1901"}, {"eventDate": "1900", "year": "1901"}),
        ({"JulianDay": "33"}, {"startDayOfYear": "33", "endDayOfYear": "33"}),
        ({"ContinentOcean": "Europa"}, {"continent": "Europa"}),
        ({"ContinentOcean": "Pacific Ocean"}, {"waterBody": "Pacific Ocean"}),
        ({"Notes": "one", "Remarks": "two"}, {"occurrenceRemarks": "one | two"}),
        ({"Notes": "one", "Remarks": " one "}, {"occurrenceRemarks": "one"}),
        ({"CatalogNumberText": "A-7", "CatalogNumberNumeric": "7"},
         {"catalogNumber": "A-7", "{darwin}CatalogNumberNumeric": "7"}),
        ({"CatalogNumberNumeric": "7"}, {"catalogNumber": "7"}),
        ({"TimeOfDay": "13.5"}, {"eventTime": "13:30:00", "{darwin}TimeOfDay": "13.5"}),
        ({"TimeOfDay": "dusk"}, {"{darwin}TimeOfDay": "dusk"}),
        ({"TimeCollected": "8:05"}, {"eventTime": "08:05:00", "{darwin}TimeCollected": "8:05"}),
    ],
)  # fmt: skip
def test_old_terms_that_belong_together_make_current_ones(read, old, new):
    darwin = "http://digir.net/schema/conceptual/darwin/2003/1.0/"
    found = read(digir_page([digir_record(**old)]).encode())
    assert found.records == [{name.replace("{darwin}", darwin): value for name, value in new.items()}]


def test_years_of_two_digits_are_kept_and_counted_over_all_pages(read, zipped):
    pages = [digir_page([specimen(n, YearCollected=year) for n, year in enumerate(years)]) for years in SHORT]
    report = read(pages[0].encode()).report
    assert report.notes == ("2 records have a year of two digits; it is kept as it is, and makes no date",)
    tasks = '{"tasks": [{"page": "000001.xml"}, {"page": "000002.xml"}]}'
    found = read(zipped({"tasks.json": tasks, "000001.xml": pages[0], "000002.xml": pages[1]}))
    assert found.report.notes[0].startswith("3 records have a year of two digits")
    assert [record["year"] for record in found.records] == ["85", "1985", "03", "99"]


def test_what_is_not_darwin_core_stays_under_its_own_name(read):
    record = "<record xmlns:obis='http://www.iobis.org/obis'><obis:TemperatureC>4</obis:TemperatureC></record>"
    assert read(digir_page([record]).encode()).records == [{"http://www.iobis.org/obis/TemperatureC": "4"}]


def test_without_catalogue_numbers_the_hash_is_the_id(read):
    found = read(digir_page([digir_record(ScientificName="Aus bus"), digir_record(ScientificName="Aus cus")]).encode())
    assert found.report.id_rule == ()
    assert len(set(found.ids)) == 2


def test_one_record_without_catalogue_number_has_no_id_and_proves_no_absence(read):
    found = read(digir_page([specimen(1), specimen(2), digir_record(ScientificName="Aus bus")]).encode())
    assert found.ids == ["BPBM|ent|1", "BPBM|ent|2", None]
    assert not found.report.proves_absence


@pytest.mark.parametrize(
    "diagnostics",
    [
        '<diagnostic code="RECORD_COUNT" severity="info">0</diagnostic>',
        '<diagnostic code="QUERY_PRODUCED_NO_RESULTS" severity="error"></diagnostic>',
        '<diagnostic code="Unknown PHP Error [2]" severity="warn">gethostbyaddr()</diagnostic>',
    ],
)
def test_an_empty_page_is_an_empty_list(read, diagnostics):
    report = read(digir_page([], diagnostics).encode()).report
    assert (report.records, report.problem, report.proves_absence) == (0, "", True)


def test_an_error_in_place_of_records_is_no_empty_list(read):
    refused = '<diagnostic code="RESOURCE_NOT_FOUND" severity="error">no such resource</diagnostic>'
    report = read(digir_page([], refused).encode()).report
    assert report.problem == "the provider answers with an error: RESOURCE_NOT_FOUND no such resource"


def test_an_error_behind_records_leaves_them_and_proves_no_absence(read):
    found = read(
        digir_page([specimen(1)], '<diagnostic code="DATABASE_ERROR" severity="fatal">x</diagnostic>').encode()
    )
    assert found.ids == ["BPBM|ent|1"]
    assert found.rejects[0][2] == "the provider reports an error behind 1 records: DATABASE_ERROR x"


def test_a_page_with_a_header_only_proves_nothing(read):
    found = read(f"<response xmlns='{DIGIR}'><header><type>search</type></header></response>".encode())
    assert (found.report.records, found.report.problem, found.report.proves_absence) == (0, "", False)
    assert "header only" in found.rejects[0][2]


def test_a_page_whose_namespace_was_forgotten_is_read_all_the_same(read):
    page = "<response><content><record><InstitutionCode>A</InstitutionCode><CollectionCode>B</CollectionCode>"
    found = read(f"{page}<CatalogNumber>1</CatalogNumber></record></content></response>".encode())
    assert found.ids == ["A|B|1"]
