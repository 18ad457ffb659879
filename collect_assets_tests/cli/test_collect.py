"""`collect-assets collect`: what it takes, what it prints, and with what it exits."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collect_assets.cli import main
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import Folder, sha256
from collect_assets_tests.servers import Page, WebServer, closed_port

Collect = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/a": Page(b"1\n"), "/b": Page(b"2\n"), "/same": Page(b"1\n")}) as server:
        yield server


@pytest.fixture
def collect(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Collect:
    """The command in this process, on `folder`, with loopback allowed."""
    for name in ("ENDPOINT_CSV", "COLLECTION_DIR", "LOG_DIR", "RESOURCE_DIR", "REFILL_TODAYS_LOGS"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, where: bool = True, **environment: str) -> Result:
        place = ["--collection-dir", str(folder.path)] if where else []
        given = ["collect", *arguments, *place, "--allow", "127.0.0.0/8"]
        return CliRunner().invoke(main, given, env=environment, catch_exceptions=False)

    return run


def urls(folder: Folder, server: WebServer, *paths: str) -> list[str]:
    found = [server.url(path) for path in paths]
    folder.register(*found)
    return found


def shown(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_it_says_what_it_did_and_exits_with_0(folder: Folder, collect: Collect, server: WebServer) -> None:
    urls(folder, server, "/a", "/b", "/same", "/missing")
    result = collect()
    assert result.exit_code == 0
    assert "4 asked now, 0 had their log already; 4 logs, 3 with a resource, 2 distinct" in result.stdout
    assert "     3  first" in result.stdout
    assert "     1  failed:status" in result.stdout
    assert server.url("/missing") in result.stdout
    assert result.stderr == ""


def test_whatever_the_endpoints_answer_it_exits_with_0(folder: Folder, collect: Collect, server: WebServer) -> None:
    with closed_port() as port:
        folder.register(server.url("/missing"), f"http://127.0.0.1:{port}/", "http://192.168.0.1/")
        assert collect().exit_code == 0


def test_fail_if_none_exits_with_1_when_the_day_has_not_one_resource(
    folder: Folder, collect: Collect, server: WebServer
) -> None:
    urls(folder, server, "/missing")
    assert collect("--fail-if-none").exit_code == 1
    assert collect(COLLECT_ASSETS_FAIL_IF_NONE="1").exit_code == 1
    urls(folder, server, "/missing", "/a")
    assert collect("--fail-if-none").exit_code == 0
    assert collect("--fail-if-none").exit_code == 0, "what was collected before counts too"


@pytest.mark.parametrize(
    "arguments",
    [["--mode", "all"], ["--refill-todays-logs", "perhaps"], ["--no-such-option"], ["one.csv", "two.csv"], ["."]],
    ids=str,
)
def test_bad_usage_exits_with_2(folder: Folder, collect: Collect, arguments: list[str]) -> None:
    folder.register()
    result = collect(*arguments)
    assert result.exit_code == 2
    assert "Error" in result.stderr


def test_an_unreadable_register_exits_with_2_and_names_the_file(folder: Folder, collect: Collect) -> None:
    result = collect()
    assert result.exit_code == 2
    assert str(folder.path / "endpoint.csv") in result.stderr
    (folder.path / "endpoint.csv").write_bytes(b"PK\x03\x04\xff")
    result = collect()
    assert result.exit_code == 2
    assert str(folder.path / "endpoint.csv") in result.stderr
    assert result.stdout == ""


def test_an_unusable_setting_exits_with_2_and_names_file_and_key(folder: Folder, collect: Collect) -> None:
    folder.settings("colour = 1").register()
    result = collect()
    assert result.exit_code == 2
    assert f"{folder.path / 'collection.toml'}: colour" in result.stderr


def test_an_allowed_network_that_is_none_exits_with_2(folder: Folder) -> None:
    folder.register()
    result = CliRunner().invoke(main, ["collect", "-c", str(folder.path), "--allow", "home"])
    assert result.exit_code == 2
    assert "home" in result.stderr


def test_every_limit_can_come_from_the_environment(folder: Folder, server: WebServer) -> None:
    one, two = urls(folder, server, "/a", "/b")
    (folder.path / "source.csv").write_text(f"endpoint,organisation\n{endpoint_id(two)},kew\n")
    place = {"COLLECTION_DIR": str(folder.path), "COLLECT_ASSETS_ALLOW": "127.0.0.1"}
    for limit, path in [
        ({"COLLECT_ASSETS_ENDPOINT": one}, "/a"),
        ({"COLLECT_ASSETS_ORGANISATION": "kew"}, "/b"),
        ({"COLLECT_ASSETS_ENDPOINT": f"{one}\n{two}\n", "COLLECT_ASSETS_ORGANISATION": "kew"}, "/b"),
    ]:
        server.asked.clear()
        result = CliRunner().invoke(main, ["collect"], env={**place, **limit, "COLLECT_ASSETS_MODE": "refill"})
        assert result.exit_code == 0, result.output
        assert [asked.path for asked in server.asked] == [path]


def test_a_bad_row_is_said_on_stderr_and_changes_no_exit_code(
    folder: Folder, collect: Collect, server: WebServer
) -> None:
    folder.register(server.url("/a"), "www.example.org/x")
    result = collect()
    assert result.exit_code == 0
    assert "endpoint.csv, row 3: " in result.stderr
    assert "1 logs" in result.stdout


def test_the_register_can_be_named(folder: Folder, collect: Collect, server: WebServer, tmp_path: Path) -> None:
    urls(folder, server, "/a")
    other = (folder.path / "endpoint.csv").rename(tmp_path / "other.csv")
    assert "1  first" in collect(str(other)).stdout
    assert "1 had their log" in collect(ENDPOINT_CSV=str(other)).stdout


def test_places_come_from_options_and_from_the_environment(
    folder: Folder, collect: Collect, server: WebServer, tmp_path: Path
) -> None:
    urls(folder, server, "/a")
    place = {"LOG_DIR": str(tmp_path / "logs"), "RESOURCE_DIR": str(tmp_path / "kept")}
    assert collect(where=False, COLLECTION_DIR=str(folder.path), **place).exit_code == 0
    assert len(list((tmp_path / "logs").glob("*/*.json"))) == 1
    assert (tmp_path / "kept" / sha256(b"1\n")).read_bytes() == b"1\n"
    assert not (folder.path / "log").exists()
    assert not (folder.path / "resource").exists()
    result = collect("--log-dir", place["LOG_DIR"], "--resource-dir", place["RESOURCE_DIR"])
    assert "0 asked now, 1 had their log already" in result.stdout


def test_refill_is_asked_for_with_and_without_a_value(folder: Folder, collect: Collect, server: WebServer) -> None:
    urls(folder, server, "/a")
    collect()
    for arguments, environment, asked in [
        (["--refill-todays-logs"], {}, 1),
        (["--refill-todays-logs", "true"], {}, 1),
        (["--refill-todays-logs=True"], {}, 1),
        (["--refill-todays-logs", "False"], {}, 0),
        (["--refill-todays-logs", ""], {}, 0),
        (["--refill-todays-logs", "--mode", "new"], {}, 1),
        ([], {"REFILL_TODAYS_LOGS": "true"}, 1),
        ([], {"REFILL_TODAYS_LOGS": "0"}, 0),
        (["--mode", "refill"], {}, 1),
        ([], {"COLLECT_ASSETS_MODE": "refill"}, 1),
        ([], {}, 0),
    ]:
        server.asked.clear()
        assert f"{asked} asked now" in collect(*arguments, **environment).stdout
        assert len(server.asked) == asked


def test_an_endpoint_is_named_by_id_beginning_or_url(folder: Folder, collect: Collect, server: WebServer) -> None:
    one, two = urls(folder, server, "/a", "/b")
    names = (endpoint_id(two), endpoint_id(two)[:8], two)
    for name in names:
        server.asked.clear()
        collect("--endpoint", name, "--refill-todays-logs")
        assert [asked.path for asked in server.asked] == ["/b"]
    server.asked.clear()
    assert "2 asked now" in collect("--endpoint", one, "--endpoint", two, "--mode", "refill").stdout
    result = collect("--endpoint", "https://example.org/unknown")
    assert result.exit_code == 2
    assert str(folder.path / "endpoint.csv") in result.stderr
    assert "https://example.org/unknown" in result.stderr


def test_an_organisation_limits_the_run(folder: Folder, collect: Collect, server: WebServer) -> None:
    one, _ = urls(folder, server, "/a", "/b")
    (folder.path / "source.csv").write_text(f"endpoint,organisation\n{endpoint_id(one)},kew\n")
    assert "1 asked now" in collect("--organisation", "kew").stdout
    assert [asked.path for asked in server.asked] == ["/a"]
    result = collect("--organisation", "nobody")
    assert result.exit_code == 2
    assert "source.csv" in result.stderr


def test_json_is_for_programs_and_nothing_else_is_printed(folder: Folder, collect: Collect, server: WebServer) -> None:
    folder.register(server.url("/a"), server.url("/same"), server.url("/x"), "www.example.org/é")
    result = collect("--json")
    found = shown(result)
    assert result.stderr == ""
    assert (found["logs"], found["with-resource"], found["distinct-resources"], found["already"]) == (3, 2, 1, 0)
    assert found["outcomes"] == found["fetched"] == {"failed:status": 1, "first": 2}
    assert found["skipped"] == {endpoint_id("www.example.org/é"): "skipped:bad-url"}
    assert "www.example.org/é" in str(found["problems"])
    assert shown(collect(COLLECT_ASSETS_JSON="1"))["already"] == 3


def test_private_addresses_are_asked_only_when_the_operator_allows_them(folder: Folder, server: WebServer) -> None:
    urls(folder, server, "/a")
    refused = CliRunner().invoke(main, ["collect", "-c", str(folder.path)])
    assert "1  refused:address" in refused.stdout
    assert server.asked == []
    everything = ["collect", "-c", str(folder.path), "--mode", "failed", "--allow-private-addresses"]
    assert "1  first" in CliRunner().invoke(main, everything).stdout


OFTEN = "import collect_assets.cli.progress as progress; progress.EVERY = 0.0\n"


def test_without_a_terminal_progress_is_plain_lines_on_stderr(folder: Folder, server: WebServer) -> None:
    urls(folder, server, "/a", "/b", "/same")
    command = folder.collect_command()
    command[2] = OFTEN + command[2]
    done = subprocess.run(command, env=folder.shell, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [f"collecting: {n} of 3" for n in (1, 2, 3)]
    assert "\x1b" not in done.stdout


def test_on_a_terminal_progress_is_a_bar_and_stdout_stays_clean(folder: Folder, server: WebServer) -> None:
    urls(folder, server, "/a", "/b")
    ours, theirs = pty.openpty()
    shell = {**folder.shell, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(folder.collect_command("--json"), env=shell, stdout=subprocess.PIPE, stderr=theirs) as quiet:
        assert quiet.stdout is not None
        assert json.loads(quiet.stdout.read())["logs"] == 2
    command = folder.collect_command("--mode", "refill")
    with subprocess.Popen(command, env=shell, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        assert process.stdout is not None
        out, seen = process.stdout.read(), b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:  # the terminal is gone with the process
            pass
    os.close(ours)
    assert b"collecting" in seen
    assert b"\x1b[" in seen
    assert b"\x1b" not in out
    assert b"2 asked now" in out


def test_the_installed_command_is_the_same(folder: Folder, server: WebServer) -> None:
    import sys

    script = Path(sys.executable).with_name("collect-assets")
    if not script.is_file():
        pytest.skip("the package is not installed with its command")
    urls(folder, server, "/a")
    done = subprocess.run(
        [script, "collect", "--allow", "127.0.0.0/8"],
        env={**folder.shell, "COLLECTION_DIR": str(folder.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1  first" in done.stdout


def test_an_endpoint_with_a_space_can_come_from_the_environment(
    folder: Folder, collect: Collect, server: WebServer
) -> None:
    spaced, _ = urls(folder, server, "/a?name=two words", "/b")
    assert "1 asked now" in collect(COLLECT_ASSETS_ENDPOINT=spaced).stdout
    assert [asked.path for asked in server.asked] == ["/a?name=two%20words"]


def test_the_register_may_stand_behind_refill(folder: Folder, collect: Collect, server: WebServer) -> None:
    urls(folder, server, "/a")
    register = str((folder.path / "endpoint.csv").rename(folder.path / "other.csv"))
    for arguments in (["--refill-todays-logs", register], [register, "--refill-todays-logs"],
                      ["--refill-todays-logs", "yes", register]):  # fmt: skip
        server.asked.clear()
        assert "1 asked now" in collect(*arguments).stdout
        assert len(server.asked) == 1
    assert "0 asked now" in collect("--refill-todays-logs", "no", register).stdout


def test_logs_and_resources_may_lie_on_another_file_system(folder: Folder, collect: Collect, server: WebServer) -> None:
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == folder.path.stat().st_dev:
        pytest.skip("there is no other file system to write to")
    urls(folder, server, "/a", "/b")
    with tempfile.TemporaryDirectory(dir=memory) as elsewhere:
        places = ["--log-dir", f"{elsewhere}/log", "--resource-dir", f"{elsewhere}/resource"]
        assert "2  first" in collect(*places).stdout
        verified = CliRunner().invoke(main, ["verify", "-c", str(folder.path), *places])
        assert "2 logs and 2 resources checked, 0 problems" in verified.stdout
    assert folder.left_in_work() == []


@pytest.mark.parametrize(
    ("name", "sent"),
    [("植物", "%E6%A4%8D%E7%89%A9"), ("łąka", "%C5%82%C4%85ka"), ("trees of\nOslo", "trees of%0AOslo")],
)
def test_a_collection_of_any_name_is_collected(folder: Folder, server: WebServer, name: str, sent: str) -> None:
    urls(folder, server, "/a")
    place = folder.path.rename(folder.path.with_name(name))
    result = CliRunner().invoke(main, ["collect", "-c", str(place), "--allow", "127.0.0.0/8"])
    assert "1  first" in result.stdout
    assert f"(collection {sent})" in server.asked[0].headers["user-agent"]


def test_a_body_in_an_encoding_that_is_not_undone_is_marked_in_its_log(folder: Folder, collect: Collect) -> None:
    with WebServer({"/a": Page(b"\x8b\x03\x80a,b\n1\x03", headers={"Content-Encoding": "br"})}) as server:
        urls(folder, server, "/a")
        collect()
    (path,) = (folder.path / "log").glob("*/*.json")
    log = json.loads(path.read_bytes())
    assert (log["outcome"], log["complete"]) == ("first", False)
    assert log["message"] == "kept as it came, in Content-Encoding br, which is not decoded"
