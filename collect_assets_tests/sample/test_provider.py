"""The provider of the sample, over real sockets."""

import datetime as dt
import socket
import subprocess
import sys
import threading
from email.utils import parsedate_to_datetime

import pytest
import requests

from collect_assets.errors import SettingsError
from collect_assets.sample.catalogue import (
    CONSERVATION_AREAS,
    FIELD_STATION,
    GONE,
    KALDMOOR,
    SERVED,
    STATES,
    TODAY,
    WEB_PAGE,
    stored_file,
)
from collect_assets.sample.provider import ABOUT, serving

AREAS_PATH = f"/brownfield-sites/{CONSERVATION_AREAS}"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.mark.parametrize("state", STATES)
def test_every_file_of_every_state_is_served_byte_for_byte(state):
    with serving(0, state) as address:
        for served in SERVED:
            answer = requests.get(address + served.path, timeout=5)
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == served.content_type
            assert answer.content == stored_file(served, state).read_bytes()


def test_a_file_that_is_not_there_answers_404_with_a_page():
    with serving(0) as address:
        answer = requests.get(f"{address}/brownfield-sites/{GONE}", timeout=5)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_page_of_the_web_is_served_with_200_where_a_register_should_be():
    with serving(0) as address:
        answer = requests.get(f"{address}/brownfield-sites/{WEB_PAGE}", timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.content.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_a_request_with_the_validator_of_the_last_answer_gets_a_304_without_a_body(header):
    asks = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}[header]
    with serving(0) as address:
        first = requests.get(address + AREAS_PATH, timeout=5)
        again = requests.get(address + AREAS_PATH, headers={asks: first.headers[header]}, timeout=5)
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["ETag"] == first.headers["ETag"]


def test_a_list_of_weak_validators_matches_and_another_validator_does_not():
    with serving(0) as address:
        etag = requests.get(address + AREAS_PATH, timeout=5).headers["ETag"]
        weak = requests.get(address + AREAS_PATH, headers={"If-None-Match": f'"x", W/{etag}'}, timeout=5)
        other = requests.get(address + AREAS_PATH, headers={"If-None-Match": '"x"'}, timeout=5)
    assert (weak.status_code, other.status_code) == (304, 200)


def test_if_none_match_outranks_if_modified_since_and_a_bad_date_is_ignored():
    with serving(0) as address:
        late = "Tue, 01 Jan 2030 00:00:00 GMT"
        both = {"If-None-Match": '"x"', "If-Modified-Since": late}
        assert requests.get(address + AREAS_PATH, headers=both, timeout=5).status_code == 200
        assert requests.get(address + AREAS_PATH, headers={"If-Modified-Since": late}, timeout=5).status_code == 304
        assert requests.get(address + AREAS_PATH, headers={"If-Modified-Since": "soon"}, timeout=5).status_code == 200


def test_the_layer_that_never_changes_keeps_its_validators_through_all_states():
    seen = set()
    for state in STATES:
        with serving(0, state) as address:
            headers = requests.get(address + AREAS_PATH, timeout=5).headers
            seen.add((headers["ETag"], headers["Last-Modified"]))
    assert len(seen) == 1


def test_validators_of_the_archive_change_when_it_changes_and_only_then():
    etags = []
    for state in STATES:
        with serving(0, state) as address:
            etags.append(requests.get(f"{address}/herbarium-specimens/{KALDMOOR}", timeout=5).headers["ETag"])
    first, second, third, today = etags
    assert second == third
    assert len({first, second, today}) == 3


def test_a_file_without_validators_is_sent_whole_whatever_is_asked():
    with serving(0) as address:
        path = f"{address}/herbarium-specimens/{FIELD_STATION}"
        answer = requests.get(path, headers={"If-None-Match": "*"}, timeout=5)
    assert answer.status_code == 200
    assert "ETag" not in answer.headers


def test_head_tells_the_length_and_sends_no_body():
    with serving(0) as address, requests.Session() as session:
        head = session.head(address + AREAS_PATH, timeout=5)
        whole = session.get(address + AREAS_PATH, timeout=5)
    assert head.content == b""
    assert int(head.headers["Content-Length"]) == len(whole.content)


def test_the_date_header_is_that_of_the_clock_which_was_passed_in():
    moment = dt.datetime(2026, 11, 2, 0, 31, 7, tzinfo=dt.UTC)
    with serving(0, now=lambda: moment) as address:
        date = requests.get(address + AREAS_PATH, timeout=5).headers["Date"]
    assert parsedate_to_datetime(date) == moment


def test_a_second_provider_of_the_same_state_uses_the_first_and_leaves_it_running():
    port = free_port()
    with serving(port) as first:
        with serving(port) as second:
            assert second == first
        assert requests.get(first + ABOUT, timeout=5).json()["state"] == TODAY


def test_a_port_held_by_another_state_is_an_error_that_says_so():
    port = free_port()
    expected = rf"{port}.*another state of the sample.*2026-11-01"
    with serving(port, "2026-11-01"), pytest.raises(SettingsError, match=expected), serving(port):
        pass


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_a_port_held_by_another_program_is_an_error_that_says_what_to_do(banner):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if banner:
            answer_once(listener, banner)
        with pytest.raises(SettingsError, match=r"another program.*stop that program"), serving(port):
            pass


def answer_once(listener, banner):
    def talk():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(banner)
            connection.recv(4096)

    threading.Thread(target=talk, daemon=True).start()


def test_an_unknown_state_is_an_error_that_names_those_there_are():
    with pytest.raises(SettingsError, match=r"'yesterday'.*2026-11-01.*today"), serving(0, "yesterday"):
        pass


def test_the_port_is_free_again_when_the_provider_has_ended():
    port = free_port()
    for state in STATES:
        with serving(port, state) as address:
            assert requests.get(address + ABOUT, timeout=5).json()["state"] == state


def test_started_from_a_shell_it_says_where_it_serves_and_serves_there():
    port = free_port()
    command = [sys.executable, "-m", "collect_assets.sample.provider", "--port", str(port), "--state", "2026-11-02"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == f"The sample as of 2026-11-02 is served at http://127.0.0.1:{port}\n"
            about = requests.get(f"http://127.0.0.1:{port}{ABOUT}", timeout=5).json()
            assert (about["sample"], about["state"]) == ("collect_assets", "2026-11-02")
        finally:
            process.terminate()


def test_from_a_shell_a_taken_port_is_one_line_and_not_a_traceback():
    with serving(port := free_port(), "2026-11-01"):
        command = [sys.executable, "-m", "collect_assets.sample.provider", "--port", str(port)]
        process = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert process.returncode == 1
    assert "is held by another state of the sample" in process.stderr
    assert "Traceback" not in process.stderr
