"""Credentials: found by name, sent to one origin, hidden everywhere (faults F34, F50, F51)."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path

import pytest

from collect_assets.errors import FailedError, FetchError, hide_url_secrets
from collect_assets.network.credentials import Credentials
from collect_assets.network.gate import Request
from collect_assets.network.options import EndpointOptions
from collect_assets_tests.servers import Page, RawServer, WebServer, http

NAMED = EndpointOptions(credential="key")
URL = "https://api.example.org/layer"
BASIC = base64.b64encode(b"me:geheim-1").decode()


def with_key(text: str) -> Credentials:
    return Credentials({"COLLECT_ASSETS_CREDENTIAL_KEY": text})


@pytest.mark.parametrize(
    ("text", "headers"),
    [("X-Api-Key: geheim-1", {"X-Api-Key": "geheim-1"}),
     ("Authorization: Bearer geheim-1", {"Authorization": "Bearer geheim-1"}),
     ("me:geheim-1", {"Authorization": f"Basic {BASIC}"}),
     ('{"headers": {"A": "geheim-1", "B": "geheim-2"}}', {"A": "geheim-1", "B": "geheim-2"}),
     ('{"user": "me", "password": "geheim-1", "origin": "https://API.example.org:443/"}',
      {"Authorization": f"Basic {BASIC}"})],
)  # fmt: skip
def test_a_credential_is_a_header_a_user_with_password_or_json(text, headers):
    found = with_key(text).find("key", URL)
    assert found.headers == headers
    assert "geheim-1" in found.secrets
    assert "geheim" not in repr(found)


def test_a_credential_is_found_in_a_folder_as_containers_mount_them(tmp_path: Path):
    (tmp_path / "my-key").write_text("X-Api-Key: geheim-1\n")
    assert Credentials({"COLLECT_ASSETS_CREDENTIALS": str(tmp_path)}).find("my-key", URL).headers["X-Api-Key"]


@pytest.mark.parametrize(
    "text",
    ["", "geheim", '{"geheim": 1}', '{"headers": {}}', '{"headers": {"A": "geheim\\r\\nB: c"}}', '{"geheim',
     '{"headers": {"A": "geheim"}, "origin": "https://other.example.org"}', "a:geheim\nb",
     '{"headers": {"A": "geheim"}, "origin": "http://api.example.org"}', "[" * 100_000, '{"a":' * 100_000],
)  # fmt: skip
def test_a_credential_that_cannot_be_used_is_a_failure_that_does_not_show_it(text):
    with pytest.raises(FailedError, match="credential key") as caught:
        with_key(text).find("key", URL)
    assert (caught.value.outcome, caught.value.transient) == ("failed:credential", False)
    assert "geheim" not in "".join(traceback.format_exception(caught.value))


def test_a_missing_credential_names_the_variable_to_set():
    with pytest.raises(FailedError, match="COLLECT_ASSETS_CREDENTIAL_MY_KEY"):
        Credentials({}).find("my-key", URL)


def test_f50_a_credential_goes_to_the_registered_origin_and_nowhere_else(make_gate):
    with WebServer({"/": Page(b"x")}) as other, WebServer({"/": Page(b"x")}) as server:
        server.pages = {"/": Page(b"x"), "/away": Page(b"", 302, {"Location": other.url()})}
        gate = make_gate(credentials=with_key("X-Secret: geheim-1"))
        mine = gate.for_endpoint(server.url("/layer"), NAMED)
        answers = [mine.fetch(Request(url)) for url in (server.url(), server.url("/away"), other.url())]
        gate.fetch(Request(server.url()))
    assert [asked.headers.get("x-secret") for asked in server.asked] == ["geheim-1", "geheim-1", None]
    assert [asked.headers.get("x-secret") for asked in other.asked] == [None, None]
    assert "geheim" not in repr([(answer.request_headers, answer.evidence) for answer in answers])


def test_a_header_of_the_same_name_does_not_stand_beside_the_credential(make_gate):
    with WebServer({"/": Page(b"x")}) as server:
        gate = make_gate(credentials=with_key("x-one: geheim-1")).for_endpoint(server.url(), NAMED)
        gate.fetch(Request(server.url(), {"X-One": "other"}))
    assert server.asked[0].headers["x-one"] == "geheim-1"


def test_f51_what_a_server_repeats_of_a_credential_is_hidden(make_gate):
    echo = {"X-Echo": "Bearer geheim/1", "Location": "/again?t=geheim%2F1&u=geheim/1"}
    with WebServer({"/": Page(b"", 302, echo)}) as server:
        server.pages = {**server.pages, "/again?t=geheim%2F1&u=geheim/1": Page(b"x", headers={"X-Echo": "geheim/1"})}
        gate = make_gate(credentials=with_key("Authorization: Bearer geheim/1"))
        answer = gate.for_endpoint(server.url(), NAMED).fetch(Request(server.url()))
    assert len(server.asked) == 2
    assert "geheim" not in repr(answer)
    assert answer.response_headers["X-Echo"] == "***"


def test_f51_a_failure_and_its_chain_hide_the_credential(make_gate):
    with RawServer([http(b"", "Location: ftp://geheim-1@h/geheim-1", status=302)]) as server:
        gate = make_gate(credentials=with_key("X-Secret: geheim-1"))
        with pytest.raises(FetchError) as caught:
            gate.for_endpoint(server.url(), NAMED).fetch(Request(server.url()))
    assert caught.value.outcome == "refused:scheme"
    assert "geheim" not in "".join(traceback.format_exception(caught.value))
    assert "geheim" not in repr(caught.value.evidence)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [("https://h/a?x=1&api_key=abc&y=2: no", "https://h/a?x=1&api_key=***&y=2: no"),
     ("'http://me:abc@h/' cannot", "'http://***@h/' cannot"),
     ("https://h/?token=abc#f https://h/?sig=abc", "https://h/?token=***#f https://h/?sig=***"),
     ("https://h/?postcode=AB1&keyword=x", "https://h/?postcode=AB1&keyword=x"),
     ("mail me@example.org, no URL", "mail me@example.org, no URL")],
)  # fmt: skip
def test_messages_hide_what_looks_like_a_secret_in_a_url(text, hidden):
    assert hide_url_secrets(text) == hidden
    assert str(FailedError("x", text)) == hidden
