"""Exports of subsets: what is in the files, who can read them, and what is said beside them."""

import csv
import io
import json
import resource
import zipfile

import duckdb
import geoparquet_validator
import pytest
from click.testing import CliRunner
from dwca.read import DwCAReader
from lxml import etree

from collect_assets.cli import main
from collect_assets.errors import IndexUnavailableError, QueryError, StorageError
from collect_assets.exporting.export import FORMATS, export
from collect_assets.folding.fold import fold
from collect_assets.index.publish import reading
from collect_assets.readers.dwca import KEY_TERMS
from collect_assets.registers import endpoint_id
from collect_assets.searching.query import Box, Condition, Query
from collect_assets.store.database import database
from collect_assets_tests.index.kept import collection_at, day, keep, table

DWC = "http://rs.tdwg.org/dwc/terms/"
NASTY = 'a "quoted", line\nand another; \ttab, semicolon\\ and O\'Neill'
META = """<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">
<core rowType="http://rs.tdwg.org/dwc/terms/{kind}" fieldsTerminatedBy="," fieldsEnclosedBy='"' ignoreHeaderLines="1">
<files><location>core.csv</location></files><id index="0"/>
<field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
<field index="2" term="http://rs.tdwg.org/dwc/terms/decimalLatitude"/>
<field index="3" term="http://rs.tdwg.org/dwc/terms/decimalLongitude"/>
<field index="4" term="http://rs.tdwg.org/dwc/terms/occurrenceRemarks"/>
<field index="0" term="http://rs.tdwg.org/dwc/terms/{key}"/></core>
<extension rowType="http://rs.gbif.org/terms/1.0/Multimedia" fieldsTerminatedBy="," fieldsEnclosedBy='"'>
<files><location>media.csv</location></files><coreid index="0"/>
<field index="1" term="http://purl.org/dc/terms/identifier"/>
<field index="2" term="http://purl.org/dc/terms/title"/></extension></archive>"""
EML = """<eml:eml xmlns:eml="eml://ecoinformatics.org/eml-2.1.1"><dataset><title>Oaks of here</title>
<creator><organizationName>Garden</organizationName></creator><intellectualRights><para>
<ulink url="http://creativecommons.org/licenses/by/4.0/"/></para></intellectualRights></dataset>
<additionalMetadata><metadata><gbif><citation>Garden (2026). Oaks.</citation></gbif></metadata></additionalMetadata>
</eml:eml>"""


