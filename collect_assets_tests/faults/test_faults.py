"""Every fault of transport, meaning and safety, through one real run of collecting."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from collect_assets.collecting.day import DayReport
from collect_assets.collecting.log import Log, read_log
from collect_assets.network.names import Resolved, resolve
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import DAY, Folder, sha256
from collect_assets_tests.faults.cases import CASES, COLLECTED, Case
from collect_assets_tests.faults.table import PATH, table
from collect_assets_tests.faults.tls import NAME, Certificates

SETTINGS = """
[limits]
connect-timeout = 1.0
read-timeout = 2.0
total-timeout = 8.0
attempts = 2
backoff = 0.01
max-backoff = 0.2
[politeness]
pause-share = 0.0
slow-down = 1.0
"""
ADDRESSES = {"both.test": ["192.0.2.9", "10.0.0.1"], NAME: ["127.0.0.1"]}


class Names:
    """A resolver whose hosts are odd; the system's for all others."""

    def __init__(self) -> None:
        self._rebound = False

    def __call__(self, host: str, port: int) -> Sequence[Resolved]:
        if host == "slow.test":
            time.sleep(3)
        if host == "rebinding.test":  # allowed at first, where nobody listens; then, for the second attempt, private
            address, self._rebound = ("10.0.0.1" if self._rebound else "127.0.0.1"), True
            return [(2, (address, 9))]
        if host in ADDRESSES:
            return [(2, (address, port)) for address in ADDRESSES[host]]
        return resolve(host, port)


@dataclass
class Collected:
    """The collection after the run, and what stands on record for each case."""

    folder: Folder
    report: DayReport
    urls: dict[str, str]

    def log(self, case: Case) -> Log | None:
        return read_log(self.folder.collection.log_path(DAY, endpoint_id(self.urls[case.name])))

    def seen(self, case: Case) -> str:
        log = self.log(case)
        return log.outcome if log else self.report.skips.get(endpoint_id(self.urls[case.name]), "nothing on record")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collected]:
    folder = Folder(tmp_path_factory.mktemp("faults")).settings(SETTINGS)
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine 127.0.0.1 login somebody password secret-word\n")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.setenv(name, "http://127.0.0.1:1")
        patch.setenv("HOME", str(home))
        # Else what runs tell each other of hosts that cannot be reached would reach the next run of these tests.
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("tmp")))
        patch.setenv("COLLECT_ASSETS_AUTHORITIES", str(certificates.authority))
        urls = {case.name: _url(case, stack, certificates) for case in CASES}
        folder.register(*({"endpoint-url": urls[case.name], **_columns(case)} for case in CASES))
        report = folder.collect(resolver=Names())
        yield Collected(folder, report, urls)


def _url(case: Case, stack: ExitStack, certificates: Certificates) -> str:
    if isinstance(case.serve, str):
        return case.serve
    url: str = stack.enter_context(case.serve(certificates)).url(case.path)
    if case.scheme == "https-by-name":
        url = url.replace("127.0.0.1", NAME)
    return url


def _columns(case: Case) -> dict[str, str]:
    import json

    plugin = "../../etc" if case.expected == "skipped:unknown-plugin" else ""
    return {"parameters": json.dumps(case.parameters) if case.parameters else "", "plugin": plugin}


@pytest.mark.parametrize("case", CASES, ids=[f"test_{case.name}" for case in CASES])
def test_a_fault_ends_as_expected(collected: Collected, case: Case) -> None:
    log = collected.log(case)

    assert collected.seen(case) == case.expected
    if log is None:
        return
    assert log.good == (case.expected == COLLECTED)
    if case.attempts is not None:
        assert len(log.attempts) == case.attempts
    if case.resource is not None:
        assert log.resource == sha256(case.resource)
    if case.number == "F15":
        assert log.partial_resource and log.complete is False
    if "ssl-verify" in case.parameters:
        assert log.ssl_verify is False
    if "tls-legacy" in case.parameters:
        assert log.parameters["tls-legacy"] is True
    assert log.good or log.message
    assert case.says in log.message


def test_the_run_left_nothing_but_whole_files(collected: Collected) -> None:
    assert collected.folder.left_in_work() == []
    assert list(collected.folder.wrong_files()) == []
    assert len(collected.report.logs) + len(collected.report.skips) == len(CASES)


def test_f51_no_secret_of_a_url_is_in_a_message(collected: Collected) -> None:
    texts: dict[str, Any] = {log.endpoint: log.message for log in collected.report.logs}

    assert not [text for text in texts.values() if "secret-word" in text]


def test_f38_the_chain_of_redirects_is_in_the_log(collected: Collected) -> None:
    [case] = [case for case in CASES if case.name == "f38_redirect_loop"]

    assert len(collected.log(case).redirects) == 6


def test_f33_410_proposes_an_end_date(collected: Collected) -> None:
    [case] = [case for case in CASES if case.name == "f33_410"]

    assert "end-date" in collected.log(case).message


def test_f42_both_types_are_in_the_log(collected: Collected) -> None:
    [case] = [case for case in CASES if case.name == "f42_wrong_content_type"]
    log = collected.log(case)

    assert (log.content_type, log.mime_type) == ("image/png", "application/json")


def test_f52_ids_are_hashes_and_no_names_of_files(tmp_path: Path) -> None:
    folder = Folder(tmp_path).register({"endpoint-url": "http://127.0.0.1:1/", "endpoint": "../../../etc/passwd"})

    report = folder.collect()

    assert list(report.skips.values()) == ["skipped:hash-mismatch"]
    assert hashlib.sha256(b"http://127.0.0.1:1/").hexdigest() == endpoint_id("http://127.0.0.1:1/")


def test_the_docs_say_what_was_seen(collected: Collected) -> None:
    page = table(CASES, {case.name: collected.seen(case) for case in CASES})
    before = PATH.read_text() if PATH.is_file() else ""
    if page != before:
        PATH.write_text(page)

    assert page == before, f"{PATH.name} was not what was seen and is written anew: look at it and commit it"
