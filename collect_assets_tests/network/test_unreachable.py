"""Hosts that cannot be connected to: what runs on one machine tell each other of them, and what they find out alone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from collect_assets.network.gate import Request
from collect_assets.network.proxy import Proxy
from collect_assets.network.unreachable import UnreachableHosts
from collect_assets_tests.servers import Page, WebServer, closed_port

CHECKOUT = Path(__file__).parents[2]
HOST = "h.example:80"

RUN = """
    import json, sys
    from pathlib import Path
    from collect_assets.collection import Limits, Politeness
    from collect_assets.errors import FetchError
    from collect_assets.network.addresses import AddressRules
    from collect_assets.network.gate import Gate, Request
    url, folder = sys.argv[1:]
    gate = Gate(limits=Limits(connect_timeout=0.5, backoff=0.01), politeness=Politeness(pause_share=0), user_agent="t",
                rules=AddressRules.parse("127.0.0.0/8"), work=Path(folder) / "work", locks=Path(folder) / "locks")
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(3):
        try:
            gate.fetch(Request(url))
        except FetchError as error:
            print(json.dumps([error.outcome, len(error.evidence.attempts), str(error)]), flush=True)
"""


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a host that never answers who wants to connect."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}/"


def test_runs_beside_each_other_give_a_silent_host_up_together_after_three_attempts(silent, tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(RUN), silent, str(tmp_path)]
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(5)
        ]
        assert [run.stdout.readline() for run in runs] == ["ready\n"] * 5
        for run in runs:
            run.stdin.write("\n")
            run.stdin.flush()
        said = [[json.loads(line) for line in run.communicate(timeout=60)[0].splitlines()] for run in runs]
    assert sum(attempts for run in said for _, attempts, _ in run) == 3
    assert {outcome for run in said for outcome, _, _ in run} == {"failed:connect", "failed:host-given-up"}
    told = [message for run in said for outcome, _, message in run if outcome == "failed:host-given-up"]
    assert all("3 times in a row" in message for message in told)
    assert any("(0 of them in this run, the others by other runs on this machine," in message for message in told)


def test_a_run_that_begins_later_makes_one_attempt_of_its_own(make_gate, failing):
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/"
        first = failing(make_gate(attempts=3), url)
        later = make_gate(attempts=3)
        own, heard = failing(later, url), failing(later, url)
    assert (first.outcome, len(first.evidence.attempts)) == ("failed:connect", 3)
    assert (own.outcome, len(own.evidence.attempts)) == ("failed:connect", 1)
    assert heard.outcome == "failed:host-given-up"
    assert "4 times in a row (1 of them in this run, the others by other runs on this machine, the last one 0 s" in str(
        heard
    )


def test_a_host_that_is_back_is_asked_as_ever_by_a_run_that_begins_later(make_gate, failing, tmp_path):
    with closed_port() as port:
        failing(make_gate(attempts=3), f"http://127.0.0.1:{port}/")
    assert list((tmp_path / "locks").glob("*-unreachable"))
    with WebServer({"/": Page(b"x")}, port=port) as server:
        assert make_gate().fetch(Request(server.url())).status == 200
    assert not list((tmp_path / "locks").glob("*-unreachable"))


def test_with_a_proxy_or_without_the_setting_each_run_counts_for_itself(make_gate, failing):
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/"
        failing(make_gate(attempts=3), url)
        assert len(failing(make_gate(attempts=3, remember_unreachable=0), url).evidence.attempts) == 3
        through = make_gate(attempts=3, proxy=Proxy(f"http://127.0.0.1:{port}"))
        assert len(failing(through, url).evidence.attempts) == 3


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tmp_path, clock):
    return lambda: UnreachableHosts(3, clock=clock, folder=tmp_path, remembered=600)


def test_what_others_saw_counts_as_long_as_the_setting_says(run, clock):
    mine, others = run(), run()
    for _ in range(3):
        others.failed(HOST, 10)
    clock.now += 601
    mine.look(HOST, 10)
    assert mine.reason(HOST) == ""
    others.failed(HOST, 10)
    others.failed(HOST, 10)
    mine.failed(HOST, 10)
    assert "3 times in a row (1 of them in this run," in mine.reason(HOST)


def test_what_others_saw_does_not_count_for_who_has_more_patience(run):
    mine, others = run(), run()
    for _ in range(3):
        others.failed(HOST, 5)
    mine.look(HOST, 10)
    assert mine.reason(HOST) == ""
    mine.look(HOST, 5)
    assert "(0 of them in this run," in mine.reason(HOST)


def test_failures_from_before_the_machine_was_started_do_not_count(run, clock):
    others = run()
    for _ in range(3):
        others.failed(HOST, 10)
    clock.now = 5.0
    mine = run()
    mine.look(HOST, 10)
    mine.failed(HOST, 10)
    mine.failed(HOST, 10)
    assert mine.reason(HOST) == ""


@pytest.mark.parametrize("content", ["", "3", "three 1 1", "3 nan 1", "\x00" * 20])
def test_a_damaged_account_says_nothing(run, tmp_path, content):
    run().failed(HOST, 10)
    next(tmp_path.glob("*-unreachable")).write_text(content)
    mine = run()
    mine.look(HOST, 0.5)
    mine.failed(HOST, 0.5)
    assert mine.reason(HOST) == ""


def test_an_account_that_cannot_be_kept_stops_nobody(clock, tmp_path):
    alone = UnreachableHosts(2, clock=clock, folder=tmp_path / "gone", remembered=600)
    alone.look(HOST, 10)
    alone.failed(HOST, 10)
    alone.failed(HOST, 10)
    assert "2 times in a row and is not asked again in this run" in alone.reason(HOST)
    alone.connected(HOST)
