"""A day of a collection: who is asked, what is written down, and that nothing stops the others."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from collect_assets.collecting.day import day_skips
from collect_assets.collecting.log import Log
from collect_assets.collecting.plan import Mode
from collect_assets.collecting.selection import select
from collect_assets.errors import RegisterError, SettingsError
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, NOON, QUICK, Folder, csv_of, sha256
from collect_assets_tests.servers import Asked, Page, RawServer, Reset, Step, WebServer, closed_port, http

STATES: dict[str, dict[str, str]] = {
    "no log": {},
    "good": {"status": "200", "outcome": "first"},
    "transient": {"outcome": "failed:connect", "exception": "ConnectTimeout"},
    "late": {"status": "503", "outcome": "failed:status"},
    "permanent": {"status": "404", "outcome": "failed:status"},
    "refused": {"status": "200", "outcome": "refused:html"},
}
ASKED = {
    Mode.DEFAULT: {"no log", "transient", "late", "damaged"},
    Mode.NEW: {"no log", "damaged"},
    Mode.FAILED: {"transient", "late", "permanent", "refused"},
    Mode.REFILL: {"no log", "good", "transient", "late", "permanent", "refused", "damaged"},
}


@pytest.mark.parametrize("mode", Mode)
def test_a_mode_asks_exactly_whom_it_says(folder: Folder, mode: Mode) -> None:
    with WebServer(lambda asked: Page(asked.path.encode())) as server:
        urls = {state: server.url(f"/{state.replace(' ', '-')}") for state in (*STATES, "damaged")}
        resource = folder.put_resource(b"1,2\n")
        for state, keys in STATES.items():
            if state != "no log":
                folder.put_log(urls[state], keys | ({"resource": resource} if state == "good" else {}))
        folder.put_log(urls["damaged"]).write_text("{half a lo")
        report = folder.register(*urls.values()).collect(mode=mode)
        asked = {state for state, url in urls.items() if any(server.url(a.path) == url for a in server.asked)}
    assert asked == ASKED[mode]
    assert report.already == len(urls) - len(asked)
    assert sum(report.fetched.values()) == len(asked)


@pytest.mark.parametrize("page", [Page(status=500), Page(status=404), Page(b""), Page(b"<!doctype html><html>")])
def test_a_failure_never_replaces_a_good_log_of_the_day(folder: Folder, page: Page) -> None:
    pages = {"/a": Page(b"1,2\n")}
    with WebServer(lambda asked: pages[asked.path]) as server:
        folder.register(server.url("/a")).collect()
        path = folder.collection.log_path(DAY, endpoint_id(server.url("/a")))
        before = path.read_bytes()
        pages["/a"] = page
        folder.now = NOON + dt.timedelta(hours=1)
        report = folder.collect(mode=Mode.REFILL)
    assert path.read_bytes() == before
    assert list(report.fetched) == [folder.runs()[-1]["outcomes"].popitem()[0]]
    assert report.outcomes == {"first": 1}


def test_a_success_replaces_a_failure_of_the_day(folder: Folder) -> None:
    pages = {"/a": Page(status=503)}
    with WebServer(lambda asked: pages[asked.path]) as server:
        report = folder.register(server.url("/a")).collect()
        assert report.outcomes == {"failed:status": 1}
        assert folder.log(server.url("/a")).transient
        pages["/a"] = Page(b"1,2\n")
        report = folder.collect()
        assert report.outcomes == {"first": 1}
        assert folder.log(server.url("/a")).resource == sha256(b"1,2\n")


def test_all_logs_of_a_day_carry_its_first_moment(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n"), "/b": Page(status=404)}) as server:
        folder.register(server.url("/a"), server.url("/b")).collect()
        folder.now = NOON + dt.timedelta(hours=3)
        folder.register(server.url("/a"), server.url("/b"), server.url("/c"))
        report = folder.collect()
    assert {log.entry_date for log in report.logs} == {"2026-03-01T00:00:00.000000"}
    assert {log.fetched_at for log in report.logs} == {"2026-03-01T12:00:00.000+00:00", "2026-03-01T15:00:00.000+00:00"}


def test_the_time_stamp_that_a_days_logs_have_is_taken_over(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n")}) as server:
        folder.put_log("https://example.org/theirs", {"status": "404"})
        folder.put_log("https://example.org/broken").write_text("{")
        folder.register(server.url("/a")).collect()
        assert folder.log(server.url("/a")).entry_date == "2026-03-01T01:02:03.000004"


def test_a_log_says_what_happened(folder: Folder) -> None:
    body = csv_of(1)
    with WebServer({"/a": Page(body, headers={"Content-Type": "text/csv", "ETag": '"1"'})}) as server:
        url = server.url("/a")
        folder.register(url).collect()
        log, run = folder.log(url), folder.runs()[0]
    assert (log.status, log.wire_status, log.outcome, log.exception, log.message) == ("200", "", "first", "", "")
    assert (log.resource, log.bytes, log.canonical_hash) == (sha256(body), len(body), sha256(body))
    assert (log.content_type, log.mime_type, log.complete, log.coverage) == ("text/csv", "text/plain", True, "full")
    assert log.run == run["run"]
    assert float(log.elapsed) >= 0
    assert log.request_headers["User-Agent"].startswith("collect_assets/")
    assert "collection trees" in log.request_headers["User-Agent"]
    (attempt,) = log.attempts
    assert (attempt["status"], attempt["bytes"], attempt["address"]) == (200, len(body), "127.0.0.1")
    assert folder.resources() == {sha256(body): body}


def test_validators_are_sent_and_a_304_stands_for_what_was_served_before(folder: Folder) -> None:
    def answer(asked: Asked) -> Page:
        unchanged = asked.headers.get("if-none-match") == '"v1"'
        headers = {"ETag": '"v1"', "Last-Modified": "Sun, 01 Mar 2026 00:00:00 GMT", "Content-Type": "text/csv"}
        return Page(b"", 304, {"ETag": '"v1"', "X-Now": "2"}) if unchanged else Page(b"1,2\n", headers=headers)

    with WebServer(answer) as server:
        url = server.url("/a")
        folder.register(url).collect()
        report = folder.tomorrow()
        assert "if-none-match" not in server.asked[0].headers
        assert server.asked[1].headers["if-none-match"] == '"v1"'
        assert server.asked[1].headers["if-modified-since"] == "Sun, 01 Mar 2026 00:00:00 GMT"
        first, second = folder.log(url), folder.log(url, NEXT_DAY)
        third = folder.collect(NEXT_DAY, mode=Mode.REFILL)
    assert report.outcomes == {"not-modified": 1} == third.outcomes
    assert (second.status, second.wire_status, second.outcome) == ("200", "304", "not-modified")
    for name in ("resource", "bytes", "canonical_hash", "mime_type", "content_type", "complete", "coverage"):
        assert getattr(second, name) == getattr(first, name)
    assert second.response_headers["Content-Type"] == "text/csv"
    assert second.response_headers["X-Now"] == "2"
    assert second.attempts[0]["status"] == 304


@pytest.mark.parametrize("how", ["missing", "short"])
def test_validators_are_not_sent_when_the_resource_is_not_at_hand(folder: Folder, how: str) -> None:
    with WebServer({"/a": Page(b"1,2\n", headers={"ETag": '"v1"'})}) as server:
        folder.register(server.url("/a")).collect()
        path = folder.collection.resources.path(sha256(b"1,2\n"))
        path.unlink() if how == "missing" else path.write_bytes(b"1")
        report = folder.tomorrow()
        assert "if-none-match" not in server.asked[1].headers
    assert report.outcomes == {"same": 1}
    assert path.read_bytes() == b"1,2\n"


def test_a_304_that_nobody_asked_for_is_a_failure(folder: Folder) -> None:
    with WebServer({"/a": Page(status=304)}) as server:
        report = folder.register(server.url("/a")).collect()
        assert folder.log(server.url("/a")).status == "304"
    assert report.outcomes == {"failed:status": 1}


def test_the_outcome_is_first_changed_same_or_returned(folder: Folder) -> None:
    served = [csv_of(1), csv_of(2), csv_of(2), csv_of(1), csv_of(3)]
    found = []
    with WebServer(lambda _: Page(served[0])) as server:
        url = server.url("/a")
        folder.register(url)
        for n in range(len(served)):
            folder.now = NOON + dt.timedelta(days=n)
            folder.collect(DAY + dt.timedelta(days=n))
            found.append(folder.log(url, DAY + dt.timedelta(days=n)).outcome)
            served.pop(0)
    assert found == ["first", "changed", "same", "returned", "changed"]


def test_a_failure_between_two_good_days_does_not_make_the_second_one_first(folder: Folder) -> None:
    pages = [Page(b"1\n"), Page(status=404), Page(b"1\n")]
    with WebServer(lambda _: pages.pop(0)) as server:
        folder.register(server.url("/a"))
        outcomes: list[str] = []
        for n in range(3):
            folder.now = NOON + dt.timedelta(days=n)
            outcomes += folder.collect(DAY + dt.timedelta(days=n)).outcomes
    assert outcomes == ["first", "failed:status", "same"]


def test_an_answer_that_differs_only_in_noise_is_the_same_and_kept_as_served(folder: Folder) -> None:
    documents = [b'<?xml version="1.0"?><wfs:F timeStamp="%d"><a/></wfs:F>' % n for n in (1, 2)]
    pages = list(documents)
    with WebServer(lambda _: Page(pages.pop(0))) as server:
        folder.register(server.url("/a")).collect()
        report = folder.tomorrow()
        log = folder.log(server.url("/a"), NEXT_DAY)
    assert report.outcomes == {"same": 1}
    assert log.resource == sha256(documents[1])
    assert sorted(folder.resources()) == sorted(map(sha256, documents))


@pytest.mark.parametrize(
    ("page", "outcome", "status"),
    [
        (Page(b"<!DOCTYPE html><html></html>"), "refused:html", "200"),
        (Page(b"\xef\xbb\xbf \n<html lang=en>"), "refused:html", "200"),
        (Page(b"<div>sorry</div>", headers={"Content-Type": "text/html; charset=utf-8"}), "refused:html", "200"),
        (Page(b""), "failed:empty", "200"),
        (Page(b"", 204), "failed:status", "204"),
        (Page(b"a,b\n", 404), "failed:status", "404"),
        (Page(b"a,b\n", 403), "failed:status", "403"),
        (Page(b"a,b\n", 500), "failed:status", "500"),
        (Page(b"a,b\n", 206), "failed:status", "206"),
        (Page(b"", 302, {"Location": "http://10.0.0.1/"}), "refused:address", ""),
        (Page(b"", 302, {"Location": "file:///etc/passwd"}), "refused:scheme", "302"),
    ],
)
def test_what_cannot_be_kept_leaves_a_log_and_no_resource(
    folder: Folder, page: Page, outcome: str, status: str
) -> None:
    with WebServer({"/a": page}) as server:
        url = server.url("/a")
        report = folder.register(url).collect()
        log = folder.log(url)
    assert report.outcomes == {outcome: 1}
    assert (log.outcome, log.status, log.resource, log.good) == (outcome, status, "", False)
    assert log.message
    assert folder.resources() == {}
    assert folder.left_in_work() == []


def test_a_csv_that_is_called_a_web_page_is_kept(folder: Folder) -> None:
    with WebServer({"/a": Page(b"a,b\n1,2\n", headers={"Content-Type": "text/html"})}) as server:
        report = folder.register(server.url("/a")).collect()
    assert report.outcomes == {"first": 1}


def test_a_refused_connection_is_logged_with_its_class_and_asked_again(folder: Folder) -> None:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/a"
        folder.register(url).collect()
        log = folder.log(url)
    assert (log.outcome, log.status, log.exception) == ("failed:connect", "", "ConnectionError")
    assert log.transient
    assert url in log.message or "127.0.0.1" in log.message


def test_no_request_leaves_for_a_private_address_without_the_operators_word(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n")}) as server:
        report = folder.register(server.url("/a")).collect(rules=None)
        assert server.asked == []
    assert report.outcomes == {"refused:address": 1}


def test_what_is_skipped_stands_in_the_run_file_with_row_and_reason_and_has_no_log(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n")}) as server:
        folder.register(
            {"endpoint-url": server.url("/a")},
            {"endpoint-url": server.url("/ended"), "end-date": "2026-02-01"},
            {"endpoint-url": server.url("/hash"), "endpoint": "f" * 64},
            {"endpoint-url": "", "endpoint": "a" * 64},
            {"endpoint-url": server.url("/plugin"), "plugin": "gopher"},
            {"endpoint-url": server.url("/date"), "end-date": "soon"},
            {"endpoint-url": server.url("/parameters"), "parameters": "{"},
            {"endpoint-url": "www.example.org/"},
        )
        report = folder.collect()
        assert [asked.path for asked in server.asked] == ["/a"]
    (run,) = folder.runs()
    why = {skip["row"]: skip["outcome"] for skip in run["skipped"]}
    assert why == {
        3: "skipped:ended",
        4: "skipped:hash-mismatch",
        5: "skipped:no-url",
        6: "skipped:unknown-plugin",
        7: "skipped:bad-date",
        8: "skipped:bad-parameters",
        9: "skipped:bad-url",
    }
    assert all(skip["reason"] for skip in run["skipped"])
    assert len(report.logs) == 1
    assert len(report.skips) == 7
    assert report.never_asked == ()
    assert day_skips(folder.collection, DAY) == report.skips


def test_the_run_file_says_what_it_did_with_which_settings_software_and_register(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n")}) as server:
        folder.register(server.url("/a"), server.url("/b")).collect()
        register = (folder.path / "endpoint.csv").read_bytes()
    (run,) = folder.runs()
    assert run["registers"] == {"endpoint.csv": sha256(register)}
    assert (folder.path / "register" / sha256(register)).read_bytes() == register
    assert (run["mode"], run["entry-date"], run["only"]) == ("default", "2026-03-01", None)
    assert run["asked"] == [endpoint_id(server.url(path)) for path in ("/a", "/b")]
    assert run["outcomes"] == {"failed:status": 1, "first": 1}
    assert run["started"] == run["ended"] == NOON.isoformat()
    assert run["settings"]["limits"]["attempts"] == 2
    assert {"collect_assets", "python", "requests", "urllib3"} <= set(run["software"])


def test_a_damaged_copy_of_the_register_is_written_again(folder: Folder) -> None:
    folder.register()
    register = (folder.path / "endpoint.csv").read_bytes()
    copy = folder.path / "register" / sha256(register)
    copy.parent.mkdir()
    copy.write_bytes(b"rotten")
    folder.collect()
    assert copy.read_bytes() == register


def test_only_the_named_endpoints_are_asked_and_recorded(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n"), "/b": Page(b"2\n")}) as server:
        one, two = server.url("/a"), server.url("/b")
        folder.register(one, two, {"endpoint-url": server.url("/c"), "end-date": "2020-01-01"})
        report = folder.collect(only={endpoint_id(two)})
        assert [asked.path for asked in server.asked] == ["/b"]
    (run,) = folder.runs()
    assert run["only"] == [endpoint_id(two)]
    assert run["skipped"] == []
    assert report.never_asked == (endpoint_id(one),)


def test_endpoints_are_selected_by_id_beginning_url_and_organisation(folder: Folder) -> None:
    urls = [f"https://example.org/{n}" for n in range(3)]
    ids = [endpoint_id(url) for url in urls]
    collection = folder.register(*urls).collection
    (folder.path / "source.csv").write_text(
        f"source,endpoint,organisation\n1,{ids[0]},kew\n2,{ids[1]},kew\n3,{ids[2]},rbge\n4,{'e' * 64},rbge\n"
    )
    assert select(collection) is None
    assert select(collection, [urls[0], ids[1], ids[2][:6].upper()]) == frozenset(ids)
    assert select(collection, organisation="kew") == frozenset(ids[:2])
    assert select(collection, [urls[1], urls[2]], "kew") == frozenset({ids[1]})
    with pytest.raises(SettingsError, match="nobody"):
        select(collection, organisation="nobody")
    for wrong in (ids[0][:5], "https://example.org/9", "", "f" * 64):
        with pytest.raises(SettingsError, match=r"endpoint\.csv"):
            select(collection, [wrong])


def test_a_beginning_that_fits_two_endpoints_is_refused(folder: Folder) -> None:
    starts: dict[str, str] = {}
    pair = next(
        (starts[key], url)
        for url in (f"https://example.org/{n}" for n in range(200_000))
        if (key := endpoint_id(url)[:6]) in starts or not starts.setdefault(key, url)
    )
    collection = folder.register(*pair).collection
    with pytest.raises(SettingsError, match="2 endpoints of it; write more"):
        select(collection, [endpoint_id(pair[0])[:6]])


def test_a_duplicate_row_is_asked_once_and_reported(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n")}) as server:
        report = folder.register(server.url("/a"), server.url("/a")).collect()
        assert len(server.asked) == 1
    assert [problem.row for problem in report.problems] == [3]


def test_every_kind_of_failure_in_one_run_stops_no_other(folder: Folder) -> None:
    truncated: list[Step] = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"]
    with (
        WebServer(lambda asked: Page(b"1\n") if asked.path.startswith("/good") else Page(status=418)) as server,
        RawServer([Reset()]) as resetting,
        RawServer(truncated) as cut,
        RawServer([b"SSH-2.0-OpenSSH_9\r\n"]) as other,
        RawServer([http(b"<html>")]) as page,
        closed_port() as port,
    ):
        good = [server.url(f"/good{n}") for n in range(5)]
        folder.register(
            good[0], resetting.url(), good[1], cut.url(), good[2], other.url(), page.url(), good[3], server.url("/bad"),
            f"http://127.0.0.1:{port}/", "http://user:secret@127.0.0.1/", "ftp://127.0.0.1/x", "http:///x", good[4],
            "http://127.0.0.1:99999/", "http://does-not-exist.invalid/",
        )  # fmt: skip
        report = folder.collect()
    assert len(report.logs) == 16
    assert [folder.log(url).outcome for url in good] == ["first"] * 5
    assert not [log.message for log in report.logs if log.outcome == "failed:error"]
    assert len(report.failures) == 11
    assert all(log.message for log in report.failures)
    assert list(folder.wrong_files()) == []


def test_an_unexpected_error_in_a_harvest_is_a_log_of_its_own_and_stops_no_other(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin of somebody else's, with a defect."""
    from collect_assets.network.gate import Gate
    from collect_assets.plugins import Harvest, HarvestRequest, plugins

    def broken(request: HarvestRequest, _: Gate) -> Harvest:
        return {"one": request}["two"]  # type: ignore[return-value]

    together = {**plugins(), "broken": broken}
    for module in ("day", "endpoint"):
        monkeypatch.setattr(f"collect_assets.collecting.{module}.plugins", lambda: together)
    with WebServer({"/a": Page(b"1\n"), "/b": Page(b"2\n")}) as server:
        bad = {"endpoint-url": server.url("/x"), "plugin": "broken"}
        report = folder.register(server.url("/a"), bad, server.url("/b")).collect()
        log = folder.log(server.url("/x"))
    assert report.outcomes == {"failed:error": 1, "first": 2}
    assert (log.exception, log.message, log.transient) == ("KeyError", "KeyError: 'two'", True)


