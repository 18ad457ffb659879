"""ABCD: units of BioCASe pages and archives as records."""

from __future__ import annotations

import pytest

from collect_assets_tests.readers.xml_documents import biocase_page, data_sets, unit

PATH = "Identifications/Identification"


def identification(name: str, rest: str = "") -> str:
    full = f"<ScientificName><FullScientificNameString>{name}</FullScientificNameString></ScientificName>"
    return f"<Identification><Result><TaxonIdentified>{full}</TaxonIdentified></Result>{rest}</Identification>"


def records(read, *inside: str):
    found = read(data_sets(unit(n, content) for n, content in enumerate(inside)).encode())
    assert found.report.rejected == 0
    known = {"institutionCode": "B", "collectionCode": "Algae"}
    assert all(record.items() >= known.items() for record in found.records)
    return [{k: v for k, v in record.items() if k not in {*known, "catalogNumber"}} for record in found.records]


def test_a_unit_has_the_terms_of_darwin_core_and_keeps_what_has_none(read):
    [record] = records(
        read,
        "<UnitGUID>http://id.example/1</UnitGUID><RecordBasis>PreservedSpecimen</RecordBasis>"
        "<Gathering><DateTime><ISODateTimeBegin>1999-07-22</ISODateTimeBegin><ISODateTimeEnd>1999-07-24</ISODateTimeEnd>"
        "</DateTime><Country><Name>Deutschland</Name><NameDerived>Germany</NameDerived><ISO3166Code>DE</ISO3166Code>"
        "</Country><Agents><GatheringAgent><Person><FullName>R. Jahn</FullName></Person></GatheringAgent>"
        "<GatheringAgent><Person><FullName>W.-H. Kusber</FullName></Person></GatheringAgent></Agents>"
        "<NamedAreas><NamedArea><AreaClass>Water body</AreaClass><AreaName>Spree</AreaName></NamedArea>"
        "<NamedArea><AreaClass>Forst</AreaClass><AreaName>Grunewald</AreaName></NamedArea></NamedAreas></Gathering>"
        "<MultiMediaObjects><MultiMediaObject><FileURI>http://x/1.jpg</FileURI><Format>jpeg</Format></MultiMediaObject>"
        "<MultiMediaObject><FileURI>http://x/2.jpg</FileURI></MultiMediaObject></MultiMediaObjects>"
        "<Marks><Mark><MarkText language='de'>Etikett</MarkText></Mark></Marks>",
    )
    assert record == {
        "occurrenceID": "http://id.example/1",
        "basisOfRecord": "PreservedSpecimen",
        "eventDate": "1999-07-22/1999-07-24",
        "country": "Deutschland",
        "Gathering/Country/NameDerived": "Germany",
        "countryCode": "DE",
        "recordedBy": "R. Jahn | W.-H. Kusber",
        "waterBody": "Spree",
        "Gathering/NamedAreas/NamedArea": {"AreaClass": "Forst", "AreaName": "Grunewald"},
        "associatedMedia": "http://x/1.jpg | http://x/2.jpg",
        "MultiMediaObjects/MultiMediaObject": [
            {"FileURI": "http://x/1.jpg", "Format": "jpeg"},
            {"FileURI": "http://x/2.jpg"},
        ],
        "Marks": {"Mark": {"MarkText": {"#text": "Etikett", "@language": "de"}}},
    }


@pytest.mark.parametrize(
    ("flags", "name", "other"),
    [
        (("", ""), "Aus bus", "Cus dus"),
        (("", "<PreferredFlag>true</PreferredFlag>"), "Cus dus", "Aus bus"),
        (("<PreferredFlag>false</PreferredFlag>", "<PreferredFlag>1</PreferredFlag>"), "Cus dus", "Aus bus"),
    ],
)
def test_a_unit_identified_twice_is_one_record_with_the_preferred_name(read, flags, name, other):
    both = identification("Aus bus", flags[0]) + identification("Cus dus", flags[1])
    [record] = records(read, f"<Identifications>{both}</Identifications>")
    assert record["scientificName"] == name
    assert record[PATH]["Result"]["TaxonIdentified"]["ScientificName"]["FullScientificNameString"] == other


def test_higher_taxa_are_told_by_their_rank(read):
    taxa = "".join(
        f"<HigherTaxon><HigherTaxonName>{name}</HigherTaxonName><HigherTaxonRank>{rank}</HigherTaxonRank></HigherTaxon>"
        for name, rank in (("Plantae", "regnum"), ("Rosaceae", "familia"), ("Rosoideae", "supertribus"))
    )
    inner = f"<Result><TaxonIdentified><HigherTaxa>{taxa}</HigherTaxa></TaxonIdentified></Result>"
    [record] = records(read, f"<Identifications><Identification>{inner}</Identification></Identifications>")
    assert record == {
        "kingdom": "Plantae",
        "family": "Rosaceae",
        f"{PATH}/Result/TaxonIdentified/HigherTaxa/HigherTaxon": {
            "HigherTaxonName": "Rosoideae",
            "HigherTaxonRank": "supertribus",
        },
    }


