"""What an endpoint's parameters say about how it is asked."""

from __future__ import annotations

import pytest

from collect_assets.collection import Limits
from collect_assets.errors import FailedError
from collect_assets.network.gate import Request
from collect_assets.network.options import OPTIONS, EndpointOptions
from collect_assets_tests.network.test_turns import Clock
from collect_assets_tests.servers import Page, RawServer, WebServer, http


def test_options_are_taken_from_among_the_parameters_of_plugins_and_readers():
    options = EndpointOptions.of({"id": ["reference"], "max-bytes": 10, "timeout": "x", "headers": {"X-One": "1"}})
    assert (options.max_bytes, options.headers, options.attempts) == (10, {"X-One": "1"}, None)
    assert "max-wire-bytes" in OPTIONS
    assert "timeout" not in OPTIONS


@pytest.mark.parametrize(
    ("parameters", "named"),
    [({"max-bytes": "10 MB"}, "max-bytes"), ({"attempts": 0}, "attempts"), ({"ssl-verify": 0}, "ssl-verify"),
     ({"headers": {"Authorization": "x"}}, "credential"), ({"headers": {"Host": "x"}}, "host"),
     ({"headers": {"X": "a\r\nY: b"}}, "headers"), ({"credential": "../x"}, "credential"),
     ({"headers": []}, "headers")],
)  # fmt: skip
def test_a_wrong_option_is_an_error_that_names_it_and_never_a_default(parameters, named):
    with pytest.raises(FailedError, match=named) as caught:
        EndpointOptions.of(parameters)
    assert (caught.value.outcome, caught.value.transient) == ("failed:bad-parameters", False)


def test_limits_of_an_endpoint_stand_over_those_of_its_collection():
    limits = EndpointOptions.of({"max-bytes": 10, "min-rate": 0}).limits(Limits(max_bytes=99, attempts=7))
    assert (limits.max_bytes, limits.min_rate, limits.attempts) == (10, 0, 7)


def test_headers_of_the_collection_and_the_endpoint_are_sent_the_nearest_counts(make_gate):
    with WebServer({"/": Page(b"x")}) as server:
        gate = make_gate(headers={"X-One": "collection", "X-Two": "collection"})
        mine = gate.for_endpoint(server.url(), EndpointOptions.of({"headers": {"X-Two": "mine", "User-Agent": "me"}}))
        mine.fetch(Request(server.url(), {"X-Three": "request"}))
        gate.fetch(Request(server.url()))
    first, second = (asked.headers for asked in server.asked)
    assert (first["x-one"], first["x-two"], first["x-three"], first["user-agent"]) == (
        "collection", "mine", "request", "me")  # fmt: skip
    assert (second["x-two"], second["user-agent"]) == ("collection", "tests (me@example.org)")


def test_limits_of_an_endpoint_hold_for_its_requests_only(make_gate, work):
    with WebServer({"/": Page(b"x" * 100)}) as server:
        gate = make_gate()
        tight = gate.for_endpoint(server.url(), EndpointOptions.of({"max-bytes": 10}))
        with pytest.raises(Exception, match="max-bytes"):
            tight.fetch(Request(server.url()))
        assert gate.fetch(Request(server.url())).size == 100


def test_every_limit_of_a_collection_may_be_set_for_one_endpoint():
    assert {name.replace("_", "-") for name in Limits.model_fields} <= OPTIONS


@pytest.mark.parametrize(("own", "waited"), [(50, 40), (20, 20), (None, 30)])
def test_f35_a_retry_after_is_obeyed_up_to_the_cap_of_the_endpoint(make_gate, own, waited):
    clock = Clock()
    with RawServer([http(b"", "Retry-After: 40", status=429)], [http(b"good")]) as server:
        gate = make_gate(clock=clock, sleep=clock.sleep, max_backoff=30, backoff=0)
        options = EndpointOptions.of({} if own is None else {"max-backoff": own})
        assert gate.for_endpoint(server.url(), options).fetch(Request(server.url())).status == 200
    assert sum(clock.sleeps) == pytest.approx(waited)


def test_the_cap_of_an_endpoint_holds_for_the_backoff_between_its_attempts(make_gate):
    clock = Clock()
    with WebServer({"/": Page(b"", 500)}) as server:
        gate = make_gate(clock=clock, sleep=clock.sleep, attempts=9, backoff=1)
        gate.for_endpoint(server.url(), EndpointOptions.of({"max-backoff": 0.25})).fetch(Request(server.url()))
    assert max(clock.sleeps) == 0.25


@pytest.mark.parametrize(("other", "waited"), [(None, 30), (1, 30), (100, 60), (45, 45)])
def test_the_other_endpoints_of_a_host_share_the_pause_each_up_to_its_own_cap_or_the_longer_one_of_its_collection(
    make_gate, other, waited
):
    """An endpoint whose cap is lower does not ask sooner than a host wants that told somebody else to wait."""
    clock = Clock()
    with RawServer([http(b"", "Retry-After: 60", status=429)], [http(b"good")]) as server:
        gates = [make_gate(clock=clock, sleep=clock.sleep, max_backoff=30, attempts=1) for _ in range(2)]
        patient = EndpointOptions.of({"max-backoff": 90})
        gates[0].for_endpoint(server.url(), patient).fetch(Request(server.url()))
        assert sum(clock.sleeps) == 0
        options = EndpointOptions.of({} if other is None else {"max-backoff": other})
        gates[1].for_endpoint(server.url("/other"), options).fetch(Request(server.url("/other")))
    assert sum(clock.sleeps) == pytest.approx(waited)
