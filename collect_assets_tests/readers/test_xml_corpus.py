"""Documents of the protocols that providers really answered with, where COLLECT_ASSETS_CORPUS says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

CORPUS = os.environ.get("COLLECT_ASSETS_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="COLLECT_ASSETS_CORPUS names no folder of documents")
PROTOCOLS = ("digir", "tapir", "biocase")
DECLARED_ONLY = {"biocase/missing_attribute_response.xml": 1}  # it says 10, and holds one unit
LEFT_OUT = {"biocase/dropped_records_response.xml", "digir/response_arizona.xml", *DECLARED_ONLY}


def folder(name: str) -> Path:
    found = sorted(path.parent for path in Path(CORPUS).rglob("responses.json") if path.parent.name == name)
    if not found:
        pytest.skip(f"no responses.json of {name} in {CORPUS}")
    return found[0]


def document(name: str) -> bytes:
    found = sorted(Path(CORPUS).rglob(name))
    if not found:
        pytest.skip(f"{name} is not in {CORPUS}")
    return found[0].read_bytes()


def followed(found) -> bool:
    """Whether the page says that it is not the last."""
    return any("more records follow" in str(reject) for reject in found.rejects)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_page_gives_the_records_that_its_crawler_counts(read, protocol):
    seen = {}
    for expected in json.loads((folder(protocol) / "responses.json").read_text()):
        name = f"{protocol}/{expected['file_name'].rsplit('/', 1)[-1]}"
        found = read((folder(protocol) / name.rsplit("/", 1)[-1]).read_bytes())
        seen[name] = found.report.records
        if expected.get("exception_expected"):
            assert found.report.problem or found.report.rejected, name
        else:
            assert found.report.problem == "", name
            assert found.report.records == DECLARED_ONLY.get(name, expected.get("record_count", 0)), name
            whole = name not in LEFT_OUT and not followed(found)
            assert followed(found) == (expected.get("end_of_records") is False), name
            assert found.report.proves_absence == whole or found.report.without_id, name
    assert len(seen) > 3


@pytest.mark.parametrize("protocol", ["tapir", "biocase"])
def test_pages_of_one_content_give_the_same_records(read, protocol):
    first, second = (
        read((folder(protocol) / name).read_bytes())
        for name in ("partial_results.xml", "partial_results-duplicate.xml")
    )
    assert [row[:3] for row in first.rows] == [row[:3] for row in second.rows]


@pytest.mark.parametrize(
    ("name", "ids", "term", "value"),
    [
        ("dataset1.xml", ["21|21|142316211"], "scientificName", "Acantholimon armenum var. armenum"),
        ("dataset2.xml", ["BGBM|B-Phytoplankton|1077"], "coordinateUncertaintyInMeters", "1500"),
        (
            "dataset3.xml",
            ["MHNG|Mammals housed at MHNG, Geneva|MHNG-MAM-1986.036"],
            "scientificName",
            "Epomophorus gambianus (Ogilby, 1835)",
        ),
        ("search1.xml", ["NMR:9901:NMR990100000125"], "scientificNameAuthorship", None),
        ("extension_example.xml", ["MVZ|TREES|1234"], "scientificName", "Abies alba Mill."),
    ],
)
def test_real_records_have_the_ids_and_terms_that_they_should(read, name, ids, term, value):
    found = read(document(name))
    assert (found.ids, found.report.problem, found.report.rejected) == (ids, "", int(followed(found)))
    assert found.records[0][term] == value or value is None


def test_real_lists_of_oai_pmh_give_their_records_and_deletions(read):
    pages = {name: read(document(name)) for name in ("ListRecords.xml", "ListRecords4.xml", "ListIdentifiers.xml")}
    assert [(row[0], row[9]) for row in pages["ListRecords.xml"].rows] == [
        ("oai:test.example.com:1585310", True),
        ("oai:test.example.com:1585322", False),
    ]
    assert pages["ListRecords.xml"].records[1]["creator"] == ["John Doe"] * 4
    assert [(len(page.rows), len(page.rejects)) for page in pages.values()] == [(2, 1), (1, 1), (2, 1)]
    assert [followed(page) for page in pages.values()] == [True, False, True]
    assert "without an identifier" in pages["ListRecords4.xml"].rejects[0][2]
    assert [row[2] for row in pages["ListIdentifiers.xml"].rows] == ["{}", "{}"]


@pytest.mark.parametrize(
    "name",
    ["badArgument.xml", "badResumptionToken.xml", "idDoesNotExist.xml", "undefinedError.xml", "Identify.xml",
     "ListSets.xml", "ListMetadataFormats.xml", "ListRecordsBroken.xml", "capabilities1.xml", "inventory1.xml",
     "metadata1.xml", "test1.xml", "ping_response.xml", "example_text_simpledwc_complete.xml"],
)  # fmt: skip
def test_what_holds_no_records_says_what_it_is(read, name):
    report = read(document(name)).report
    assert report.problem or report.rejected
    assert report.records == 0


def test_no_records_match_is_an_empty_list(read):
    report = read(document("noRecordsMatch.xml")).report
    assert (report.records, report.problem, report.proves_absence) == (0, "", True)


def test_the_example_of_the_tapir_specification_is_read_by_its_structure(read):
    found = read(document("search_response.xml"))
    assert [record["@catnum"] for record in found.records] == ["234", "290"]
    assert found.records[0]["http://example.net/simple_specimen/identification"] == {"name": "Luzula luzuloides"}