def test_heights_in_metres_are_terms_and_those_in_feet_are_verbatim(read):
    def altitude(unit_: str) -> str:
        said = f"<UnitOfMeasurement>{unit_}</UnitOfMeasurement>" if unit_ else ""
        values = "<LowerValue>900</LowerValue><UpperValue>950</UpperValue>"
        inner = f"<MeasurementOrFactAtomised>{values}{said}</MeasurementOrFactAtomised>"
        return f"<Gathering><Altitude>{inner}</Altitude></Gathering>"

    metres = {"minimumElevationInMeters": "900", "maximumElevationInMeters": "950"}
    assert records(read, altitude(""), altitude("m"), altitude("ft")) == [
        metres,
        metres,
        {"verbatimElevation": "900-950 ft"},
    ]


def test_of_several_places_the_first_is_the_record_s_and_the_others_are_kept(read):
    def place(latitude: str) -> str:
        inner = f"<LongitudeDecimal>13.5</LongitudeDecimal><LatitudeDecimal>{latitude}</LatitudeDecimal>"
        return f"<SiteCoordinates><CoordinatesLatLong>{inner}</CoordinatesLatLong></SiteCoordinates>"

    inside = f"<Gathering><SiteCoordinateSets>{place('52.5')}{place('53')}</SiteCoordinateSets></Gathering>"
    found = read(data_sets([unit(1, inside)]).encode())
    assert found.rows[0][4:6] == (13.5, 52.5)
    kept = found.records[0]["Gathering/SiteCoordinateSets/SiteCoordinates"]
    assert kept == {"CoordinatesLatLong": {"LatitudeDecimal": "53", "LongitudeDecimal": "13.5"}}


def test_units_of_abcd_1_2_are_of_the_institution_that_their_data_set_names(read):
    named = "<SourceInstitutionCode>MHNG</SourceInstitutionCode><SourceName>Mammals</SourceName>"
    source = f"<OriginalSource>{named}</OriginalSource>"
    plain = "<Unit><UnitID>1</UnitID></Unit>"
    both = data_sets([plain, "<Unit><UnitID>2</UnitID></Unit>"], source).replace("2.06", "1.2")
    assert read(both.encode()).ids == ["MHNG|Mammals|1", "MHNG|Mammals|2"]
    two = both.replace("</DataSet></DataSets>", f"</DataSet><DataSet><Units>{plain}</Units></DataSet></DataSets>")
    assert read(two.encode()).ids == ["MHNG|Mammals|1", "MHNG|Mammals|2", None]


def test_a_page_of_biocase_gives_its_units_and_says_what_was_left_out(read):
    content = data_sets([unit(1), unit(2)])
    whole = read(biocase_page(content, "recordStart='0' recordCount='2' recordDropped='0'").encode())
    assert (whole.ids, whole.report.proves_absence, whole.report.format) == (
        ["B|Algae|1", "B|Algae|2"],
        True,
        "biocase",
    )
    dropped = read(biocase_page(content, "recordCount='2' recordDropped='9'").encode())
    assert dropped.rejects[0][2] == "the provider dropped 9 records of this page"
    short = read(biocase_page(content, "recordCount='3'").encode())
    assert short.rejects[0][2] == "the page says that it has 3 records, and has 2"


def test_a_page_of_biocase_without_units_is_empty_and_one_with_an_error_is_not(read):
    assert read(biocase_page("", "recordCount='0'").encode()).report.proves_absence
    error = "<b:diagnostic severity='ERROR'>SQLError: no connection</b:diagnostic>"
    problem = read(biocase_page("", "recordCount='0'", error).encode()).report.problem
    assert problem == "the provider answers with an error: SQLError: no connection"
    assert "of type scan" in read(biocase_page("<b:scan/>", kind="scan").encode()).report.problem


def test_an_archive_of_abcd_gives_the_units_of_all_its_documents(read, zipped):
    members = {f"response.{n:05d}.xml": data_sets([unit(2 * n), unit(2 * n + 1)]) for n in range(3)}
    found = read(zipped(members))
    assert found.ids == [f"B|Algae|{n}" for n in range(6)]
    assert found.report.notes == ("3 pages read as abcd, utf-8",)