def archive(rows, media=(), kind="Occurrence"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("meta.xml", META.format(kind=kind, key=KEY_TERMS[kind]))
        made.writestr("eml.xml", EML)
        for name, lines in (("core.csv", [["id", "n", "y", "x", "r"], *rows]), ("media.csv", media)):
            text = io.StringIO()
            csv.writer(text).writerows(lines)
            made.writestr(name, text.getvalue())
    return out.getvalue()


ROWS = [
    ["o1", "Quercus robur", "53.8", "-1.5", NASTY],
    ["o2", "Quercus petraea", "60", "5.25", ""],
    ["o3", "Fagus", "", "", "=SUM(A1)"],
]
MEDIA = [["o1", "http://x/1.jpg", 'One, "big"'], ["o1", "http://x/2.jpg", ""], ["o3", "http://x/3.jpg", "T\nU"]]


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def hashes(collection):
    with reading(collection) as connection:
        return connection.execute("SELECT item_id, record_hash, record FROM item ORDER BY ALL").fetchall()


@pytest.fixture(scope="module")
def oaks(tmp_path_factory):
    made = collection_at(tmp_path_factory.mktemp("oaks") / "oaks")
    keep(made, day(0), "oaks", archive(ROWS, MEDIA))
    fold(made, day(0))
    return made


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A table of one endpoint and GeoJSON of another, with changes on the second day."""
    made = collection_at(tmp_path_factory.mktemp("mixed") / "mixed")
    keep(made, day(0), "sites", table(("s1", "Yard", "=cmd|x"), ("s2", "Lane", "-1.5")))
    keep(made, day(1), "sites", table(("s1", "New yard", "@x"), ("s2", "Lane", "-1.5")))
    shape = {"type": "Polygon", "coordinates": [[[0, 50], [1, 50], [1, 51], [0, 50]]]}
    feature = {
        "type": "Feature",
        "id": "p1",
        "geometry": shape,
        "properties": {"reference": "p1", "size": 2.5, "Name": "P"},
    }
    keep(made, day(0), "parks", json.dumps({"type": "FeatureCollection", "features": [feature]}).encode())
    fold(made, day(1))
    return made


@pytest.mark.parametrize("kind", ["Occurrence", "Taxon", "Event"])
def test_an_archive_read_back_as_an_endpoint_yields_the_same_items(tmp_path, kind):
    made = collection_at(tmp_path / "made")
    keep(made, day(0), "here", archive(ROWS, MEDIA, kind))
    fold(made, day(0))
    export(made, Query(), tmp_path / "x.zip")

    again = collection_at(tmp_path / "again")
    keep(again, day(0), "copy", (tmp_path / "x.zip").read_bytes())
    fold(again, day(0))

    assert len(hashes(made)) == 3
    assert hashes(again) == hashes(made)


def test_a_table_that_is_no_darwin_core_comes_back_the_same_too(tmp_path):
    made, again = collection_at(tmp_path / "made"), collection_at(tmp_path / "again")
    content = table(
        ("r1", "Ã b", "2024-01-31"), ("r2", '"x, ""y"""', "=1"), header="site/reference,SiteReference,Start date"
    )
    keep(made, day(0), "here", content.replace(b"site/reference", b"notes"))
    fold(made, day(0))
    export(made, Query(), tmp_path / "x.zip")
    keep(again, day(0), "copy", (tmp_path / "x.zip").read_bytes())
    fold(again, day(0))
    assert hashes(again) == hashes(made)


def test_python_dwca_reader_reads_core_extension_and_description(oaks, tmp_path):
    export(oaks, Query(), tmp_path / "x.zip")
    with DwCAReader(str(tmp_path / "x.zip")) as found:
        assert found.descriptor.core.type == f"{DWC}Occurrence"
        rows = {row.data[f"{DWC}occurrenceID"]: row for row in found}
        assert {i: row.data[f"{DWC}scientificName"] for i, row in rows.items()} == {r[0]: r[1] for r in ROWS}
        assert rows["o1"].data[f"{DWC}occurrenceRemarks"] == NASTY
        assert [e.data["http://purl.org/dc/terms/identifier"] for e in rows["o1"].extensions] == [
            "http://x/1.jpg",
            "http://x/2.jpg",
        ]
        assert rows["o3"].extensions[0].rowtype == "http://rs.gbif.org/terms/1.0/Multimedia"
        assert "3 items of oaks" in found.metadata.find("dataset/title").text
        assert "creativecommons.org/licenses/by/4.0" in found.metadata.find("dataset/intellectualRights/para").text
        with found.open_included_file("citation.json") as said:
            assert json.load(said)["items"] == 3


def test_two_items_of_one_id_are_told_apart_by_their_endpoints(tmp_path):
    made = collection_at(tmp_path / "made")
    for name in ("one", "two"):
        keep(made, day(0), name, table(("a", name, "x")))
    fold(made, day(0))
    export(made, Query(), tmp_path / "x.zip")
    with DwCAReader(str(tmp_path / "x.zip")) as found:
        assert sorted(row.id for row in found) == sorted(
            f"{endpoint_id(f'https://example.org/{n}')}/a" for n in ("one", "two")
        )


