"""Tables that are no text: spreadsheets, GeoPackage, shapefiles, GML, KML, Parquet; alone and in archives."""

from __future__ import annotations

import duckdb
import pytest

from collect_assets.store.database import database
from collect_assets_tests.servers import Page, WebServer

PLACES = """
SELECT 'A' || i AS reference, (1.5 * i)::DOUBLE AS hectares, DATE '2020-01-02' AS seen,
    ST_Point(400000 + i, 300000) AS geom FROM range(3) t(i)
"""


@pytest.fixture
def spatial(tmp_path):
    def written(driver: str, name: str, system: str = "EPSG:27700", select: str = PLACES) -> bytes:
        path = tmp_path / name
        with database(spatial=True) as connection:
            connection.execute(f"COPY ({select}) TO '{path}' WITH (FORMAT gdal, DRIVER '{driver}', SRS '{system}')")
        return path.read_bytes()

    return written


def in_degrees(found) -> bool:
    """Whether all places are where 400000, 300000 of the British grid is."""
    return all(abs(row[4] + 2.0) < 0.01 and abs(row[5] - 52.5975) < 0.01 for row in found.rows)


@pytest.mark.parametrize(("driver", "name", "form"), [("GPKG", "a.gpkg", "geopackage"), ("GML", "a.gml", "gml")])
def test_features_are_records_and_their_places_are_in_degrees(read, spatial, driver, name, form):
    found = read(spatial(driver, name))
    assert (found.report.format, found.report.problem) == (form, "")
    assert found.ids == ["A0", "A1", "A2"]
    assert found.records[1]["hectares"] == "1.5"
    assert found.records[1]["seen"] == "2020-01-02"
    assert in_degrees(found)


@pytest.mark.parametrize("member", ["a.gml", "folder/a.xml"])
def test_a_document_of_gml_is_read_out_of_its_zip_whatever_its_ending(read, spatial, zipped, member):
    found = read(zipped({member: spatial("GML", "a.gml"), "readme.txt": "read me", "metadata.xml": "<a/>"}))
    assert (found.report.format, found.report.problem, found.report.member) == ("gml", "", member)
    assert found.ids == ["A0", "A1", "A2"]


def test_a_shapefile_is_read_out_of_its_zip(read, spatial, tmp_path, zipped):
    spatial("ESRI Shapefile", "sites.shp")
    parts = {path.name: path.read_bytes() for path in tmp_path.glob("sites.*")}
    found = read(zipped({f"folder/{name}": content for name, content in parts.items()}))
    assert (found.report.format, found.ids) == ("shapefile", ["A0", "A1", "A2"])
    assert in_degrees(found)
    del parts["sites.dbf"]
    assert ".dbf" in read(zipped(parts)).report.problem


def test_placemarks_of_kml_are_records(read):
    found = read(
        b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>Oak</name>'
        b"<Point><coordinates>4.5,50.25</coordinates></Point></Placemark></Document></kml>"
    )
    assert found.report.format == "kml"
    assert found.records[0]["Name"] == "Oak"
    assert (found.rows[0][4], found.rows[0][5]) == (4.5, 50.25)


def test_the_same_features_in_a_file_written_anew_are_the_same_records(read, spatial, tmp_path):
    first = read(spatial("GPKG", "a.gpkg")).rows
    turned = PLACES.replace("range(3) t(i)", "(SELECT * FROM range(3) t(i) ORDER BY i DESC)")
    second = read(spatial("GPKG", "b.gpkg", select=turned)).rows
    assert {row[:3] for row in first} == {row[:3] for row in second}


def test_all_layers_of_a_geopackage_are_read(read, spatial, tmp_path):
    import sqlite3

    spatial("GPKG", "a.gpkg")
    with sqlite3.connect(tmp_path / "a.gpkg") as connection:
        connection.execute("CREATE TABLE more (fid INTEGER PRIMARY KEY, reference TEXT)")
        connection.execute("INSERT INTO more VALUES (1, 'B')")
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
            "VALUES ('more', 'attributes', 'm', 0)"
        )
    connection.close()
    assert sorted(read((tmp_path / "a.gpkg").read_bytes()).ids) == ["A0", "A1", "A2", "B"]


@pytest.mark.parametrize("around", ["{}", "<!-- {} -->", "<?x {} ?>"])
def test_a_document_that_names_other_files_reads_none(read, spatial, tmp_path, around):
    secret = tmp_path / "a.gpkg"
    spatial("GPKG", "a.gpkg")
    vrt = (
        '<OGRVRTDataSource><OGRVRTLayer name="a">'
        f"<SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    documents = (
        vrt,
        '<?xml version="1.0"?>' + vrt,
        f'<kml xmlns="http://www.opengis.net/kml/2.2">{around.format(vrt)}</kml>',
        f'<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs">{around.format(vrt)}</wfs:FeatureCollection>',
    )
    for document in documents:
        found = read(document.encode())
        assert found.report.problem
        assert "A0" not in str(found.rows)


def test_nothing_is_fetched_for_a_document_of_gml(read, spatial):
    asked = []
    with WebServer(lambda request: asked.append(request) or Page(b"<x/>")) as server:
        there = f"http://www.opengis.net/wfs {server.url('/wfs?SERVICE=WFS&REQUEST=DescribeFeatureType&TYPENAME=t')}"
        content = spatial("GML", "a.gml").decode()
        before, _, after = content.partition('xsi:schemaLocation="')
        found = read((before + f'xsi:schemaLocation="{there} ' + after).encode())
    assert found.ids == ["A0", "A1", "A2"]
    assert asked == []


@pytest.mark.parametrize("driver", ["GPKG", "GML"])
def test_a_spatial_file_that_is_cut_off_is_a_problem(read, spatial, driver):
    content = spatial(driver, f"a.{driver.lower()}")
    assert read(content[: len(content) // 2]).report.problem


@pytest.fixture
def parquet(tmp_path):
    def written(select: str) -> bytes:
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({select}) TO '{tmp_path / 'a.parquet'}' (FORMAT parquet)")
        return (tmp_path / "a.parquet").read_bytes()

    return written


def test_parquet_is_a_table(read, parquet, zipped):
    content = parquet("SELECT i AS id, 'n' || i AS name, [i, i + 1] AS parts, 4.5 AS lon, 50 AS lat FROM range(3) t(i)")
    found = read(content)
    assert (found.report.format, found.ids) == ("parquet", ["0", "1", "2"])
    assert found.records[1] == {"id": "1", "name": "n1", "parts": "[1,2]", "lon": "4.5", "lat": "50"}
    assert found.rows[0][4] == 4.5
    assert read(zipped({"data/a.parquet": content})).ids == found.ids
    assert read(content[:-100]).report.problem
    assert read(content[:200] + b"\xff" * 300 + content[500:]).report.problem


def test_columns_of_parquet_as_of_any_table_are_compared_in_canonical_form(read, parquet):
    found = read(parquet("SELECT 'A' AS reference, ' e\u0301 ' AS name"))
    assert found.records == [{"reference": "A", "name": "\u00e9"}]
