"""The plain GET: one document as it is served, or a reason why there is none. And how plugins are found."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from collect_assets.collection import Limits, Politeness, ResourceRuleName
from collect_assets.errors import FailedError, FetchError, RefusedError
from collect_assets.network.gate import Gate
from collect_assets.plugins import HarvestRequest, get, plugins
from collect_assets_tests.collecting.kit import LOOPBACK, sha256
from collect_assets_tests.servers import Asked, Page, RawServer, WebServer, http


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with Gate(
        limits=Limits(attempts=2, backoff=0.01, max_bytes=50_000),
        politeness=Politeness(pause_share=0.0),
        user_agent="tests",
        rules=LOOPBACK,
        work=tmp_path / "work",
        locks=tmp_path / "locks",
    ) as gate:
        yield gate


def harvest_fails(gate: Gate, page: Page, work: Path) -> FetchError:
    with WebServer({"/a": page}) as server, pytest.raises(FetchError) as caught:
        get.harvest(HarvestRequest(server.url("/a")), gate)
    assert not work.exists() or list(work.iterdir()) == []
    assert caught.value.evidence.status == page.status
    assert caught.value.evidence.attempts
    return caught.value


def test_a_document_is_handed_over_as_it_was_served(gate: Gate) -> None:
    body = b"\xef\xbb\xbfname;note\r\n\xe9;\0\r\n"
    with WebServer({"/a": Page(body)}) as server:
        harvest = get.harvest(HarvestRequest(server.url("/a")), gate)
    assert harvest.part is not None
    assert harvest.part.read_bytes() == body
    assert (harvest.sha256, harvest.size, harvest.start) == (sha256(body), len(body), body)
    assert (harvest.complete, harvest.coverage, harvest.not_modified) == (True, "full", False)


MANY = b'{"a": 1}, ' * 3400  # more than is looked at


@pytest.mark.parametrize("rule", ["raw", "digital-land"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"features": [{"a": 1}], "exceededTransferLimit" : true}', "held something back"),
        (b'{"features": [' + MANY + b'{"a": 1}], "exceededTransferLimit":true}', "plugin arcgis"),
        (b'{"type": "FeatureCollection", "properties": {"exceededTransferLimit": true}}', "held something back"),
        (b'{"numberMatched": 500, "features": [' + MANY + b'{}], "numberReturned":9}', "holds 500 .* gave 9"),
        (b'<?xml version="1.0"?><w:Collection numberMatched="31" numberReturned="30" xmlns:w="w"/>', "page_size"),
    ],
)
def test_an_answer_that_says_that_it_is_a_part_is_kept_and_proves_no_absence(
    gate: Gate, body: bytes, said: str, rule: ResourceRuleName
) -> None:
    with WebServer({"/a": Page(body, headers={"Content-Type": "text/plain"})}) as server:
        harvest = get.harvest(HarvestRequest(server.url("/a"), resource_rule=rule), gate)
    assert harvest.part is not None
    assert (harvest.complete, harvest.incomplete) == (False, None)
    assert re.search(f"{said}.*does not count as deleted", harvest.note)


@pytest.mark.parametrize(
    "body",
    [
        b'{"features": [], "exceededTransferLimit": false}',
        b'{"numberMatched": 5, "numberReturned": 5, "features": [1, 2, 3, 4, 5]}',
        b'<FeatureCollection numberMatched="unknown" numberReturned="30"></FeatureCollection>',
        b'name,note\n1,"{""exceededTransferLimit"":true}"\n2,numberMatched=9 numberReturned=1\n',
    ],
)
def test_an_answer_that_says_no_such_thing_is_complete(gate: Gate, body: bytes) -> None:
    with WebServer({"/a": Page(body)}) as server:
        harvest = get.harvest(HarvestRequest(server.url("/a")), gate)
    assert (harvest.complete, harvest.note) == (True, "")


def test_validators_are_sent(gate: Gate) -> None:
    with WebServer({"/a": Page(b"", 304)}) as server:
        request = HarvestRequest(server.url("/a"), validators={"If-None-Match": '"v"'})
        harvest = get.harvest(request, gate)
        assert server.asked[0].headers["if-none-match"] == '"v"'
    assert harvest.not_modified
    assert harvest.part is None


def test_a_304_without_validators_is_a_failure(gate: Gate, tmp_path: Path) -> None:
    assert harvest_fails(gate, Page(b"", 304), tmp_path / "work").outcome == "failed:status"


@pytest.mark.parametrize(
    ("status", "transient"),
    [(201, False), (204, False), (206, False), (300, False), (400, False), (401, False), (403, False), (404, False),
     (410, False), (408, True), (425, True), (429, True), (500, True), (501, False), (502, True), (503, True),
     (504, True)],
)  # fmt: skip
def test_another_status_than_200_is_a_failure_that_knows_whether_it_may_pass(
    gate: Gate, tmp_path: Path, status: int, transient: bool
) -> None:
    error = harvest_fails(gate, Page(b"a,b\n", status), tmp_path / "work")
    assert isinstance(error, FailedError)
    assert (error.outcome, error.transient) == ("failed:status", transient)
    assert str(status) in str(error)


def test_no_body_is_a_failure_and_a_web_page_is_refused(gate: Gate, tmp_path: Path) -> None:
    assert harvest_fails(gate, Page(b""), tmp_path / "work").outcome == "failed:empty"
    error = harvest_fails(gate, Page(b"<!doctype html><title>Log in</title>"), tmp_path / "work")
    assert isinstance(error, RefusedError)
    assert error.outcome == "refused:html"


def test_what_the_gate_refuses_comes_through_with_its_evidence(gate: Gate, tmp_path: Path) -> None:
    assert harvest_fails(gate, Page(b"x" * 50_001), tmp_path / "work").outcome == "refused:too-large"


def test_every_plugin_has_a_name_of_its_own_and_the_blank_one_is_the_plain_get() -> None:
    found = plugins()
    assert found[""] is get.harvest
    modules = [path for path in Path(get.__file__).parent.glob("*.py") if "\nNAME = " in path.read_text()]
    assert len(found) == len(modules)


def test_plugins_can_be_asked_for_by_many_threads(gate: Gate) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(plugins()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_a_body_in_an_encoding_that_is_not_undone_is_kept_incomplete_and_says_so(gate: Gate) -> None:
    with WebServer({"/a": Page(b"\x8b\x03\x80a,b\n1\x03", headers={"Content-Encoding": "br"})}) as server:
        harvest = get.harvest(HarvestRequest(server.url("/a")), gate)
    assert harvest.part is not None
    assert not harvest.complete
    assert harvest.note == "kept as it came, in Content-Encoding br, which is not decoded"


def test_f29_a_304_to_a_request_without_validators_is_asked_once_more_past_the_caches(gate: Gate) -> None:
    def page(asked: Asked) -> Page:
        return Page(b"1\n") if asked.headers.get("cache-control") == "no-cache" else Page(b"", 304)

    with WebServer(page) as server:
        harvest = get.harvest(HarvestRequest(server.url("/a")), gate)
    assert harvest.part is not None
    assert len(server.asked) == 2


@pytest.mark.parametrize(("status", "advice"), [(410, "end-date"), (401, "credential"), (403, "credential")])
def test_f33_f34_a_final_status_says_what_to_do(gate: Gate, tmp_path: Path, status: int, advice: str) -> None:
    assert advice in str(harvest_fails(gate, Page(b"", status), tmp_path / "work"))


@pytest.mark.parametrize("parameters", [{}, {"allow-cut": True}])
def test_f15_a_body_that_looks_cut_is_incomplete_and_a_resource_only_if_allowed(
    gate: Gate, parameters: dict[str, bool]
) -> None:
    with RawServer([http(b'{"features": [{"id": 1}', length=False)]) as server:
        harvest = get.harvest(HarvestRequest(server.url("/a"), parameters), gate)
    assert not harvest.complete
    assert "may be cut off" in harvest.note
    assert (harvest.incomplete is None) is bool(parameters)
    assert harvest.incomplete is None or harvest.incomplete.outcome == "failed:truncated"
