"""The table of Darwin Core's terms: made from the published list, and what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collect_assets.readers.darwin_terms import term_name
from collect_assets.readers.term_table import CURRENT, SUCCESSORS
from collect_assets.readers.terms_make import TABLE, table_text

CORPUS = os.environ.get("COLLECT_ASSETS_CORPUS", "")
DARWIN = "http://digir.net/schema/conceptual/darwin/2003/1.0"
HEAD = "iri,term_localName,issued,status,replaces,term_iri\n"


@pytest.mark.skipif(not CORPUS, reason="COLLECT_ASSETS_CORPUS names no folder with the list of terms")
def test_the_table_is_what_the_published_list_makes():
    lists = sorted(Path(CORPUS).rglob("term_versions.csv"))
    if not lists:
        pytest.skip(f"term_versions.csv is not in {CORPUS}")
    assert TABLE.read_text(encoding="utf-8") == table_text(lists[0].read_bytes())


def test_successors_are_found_over_several_versions_and_where_two_became_one():
    rows = [
        "v/New-2,New,2020-01-01,recommended,v/New-1,http://n/New",
        "v/New-1,New,2010-01-01,superseded,v/Mid-1,http://n/New",
        "v/Mid-1,Mid,2009-01-01,deprecated,v/Old-1|v/Other-1,http://m/Mid",
        "v/Old-1,Old,2003-01-01,deprecated,,http://o#Old",
        "v/Other-1,Other,2003-01-01,deprecated,,http://o#Other",
        "v/Gone-1,Gone,2003-01-01,deprecated,,http://o#Gone",
    ]
    made: dict[str, object] = {}
    exec(table_text((HEAD + "\n".join(rows) + "\n").encode()), made)
    assert made["CURRENT"] == {"http://n/": ("New",)}
    assert made["SUCCESSORS"] == {"http://m/": {"Mid": ("New",)}, "http://o#": {"Old": ("New",), "Other": ("New",)}}


@pytest.mark.parametrize(
    ("namespace", "terms"),
    [
        (f"{DARWIN}/", 73),
        ("http://rs.tdwg.org/dwc/dwcore/", 43),
        ("http://rs.tdwg.org/dwc/curatorial/", 15),
        ("http://rs.tdwg.org/dwc/geospatial/", 15),
        ("http://digir.net/schema/conceptual/darwin/extension/paleontology/1.0/", 16),
    ],
)
def test_old_terms_have_the_successors_that_the_list_gives_them(namespace, terms):
    assert len(SUCCESSORS[namespace]) == terms
    current = {name for names in CURRENT.values() for name in names}
    assert all(name in current for found in SUCCESSORS[namespace].values() for name in found)


@pytest.mark.parametrize(
    ("namespace", "old", "name"),
    [
        (DARWIN, "Collector", "recordedBy"),
        (f"{DARWIN}/", "collector", "recordedBy"),
        (DARWIN.upper().replace("HTTP", "http"), "COLLECTOR", "recordedBy"),
        ("http://rs.tdwg.org/dwc/dwcore/", "GlobalUniqueIdentifier", "occurrenceID"),
        ("http://rs.tdwg.org/dwc/curatorial/", "CollectorNumber", "recordNumber"),
        ("http://rs.tdwg.org/dwc/geospatial/", "DecimalLatitude", "decimalLatitude"),
        ("http://rs.tdwg.org/dwc/terms/", "scientificname", "scientificName"),
        ("http://rs.tdwg.org/dwc/terms/", "individualID", "organismID"),
        ("http://purl.org/dc/terms/", "modified", "modified"),
        ("http://purl.org/dc/elements/1.1/", "title", "title"),
        ("http://rs.tdwg.org/dwc/iri/", "recordedBy", "http://rs.tdwg.org/dwc/iri/recordedBy"),
        (DARWIN, "BoundingBox", f"{DARWIN}/BoundingBox"),
        ("http://rs.tdwg.org/dwc/dwcore/", "RelatedInformation", "http://rs.tdwg.org/dwc/dwcore/RelatedInformation"),
        (DARWIN, "LatestEonOrHighestEonothem", "latestEonOrHighestEonothem"),
        ("", "ScientificName", "scientificName"),
        ("", "whatever", "whatever"),
        ("http://example.org/own#", "Colour", "http://example.org/own#Colour"),
    ],
)
def test_a_term_is_called_by_its_current_name_or_stays_under_its_own(namespace, old, name):
    assert term_name(namespace, old) == name