def test_geojson_opens_in_gdal_with_its_features_fields_and_shapes(mixed, tmp_path):
    export(mixed, Query(), tmp_path / "x.geojson")
    with database(spatial=True) as connection:  # the spatial extension has GDAL inside, as QGIS has
        driver = connection.execute(
            "SELECT driver_short_name FROM ST_Read_Meta(?)", [str(tmp_path / "x.geojson")]
        ).fetchall()
        rows = connection.execute(
            "SELECT reference, ST_AsText(geom), coalesce(name, name_2) FROM ST_Read(?) ORDER BY ALL",
            [str(tmp_path / "x.geojson")],
        ).fetchall()
    assert driver == [("GeoJSON",)]
    assert rows == [("p1", "POLYGON ((0 50, 1 50, 1 51, 0 50))", "P"), ("s1", None, "New yard"), ("s2", None, "Lane")]
    (feature, *_) = [f for f in json.loads((tmp_path / "x.geojson").read_text())["features"] if f["id"] == "p1"]
    assert feature["properties"]["size"] == 2.5


def test_parquet_opens_in_duckdb_as_geoparquet(mixed, tmp_path):
    export(mixed, Query(), tmp_path / "x.parquet")
    with database(spatial=True) as connection:
        rows = connection.execute(
            f"SELECT item, name, Name_2, ST_AsText(geometry) FROM '{tmp_path}/x.parquet' ORDER BY item"
        ).fetchall()
        said = connection.execute(
            f"SELECT value FROM parquet_kv_metadata('{tmp_path}/x.parquet') WHERE key = 'geo'"
        ).fetchone()
    assert len(rows) == 3
    assert {"P", "Lane", "New yard"} == {name for row in rows for name in row[1:3] if name}
    assert rows[0][3] == "POLYGON ((0 50, 1 50, 1 51, 0 50))"
    assert json.loads(said[0])["primary_column"] == "geometry"


@pytest.mark.parametrize("asked", ["", "name=lane", "name=nowhere"])
def test_parquet_is_geoparquet_by_the_rules_of_its_specification_with_and_without_places(tmp_path, asked):
    made = collection_at(tmp_path / "made")
    keep(made, day(0), "sites", table(("s1", "Yard", "x"), ("s2", "Lane", "y")))
    ring = [[0, 50], [1, 50], [1, 51], [0, 50]]
    shapes = [
        {"type": "Polygon", "coordinates": [ring]},
        {"type": "MultiPolygon", "coordinates": [[ring], [[[5, 50], [6, 50], [6, 51], [5, 50]]]]},
        {"type": "Point", "coordinates": [1, 2, 3]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [-7, 2]}]},
        {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]]]},
    ]
    features = [
        {"type": "Feature", "id": f"p{n}", "geometry": shape, "properties": {"bbox": "mine", "reference": f"p{n}"}}
        for n, shape in enumerate(shapes)
    ]
    keep(made, day(0), "parks", json.dumps({"type": "FeatureCollection", "features": features}).encode())
    fold(made, day(0))
    query = Query(where=(Condition.parse(asked),)) if asked else Query()
    done = export(made, query, tmp_path / "x.parquet")
    report = geoparquet_validator.check(str(tmp_path / "x.parquet"))
    wanted = {test["id"] for test in report["outcomes"] if test["status"] == "pass"}
    assert done.items == {"": 7, "name=lane": 1, "name=nowhere": 0}[asked]
    assert not geoparquet_validator.failed(report, "core")
    assert not geoparquet_validator.failed(report, "covering")
    assert {"/conf/core/geo-metadata", "/conf/core/wkb", "/conf/covering/bbox-column-structure"} <= wanted


def test_the_box_of_each_row_in_parquet_is_that_of_its_shape(mixed, tmp_path):
    export(mixed, Query(), tmp_path / "x.parquet")
    with database(spatial=True) as connection:
        boxes = "bbox IS NOT DISTINCT FROM CASE WHEN geometry IS NOT NULL THEN {'xmin': ST_XMin(geometry), "
        boxes += "'ymin': ST_YMin(geometry), 'xmax': ST_XMax(geometry), 'ymax': ST_YMax(geometry)} END"
        query = f"SELECT count(*), count(bbox), bool_and({boxes}) FROM '{tmp_path}/x.parquet'"
        assert connection.execute(query).fetchall() == [(3, 1, True)]


