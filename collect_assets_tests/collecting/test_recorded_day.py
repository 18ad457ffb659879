"""Whole days, collected by the command as an operator would: one of our making everywhere, and a real one replayed."""

from __future__ import annotations

import csv
import json
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from collect_assets.collecting.log import read_logs
from collect_assets_tests.collecting.kit import Folder, sha256
from collect_assets_tests.recorded_day import SILENT, TRANSIENT, recorded, served

SETTINGS = """
[limits]
connect-timeout = 0.5
read-timeout = 5.0
backoff = 0.02
[politeness]
pause-share = 0.2
"""


def collect(folder: Folder, *more: str) -> dict[str, object]:
    command = folder.collect_command("--json", *more)
    done = subprocess.run(command, env=folder.shell, capture_output=True, text=True, timeout=280, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_day_of_many_hosts_comes_to_what_is_known_of_it(folder: Folder) -> None:
    folder.settings(SETTINGS)
    with served(recorded()) as day:
        found = collect(folder.register(*day.urls))
        assert found["outcomes"] == dict(sorted(day.expected.items()))
        assert found["logs"] == len(day.answers) == 64
        assert found["with-resource"] == 44
        assert found["distinct-resources"] == len(day.bodies) == 39
        assert folder.resources() == {sha256(body): body for body in day.bodies}
        assert set(day.most_open.values()) == {1}
        assert len(day.most_open) == 24
        assert list(folder.wrong_files()) == []
        assert folder.left_in_work() == []
        statuses = Counter(log.status for log in read_logs(folder.collection, folder.collection.entry_dates()[0])[0])
        assert statuses == {"200": 48, "404": 4, "403": 2, "500": 1, "502": 1, "410": 1, "401": 1, "": 6}
        for answer in (a for a in day.answers if a.kind != "silent"):
            attempts = {3} if answer.kind in TRANSIENT else {1}
            # a connection that was kept and breaks at once is opened again, which is no attempt of its own (F24)
            assert day.requests[answer.path] in attempts | ({4} if answer.kind == "dropped" else set())


def test_a_second_run_asks_only_those_whose_failure_was_transient(folder: Folder) -> None:
    folder.settings(SETTINGS.replace("[limits]", "[limits]\nattempts = 1"))
    with served(recorded()) as day:
        collect(folder.register(*day.urls))
        before = {path.name: path.read_bytes() for path in (folder.path / "log").rglob("*.json")}
        day.requests.clear()
        found = collect(folder)
        after = {path.name: path.read_bytes() for path in (folder.path / "log").rglob("*.json")}
        assert set(day.requests) == {a.path for a in day.answers if a.kind in TRANSIENT and a.address != SILENT}
        assert found["already"] == len([a for a in day.answers if a.kind not in TRANSIENT])
    assert sum(before[name] != after[name] for name in before) == len([a for a in day.answers if a.kind in TRANSIENT])


@pytest.mark.slow
def test_the_real_day_replayed_gives_the_real_numbers(folder: Folder, corpus: Path) -> None:
    replay = corpus.parents[1] / "tools" / "replay_provider.py"
    if not replay.is_file():
        pytest.skip(f"{replay} is not there")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable, str(replay),
        "--history", str(corpus / "derived/fetch-history-2024-02-07_2024-03-07.csv"),
        "--urls", str(corpus / "derived/endpoint-url-2024-03-07.csv"),
        "--scale", "0.1", "--register", str(folder.path / "endpoint.csv"), "--port", str(port),
    ]  # fmt: skip
    (folder.path / "collection.toml").unlink()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as provider:
        try:
            assert provider.stdout is not None
            assert provider.stdout.readline().startswith("ready: 762 endpoints")
            found = collect(folder, "--allow-private-addresses")
            with (folder.path / "endpoint.csv").open(newline="") as file:
                hosts = {row["endpoint-url"].split("/")[2] for row in csv.DictReader(file)}
            stats = _stats(hosts)
        finally:
            provider.kill()
    assert (found["logs"], found["with-resource"], found["distinct-resources"]) == (762, 582, 522)
    assert stats["most-open-on-one-host"] == 1
    assert len(folder.resources()) == 522
    assert list(folder.wrong_files()) == []
    shutil.rmtree(folder.path)


def _stats(hosts: set[str]) -> dict[str, int]:
    for host in sorted(hosts):
        try:
            with urllib.request.urlopen(f"http://{host}/__stats", timeout=1) as answer:
                found: dict[str, int] = json.load(answer)
                return found
        except OSError:  # a silent one
            continue
    raise AssertionError("no host of the provider answers")
