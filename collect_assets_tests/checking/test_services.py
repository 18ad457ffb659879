"""Which plugin a check finds, and what it says at the doors of services."""

import pytest

from collect_assets_tests.checking.services import LAYER_PAGE, PATH, REPORT, ROOT, SERVICE, arcgis, as_json, wfs
from collect_assets_tests.plugins.arcgis_service import error
from collect_assets_tests.plugins.test_wfs import GETFEATURE
from collect_assets_tests.servers import Page, WebServer

NO_LAYER = "URL must be the data layer"


def told(check):
    return " ".join(f"{finding.level}: {finding.what} {finding.advice}" for finding in check.findings)


@pytest.mark.parametrize(
    "path",
    [
        PATH,  # the page for people
        f"{PATH}/",
        f"{PATH}?f=json",
        f"{PATH}?f=pjson",
        f"{PATH}/query?where=1%3D1&outFields=*&f=json",
    ],
)
def test_a_layer_is_found_however_its_url_was_copied_and_one_page_is_asked_for(check, path):
    with WebServer(arcgis()) as web:
        found = check(web.url(path))
        pages = [asked for asked in web.asked if b"returnGeometry" in asked.body]
    assert (found.collectable, found.outcome, found.plugin, found.format) == (True, "first", "arcgis", "geojson")
    assert (found.records, found.declared_count, found.whole) == (100, 1199, False)
    assert (found.ids.fields, found.geometry.kinds) == (("OBJECTID",), {"POINT": 100})
    assert found.first_records[0] == {"OBJECTID": 1, "name": "Tree 1"}
    assert len(pages) == 1
    assert "1,199 records" in told(found)


def test_a_layer_that_fits_on_a_page_is_looked_at_whole(check):
    with WebServer(arcgis(features=7)) as web:
        found = check(web.url(PATH))
    assert (found.records, found.declared_count, found.whole) == (7, 7, True)


def test_a_layer_whose_pages_for_people_are_switched_off_is_found_by_asking_for_json(check):
    with WebServer(arcgis(page=Page(b"Forbidden", 403))) as web:
        found = check(web.url(PATH))
    assert (found.collectable, found.plugin) == (True, "arcgis")


@pytest.mark.parametrize("path", [SERVICE, f"{SERVICE}?f=json"])
@pytest.mark.parametrize("plugin", [None, "arcgis"])
def test_the_root_of_a_service_is_no_layer_and_its_layers_are_listed(check, path, plugin):
    with WebServer(arcgis()) as web:
        found = check(web.url(path), plugin=plugin)
        assert [(each.name, each.title, each.url) for each in found.choices] == [
            ("0", "Trees", web.url(PATH)),
            ("2", "Visits", web.url(f"{SERVICE}/2")),
        ]
        assert check(found.choices[0].url).collectable
    assert (found.collectable, found.outcome, found.plugin) == (False, "failed:not-a-layer", "arcgis")
    assert "Pick a layer" in told(found)
    assert (found.error["errMsg"], found.error["plugin"], found.error["errCode"]) == (NO_LAYER, "arcgis", "200")


def test_the_catalogue_of_a_server_lists_its_services(check):
    with WebServer(arcgis(page=Page(b"<html><title>ArcGIS REST Services Directory</title>"))) as web:
        found = check(web.url(ROOT))
        assert [each.url for each in found.choices] == [web.url(SERVICE)]
    assert found.outcome == "failed:not-a-layer"


def test_a_layer_that_wants_a_token_is_explained(check):
    with WebServer(lambda asked: error(499, "Token Required")) as web:
        found = check(web.url(PATH))
    assert (found.plugin, found.outcome) == ("arcgis", "failed:token-needed")
    assert "not public" in found.summary


def test_a_layer_served_as_geojson_is_a_plain_get(check):
    body = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "id": 1, "properties": {"a": 1}, "geometry": None}]}  # fmt: skip
    with WebServer(lambda asked: as_json(body)) as web:
        found = check(web.url(f"{PATH}/query?where=1%3D1&f=geojson"))
        assert len(web.asked) == 1
    assert (found.plugin, found.format, found.collectable) == ("", "geojson", True)


