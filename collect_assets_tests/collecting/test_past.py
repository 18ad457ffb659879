"""What earlier days and other programs left, and what a run makes of it when it is not as it should be."""

from __future__ import annotations

import json

import pytest

from collect_assets.collecting.log import Log
from collect_assets.collecting.plan import Mode
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, csv_of
from collect_assets_tests.servers import Page, WebServer


def adopt(folder, url, *more: str, day=DAY, **keys) -> None:
    """Lays what was adopted for a day: the log of a URL, and lines as they are."""
    path = folder.collection.adopted(day)
    path.parent.mkdir(exist_ok=True)
    log = {"endpoint": endpoint_id(url), "endpoint-url": url, "entry-date": f"{day}T00:00:00", **keys}
    path.write_text("\n".join([json.dumps(log), *more]))


def test_a_failure_does_not_replace_a_good_log_that_was_adopted_for_the_day(folder):
    with WebServer({"/a": Page(b"gone", 404)}) as server:
        url = server.url("/a")
        folder.register(url)
        adopt(folder, url, status="200", resource=folder.put_resource(csv_of(1)))
        report = folder.collect(mode=Mode.REFILL)
    assert len(server.asked) == 1
    assert report.outcomes == {"collected": 1}
    assert not folder.collection.log_path(DAY, endpoint_id(url)).exists()


def test_who_has_a_good_log_that_was_adopted_for_the_day_is_not_asked_again(folder):
    with WebServer({"/a": Page(csv_of(1))}) as server:
        folder.register(server.url("/a"))
        adopt(folder, server.url("/a"), status="200", resource=folder.put_resource(csv_of(1)))
        report = folder.collect()
    assert (server.asked, report.already) == ([], 1)


@pytest.mark.parametrize("damage", ["{", "[]", '{"endpoint": "x"}'])
def test_a_damaged_line_of_what_was_adopted_is_a_problem_and_stops_nobody(folder, damage):
    with WebServer({"/a": Page(csv_of(1)), "/b": Page(csv_of(2))}) as server:
        folder.register(server.url("/a"), server.url("/b")).settings("[politeness]\nshort-after-days = 1\n")
        adopt(folder, server.url("/a"), damage, status="404")
        folder.now += NEXT_DAY - DAY
        report = folder.collect(NEXT_DAY)
        past = folder.collect(DAY, mode=Mode.REFILL)
    assert report.outcomes == {"first": 2}
    [problem] = [each for each in past.problems if each.file == f"{DAY}.jsonl"]
    assert (problem.row, "line 2" in problem.reason) == (2, True)


@pytest.mark.parametrize("value", ['"a"\n "b"', "“a”", " a", "a\r\nX-Other: b"])
def test_a_validator_that_cannot_be_sent_back_does_not_keep_an_endpoint_from_being_asked(folder, value):
    with WebServer({"/a": Page(csv_of(1))}) as server:
        url = server.url("/a")
        folder.register(url)
        resource = folder.put_resource(csv_of(1))
        folder.put_log(url, {"status": "200", "resource": resource, "response-headers": {"ETag": value}})
        folder.now += NEXT_DAY - DAY
        report = folder.collect(NEXT_DAY)
    assert report.outcomes == {"same": 1}


def test_what_is_no_object_in_the_lists_of_a_strangers_log_is_left_out():
    content = json.dumps({"endpoint-url": "http://a.example", "redirects": ["http://b.example", {"status": 301}]})
    assert Log.from_json(content.encode()).redirects == ({"status": 301},)
