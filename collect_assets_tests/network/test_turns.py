"""Politeness: turns at a host, pauses, and many hosts at once."""

import datetime as dt
import gzip
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from collect_assets.collection import Politeness
from collect_assets.errors import FailedError, StorageError
from collect_assets.network import turns
from collect_assets.network.endpoint_gate import EndpointGate
from collect_assets.network.gate import Gate, Request
from collect_assets.network.hosts import Hosts, Place
from collect_assets.network.turns import Turns
from collect_assets_tests.servers import Hold, Page, RawServer, WebServer, http

CHECKOUT = Path(__file__).parents[2]


def test_one_request_at_a_time_for_a_host_across_threads(make_gate):
    with WebServer({"/": Page(b"x", delay=0.02)}) as server, ThreadPoolExecutor(8) as threads:
        gate = make_gate()
        list(threads.map(lambda _: gate.fetch(Request(server.url())), range(12)))
    assert server.most_at_once == 1
    assert len(server.asked) == 12


FETCHING = """
    import sys
    from pathlib import Path
    from collect_assets.collection import Limits, Politeness
    from collect_assets.network.addresses import AddressRules
    from collect_assets.network.gate import Gate, Request
    url, folder, count, *rest = sys.argv[1:]
    gate = Gate(limits=Limits(max_ratio=2000), politeness=Politeness(pause_share=0), user_agent="t",
                rules=AddressRules.parse("127.0.0.0/8"), work=Path(folder) / "work", locks=Path(folder) / "locks")
    for _ in range(int(count)):
        answer = gate.fetch(Request(url))
"""