def test_an_ordinary_page_on_an_ordinary_url_is_asked_once(check):
    with WebServer({"/": Page(b"<html>hello</html>", headers={"Content-Type": "text/html"})}) as web:
        assert check(web.url()).plugin == ""
        assert len(web.asked) == 1


def test_a_plain_get_of_a_layer_says_that_arcgis_fits(check):
    with WebServer(arcgis()) as web:
        found = check(web.url(f"{PATH}?f=json"), plugin="GET")
    assert (found.plugin, found.collectable) == ("", True)
    assert "one for the plugin arcgis" in told(found)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("path", ["/geoserver/ows", "/x?map=areas"])
def test_the_bare_address_of_a_wfs_lists_its_feature_types(check, path, status):
    with WebServer(wfs(status=status)) as web:
        found = check(web.url(path))
        assert [(each.name, each.title) for each in found.choices] == [("t:area", "Conservation areas"), ("t:tree", "")]
        chosen = check(found.choices[0].url)
    assert (found.collectable, found.plugin) == (False, "wfs")
    assert "Web Feature Service" in found.summary
    assert "t:area (Conservation areas)" in told(found)
    assert ("map=areas" in found.choices[0].url) == ("map=areas" in path)
    assert (chosen.collectable, chosen.plugin, chosen.format, chosen.records) == (True, "", "geojson", 30)


@pytest.mark.parametrize("plugin", [None, "wfs"])
def test_capabilities_are_no_data_and_the_feature_types_are_listed(check, plugin):
    with WebServer(wfs()) as web:
        found = check(web.url("/any?SERVICE=WFS&REQUEST=GetCapabilities"), plugin=plugin)
        assert found.choices[0].url == web.url(
            "/any?service=WFS&version=2.0.0&request=GetFeature&typeNames=t:area&outputFormat=application/json"
        )
    assert (found.collectable, found.outcome, found.plugin) == (False, "failed:not-features", "wfs")
    assert [each.name for each in found.choices] == ["t:area", "t:tree"]


def test_a_wfs_that_offers_no_json_is_asked_for_what_it_has_and_its_gml_is_read(check):
    with WebServer(wfs(offers_json=False)) as web:
        address = check(web.url("/wfs")).choices[0].url
        found = check(address)
    assert "outputFormat" not in address
    assert (found.collectable, found.plugin, found.mime_type) == (True, "wfs", "application/xml")
    assert (found.records, "records cannot be read" in told(found)) == (30, False)


def test_a_page_of_a_wfs_is_asked_for_where_the_parameters_say_so(check):
    with WebServer(wfs()) as web:
        url = web.url("/wfs?service=WFS&request=GetFeature&typeNames=t:area&outputFormat=application/json")
        found = check(url, plugin="wfs", parameters={"page_size": 10})
    assert (found.records, found.declared_count, found.whole, found.plugin) == (10, 30, False, "wfs")


def test_a_feature_type_that_is_not_there_is_the_services_error_and_the_others_are_listed(check):
    with WebServer(wfs()) as web:
        found = check(web.url(GETFEATURE.replace("t:area", "t:gone")))
    assert (found.outcome, found.plugin) == ("failed:service-error", "wfs")
    assert "error in place of data" in found.summary
    assert found.choices


def test_a_report_of_a_service_that_is_no_wfs_is_an_error_in_place_of_data(check):
    with WebServer(lambda asked: Page(REPORT)) as web:
        found = check(web.url("/wms?service=WMS"))
    assert (found.collectable, found.plugin, found.outcome) == (False, "", "failed:service-error")
    assert found.choices == ()


def test_the_page_of_a_layer_is_known_by_what_it_is(check):
    """Not by its URL: behind a reverse proxy it may be any."""
    server = arcgis()

    def behind(asked):
        return server(type(asked)(asked.method, asked.path.replace("/maps/9", PATH), asked.headers, asked.body))

    assert b"rest/static" in LAYER_PAGE
    with WebServer(behind) as web:
        found = check(web.url("/maps/9"))
    assert (found.plugin, found.collectable) == ("arcgis", True)
