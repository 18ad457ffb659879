"""What is served is what its name says, and between the states happens what the sample is there to show."""

import csv
import io
import json
import zipfile
from itertools import pairwise

import pytest
from lxml import etree

from collect_assets.sample import brownfield
from collect_assets.sample.catalogue import (
    ASHMERE,
    CONSERVATION_AREAS,
    FIELD_STATION,
    HALLOWMOOR,
    KALDMOOR,
    SEED_GARDEN,
    SERVED,
    STATES,
    TODAY,
    WRENFORD,
    stored_file,
)

ENCODINGS = {ASHMERE: "utf-8", WRENFORD: "windows-1252", HALLOWMOOR: "utf-8-sig", FIELD_STATION: "utf-8"}
IDS = {
    ASHMERE: "SiteReference",
    WRENFORD: "SiteReference",
    HALLOWMOOR: "SiteReference",
    KALDMOOR: "occurrenceID",
    FIELD_STATION: "occurrenceID",
    SEED_GARDEN: "barcode",
}


def content(file, state=TODAY):
    (served,) = (served for served in SERVED if served.file == file)
    return stored_file(served, state).read_bytes()


def rows(file, state=TODAY):
    """The records of a file by their id, read with nothing of the project."""
    served = content(file, state)
    if file == KALDMOOR:
        with zipfile.ZipFile(io.BytesIO(served)) as archive:
            text = archive.read("occurrence.txt").decode()
        found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    elif file == SEED_GARDEN:
        found = [json.loads(line) for line in served.decode().splitlines()]
    else:
        found = list(csv.DictReader(io.StringIO(served.decode(ENCODINGS[file]), newline="")))
    by_id = {row[IDS[file]]: row for row in found}
    assert len(by_id) == len(found), "an id occurs twice"
    return by_id


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("file", [ASHMERE, WRENFORD, HALLOWMOOR])
def test_a_brownfield_register_has_the_columns_of_the_standard_and_credible_values(file, state):
    for row in rows(file, state).values():
        assert tuple(row) == brownfield.COLUMNS
        assert -6 < float(row["GeoX"]) < 2
        assert 50 < float(row["GeoY"]) < 56
        assert float(row["Hectares"]) > 0
        assert int(row["NetDwellingsRangeFrom"]) <= int(row["NetDwellingsRangeTo"])
        assert row["FirstAddedDate"] <= row["LastUpdatedDate"]
        assert (row["PlanningStatus"] == "permissioned") == bool(row["PermissionDate"])


def test_one_register_is_windows_1252_and_not_utf_8():
    with pytest.raises(UnicodeDecodeError):
        content(WRENFORD).decode()
    assert "£" in content(WRENFORD).decode("windows-1252")
    assert "Café" in content(WRENFORD).decode("windows-1252")


def test_one_register_begins_with_a_byte_order_mark():
    assert content(HALLOWMOOR).startswith(b"\xef\xbb\xbf")


def test_the_layer_of_conservation_areas_is_geojson_with_closed_counterclockwise_rings():
    layer = json.loads(content(CONSERVATION_AREAS))
    assert layer["type"] == "FeatureCollection"
    references = [feature["properties"]["reference"] for feature in layer["features"]]
    assert len(set(references)) == len(references) == 12
    for feature in layer["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert len(ring) >= 7
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
        assert area > 0


@pytest.mark.parametrize("state", STATES)
def test_the_archive_has_a_descriptor_that_fits_its_table(state):
    with zipfile.ZipFile(io.BytesIO(content(KALDMOOR, state))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["meta.xml", "eml.xml", "occurrence.txt"]
        meta = etree.fromstring(archive.read("meta.xml"))
        eml = etree.fromstring(archive.read("eml.xml"))
    (core,) = meta.findall("{*}core")
    assert core.get("rowType") == "http://rs.tdwg.org/dwc/terms/Occurrence"
    named = [field.get("term").rsplit("/", 1)[1] for field in core.findall("{*}field") if field.get("index")]
    (record, *_) = rows(KALDMOOR, state).values()
    assert list(record) == named
    assert etree.QName(eml).localname == "eml"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("file", [KALDMOOR, FIELD_STATION, SEED_GARDEN])
def test_specimens_have_names_dates_collectors_and_places(file, state):
    specimens = rows(file, state)
    assert 40 <= len(specimens) <= 150
    for row in specimens.values():
        assert row["scientificName"]
        assert row["recordedBy"]
        assert row["eventDate"] < "2026-11-01"
        assert row["country"]
        assert row["stateProvince"]
        assert row["locality"]
        assert 46 < float(row["decimalLatitude"]) < 67
        assert -5 < float(row["decimalLongitude"]) < 16


def test_the_registers_hold_18_to_30_sites_each():
    for file in (ASHMERE, WRENFORD, HALLOWMOOR):
        for state in STATES:
            assert 18 <= len(rows(file, state)) <= 30


def presence(file):
    """Of each record, a letter for each state: x where it is there."""
    states = [rows(file, state) for state in STATES]
    ids = {id_ for state in states for id_ in state}
    return {id_: "".join("x" if id_ in state else "-" for state in states) for id_ in ids}


@pytest.mark.parametrize("file", [ASHMERE, KALDMOOR])
def test_records_are_deleted_restored_and_added(file):
    patterns = list(presence(file).values())
    assert patterns.count("x---") == 1, "deleted on the third day, for good"
    assert patterns.count("x--x") == 1, "deleted on the third day, restored today"
    assert patterns.count("-xxx") >= 1, "added on the second day"
    assert patterns.count("---x") >= 1, "new today"


def test_a_record_that_is_missing_once_is_back_before_it_counts_as_deleted():
    assert list(presence(HALLOWMOOR).values()).count("x-xx") == 1


def test_one_record_misses_its_second_harvest_today_and_one_its_first():
    assert list(presence(SEED_GARDEN).values()).count("xx--") == 1
    assert list(presence(WRENFORD).values()).count("xxx-") == 1


@pytest.mark.parametrize("file", [ASHMERE, WRENFORD, KALDMOOR, FIELD_STATION, SEED_GARDEN])
def test_records_are_updated_between_the_days_and_today(file):
    changed = []
    for before, after in pairwise(STATES):
        old, new = rows(file, before), rows(file, after)
        changed += [after for id_ in old.keys() & new.keys() if old[id_] != new[id_]]
    assert TODAY in changed
    assert set(changed) - {TODAY}


def test_a_file_that_did_not_change_is_stored_once():
    (areas,) = (served for served in SERVED if served.file == CONSERVATION_AREAS)
    assert len({stored_file(areas, state) for state in STATES}) == 1
