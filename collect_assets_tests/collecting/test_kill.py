"""`kill -9` at any moment, then the same run again, ends in the same state as without it (promise 2)."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collect_assets_tests.collecting.kit import QUICK, Folder, csv_of
from collect_assets_tests.servers import Asked, Page, WebServer

ENDPOINTS = 48
OF_THIS_RUN = ("elapsed", "fetched-at", "run")
OF_THIS_ATTEMPT = ("elapsed",)


def answer(asked: Asked) -> Page:
    """Bodies of up to a megabyte, some of them the same, and a few failures; each takes a moment."""
    number = int(asked.path.removeprefix("/"))
    delay = 0.005 * (number % 7)
    if number % 12 == 5:
        return Page(b"gone", 410, delay=delay)
    if number % 12 == 7:
        return Page(b"<!doctype html><html></html>", delay=delay)
    content = csv_of(number if number % 4 else 4, 1000 * (1 + number % 4 * 12))
    return Page(content, headers={"ETag": f'"{number}"', "Content-Type": "text/csv"}, delay=delay)


@pytest.fixture
def urls() -> Iterator[list[str]]:
    with WebServer(answer) as a, WebServer(answer) as b, WebServer(answer) as c, WebServer(answer) as d:
        yield [[a, b, c, d][number % 4].url(f"/{number}") for number in range(ENDPOINTS)]


def state(folder: Folder) -> dict[str, Any]:
    """Logs and resources, without what tells one run from another."""
    logs = {}
    for path in (folder.path / "log").glob("*/*.json"):
        log = json.loads(path.read_bytes())
        log["attempts"] = [{k: v for k, v in tried.items() if k not in OF_THIS_ATTEMPT} for tried in log["attempts"]]
        logs[path.name] = {key: value for key, value in log.items() if key not in OF_THIS_RUN}
    return {"logs": logs, "resources": folder.resources()}


def collect_to_the_end(folder: Folder) -> float:
    began = time.monotonic()
    done = subprocess.run(
        folder.collect_command(), env=folder.shell, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return time.monotonic() - began


def kill_after(folder: Folder, seconds: float, logs: int = 0) -> bool:
    """Runs the command and kills it so long after so many logs are there; whether it was still running."""
    process = subprocess.Popen(
        folder.collect_command(), env=folder.shell, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and len(list((folder.path / "log").glob("*/*.json"))) < logs:
        time.sleep(0.002)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def new_folder(folder: Folder, name: str, urls: list[str]) -> Folder:
    """All have the same last name, since the name of a collection is in its user agent, and so in its logs."""
    path = folder.path.with_name(name) / "trees"
    path.mkdir(parents=True)
    return Folder(path, environment=folder.environment).settings(QUICK).register(*urls)


def parts(folder: Folder) -> set[Path]:
    return {folder.path / "work" / name for name in folder.left_in_work()}


def test_killed_at_ten_moments_and_run_again_it_ends_as_if_undisturbed(folder: Folder, urls: list[str]) -> None:
    undisturbed = new_folder(folder, "undisturbed", urls)
    collect_to_the_end(undisturbed)
    expected = state(undisturbed)
    assert len(expected["logs"]) == ENDPOINTS
    chance = random.Random(9)
    killed, logs_at_kill, left = 0, set(), 0
    for moment in range(10):
        disturbed = new_folder(folder, f"disturbed{moment}", urls)
        killed += kill_after(disturbed, 0.02 * chance.random(), logs=moment * ENDPOINTS // 10)
        assert list(disturbed.wrong_files()) == []
        logs_at_kill.add(len(state(disturbed)["logs"]))
        before = parts(disturbed)
        left += len(before)
        collect_to_the_end(disturbed)
        assert state(disturbed) == expected
        assert not any(part.exists() for part in before)
        assert disturbed.left_in_work() == []
    assert killed >= 7
    assert len(logs_at_kill) >= 3, "the moments do not lie within the run"


def test_killed_again_and_again_it_still_comes_to_its_end(folder: Folder, urls: list[str]) -> None:
    undisturbed, disturbed = new_folder(folder, "undisturbed", urls), new_folder(folder, "disturbed", urls)
    duration = collect_to_the_end(undisturbed)
    chance = random.Random(10)
    seen = []
    for _ in range(10):
        kill_after(disturbed, duration * (0.4 + 0.3 * chance.random()))
        assert list(disturbed.wrong_files()) == []
        seen.append(len(state(disturbed)["logs"]))
    assert seen == sorted(seen)
    collect_to_the_end(disturbed)
    assert state(disturbed) == state(undisturbed)
    assert disturbed.left_in_work() == []
