"""`kill -9` in the middle of a harvest of 200 pages: the next run asks for what is missing, and for nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter

from collect_assets_tests.collecting.kit import QUICK, Folder
from collect_assets_tests.plugins.digir_provider import PATH, DigirProvider, plants
from collect_assets_tests.servers import WebServer

PATIENT = QUICK.replace("connect-timeout = 2.0", "connect-timeout = 60.0").replace("read-timeout = 5.0", "")


def without_times(text: str) -> str:
    return re.sub(r"(?<=<sendTime>)\d+|(?<=STATUS_DATA\" severity=\"info\">)\d+", "", text)


def test_only_the_missing_pages_are_asked_for_and_the_resource_is_the_same(folder: Folder) -> None:
    provider = DigirProvider(plants(988), most=5, change=without_times)
    with WebServer(provider) as server:
        url = server.url(PATH)
        row = {"endpoint-url": url, "plugin": "digir", "parameters": json.dumps({"resource": "herb"})}
        folder.settings(PATIENT).register(row).collect()
        undisturbed = folder.log(url)
        requests = Counter(asked.path for asked in server.asked)
        assert len(undisturbed.tasks) == 2 + 27 + 26 * 7
        assert set(requests.values()) == {1}
        other = _beside(folder).register(row)
        server.asked.clear()
        _kill_after(other, server, 100)
        [pending] = (other.path / "work/pending").glob("*/*")
        finished = len(list(pending.glob("*.json")))
        assert 95 <= finished < len(undisturbed.tasks) - 50, "it was killed in the middle"
        before = [asked.path for asked in server.asked]
        server.asked.clear()
        done = subprocess.run(other.collect_command(), env=other.shell, capture_output=True, text=True, timeout=120,
                              check=False)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        after = [asked.path for asked in server.asked]
        assert len(after) == len(undisturbed.tasks) - finished
        assert len(set(before) & set(after)) <= 1, "no more than the one that was on its way"
        assert set(before) | set(after) == set(requests)
        [log] = [json.loads(path.read_bytes()) for path in other.path.glob("log/*/*.json")]
        assert log["resource"] == undisturbed.resource
        assert log["complete"]
        assert [task["key"] for task in log["tasks"]] == [task["key"] for task in undisturbed.tasks]
        assert list((other.path / "work").glob("pending/*/*")) == []


def _beside(folder: Folder) -> Folder:
    path = folder.path.with_name("killed") / "trees"
    path.mkdir(parents=True)
    return Folder(path, environment=folder.environment).settings(PATIENT)


def _kill_after(folder: Folder, server: WebServer, requests: int) -> None:
    process = subprocess.Popen(folder.collect_command(), env=folder.shell, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while len(server.asked) < requests:
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