def test_ndjson_has_a_record_a_line_as_it_is_known(mixed, tmp_path):
    export(mixed, Query(), tmp_path / "x.ndjson")
    lines = [json.loads(line) for line in (tmp_path / "x.ndjson").read_text().splitlines()]
    by_item = {line["item"]: line for line in lines}
    assert by_item["s1"]["record"] == {"reference": "s1", "name": "New yard", "notes": "@x"}
    assert by_item["s1"]["changed"] == str(day(1))
    assert (mixed.resources.path(by_item["s1"]["resource"])).is_file()


def test_f58_what_a_spreadsheet_would_run_has_an_apostrophe_and_numbers_have_none(mixed, oaks, tmp_path):
    export(mixed, Query(), tmp_path / "x.csv", as_of=day(0))
    rows = {row["item"]: row for row in rows_of(tmp_path / "x.csv")}
    assert (rows["s1"]["notes"], rows["s2"]["notes"]) == ("'=cmd|x", "-1.5")
    assert rows["p1"]["geometry"] == "POLYGON ((0 50, 1 50, 1 51, 0 50))"
    export(oaks, Query(), tmp_path / "y.csv")
    cells = {row["item"]: row["occurrenceRemarks"] for row in rows_of(tmp_path / "y.csv")}
    assert cells == {"o1": NASTY, "o2": "", "o3": "'=SUM(A1)"}


def test_f58_control_characters_and_nul_are_kept_out_of_no_file_that_people_open(tmp_path):
    made = collection_at(tmp_path / "made")
    records = [
        {"reference": "a", "=name": "x\u0000y\u0001\u001b[31m", "notes": "\r\n+1+2"},
        {"reference": "b", "notes": "\tz"},
    ]
    keep(made, day(0), "one", json.dumps(records).encode())
    fold(made, day(0))
    for form in FORMATS:
        export(made, Query(), tmp_path / f"x.{form}", format=form)
    (row, _) = rows_of(tmp_path / "x.csv")
    assert row["'=name"] == "xy\u0001\u001b[31m"  # the NUL went when it was read; the rest is data
    assert row["notes"] == "'+1+2"
    assert [json.loads(line)["item"] for line in (tmp_path / "x.ndjson").read_text().splitlines()] == ["a", "b"]
    with DwCAReader(str(tmp_path / "x.dwca")) as found:
        assert [row.data["http://unknown.org/notes"] for row in found] == ["+1+2", "z"]


def test_f59_names_and_values_that_are_sql_stay_names_and_values(tmp_path):
    made = collection_at(tmp_path / "made")
    name, value = """x"); DROP TABLE item; --'""", """'; DROP TABLE item_version; --"""
    keep(made, day(0), "one", json.dumps([{"reference": "a'b", name: value, "$v0": "$day"}]).encode())
    fold(made, day(0))
    query = Query(where=(Condition(name, "=", value), Condition("$v0", "=", "$day")), items=("a'b",))
    for form in FORMATS:
        assert export(made, query, tmp_path / f"x' \".{form}", format=form).items == 1
    (row,) = rows_of(tmp_path / "x' \".csv")
    assert row[name] == f"{value}"
    assert len(hashes(made)) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_subset_of_a_past_day_is_exported_and_the_same_again(mixed, tmp_path, form):
    query = Query(where=(Condition.parse("name=yard"),))
    first = export(mixed, query, tmp_path / "one", format=form, as_of=day(0))
    export(mixed, query, tmp_path / "two", format=form, as_of=day(0))
    assert first.items == 1
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert export(mixed, query, tmp_path / "three", format=form).items == 0
    assert (tmp_path / "three").is_file()


