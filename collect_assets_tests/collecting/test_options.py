"""What `parameters` say about how an endpoint is asked, from the register to the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collect_assets_tests.collecting.kit import QUICK, Folder
from collect_assets_tests.servers import Asked, Page, WebServer


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "sites"
    path.mkdir()
    return Folder(path).settings(QUICK)


def row(url: str, **parameters: object) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in parameters.items()}
    return {"endpoint-url": url, "parameters": json.dumps(named)}


def test_a_credential_is_sent_and_in_no_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECT_ASSETS_CREDENTIAL_KEY", "X-Secret: geheim-1")

    def page(asked: Asked) -> Page:
        right = asked.headers.get("x-secret") == "geheim-1"
        return Page(b"1\n" if right else b"", 200 if right else 401, {"X-Echo": asked.headers.get("x-secret", "")})

    with WebServer(page) as server:
        report = folder.register(row(server.url("/a"), credential="key"), server.url("/b")).collect()
    assert report.outcomes == {"failed:status": 1, "first": 1}
    assert folder.log(server.url("/a")).response_headers["X-Echo"] == "***"
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert [path for path in files if b"geheim" in path.read_bytes()] == []


def test_a_missing_credential_fails_its_endpoint_alone_and_is_not_asked_again(folder: Folder) -> None:
    with WebServer(lambda _: Page(b"1\n")) as server:
        folder.register(row(server.url("/a"), credential="none-such"), server.url("/b")).collect()
        log = folder.log(server.url("/a"))
        assert folder.collect().fetched == {}
    assert (log.outcome, log.transient) == ("failed:credential", False)
    assert "COLLECT_ASSETS_CREDENTIAL_NONE_SUCH" in log.message
    assert [asked.path for asked in server.asked] == ["/b"]


def test_a_wrong_option_fails_its_endpoint_alone(folder: Folder) -> None:
    with WebServer(lambda _: Page(b"1\n")) as server:
        report = folder.register(row(server.url("/a"), max_bytes="many"), server.url("/b")).collect()
    assert report.outcomes.get("first") == 1
    assert [asked.path for asked in server.asked] == ["/b"]


def test_headers_and_limits_of_an_endpoint_are_its_own(folder: Folder) -> None:
    folder.settings(f'{QUICK}\n[headers]\nX-Who = "collection"\n')
    with WebServer(lambda _: Page(b"1234\n")) as server:
        own = row(server.url("/a"), headers={"X-Who": "mine"}, max_bytes=3, ssl_verify=False)
        folder.register(own, server.url("/b")).collect()
    assert {asked.path: asked.headers["x-who"] for asked in server.asked} == {"/a": "mine", "/b": "collection"}
    assert [(folder.log(url).outcome, folder.log(url).ssl_verify) for url in (server.url("/a"), server.url("/b"))] == [
        ("refused:too-large", False), ("first", True)]  # fmt: skip


def test_a_message_hides_the_secret_of_a_url_that_the_log_has_verbatim(folder: Folder) -> None:
    with WebServer({}) as server:
        url = server.url("/a?token=geheim")
        folder.register(url).collect()
    log = folder.log(url)
    assert log.endpoint_url == url
    assert "geheim" not in log.message
    assert "token=***" in log.message


def test_host_csv_is_obeyed_kept_and_its_bad_rows_reported(folder: Folder) -> None:
    (folder.path / "host.csv").write_text("host,group,at-once,pause\n127.0.0.1,,2,\nhttp://x/,,,\n")
    with WebServer(lambda _: Page(b"1\n", delay=0.1)) as server:
        report = folder.register(*(server.url(f"/{number}") for number in range(6))).collect()
    assert server.most_at_once == 2
    assert [(problem.file, problem.row) for problem in report.problems] == [("host.csv", 3)]
    (run,) = folder.runs()
    assert (folder.path / "register" / run["registers"]["host.csv"]).read_bytes().startswith(b"host,group")
    assert run["problems"][0]["file"] == "host.csv"
