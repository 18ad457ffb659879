"""Data packages: one table gives the records, the others stand in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest

DEPLOYMENTS = "deploymentID,latitude,longitude\nd1,50.5,4.25\nd2,51,5\n"
OBSERVATIONS = "observationID,deploymentID,mediaID,scientificName\no1,d1,m1,Vulpes vulpes\no2,d1,,Sus scrofa\n"
MEDIA = "mediaID,filePath\nm1,one.jpg\nm2,two.jpg\n"


def descriptor(*resources: dict[str, object]) -> str:
    return json.dumps({"profile": "x", "resources": list(resources)})


def table(name: str, path: str | list[str] = "", **more: object) -> dict[str, object]:
    return {"name": name, "path": path or f"{name}.csv", "profile": "tabular-data-resource", **more}


CAMTRAP = descriptor(table("deployments"), table("media"), table("observations", schema="https://example.org/x.json"))
FILES = {"deployments.csv": DEPLOYMENTS, "media.csv": MEDIA, "observations.csv": OBSERVATIONS}


@pytest.mark.parametrize("folder", ["", "package/"])
def test_what_a_record_refers_to_stands_in_it_and_says_where_it_lies(read, zipped, folder):
    files = {"datapackage.json": CAMTRAP, **FILES}
    found = read(zipped({folder + name: content for name, content in files.items()}))
    assert (found.report.format, found.ids) == ("data-package", ["o1", "o2"])
    assert found.records[0] == {
        "observationID": "o1",
        "deploymentID": "d1",
        "mediaID": "m1",
        "scientificName": "Vulpes vulpes",
        "deployments": [{"deploymentID": "d1", "latitude": "50.5", "longitude": "4.25"}],
        "media": [{"mediaID": "m1", "filePath": "one.jpg"}],
    }
    assert [(row[4], row[5]) for row in found.rows] == [(4.25, 50.5), (4.25, 50.5)]
    assert (
        found.report.notes
        == (
            "media: 1 rows belong to no record, such as m2; they are left out",
            "deployments: 1 rows belong to no record, such as d2; they are left out",
        )[::-1]
    )


def test_what_refers_to_a_record_stands_in_it(read, zipped):
    meta = descriptor(
        table("event"),
        table("occurrence", schema={"primaryKey": ["occurrenceID"], "fields": []}),
        table("identification"),
        table("agent"),
    )
    files = {
        "event.csv": "eventID,year\ne1,1999\n",
        "occurrence.csv": "occurrenceID,eventID\no1,e1\no2,\n",
        "identification.csv": "identificationID,occurrenceID,scientificName\ni1,o1,Quercus\ni2,o1,Quercus robur\n",
        "agent.csv": "agentID,name\na,b\n",
    }
    found = read(zipped({"datapackage.json": meta, **files}))
    assert found.ids == ["o1", "o2"]
    assert [len(record.get("identification", [])) for record in found.records] == [2, 0]
    assert found.records[0]["event"] == [{"eventID": "e1", "year": "1999"}]
    assert any("agent: no column in common with occurrence" in note for note in found.report.notes)


def test_parts_dialects_and_columns_that_only_the_schema_names(read, zipped):
    fields = [{"name": "reference"}, {"name": "name"}]
    meta = descriptor(
        table("sites", ["a.txt", "b.txt"], dialect={"delimiter": ";", "header": False}, schema={"fields": fields})
    )
    found = read(zipped({"datapackage.json": meta, "a.txt": "A;x\n", "b.txt": "B;y\nC\n"}))
    assert found.ids == ["A", "B"]
    assert [row[8] for row in found.rows] == ["a.txt", "b.txt"]
    assert (found.report.rejected, found.report.proves_absence) == (1, False)


def test_tables_in_parquet_are_read_too(read, zipped, tmp_path):
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 'o1' AS occurrenceID, 3 AS n) TO '{tmp_path / 'a.parquet'}' (FORMAT parquet)")
    content = (tmp_path / "a.parquet").read_bytes()
    meta = descriptor(table("occurrence", "a.parquet"), table("identification"))
    identification = "identificationID,occurrenceID\ni1,o1\n"
    found = read(zipped({"datapackage.json": meta, "a.parquet": content, "identification.csv": identification}))
    assert found.records == [
        {"occurrenceID": "o1", "n": "3", "identification": [{"identificationID": "i1", "occurrenceID": "o1"}]}
    ]


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "list of resources"),
        (descriptor(), "no table"),
        (descriptor(table("x", "https://example.org/x.csv")), "another address"),
        (descriptor({"name": "x", "data": []}), "in the descriptor itself"),
        (descriptor(table("x", "../../etc/passwd.csv")), "no ../../etc/passwd.csv"),
        (descriptor(table("deployments", ["deployments.csv", "media.csv"])), "other columns than"),
        (descriptor(table("deployments", dialect={"delimiter": "\n"})), "expected one character"),
    ],
    ids=range(9),
)
def test_a_descriptor_that_cannot_be_followed_is_named(read, zipped, meta, said):
    assert said in read(zipped({"datapackage.json": meta, **FILES})).report.problem


@pytest.mark.skipif(not os.environ.get("COLLECT_ASSETS_CORPUS"), reason="COLLECT_ASSETS_CORPUS names no folder")
def test_the_example_of_camtrap_dp_gives_its_observations(read, zipped):
    folders = sorted(Path(os.environ["COLLECT_ASSETS_CORPUS"]).rglob("camtrap-dp/*/example"))
    if not folders:
        pytest.skip("the example is not there")
    found = read(zipped({path.name: path.read_bytes() for path in folders[0].iterdir()}))
    assert (found.report.records, found.report.rejected, found.report.without_id) == (549, 0, 0)
    assert all(len(record["deployments"]) == 1 for record in found.records)
    assert all(row[3] is not None for row in found.rows)