def _process(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_one_request_at_a_time_for_a_host_across_processes(tmp_path):
    with WebServer({"/": Page(b"x", delay=0.03)}) as server:
        processes = [_process(FETCHING, server.url(), tmp_path, 10) for _ in range(2)]
        assert [process.communicate()[0] and process.returncode for process in processes] == ["", ""]
        assert [process.returncode for process in processes] == [0, 0]
    assert len(server.asked) == 20
    assert server.most_at_once == 1


def test_a_redirect_takes_the_turn_of_the_other_host(make_gate):
    other = WebServer({"/": Page(b"x", delay=0.05)})
    server = WebServer({"/": Page(b"", 302, {"Location": other.url()})})
    with other, server, ThreadPoolExecutor(4) as threads:
        gate = make_gate()
        urls = [server.url(), other.url(), server.url(), other.url()]
        answers = list(threads.map(lambda url: gate.fetch(Request(url)), urls))
    assert {answer.status for answer in answers} == {200}
    assert other.most_at_once == 1


def test_two_hosts_that_redirect_to_each_other_do_not_block_each_other(make_gate):
    one, two = WebServer({"/b": Page(b"x", delay=0.02)}), WebServer({"/b": Page(b"x", delay=0.02)})
    one.pages = {**one.pages, "/a": Page(b"", 302, {"Location": two.url("/b")})}
    two.pages = {**two.pages, "/a": Page(b"", 302, {"Location": one.url("/b")})}
    with one, two, ThreadPoolExecutor(4) as threads:
        gate = make_gate()
        answers = threads.map(lambda n: gate.fetch(Request((one, two)[n % 2].url("/a"))), range(12), timeout=10)
        assert [answer.status for answer in answers] == [200] * 12


def _held(folder: Path, server: WebServer) -> AbstractContextManager[object]:
    """The turn of a server, held by somebody else than a gate of `make_gate`."""
    return _turns(folder / "locks", Clock()).take(f"127.0.0.1:{server.port}")


def _until(gate: Gate, url: str, seconds: float) -> EndpointGate:
    """The gate of an endpoint with so much time for everything, also for waiting."""
    mine = gate.for_endpoint(url)
    return replace(mine, terms=replace(mine.terms, ends=time.monotonic() + seconds))


def test_waiting_for_a_turn_takes_nothing_from_the_time_of_the_request(make_gate, tmp_path):
    with WebServer({"/": Page(b"x", delay=0.1)}) as server, ThreadPoolExecutor(1) as threads:
        with _held(tmp_path, server):
            answer = threads.submit(make_gate(total_timeout=0.4).fetch, Request(server.url()))
            time.sleep(0.6)
            assert server.asked == []
        assert answer.result(5).status == 200


def test_the_wait_for_a_turn_ends_with_the_time_for_everything_and_says_what_to_do(make_gate, tmp_path):
    with WebServer({"/": Page(b"x")}) as server:
        gate, begun = make_gate(), time.monotonic()
        with _held(tmp_path, server), pytest.raises(FailedError, match="being collected just now") as caught:
            _until(gate, server.url(), 0.3).fetch(Request(server.url()))
        assert 0.3 <= time.monotonic() - begun < 2
        assert (caught.value.outcome, server.asked) == ("failed:busy", [])
        assert f"127.0.0.1:{server.port}" in str(caught.value)
        assert "try again" in str(caught.value)
        assert gate.fetch(Request(server.url())).status == 200  # who gave up took no turn from others


def test_a_turn_that_comes_in_time_is_used(make_gate, tmp_path):
    with WebServer({"/": Page(b"x")}) as server, ThreadPoolExecutor(1) as threads:
        with _held(tmp_path, server):
            answer = threads.submit(_until(make_gate(), server.url(), 5).fetch, Request(server.url()))
            time.sleep(0.2)
        assert answer.result(2).status == 200


def test_what_waiting_took_is_taken_from_the_request_where_the_time_is_for_everything(make_gate, tmp_path):
    with RawServer([Hold()]) as silent, ThreadPoolExecutor(1) as threads:
        begun = time.monotonic()
        with _held(tmp_path, silent):
            answer = threads.submit(_until(make_gate(), silent.url(), 0.8).fetch, Request(silent.url()))
            time.sleep(0.4)
        with pytest.raises(FailedError, match="not done after"):
            answer.result(5)
        assert time.monotonic() - begun < 1.8


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_is_longer_than_the_time_for_everything_is_not_begun(make_gate, status):
    with WebServer({"/": Page(b"x", status, {"Retry-After": "20"})}) as server:
        gate, begun = make_gate(), time.monotonic()
        assert _until(gate, server.url(), 3).fetch(Request(server.url())).status == status
        with pytest.raises(FailedError, match="not to be asked again for another"):
            _until(gate, server.url(), 3).fetch(Request(server.url()))
    assert time.monotonic() - begun < 2
    assert len(server.asked) == 1


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


def _turns(folder: Path, clock: Clock, **politeness: float) -> Turns:
    return Turns(folder, Politeness(**politeness), longest=30, clock=clock, sleep=clock.sleep)


@pytest.mark.parametrize(("elapsed", "pause"), [(4, 2), (0.1, 0.5), (60, 5)])
def test_the_pause_is_a_share_of_the_last_request_within_bounds(tmp_path, elapsed, pause):
    clock = Clock()
    given = _turns(tmp_path, clock, pause_share=0.5, min_pause=0.5, max_pause=5)
    with given.take("h:80") as turn:
        turn.elapsed = elapsed
    with given.take("other:80"):
        pass
    clock.now += 0.25
    with given.take("h:80"):
        pass
    assert clock.sleeps == [0, 0, pytest.approx(pause - 0.25)]


def test_the_pause_holds_for_another_process_too(tmp_path):
    clock = Clock()
    with _turns(tmp_path, clock, pause_share=1).take("h:80") as turn:
        turn.elapsed = 3
    with _turns(tmp_path, clock).take("h:80"):
        pass
    assert clock.sleeps[-1] == pytest.approx(3)


@pytest.mark.parametrize("text", ["1e12", "inf", "nan", "", "12.3garbage"])
def test_a_lock_file_from_before_a_restart_delays_no_longer_than_a_pause(tmp_path, text):
    clock = Clock()
    given = _turns(tmp_path, clock)
    with given.take("h:80"):
        pass
    next(tmp_path.iterdir()).write_text(text)
    with given.take("h:80"):
        pass
    assert 0 <= clock.sleeps[-1] <= 30


def test_a_pause_that_was_asked_for_before_the_machine_started_is_over(tmp_path):
    before, clock = Clock(), Clock()  # the new one says 1000: that long ago it started
    before.now = 9000.0
    with _turns(tmp_path, before).take("h:80") as turn:
        turn.cooling = 20
    long_ago = time.time() - 2000
    os.utime(next(tmp_path.iterdir()), (long_ago, long_ago))
    with _turns(tmp_path, clock).take("h:80"):
        pass
    assert clock.sleeps == [0]


def test_who_has_little_time_is_told_until_when_a_host_wants_to_be_left_alone(tmp_path):
    clock = Clock()
    with _turns(tmp_path, clock).take("h:80") as turn:
        turn.cooling = 20
    later = f"{dt.datetime.now(dt.UTC) + dt.timedelta(seconds=20):%H:%M}"
    with (
        pytest.raises(FailedError, match=f"h:80 asked for a pause, and .* another 20 s, until {later}:.. UTC"),
        _turns(tmp_path, clock).take("h:80", ends=clock.now + 3),
    ):
        pass
    assert clock.sleeps == [0]


def test_no_pause_after_the_last_request(make_gate):
    with WebServer({"/": Page(b"x", delay=0.1)}) as server:
        begun = time.monotonic()
        make_gate(pause_share=1.0, min_pause=1.0).fetch(Request(server.url()))
        assert time.monotonic() - begun < 0.6


def test_the_shared_folder_is_ours_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(turns.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = turns.shared_folder()
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    folder.parent.chmod(0o777)
    with pytest.raises(StorageError, match="nobody else can write"):
        turns.shared_folder()
    folder.parent.rmdir()
    folder.parent.symlink_to(tmp_path)
    with pytest.raises(StorageError):
        turns.shared_folder()


def test_each_asks_the_busiest_host_first_and_several_at_once(make_gate):
    servers = [WebServer({"/": Page(b"x", delay=0.1)}) for _ in range(4)]
    counts = [1, 5, 3, 2]
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return gate.fetch(Request(servers[number].url())).status

    gate = make_gate(hosts_at_once=2)
    things = [number for number, count in enumerate(counts) for _ in range(count)]
    for server in servers:
        server.__enter__()
    results = list(chain.from_iterable(gate.each(things, url=lambda number: servers[number].url(), work=work)))
    for server in servers:
        server.__exit__()
    assert set(begun[:2]) == {1, 2}
    assert Counter(results) == Counter((number, 200) for number in things)
    assert [server.most_at_once for server in servers] == [1] * 4


def test_each_keeps_the_order_within_a_host_and_lets_bad_urls_be_handled_by_the_work(make_gate):
    order: list[str] = []
    urls = ["http://h/1", "nonsense", "http://H:80/2", "file:///x", "http://h./3"]
    results = dict(
        chain.from_iterable(
            make_gate(hosts_at_once=1).each(urls, url=str, work=lambda url: order.append(url) or len(order))
        )
    )
    assert sorted(results) == sorted(urls)
    assert order == ["http://h/1", "http://H:80/2", "http://h./3", "nonsense", "file:///x"]


def test_each_works_hosts_in_parallel_up_to_the_limit(make_gate):
    running, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1

    list(make_gate(hosts_at_once=3).each(range(9), url=lambda n: f"http://h{n}/", work=work))
    assert most == 3


def test_each_of_nothing_is_nothing(make_gate):
    assert list(make_gate().each([], url=str, work=str)) == []


def _workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fetch-")]


def test_an_error_in_the_work_stops_the_others_and_comes_out(make_gate, work):
    def script(_number):
        yield http(b"", "Content-Length: 1000", length=False) + b"some"
        yield Hold()

    with RawServer(script) as slow:
        gate = make_gate(total_timeout=60, read_timeout=60)

        def fetch(url: str) -> None:
            if "slow" in url:
                gate.fetch(Request(slow.url()))
            while not list(work.glob("*")):
                time.sleep(0.01)
            raise LookupError("a bug")

        begun = time.monotonic()
        with pytest.raises(LookupError, match="a bug"):
            list(gate.each(["http://slow/", "http://bad/"], url=str, work=fetch))
    assert time.monotonic() - begun < 3
    assert _workers() == []
    assert list(work.iterdir()) == []


def test_leaving_the_loop_stops_what_runs_and_what_sleeps(make_gate, failing):
    with (
        RawServer([Hold()]) as silent,
        RawServer([http(b"", status=503)]) as busy,
        WebServer({"/": Page(b"x")}) as good,
    ):
        gate = make_gate(total_timeout=60, read_timeout=60, backoff=60, max_backoff=60)
        urls = [silent.url(), silent.url("/2"), busy.url(), good.url()]
        done = gate.each(urls, url=str, work=lambda url: gate.fetch(Request(url)))
        assert next(done)[0][0] == good.url()
        begun = time.monotonic()
        done.close()
    assert time.monotonic() - begun < 3
    assert _workers() == []
    assert len(silent.requests) == 1


def test_a_run_that_is_stopped_while_another_has_the_turn_ends_at_once(make_gate, tmp_path):
    with WebServer({"/": Page(b"x")}) as busy, WebServer({"/": Page(b"x")}) as good:
        gate = make_gate()
        with _held(tmp_path, busy):
            done = gate.each([busy.url(), good.url()], url=str, work=lambda url: gate.fetch(Request(url)))
            assert next(done)[0][0] == good.url()
            time.sleep(0.1)  # so that the other thread waits for its turn
            begun = time.monotonic()
            done.close()
            assert time.monotonic() - begun < 2
        assert _workers() == []
    assert busy.asked == []


def test_a_body_that_is_cut_off_by_stopping_is_not_taken_for_whole(make_gate, work):
    got = []
    with RawServer([http(b"", length=False) + b"some", Hold()]) as slow:
        gate = make_gate(total_timeout=60, read_timeout=60)

        def fetch(url: str) -> None:
            if "slow" in url:
                got.append(gate.fetch(Request(slow.url())))
            while not list(work.glob("*")):
                time.sleep(0.01)

        done = gate.each(["http://slow/", "http://other/"], url=str, work=fetch)
        assert next(done) == [("http://other/", None)]
        done.close()
    assert got == []
    assert list(work.iterdir()) == []


def test_the_keyboard_stops_a_run_promptly(tmp_path):
    code = (
        FETCHING.replace("for _ in range(int(count)):", "def work(_):")
        + """
    try:
        list(gate.each(range(int(count)), url=lambda n: f"http://h{n}/", work=work))
    except KeyboardInterrupt:
        print("stopped")
    """
    )
    with RawServer([Hold()]) as server, _process(code, server.url(), tmp_path, 1) as process:
        while not server.requests:
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=10)
        finally:
            process.kill()
    assert output.strip() == "stopped"
    assert time.monotonic() - begun < 3


MEASURING = (
    FETCHING
    + """
    # ru_maxrss would not do: a child starts with that of its parent
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(answer.size, int(peak.split()[1]) // 1024)
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
def test_memory_stays_flat_for_300_mb(tmp_path, packed):
    piece = b"\0" * (10 << 20)
    member = gzip.compress(piece)

    def script(_number):
        yield http(b"", *(["Content-Encoding: gzip"] if packed else []), length=False)
        for _ in range(30):
            yield member if packed else piece

    with RawServer(script) as server:
        output, _ = _process(MEASURING, server.url(), tmp_path, 1).communicate(timeout=120)
    size, megabytes = map(int, output.split())
    assert size == 30 * len(piece)
    assert megabytes < 100


def test_a_pause_that_cannot_be_written_down_changes_no_outcome_and_holds_all_the_same(tmp_path):
    clock = Clock()
    given = _turns(tmp_path, clock, pause_share=1, max_pause=5)
    for outcome in (None, LookupError("what really happened")):
        with suppress(LookupError), given.take("h:80") as turn:
            turn.elapsed = 3
            next(tmp_path.iterdir()).unlink()  # writing into it fails from here on
            if outcome:
                raise outcome
    with given.take("h:80"):
        pass
    assert clock.sleeps == [0, pytest.approx(3), pytest.approx(3)]


def _answered(given: Turns, clock: Clock, status: int | None, host: str = "h:80") -> float:
    """Takes a turn in which a server answers so, and says how long the pause after it was."""
    with given.take(host) as turn:
        turn.status = status
    with given.take(host):
        pass
    return clock.sleeps[-1]


def test_f35_a_host_that_is_asked_too_much_is_slowed_down_more_each_time_and_recovers(tmp_path):
    clock = Clock()
    given = _turns(tmp_path, clock, min_pause=1)
    grown = [_answered(given, clock, status) for status in (429, 503, 429, 200)]
    assert grown == [pytest.approx(seconds) for seconds in (2, 4, 8, 6)]
    for _ in range(10):
        _answered(given, clock, 200)
    assert clock.sleeps[-1] == pytest.approx(1)
    assert _answered(given, clock, 429, "other:80") == pytest.approx(2)


def test_another_process_finds_a_host_slowed_down_and_forgets_it_after_a_while(tmp_path):
    clock = Clock()
    for _ in range(3):
        _answered(_turns(tmp_path, clock, min_pause=1), clock, 429)
    assert _answered(_turns(tmp_path, clock, min_pause=1), clock, None) == pytest.approx(8)
    clock.now += 3600
    assert _answered(_turns(tmp_path, clock, min_pause=1), clock, None) == pytest.approx(1)


def test_being_slowed_down_never_takes_longer_than_the_longest_backoff(tmp_path):
    clock = Clock()
    given = _turns(tmp_path, clock, min_pause=3)
    assert max(_answered(given, clock, 429) for _ in range(12)) == 30


def test_a_host_that_answers_fast_is_slowed_down_too(tmp_path):
    clock = Clock()
    assert _answered(_turns(tmp_path, clock), clock, 429) == pytest.approx(0.2)
    assert _answered(_turns(tmp_path, clock, slow_down=1), clock, 200, "other:80") == 0


def test_the_pause_of_a_host_stands_in_place_of_the_least_and_may_exceed_the_most(tmp_path):
    clock = Clock()
    given = Turns(tmp_path, Politeness(min_pause=1, max_pause=5), longest=30, clock=clock, sleep=clock.sleep,
                  hosts=Hosts({"slow": Place("", 1, 60), "fast": Place("", 1, 0)}))  # fmt: skip
    assert [_answered(given, clock, 200, host) for host in ("slow:80", "fast:80", "other:80")] == [
        pytest.approx(60), 0, pytest.approx(1)]  # fmt: skip
