"""What an endpoint's parameters say about how it is asked."""

from __future__ import annotations

import pytest

from collect_assets.collection import Limits
from collect_assets.errors import FailedError
from collect_assets.network.gate import Request
from collect_assets.network.options import OPTIONS, EndpointOptions
from collect_assets_tests.servers import Page, WebServer


def test_options_are_taken_from_among_the_parameters_of_plugins_and_readers():
    options = EndpointOptions.of({"id": ["reference"], "max-bytes": 10, "timeout": "x", "headers": {"X-One": "1"}})
    assert (options.max_bytes, options.headers, options.attempts) == (10, {"X-One": "1"}, None)
    assert "max-wire-bytes" in OPTIONS
    assert "timeout" not in OPTIONS


@pytest.mark.parametrize(
    ("parameters", "named"),
    [({"max-bytes": "10"}, "max-bytes"), ({"attempts": 0}, "attempts"), ({"ssl-verify": 0}, "ssl-verify"),
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