def test_a_strangers_odd_log_of_an_earlier_day_stops_no_harvest(folder: Folder) -> None:
    resource = folder.put_resource(b"old")
    with WebServer({"/a": Page(b"1\n"), "/b": Page(b"2\n")}) as server:
        yesterday = DAY - dt.timedelta(days=1)
        for path, headers in {"/a": ["etag"], "/b": {"ETag": 5, "Date": None}}.items():
            folder.put_log(server.url(path), {"resource": resource, "response-headers": headers}, day=yesterday)
        report = folder.register(server.url("/a"), server.url("/b")).collect()
    assert report.outcomes == {"changed": 1, "first": 1}


def test_a_legacy_log_of_yesterday_gives_the_outcome_and_validators(folder: Folder) -> None:
    resource = folder.put_resource(b"1\n")
    with WebServer({"/a": Page(b"1\n")}) as server:
        path = folder.collection.log_path(DAY - dt.timedelta(days=1), endpoint_id(server.url("/a")))
        path.parent.mkdir(parents=True)
        legacy = {"url": server.url("/a"), "datetime": "2026-02-28T01:02:03", "resource": resource, "status": "200"}
        path.write_text(json.dumps({**legacy, "response-headers": {"Etag": '"7"'}}))
        report = folder.register(server.url("/a")).collect()
        assert server.asked[0].headers["if-none-match"] == '"7"'
    assert report.outcomes == {"same": 1}


