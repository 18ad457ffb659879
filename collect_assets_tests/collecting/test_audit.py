"""Servers that say 304 to what has changed (fault F30), and what is believed of validators (F31, F32)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from collect_assets.collecting.audit import ODDS, Audit
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, NOON, QUICK, Folder
from collect_assets_tests.collecting.test_options import row
from collect_assets_tests.servers import Asked, Page, RawServer, WebServer, http

ALWAYS = f"{QUICK}\n[conditional]\naudit-share = 1.0\n"
NEVER = f"{QUICK}\n[conditional]\naudit-share = 0.0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "sites"
    path.mkdir()
    return Folder(path).settings(ALWAYS)


class Changing:
    """A page that is another one each day, and a server that notices it or not."""

    def __init__(self, folder: Folder, *, honest: bool) -> None:
        self.folder, self.honest = folder, honest

    def __call__(self, asked: Asked) -> Page:
        version = f'"{self.folder.now.date()}"' if self.honest else '"v"'
        if asked.headers.get("if-none-match") == version:
            return Page(b"", 304)
        return Page(f"{self.folder.now.date()}\n".encode(), headers={"ETag": version})


def conditional(server: WebServer) -> list[bool]:
    return ["if-none-match" in asked.headers for asked in server.asked]


def next_days(folder: Folder, count: int) -> None:
    for _ in range(count):
        folder.now += dt.timedelta(days=1)
        folder.collect(folder.now.date())


def test_f30_a_server_that_lies_is_found_listed_and_never_believed_again(folder: Folder) -> None:
    with WebServer(Changing(folder, honest=False)) as server:
        url = server.url("/a")
        folder.register(url).collect()
        report = folder.tomorrow()
        assert conditional(server) == [False, False, True]
        assert [log.endpoint_url for log in report.lying] == [url]
        log = folder.log(url, NEXT_DAY)
        assert (log.outcome, log.audit) == ("changed", "lies")
        assert "304" in log.message
        assert folder.runs(NEXT_DAY)[0]["audit"] == {log.endpoint: "lies"}

        folder.settings(NEVER)
        next_days(folder, 2)
        assert conditional(server)[3:] == [False, False]
        assert folder.log(url, folder.now.date()).audit == "lies"
        folder.register(row(url, conditional=True))
        next_days(folder, 1)
        assert conditional(server)[5:] == [True]
        assert folder.log(url, folder.now.date()).audit == ""


def test_an_honest_server_that_changed_is_asked_once_more_and_believed(folder: Folder) -> None:
    with WebServer(Changing(folder, honest=True)) as server:
        folder.register(server.url("/a")).collect()
        report = folder.tomorrow()
        folder.settings(NEVER)
        next_days(folder, 1)
    assert report.lying == []
    assert folder.log(server.url("/a"), NEXT_DAY).audit == "agrees"
    assert conditional(server) == [False, False, True, True]
    assert folder.left_in_work() == []


def test_an_audit_of_what_did_not_change_costs_no_second_request(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n", headers={"ETag": '"v"'})}) as server:
        folder.register(server.url("/a")).collect()
        folder.tomorrow()
    assert conditional(server) == [False, False]
    log = folder.log(server.url("/a"), NEXT_DAY)
    assert (log.outcome, log.audit) == ("same", "agrees")


def test_without_an_audit_everybody_is_asked_conditionally_but_who_does_not_want_to_be(folder: Folder) -> None:
    with WebServer(lambda _: Page(b"1\n", headers={"ETag": '"v"'})) as server:
        folder.settings(NEVER).register(server.url("/a"), row(server.url("/b"), conditional=False)).collect()
        folder.tomorrow()
    assert {asked.path: "if-none-match" in asked.headers for asked in server.asked[2:]} == {"/a": True, "/b": False}


def test_the_draw_is_another_each_day_and_stays_within_the_budget() -> None:
    drawn = []
    for day in (DAY, DAY, NEXT_DAY):
        audit = Audit(0.01, day)
        drawn.append({name for name in map(str, range(20_000)) if audit.draws(name, 10)})
    assert drawn[0] == drawn[1] != drawn[2]
    assert 100 <= len(drawn[0]) <= 200
    assert len(drawn[0] & drawn[2]) < len(drawn[0]) / 2
    assert ODDS > 1
    assert not any(Audit(0.0, DAY).draws(str(number), 0) for number in range(1000))


@pytest.mark.parametrize("count", [1, 10, 90, 500])
def test_the_endpoints_of_a_collection_of_any_size_have_their_turn(count: int) -> None:
    days, drawn, most = 400, dict.fromkeys(map(str, range(count)), 0), 0
    for number in range(days):
        audit = Audit(0.01, DAY + dt.timedelta(days=number))
        today = [name for name in drawn if audit.draws(name, 1000)]
        most = max(most, len(today))
        for name in today:
            drawn[name] += 1
    assert 0.4 <= sum(drawn.values()) / (0.01 * count * days) <= 2
    assert most <= max(6, 0.03 * count)


def test_what_is_larger_than_the_budget_has_its_turn_once_in_a_hundred_days() -> None:
    audits = [Audit(0.01, DAY + dt.timedelta(days=number)) for number in range(1000)]
    assert 3 <= sum(audit.draws("large", 1 << 30) for audit in audits) <= 20


@pytest.mark.parametrize(
    ("headers", "sent"),
    [({"ETag": 'W/"a,b"'}, {"if-none-match": 'W/"a,b"'}),
     ({"ETag": "not quoted, at all"}, {"if-none-match": "not quoted, at all"}),
     ({"Last-Modified": "Sun, 01 Mar 2026 11:00:00 GMT"}, {"if-modified-since": "Sun, 01 Mar 2026 11:00:00 GMT"}),
     ({"Last-Modified": "Fri, 01 Jan 2038 00:00:00 GMT", "ETag": "e"}, {"if-none-match": "e"}),
     ({"Last-Modified": "Fri, 01 Jan 2038 00:00:00 GMT"}, {}),
     ({"Last-Modified": "yesterday"}, {"if-modified-since": "yesterday"})],
)  # fmt: skip
def test_f32_validators_are_opaque_and_dates_to_come_are_not_trusted(folder: Folder, headers, sent) -> None:
    with WebServer({"/a": Page(b"1\n", headers=headers)}) as server:
        folder.settings(NEVER).register(server.url("/a")).collect()
        folder.tomorrow()
    names = ("if-none-match", "if-modified-since")
    assert {name: server.asked[1].headers[name] for name in names if name in server.asked[1].headers} == sent


def test_f31_a_validator_that_changes_every_time_is_the_same_resource(folder: Folder) -> None:
    counter = iter(range(9))
    with WebServer({"/a": lambda _: Page(b"1\n", headers={"ETag": f'"{next(counter)}"'})}) as server:
        folder.settings(NEVER).register(server.url("/a")).collect()
        report = folder.tomorrow()
    assert report.outcomes == {"same": 1}
    assert len(folder.resources()) == 1


def redirecting(target: Callable[[], str], status: int) -> Callable[[Asked], Page]:
    return lambda asked: Page(b"1\n") if asked.path != "/a" else Page(b"", status, {"Location": target()})


@pytest.mark.parametrize(("status", "proposed"), [(301, True), (308, True), (302, False)])
def test_f39_a_permanent_redirect_for_a_week_proposes_the_move(folder: Folder, status: int, proposed: bool) -> None:
    with WebServer(redirecting(lambda: "/b", status)) as server:
        url = server.url("/a")
        folder.register(url).collect()
        next_days(folder, 5)
        assert folder.log(url, folder.now.date()).message == ""
        next_days(folder, 1)
        message = folder.log(url, folder.now.date()).message
    assert (f"moved for good to {server.url('/b')}" in message) is proposed


def test_f39_a_target_that_changes_proposes_nothing(folder: Folder) -> None:
    with WebServer(redirecting(lambda: f"/{folder.now.day % 2 + 2}", 301)) as server:
        folder.register(server.url("/a")).collect()
        next_days(folder, 8)
    assert folder.log(server.url("/a"), folder.now.date()).message == ""


def test_what_failed_for_days_gets_one_short_attempt_a_day_if_the_setting_says_so(folder: Folder) -> None:
    folder.settings(QUICK.replace("[politeness]", "[politeness]\nshort-after-days = 3"))
    with WebServer({"/a": Page(b"", 503)}) as server:
        folder.register(server.url("/a")).collect()
        next_days(folder, 2)
        assert len(server.asked) == 6
        folder.collect(folder.now.date())
        assert len(server.asked) == 8
        next_days(folder, 1)
        assert folder.collect(folder.now.date()).fetched == {}
        assert len(server.asked) == 9
        server.pages = {"/a": Page(b"1\n")}
        next_days(folder, 1)
    assert folder.log(server.url("/a"), folder.now.date()).outcome == "first"
    assert folder.now == NOON + dt.timedelta(days=4)


def test_without_that_setting_it_is_asked_as_any_other(folder: Folder) -> None:
    with WebServer({"/a": Page(b"", 503)}) as server:
        folder.register(server.url("/a")).collect()
        next_days(folder, 4)
    assert len(server.asked) == 10


def test_f15_what_looks_cut_is_named_as_a_part_and_what_was_there_stays(folder: Folder) -> None:
    whole = b'{"features": [{"id": 1}, {"id": 2}]}'
    with RawServer([http(whole, length=False)], [http(whole[:-14], length=False)]) as server:
        url = server.url("/a")
        folder.register(url).collect()
        folder.tomorrow()
        log = folder.log(url, NEXT_DAY)
    assert folder.log(url).outcome == "first"
    assert (log.outcome, log.resource, log.complete, log.transient) == ("failed:truncated", "", False, True)
    assert folder.collection.resources.path(log.partial_resource).read_bytes() == whole[:-14]


def test_a_resource_of_unknown_size_takes_its_share_of_the_budget_all_the_same(folder: Folder) -> None:
    """Logs of other software do not tell the size; a large file would be fetched in full as if it cost nothing."""
    with WebServer(lambda asked: Page(status=304 if "if-none-match" in asked.headers else 500)) as server:
        urls = [server.url(f"/{number}") for number in range(60)]
        for url in urls:
            keys = {"status": "200", "resource": folder.put_resource(url.encode()), "response-headers": {"ETag": '"1"'}}
            folder.put_log(url, keys)
        report = folder.settings(f"{QUICK}\n[conditional]\naudit-share = 0.1\n").register(*urls).tomorrow()
    assert report.outcomes["not-modified"] > 60 - 60 * 0.1 * ODDS / 1.6  # a half would go, if they cost nothing
