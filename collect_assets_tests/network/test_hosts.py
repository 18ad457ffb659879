"""`host.csv`: groups, numbers and pauses of hosts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest

from collect_assets.collection import Politeness
from collect_assets.errors import FailedError
from collect_assets.network.gate import Request
from collect_assets.network.hosts import HostRegister, Hosts, Place, read_hosts
from collect_assets.network.turns import Turns
from collect_assets_tests.network.test_turns import FETCHING, Clock, _process
from collect_assets_tests.servers import Page, WebServer


def hosts_of(folder: Path, *rows: str, header: str = "host,group,at-once,pause") -> HostRegister:
    (folder / "host.csv").write_text("\n".join((header, *rows)) + "\n")
    return read_hosts(folder / "host.csv")


@pytest.mark.parametrize(
    ("host", "place"),
    [("maps.arcgis.com:443", Place("group esri", 2, 1.5)), ("services.arcgis.com:80", Place("group esri", 2, 1.5)),
     ("special.arcgis.com:443", Place("special.arcgis.com:443", 4)), ("notarcgis.com:443", Place("notarcgis.com:443")),
     ("h.example:8080", Place("h.example:8080", 3)), ("h.example:80", Place("h.example:80", 1, 0)),
     ("xn--bcher-kva.example:443", Place("xn--bcher-kva.example:443", 5)), ("", Place(""))],
)  # fmt: skip
def test_the_row_that_fits_a_host_most_closely_counts(tmp_path, host, place):
    register = hosts_of(
        tmp_path, "*.arcgis.com,esri,2,1.5", "special.arcgis.com,,4,", "h.example:8080,,3,", "H.Example.,,,0",
        "bücher.example,,5,"
    )  # fmt: skip
    assert register.problems == ()
    assert Hosts(register.places).of(host) == place


def test_rows_of_a_group_share_the_smallest_number_and_the_longest_pause(tmp_path):
    register = hosts_of(tmp_path, "a.example,g,3,1", "b.example,g,,2", "c.example,g,4,")
    assert set(map(Hosts(register.places).of, ("a.example:80", "b.example:80", "c.example:443"))) == {
        Place("group g", 1, 2)}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "reason"),
    [("http://h/,,,", "host is"), ("*,,,", "host is"), ("h.example,,0,", "at-once"), ("h.example,,1.5,", "at-once"),
     ("h.example,,x,", "at-once"), ("h.example,,,-1", "pause"), ("h.example,,,nan", "pause"),
     ("ok.example,,,9", "has a row already"), ('"h.example,,,', "host is")],
)  # fmt: skip
def test_a_bad_row_is_named_and_costs_no_other(tmp_path, row, reason):
    register = hosts_of(tmp_path, "ok.example,,2,", row)
    (problem,) = register.problems
    assert (problem.file, problem.row) == ("host.csv", 3)
    assert reason in problem.reason
    assert Hosts(register.places).of("ok.example:80").at_once == 2


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name\nx\n", b"a\0b"])
def test_a_file_that_is_no_register_is_one_problem(tmp_path, content):
    (tmp_path / "host.csv").write_bytes(content)
    register = read_hosts(tmp_path / "host.csv")
    assert len(register.problems) == 1
    assert Hosts(register.places).of("h:80") == Place("h:80")


def test_no_file_is_no_problem(tmp_path):
    assert read_hosts(tmp_path / "host.csv").problems == ()


def test_hosts_of_a_group_are_asked_one_at_a_time_and_others_beside_them(make_gate):
    servers = [WebServer({"/": Page(b"x", delay=0.05)}) for _ in range(2)]
    with servers[0], servers[1]:
        running: list[int] = []
        most = 0

        def fetch(url: str) -> int:
            nonlocal most
            running.append(1)
            most = max(most, len(running))
            status = gate.fetch(Request(url)).status
            running.pop()
            return status

        group = Place("group g")
        gate = make_gate(hosts=Hosts({f"127.0.0.1:{server.port}": group for server in servers}))
        urls = [server.url() for server in servers for _ in range(3)]
        assert [status for _, status in chain.from_iterable(gate.each(urls, url=str, work=fetch))] == [200] * 6
    assert most == 1


def test_a_host_that_takes_several_requests_at_once_gets_them_and_no_more(make_gate):
    with WebServer({"/": Page(b"x", delay=0.1)}) as server:
        gate = make_gate(hosts=Hosts({"127.0.0.1": Place("", 3)}))
        done = gate.each([server.url()] * 12, url=str, work=lambda url: gate.fetch(Request(url)).status)
        results = list(chain.from_iterable(done))
    assert len(results) == 12
    assert server.most_at_once == 3


def _fetching(place: Place) -> str:
    """What a process runs whose `host.csv` has this for 127.0.0.1."""
    return FETCHING.replace("rules=", f'hosts=Hosts({{"127.0.0.1": {place!r}}}), rules=').replace(
        "from pathlib import Path",
        "from pathlib import Path\n    from collect_assets.network.hosts import Hosts, Place",
    )


def test_the_number_holds_for_all_processes_together(tmp_path):
    code = _fetching(Place("", 2))
    with WebServer({"/": Page(b"x", delay=0.05)}) as server:
        processes = [_process(code, server.url(), tmp_path, 8) for _ in range(4)]
        assert [process.communicate()[0] and process.returncode for process in processes] == [""] * 4
    assert len(server.asked) == 32
    assert server.most_at_once == 2


def test_who_waits_takes_the_first_turn_that_becomes_free_in_the_order_of_waiting(tmp_path):
    hosts = Hosts({"h": Place("", 3)})
    given = Turns(tmp_path, Politeness(pause_share=0), longest=30, clock=time.monotonic, sleep=time.sleep, hosts=hosts)
    order: list[int] = []

    def wait(number: int) -> None:
        with given.take("h:80"):
            order.append(number)

    held = [given.take("h:80") for _ in range(3)]
    for turn in held:
        turn.__enter__()
    with ThreadPoolExecutor(4) as threads:
        for number in range(4):
            threads.submit(wait, number)
            time.sleep(0.05)
        assert order == []
        held[1].__exit__(None, None, None)
        time.sleep(0.3)
        assert order == [0, 1, 2, 3]  # though the other two never came
        for turn in (held[0], held[2]):
            turn.__exit__(None, None, None)


def test_the_wait_for_one_of_several_turns_ends_with_the_time_for_everything(tmp_path):
    hosts = Hosts({"h": Place("", 2)})
    given = Turns(tmp_path, Politeness(), longest=30, clock=time.monotonic, sleep=time.sleep, hosts=hosts)
    begun = time.monotonic()
    with given.take("h:80"), given.take("h:80"), ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(given.take("h:80", ends=begun + 0.3).__enter__) for _ in range(2)]
        for each in waiting:
            with pytest.raises(FailedError, match="being collected just now"):
                each.result(5)
    assert 0.3 <= time.monotonic() - begun < 2


def test_a_pause_that_a_host_asks_one_of_several_requests_for_holds_for_all(tmp_path):
    clock = Clock()
    one, two = (Turns(tmp_path, Politeness(pause_share=0), longest=30, clock=clock, sleep=clock.sleep,
                      hosts=Hosts({"h": Place("", 3)})) for _ in range(2))  # fmt: skip
    with two.take("h:80") as running:
        with one.take("h:80") as turn:
            turn.status, turn.cooling = 429, 20
        running.status = 200
    for given in (one, two, one):
        clock.now = 1000.0
        with given.take("h:80"):
            pass
        assert clock.sleeps[-1] == pytest.approx(20)


def test_a_host_is_asked_once_at_a_time_by_collections_that_put_it_into_different_groups_or_none(tmp_path):
    codes = [FETCHING, _fetching(Place("group one")), _fetching(Place("group two"))]
    with WebServer({"/": Page(b"x", delay=0.05)}) as server:
        processes = [_process(code, server.url(), tmp_path, 8) for code in codes]
        assert [process.communicate()[0] and process.returncode for process in processes] == [""] * 3
        assert [process.returncode for process in processes] == [0] * 3
    assert len(server.asked) == 24
    assert server.most_at_once == 1


@pytest.mark.parametrize(("first", "second"), [("group g", ""), ("", "group g"), ("group one", "group two")])
def test_what_one_process_learns_of_a_host_holds_for_another_that_has_a_different_group_for_it(tmp_path, first, second):
    clock = Clock()
    one, two = (Turns(tmp_path, Politeness(min_pause=1), longest=30, clock=clock, sleep=clock.sleep,
                      hosts=Hosts({"h": Place(queue)})) for queue in (first, second))  # fmt: skip
    with one.take("h:80") as turn:
        turn.cooling = 20
    with two.take("h:80") as turn:
        turn.status = 429
    assert max(clock.sleeps) == pytest.approx(20)
    with one.take("h:80") as turn:
        turn.status = 429
    assert clock.sleeps[-1] == pytest.approx(2)
    with two.take("h:80"):
        pass
    assert clock.sleeps[-1] == pytest.approx(4)


def test_a_group_is_left_alone_after_each_of_its_hosts_and_slowed_down_with_it(tmp_path):
    clock = Clock()
    given = Turns(tmp_path, Politeness(min_pause=1), longest=30, clock=clock, sleep=clock.sleep,
                  hosts=Hosts({"a": Place("group g"), "b": Place("group g")}))  # fmt: skip
    with given.take("a:80") as turn:
        turn.status = 429
    began = clock.now
    with given.take("b:80"):
        assert clock.now - began == pytest.approx(2)


def test_groups_that_overlap_in_different_ways_never_block_each_other_for_good(make_gate):
    """Hosts one and two stand in the groups of three gates crosswise, and redirect to each other."""
    one, two = WebServer({"/b": Page(b"x", delay=0.01)}), WebServer({"/b": Page(b"x", delay=0.01)})
    one.pages = {**one.pages, "/a": Page(b"", 302, {"Location": two.url("/b")})}
    two.pages = {**two.pages, "/a": Page(b"", 302, {"Location": one.url("/b")})}
    names = [f"127.0.0.1:{server.port}" for server in (one, two)]
    queues = [("group x", "group y"), ("group y", "group x"), ("group x", "group x"), ("", "")]
    gates = [make_gate(hosts=Hosts(dict(zip(names, map(Place, pair), strict=True)))) for pair in queues]
    with one, two, ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda n: gates[n % 4].fetch(Request((one, two)[n // 4 % 2].url("/a"))), range(48),
                              timeout=20)  # fmt: skip
        assert [answer.status for answer in answers] == [200] * 48
    assert (one.most_at_once, two.most_at_once) == (1, 1)