def test_nothing_is_left_in_the_work_folder(mixed, tmp_path):
    before = sorted(mixed.work.iterdir())
    for form in FORMATS:
        export(mixed, Query(box=Box(0, 50, 1, 51)), tmp_path / "x", format=form)
    assert sorted(mixed.work.iterdir()) == before


def test_the_citation_tells_query_day_digest_and_terms_and_says_what_nobody_knows(mixed, oaks, tmp_path):
    (mixed.registers / "source.csv").write_text(
        "endpoint,organisation,datasets,licence,attribution\n"
        f"{endpoint_id('https://example.org/sites')},org:1,yards,OGL3,© Council\n"
    )
    export(mixed, Query("lane", where=(Condition.parse("name=*"),)), tmp_path / "x.csv", as_of=day(0))
    said = json.loads((tmp_path / "x.csv.citation.json").read_text())
    assert said["query"] == {"text": "lane", "where": ["name=*"]}
    (of,) = said["collections"]
    told = CliRunner().invoke(main, ["digest", "--collection-dir", str(mixed.folder)]).stdout
    assert (of["as-of"], of["items"], of["index-digest"] in told) == (str(day(0)), 1, True)
    (endpoint,) = said["endpoints"]
    assert (endpoint["licence"], endpoint["attribution"], endpoint["citation"]) == ("OGL3", "© Council", "unknown")
    assert endpoint["endpoint-url"] == "https://example.org/sites"
    done = export(oaks, Query(), tmp_path / "y.csv")
    assert done.citation.endpoints[0].licence == "http://creativecommons.org/licenses/by/4.0/"
    assert done.citation.endpoints[0].citation == "Garden (2026). Oaks."


def test_the_id_of_the_archive_is_that_of_its_question_day_and_index(mixed, tmp_path):
    def identifier(query, day_asked):
        export(mixed, query, tmp_path / "x.zip", as_of=day_asked)
        with zipfile.ZipFile(tmp_path / "x.zip") as made:
            package = etree.fromstring(made.read("eml.xml")).get("packageId")
            assert json.loads(made.read("citation.json"))["identifier"] == package
        return package

    yards, lanes = (Query(where=(Condition.parse(f"name={name}"),)) for name in ("yard", "lane"))
    asked = [identifier(query, day(number)) for query in (yards, lanes, Query()) for number in (0, 1)]
    assert len(set(asked)) == 6
    assert identifier(yards, day(0)) == asked[0]


def test_what_cannot_be_exported_is_said_and_leaves_no_file(mixed, tmp_path):
    with pytest.raises(QueryError, match="name one of"):
        export(mixed, Query(), tmp_path / "x.docx")
    with pytest.raises(QueryError, match="up to"):
        export(mixed, Query(), tmp_path / "x.csv", as_of=day(9))
    with pytest.raises(IndexUnavailableError, match="no item index"):
        export(collection_at(tmp_path / "empty"), Query(), tmp_path / "x.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_the_command_exports_and_says_what_to_cite(mixed, tmp_path):
    folder = ["--collection-dir", str(mixed.folder)]
    done = CliRunner().invoke(main, ["export", "yard", "--to", str(tmp_path / "x.parquet"), *folder])
    assert (done.exit_code, "1 items in" in done.output) == (0, True), done.output
    told = json.loads(CliRunner().invoke(main, ["export", "--to", str(tmp_path / "x.zip"), "--json", *folder]).stdout)
    assert (told["format"], told["items"], told["citation"]) == ("dwca", 3, None)
    assert duckdb.execute(f"SELECT count(*) FROM '{tmp_path}/x.parquet'").fetchall() == [(1,)]
    assert CliRunner().invoke(main, ["export", "--to", str(tmp_path / "x.pdf"), *folder]).exit_code == 2


@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_is_said_to_be_one_and_no_damage_of_the_index(mixed, tmp_path, form):
    export(mixed, Query(), tmp_path / "before", format=form)
    held = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, held[1]))
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            export(mixed, Query(), tmp_path / "x", format=form)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
    assert not (tmp_path / "x").exists()
