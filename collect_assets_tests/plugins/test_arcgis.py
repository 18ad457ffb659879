"""The `arcgis` plugin against a small server with the habits of real ones.

`files/esri_features.geojson` is what esridump 1.13.0 and digital-land-python's plugin make of `esri_features.json`.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collect_assets.collecting.log import Log
from collect_assets.collecting.plan import Mode
from collect_assets.collection import Limits, Politeness
from collect_assets.network.gate import Answer, Gate, Request
from collect_assets.plugins import HarvestRequest, arcgis
from collect_assets_tests.collecting.kit import LOOPBACK, QUICK, Folder
from collect_assets_tests.plugins.arcgis_service import PATH, Feature, Service, error, point
from collect_assets_tests.servers import Page, WebServer

FILES = Path(__file__).with_name("files")


@pytest.fixture
def serve(folder: Folder) -> Iterator[Callable[..., Served]]:
    servers: list[WebServer] = []

    def start(service: Service, path: str = PATH, **parameters: Any) -> Served:
        server = WebServer(service)
        servers.append(server.__enter__())
        url = server.url(path)
        folder.register({"endpoint-url": url, "plugin": "arcgis", "parameters": json.dumps(parameters)})
        return Served(folder, service, url)

    yield start
    for server in servers:
        server.__exit__(None, None, None)


class Served:
    """A service that is registered, and what collecting it came to."""

    def __init__(self, folder: Folder, service: Service, url: str) -> None:
        self.folder, self.service, self.url = folder, service, url

    def collect(self, **options: Any) -> Log:
        self.service.asked.clear()
        self.folder.collect(**options)
        return self.folder.log(self.url)

    def features(self, log: Log) -> list[dict[str, Any]]:
        content = self.folder.resources()[log.resource or log.partial_resource]
        return json.loads(content)["features"]  # type: ignore[no-any-return]

    def numbers(self, log: Log) -> list[int]:
        return [feature["properties"]["OBJECTID"] for feature in self.features(log)]


def points(count: int) -> list[Feature]:
    return [point(number) for number in range(1, count + 1)]


def test_every_kind_of_geometry_is_written_as_esridump_and_upstream_write_it(serve: Any, folder: Folder) -> None:
    features = json.loads((FILES / "esri_features.json").read_bytes())
    log = serve(Service(features, most=5)).collect()
    assert folder.resources()[log.resource] == (FILES / "esri_features.geojson").read_bytes()
    assert (log.outcome, log.status, log.complete, log.coverage) == ("first", "200", True, "full")


def test_a_layer_without_features_is_a_document_without_features(serve: Any, folder: Folder) -> None:
    log = serve(Service([])).collect()
    assert folder.resources()[log.resource] == b'{"type":"FeatureCollection","features":[]}'
    assert log.complete


def test_pages_are_asked_in_order_and_logged_as_tasks(serve: Any) -> None:
    served = serve(Service(points(25), most=10))
    log = served.collect()
    assert served.service.pages_asked() == ["0", "10", "20"]
    assert served.numbers(log) == list(range(1, 26))
    pages = [task for task in log.tasks if task["key"].startswith("offset")]
    assert [(page["state"], page["records"], page["attempts"]) for page in pages] == [
        ("finished", 10, 1),
        ("finished", 10, 1),
        ("finished", 5, 1),
    ]
    assert all("resultOffset" in page["request"] and page["bytes"] > 100 for page in pages)
    assert served.folder.left_in_work() == ["pending"]
    assert list((served.folder.path / "work/pending").iterdir()) == []


def test_max_page_size_is_kept(serve: Any) -> None:
    served = serve(Service(points(25)), max_page_size=10)
    served.collect()
    assert served.service.pages_asked() == ["0", "10", "20"]


def test_a_layer_that_gives_fewer_than_it_says_is_paged_by_what_it_gave(serve: Any) -> None:
    served = serve(Service(points(25), most=4, said=10, silent=True))
    log = served.collect()
    assert served.numbers(log) == list(range(1, 26))
    assert served.service.pages_asked() == ["0", "4", "8", "12", "16", "20", "24"]
    assert log.complete


@pytest.mark.parametrize("service", [
    Service(points(25), most=10, paging=False),
    Service(points(25), most=10, paging=False, statistics=True),
    Service(points(25), most=4, said=10, paging=False),
    Service(points(25), most=4, said=10, paging=False, silent=True),
    Service(points(25), most=4, said=10, paging=False, statistics=True, counts=False),
    Service(points(25), most=10, paging=False, ids=False),
    Service(points(25), most=10, paging=False, ids=False, counts=False),
    Service(points(25), most=10, counts=False),
    Service(points(25), most=10, ignores_offset=True),
    Service([point(number) for number in (-5, 1, 7, 1_000_000, 2_000_000_000)], most=2, paging=False, statistics=True),
], ids=["ids", "statistics", "short", "silently short", "uncounted", "boxes", "boxes uncounted", "offsets uncounted",
        "offset ignored", "sparse"])  # fmt: skip
def test_however_a_server_wants_to_be_asked_all_features_come_once(serve: Any, service: Service) -> None:
    service.asked = []
    served = serve(service)
    log = served.collect()
    assert sorted(served.numbers(log)) == [feature["attributes"]["OBJECTID"] for feature in service.features]
    assert (log.outcome, log.complete) == ("first", True), log.message
    assert len(served.service.pages_asked()) < 100


def test_features_that_come_twice_are_kept_once(serve: Any) -> None:
    features = [*points(10), *points(3), point(11)]
    log = (served := serve(Service(features, most=5))).collect()
    assert served.numbers(log) == list(range(1, 12))


def mixed() -> list[Feature]:
    """Nine features in an order that only the server knows."""
    return [point(number) for number in (4, 1, 9, 2, 7, 3, 8, 5, 6)]


# What esridump 1.13.0 makes of each, oddities included: it takes servers by their word.
@pytest.mark.parametrize(("service", "numbers", "complete"), [
    (Service(mixed(), most=4), [4, 1, 9, 2, 7, 3, 8, 5, 6], True),
    (Service(mixed(), most=4, counts=False), [4, 1, 2, 3, 7, 8, 5, 6, 9], True),
    (Service(mixed(), most=4, paging=False), [4, 1, 2, 3, 7, 8, 5, 6, 9], True),
    (Service(mixed(), most=4, paging=False, statistics=True), [4, 1, 2, 3, 7, 8, 5, 6, 9], True),
    (Service(mixed(), most=4, paging=False, ids=False), [7, 6, 4, 5, 1, 2, 3, 9, 8], True),
    (Service([*mixed(), point(4)], most=4), [4, 1, 9, 2, 7, 3, 8, 5, 6, 4], False),
    (Service(mixed(), most=2, said=4, silent=True), [4, 1, 7, 3, 6], False),
    (Service(mixed(), most=2, said=4, paging=False), [4, 1, 7, 8, 9], False),
    (Service(mixed(), most=4, ignores_offset=True), [4, 1, 9, 2] * 3, False),
], ids=["offsets", "uncounted", "ids", "statistics", "boxes", "twice", "silently short", "short",
        "offset ignored"])  # fmt: skip
def test_under_the_rule_of_digital_land_the_features_are_those_of_esridump_in_its_order(
    serve: Any, folder: Folder, service: Service, numbers: list[int], complete: bool
) -> None:
    folder.settings('resource-rule = "digital-land"\n' + QUICK)
    log = (served := serve(service)).collect()
    assert served.numbers(log) == numbers
    assert (log.outcome, log.complete) == ("first", complete), log.message
    assert ("the service counts" in log.message and "as digital-land keeps it" in log.message) is not complete


def test_under_the_rule_of_digital_land_half_a_layer_is_no_resource_either(serve: Any, folder: Folder) -> None:
    folder.settings('resource-rule = "digital-land"\n' + QUICK)
    broken = Service(
        points(25), most=10, interfere=lambda f: error(400, "no") if f.get("resultOffset") == "10" else None
    )
    log = serve(broken).collect()
    assert (log.outcome, log.resource) == ("failed:incomplete", "")
    assert log.partial_resource


def test_a_page_that_fails_is_named_and_the_others_are_kept_as_a_part(serve: Any, folder: Folder) -> None:
    broken = {"10"}

    def interfere(form: dict[str, str]) -> Page | None:
        return error(504, "Timeout", "The query timed out") if form.get("resultOffset") in broken else None

    served = serve(Service(points(25), most=5, interfere=interfere), retries=1, retry_backoff_seconds=1)
    log = served.collect()
    assert (log.outcome, log.resource, log.complete, log.coverage) == ("failed:incomplete", "", False, "full")
    assert served.numbers(log) == [*range(1, 11), *range(16, 26)]
    failed = [task for task in log.tasks if task["state"] == "failed"]
    assert [task["key"] for task in failed] == ["offset-000000010"]
    assert "The query timed out" in failed[0]["message"]
    assert "offset-000000010" in log.message
    assert served.service.pages_asked() == ["0", "5", "10", "10", "15", "20"]

    broken.clear()
    log = served.collect()
    assert served.service.pages_asked() == ["10"]
    assert len(served.service.asked) == 1
    assert (log.outcome, log.partial_resource, served.numbers(log)) == ("first", "", list(range(1, 26)))
    assert list((folder.path / "work/pending").iterdir()) == []


def test_after_three_pages_that_failed_in_a_row_the_rest_is_left_for_later(serve: Any) -> None:
    served = serve(Service(points(50), most=5, interfere=lambda f: Page(b"x", 400) if f.get("resultOffset", "0") != "0"
                           else None))  # fmt: skip
    log = served.collect()
    assert served.service.pages_asked() == ["0", "5", "10", "15"]
    assert log.outcome == "failed:incomplete"


def test_where_nothing_came_there_is_no_part(serve: Any) -> None:
    served = serve(Service(points(5), interfere=lambda f: error(400, "Failed to execute query.", "Bad field")
                           if "resultOffset" in f else None))  # fmt: skip
    log = served.collect()
    assert (log.outcome, log.resource, log.partial_resource, log.status) == ("failed:service-error", "", "", "200")
    assert "Failed to execute query.: Bad field" in log.message
    assert [task["state"] for task in log.tasks] == ["finished", "finished", "failed"]


def test_a_count_that_pages_do_not_reach_is_an_incomplete_harvest_that_starts_anew(serve: Any) -> None:
    short: list[Page] = [Page(json.dumps({"count": 30}).encode())]

    def interfere(form: dict[str, str]) -> Page | None:
        return short[0] if short and "returnCountOnly" in form else None

    served = serve(Service(points(25), most=10, interfere=interfere))
    log = served.collect()
    assert log.outcome == "failed:incomplete"
    assert "25 features came, the service counts 30" in log.message
    short.clear()
    assert served.collect().outcome == "first"
    assert served.service.pages_asked() == ["0", "10", "20"]


def test_a_layer_that_grew_meanwhile_is_complete(serve: Any) -> None:
    counts = iter([30, 25])

    def interfere(form: dict[str, str]) -> Page | None:
        return Page(json.dumps({"count": next(counts)}).encode()) if "returnCountOnly" in form else None

    assert serve(Service(points(25), most=10, interfere=interfere)).collect().complete


@pytest.mark.parametrize(("answer", "outcome", "said"), [
    (error(499, "Token Required"), "failed:token-needed", "wants a token"),
    (error(498, "Invalid Token"), "failed:token-needed", "wants a token"),
    (error(500, "Service not started"), "failed:unavailable", "Service not started"),
    (error(400, "Invalid URL"), "failed:service-error", "Invalid URL"),
    (Page(b'{"layers": [{"id": 3, "name": "Oaks"}]}'), "failed:not-a-layer", "3 (Oaks)"),
    (Page(b"[]"), "failed:not-json", "JSON object"),
    (Page(b"<html><body>Log in</body></html>"), "refused:html", "web page"),
    (Page(b"{"), "failed:not-json", "expected JSON"),
    (Page(b"no", 403), "failed:status", "403"),
], ids=str)  # fmt: skip
def test_what_is_no_layer_fails_with_its_reason(serve: Any, answer: Page, outcome: str, said: str) -> None:
    log = serve(Service([], interfere=lambda _: answer), retries=0).collect()
    assert log.outcome == outcome
    assert said in log.message
    assert log.tasks[0]["key"] == "layer"


def test_retries_of_nought_are_one_attempt(serve: Any) -> None:
    served = serve(Service([], interfere=lambda _: error(500, "busy")), retries=0)
    served.collect()
    assert len(served.service.asked) == 1


def test_a_page_that_is_cut_off_is_asked_again(serve: Any) -> None:
    cut = [Page(b'{"features": [{"attributes": {"OBJECTID": 1}}, {"attri')]
    served = serve(Service(points(3), interfere=lambda f: cut.pop() if "resultOffset" in f and cut else None),
                   retry_backoff_seconds=1)  # fmt: skip
    log = served.collect()
    assert served.service.pages_asked() == ["0", "0"]
    assert (log.complete, served.numbers(log)) == (True, [1, 2, 3])


@pytest.mark.parametrize(
    "path", [f"{PATH}/", f"{PATH}/query", f"{PATH}/query?where=1%3D1&outFields=*&f=geojson&resultRecordCount=1"]
)
def test_a_url_may_end_in_a_slash_or_in_a_query(serve: Any, path: str) -> None:
    served = serve(Service(points(3)), path)
    assert served.numbers(served.collect()) == [1, 2, 3]
    assert {form["f"] for form in served.service.asked} == {"json"}


def test_what_a_url_says_goes_with_every_question(serve: Any) -> None:
    served = serve(Service(points(3), paging=False), f"{PATH}/query?where=name%3D%27x%27&token=t&outFields=name")
    served.collect()
    about, *questions = served.service.asked
    assert about["token"] == "t"
    assert {form["token"] for form in questions} == {"t"}
    assert all("name='x'" in form["where"] for form in questions)
    assert questions[-1]["where"].startswith("(OBJECTID > ")
    assert questions[-1]["outFields"] == "name"


def test_a_refill_asks_for_all_pages_again(serve: Any) -> None:
    served = serve(Service(points(15), most=10))
    served.collect()
    served.service.features.append(point(16))
    log = served.collect(mode=Mode.REFILL)
    assert served.service.pages_asked() == ["0", "10"]
    assert served.numbers(log) == list(range(1, 17))


@pytest.mark.parametrize(("parameters", "reason"), [
    ({"max_page_size": 0}, "max_page_size"),
    ({"max_page_size": "twenty"}, "max_page_size"),
    ({"max_page_size": True}, "max_page_size"),
    ({"timeout": 0}, "timeout"),
    ({"retries": -1}, "retries"),
    ({"retry_backoff_seconds": 0.5}, "retry_backoff_seconds"),
], ids=str)  # fmt: skip
def test_a_wrong_parameter_is_a_recorded_skip(serve: Any, parameters: Any, reason: str) -> None:
    served = serve(Service(points(3)), **parameters)
    report = served.folder.collect()
    assert served.service.asked == []
    assert list(report.skips.values()) == ["skipped:bad-parameters"]
    assert [p.skip for p in report.problems] == ["bad-parameters"]
    assert reason in report.problems[0].reason


def test_an_unknown_parameter_is_reported_and_ignored(serve: Any) -> None:
    served = serve(Service(points(3)), max_pagesize=1)
    report = served.folder.collect()
    assert [log.outcome for log in report.logs] == ["first"]
    assert "unknown key 'max_pagesize'" in str(report.problems[0])
    assert "did you mean 'max_page_size'?" in str(report.problems[0])


def test_memory_does_not_grow_with_the_pages(tmp_path: Path) -> None:
    small, large = (peak_of(tmp_path / str(pages), pages) for pages in (2, 16))
    assert large < small + 1_000_000, (small, large)


def peak_of(folder: Path, pages: int) -> int:
    """The most memory that Python held while a layer of so many pages, of 200 kB each, was collected."""
    rings = [[[number / 7, number / 11] for number in range(100)]]
    features = [{**point(number), "geometry": {"rings": rings}} for number in range(pages * 100)]
    bodies = Service(features, most=100)
    place = Folder(folder / "trees")
    place.path.mkdir(parents=True)
    with WebServer(lambda asked: Page(bodies(asked).body)) as server:
        requested = HarvestRequest(server.url(PATH), work=place.path / "work", pending=place.path / "pending")
        with Gate(limits=Limits(), politeness=Politeness(pause_share=0.0), user_agent="tests", rules=LOOPBACK,
                  work=place.path / "work", locks=folder / "locks") as gate:  # fmt: skip
            fetcher = _WithoutTheServer(gate)
            tracemalloc.start()
            try:
                harvest = arcgis.harvest(requested, fetcher)
                fetcher.peak = max(fetcher.peak, tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    assert harvest.complete
    assert harvest.size > pages * 200_000
    return fetcher.peak


class _WithoutTheServer:
    """Counts what is held between requests and at their most in between, without what the test's server makes."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self.peak = gate, 0

    def fetch(self, request: Request) -> Answer:
        self.peak = max(self.peak, tracemalloc.get_traced_memory()[1])
        answer = self._gate.fetch(request)
        tracemalloc.reset_peak()
        return answer