def test_half_a_surrogate_pair_in_parameters_stops_nobody(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n"), "/b": Page(b"2\n")}) as server:
        odd = {"endpoint-url": server.url("/a"), "parameters": '{"name": "\\ud83c"}'}
        report = folder.register(odd, server.url("/b")).collect()
        assert folder.log(server.url("/a")).parameters == {"name": "\ud83c"}
    assert report.outcomes == {"first": 2}


def test_cookies_and_credentials_are_in_no_file(folder: Folder) -> None:
    secrets = {"Set-Cookie": "session=geheim; Path=/", "WWW-Authenticate": "Basic geheim", "ETag": '"1"'}
    with WebServer({"/a": Page(b"1\n", headers=secrets), "/b": Page(b"", 401, secrets)}) as server:
        folder.register(server.url("/a"), server.url("/b")).collect()
        folder.tomorrow()
        assert not any("cookie" in asked.headers or "authorization" in asked.headers for asked in server.asked)
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert len(files) >= 7
    assert not [path for path in files if b"geheim" in path.read_bytes()]


def test_a_register_that_cannot_be_read_asks_nobody_and_writes_nothing(folder: Folder) -> None:
    (folder.path / "endpoint.csv").write_bytes(b"\0\0")
    with pytest.raises(RegisterError, match=r"endpoint\.csv"):
        folder.collect()
    assert sorted(path.name for path in folder.path.iterdir()) == ["collection.toml", "endpoint.csv"]


def test_an_empty_register_makes_a_day_without_logs(folder: Folder) -> None:
    report = folder.register().collect()
    assert (report.logs, report.outcomes, report.resources) == ((), {}, {})
    assert len(folder.runs()) == 1


def test_progress_is_told_of_each_endpoint_with_its_log_and_the_whole_number(folder: Folder) -> None:
    told: list[tuple[str, int]] = []

    def progress(log: Log, total: int) -> None:
        told.append((log.endpoint_url, total))

    with WebServer({"/a": Page(b"1\n")}) as server:
        urls = [server.url(f"/{name}") for name in "abc"]
        folder.register(*urls).collect(progress=progress)
    assert sorted(told) == [(url, 3) for url in urls]


def test_a_host_is_asked_for_one_thing_at_a_time_and_hosts_at_once(folder: Folder) -> None:
    with WebServer(lambda _: Page(b"1\n", delay=0.02)) as one, WebServer(lambda _: Page(b"2\n", delay=0.02)) as two:
        folder.register(*[server.url(f"/{n}") for n in range(10) for server in (one, two)])
        folder.collect()
    assert (one.most_at_once, two.most_at_once) == (1, 1)
    assert len(one.asked) == len(two.asked) == 10


def test_a_304_brings_no_cookies_of_old_and_keeps_the_newest_validators_once(folder: Folder) -> None:
    content = csv_of(1)
    with WebServer({"/a": Page(status=304, headers={"ETag": '"v2"'})}) as server:
        url = server.url("/a")
        folder.register(url)
        headers = {"etag": '"v1"', "Content-Length": "7", "Set-Cookie": "SESSION=secret", "Content-Type": "text/csv"}
        keys = {"status": "200", "resource": folder.put_resource(content), "response-headers": headers}
        folder.put_log(url, keys)
        folder.tomorrow()
    log = folder.log(url, NEXT_DAY)
    assert log.outcome == "not-modified"
    assert (log.bytes, log.complete, log.coverage) == (len(content), True, "full")
    assert log.canonical_hash == log.resource
    kept = {name.lower(): value for name, value in log.response_headers.items()}
    assert len(kept) == len(log.response_headers)
    assert (kept["etag"], kept["content-length"], kept["content-type"]) == ('"v2"', "7", "text/csv")
    assert "set-cookie" not in kept


def test_an_exception_is_named_where_it_ended_the_fetch_and_nowhere_else(folder: Folder) -> None:
    cut: list[Step] = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"]
    good = http(b"a,b\n1,2\n")
    with RawServer([Reset()], [good]) as second_time, RawServer(cut) as truncated:
        urls = [second_time.url(), truncated.url()]
        folder.register(*urls).settings(QUICK).collect()
    recovered, failed = (folder.log(url) for url in urls)
    assert (recovered.outcome, recovered.exception, len(recovered.attempts)) == ("first", "", 2)
    assert (failed.outcome, failed.status, failed.exception) == ("failed:truncated", "200", "ChunkedEncodingError")


def test_asking_again_on_the_same_day_does_not_make_what_changed_the_same(folder: Folder) -> None:
    with WebServer({"/a": Page(csv_of(1))}) as server:
        url = server.url("/a")
        folder.register(url).collect()
        server.pages["/a"] = Page(csv_of(2))
        folder.tomorrow()
        folder.collect(NEXT_DAY, mode=Mode.REFILL)
    assert folder.log(url, NEXT_DAY).outcome == "changed"


def test_what_was_not_good_for_a_month_of_days_is_still_known_when_it_is_back(folder: Folder) -> None:
    with WebServer({"/a": Page(csv_of(1))}) as server:
        url = server.url("/a")
        resource = folder.put_resource(csv_of(1))
        folder.put_log(url, {"status": "200", "resource": resource}, day=DAY - dt.timedelta(days=40))
        for number in range(1, 35):
            folder.put_log(url, {"status": "500"}, day=DAY - dt.timedelta(days=number))
        folder.register(url).collect()
    assert folder.log(url).outcome == "same"


def test_a_past_day_is_judged_by_the_register_that_it_had_or_by_none(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1\n")}) as server:
        folder.register(server.url("/a")).collect()
        folder.register(server.url("/a"), server.url("/later"))
        folder.now = NOON + dt.timedelta(days=30)
        assert folder.collect().never_asked == ()
        (folder.path / "endpoint.csv").unlink()
        assert len(folder.collect().logs) == 1


def test_an_odd_run_file_says_nothing_and_stops_nothing(folder: Folder) -> None:
    folder.register()
    runs = folder.collection.runs(DAY)
    runs.mkdir(parents=True)
    for number, content in enumerate(['{"skipped": [{}, 7]}', '{"skipped": null}', "[]", "{"]):
        (runs / f"{number}.json").write_text(content)
    assert day_skips(folder.collection, DAY) == {}
