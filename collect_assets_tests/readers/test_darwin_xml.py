"""Darwin Core as XML: simple records, extensions, and classes that are linked by ids."""

from __future__ import annotations

import pytest

DWC = "xmlns:dwc='http://rs.tdwg.org/dwc/terms/' xmlns:dcterms='http://purl.org/dc/terms/'"
SIMPLE = "http://rs.tdwg.org/dwc/xsd/simpledarwincore/"


def simple(*records: str) -> bytes:
    inner = "".join(f"<SimpleDarwinRecord>{record}</SimpleDarwinRecord>" for record in records)
    return f"<SimpleDarwinRecordSet xmlns='{SIMPLE}' {DWC}>{inner}</SimpleDarwinRecordSet>".encode()


def terms(**values: str) -> str:
    return "".join(f"<dwc:{name}>{value}</dwc:{name}>" for name, value in values.items())


def test_simple_records_have_their_terms_and_ids(read):
    found = read(
        simple(
            terms(occurrenceID="urn:1", scientificName="Aus bus") + "<dcterms:modified>2009-02-12</dcterms:modified>",
            terms(institutionCode="A", collectionCode="B", catalogNumber="2"),
        )
    )
    assert found.ids == ["urn:1", "A|B|2"]
    assert found.records[0] == {"occurrenceID": "urn:1", "scientificName": "Aus bus", "modified": "2009-02-12"}
    assert (found.report.format, found.report.proves_absence) == ("darwin-core-xml", True)


def test_extensions_are_rows_of_their_record(read):
    rows = "".join(
        f"<dwc:MeasurementOrFact>{terms(measurementType=kind, measurementValue='1')}</dwc:MeasurementOrFact>"
        for kind in ("a", "b")
    )
    extended = f"<SimpleDarwinExtensions>{rows}</SimpleDarwinExtensions>"
    [record] = read(simple(terms(occurrenceID="urn:1") + extended)).records
    assert record["MeasurementOrFact"] == [
        {"measurementType": "a", "measurementValue": "1"},
        {"measurementType": "b", "measurementValue": "1"},
    ]


def test_an_empty_set_is_empty_and_a_set_of_something_else_is_not(read):
    assert read(simple()).report.proves_absence
    assert "elements other" in read(simple().replace(b"></Simple", b"><other/></Simple")).report.problem


CLASSES = [
    f"<dwc:Occurrence>{terms(occurrenceID='o1', eventID='e1', catalogNumber='7')}</dwc:Occurrence>",
    f"<dwc:Occurrence>{terms(occurrenceID='o2', eventID='e2')}</dwc:Occurrence>",
    f"<dwc:Event>{terms(eventID='e1', eventDate='1999', locationID='l1')}</dwc:Event>",
    f"<dcterms:Location>{terms(locationID='l1', country='Norway')}</dcterms:Location>",
    f"<dwc:Identification>{terms(identificationID='i1', occurrenceID='o1', taxonID='t1')}</dwc:Identification>",
    f"<dwc:Taxon>{terms(taxonID='t1', scientificName='Aus bus')}</dwc:Taxon>",
    f"<dwc:MeasurementOrFact>{terms(measurementID='m1', resourceID='o1')}</dwc:MeasurementOrFact>",
    f"<dwc:MeasurementOrFact>{terms(measurementID='m2', resourceID='e1')}</dwc:MeasurementOrFact>",
]


@pytest.mark.parametrize("order", [1, -1])
def test_linked_classes_become_records_of_the_occurrences_in_whatever_order_they_come(read, order):
    inner = "".join(CLASSES[::order])
    found = read(f"<DarwinRecordSet xmlns='http://rs.tdwg.org/dwc/dwcrecord/' {DWC}>{inner}</DarwinRecordSet>".encode())
    by_id = dict(zip(found.ids, found.records, strict=True))
    assert by_id["o2"] == {"occurrenceID": "o2", "eventID": "e2"}
    first = by_id["o1"]
    expected = {"country": "Norway", "eventDate": "1999", "scientificName": "Aus bus", "catalogNumber": "7"}
    assert {name: first[name] for name in expected} == expected
    assert [row["measurementID"] for row in first["MeasurementOrFact"]] == ["m1", "m2"]
    assert [row["identificationID"] for row in first["Identification"]] == ["i1"]


def test_a_set_of_taxa_alone_gives_taxa(read):
    taxa = "".join(f"<dwc:Taxon>{terms(taxonID=f't{n}')}</dwc:Taxon>" for n in range(3))
    found = read(f"<DarwinRecordSet xmlns='http://rs.tdwg.org/dwc/dwcrecord/' {DWC}>{taxa}</DarwinRecordSet>".encode())
    assert (found.ids, found.report.format) == (["t0", "t1", "t2"], "darwin-core-classes")


def test_linked_classes_that_break_off_say_so(read):
    inner = "".join(CLASSES)
    whole = f"<DarwinRecordSet xmlns='http://rs.tdwg.org/dwc/dwcrecord/' {DWC}>{inner}</DarwinRecordSet>"
    found = read(whole.partition("m2")[0].encode())
    assert (sorted(found.ids), found.report.rejected) == (["o1", "o2"], 1)
