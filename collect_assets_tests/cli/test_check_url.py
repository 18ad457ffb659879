"""`collect-assets check-url` as a program: what it prints, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from collect_assets_tests.checking.services import PATH, SERVICE, arcgis, wfs
from collect_assets_tests.servers import Hold, Page, RawServer, WebServer, closed_port

CSV = b"reference,name,notes\n1,oak,red\n2,ash," + b"long " * 60 + b"\nbroken\n"
ALLOW = "127.0.0.0/8"
COMMAND = [sys.executable, "-c", "from collect_assets.cli import main; main()", "check-url"]


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "80", "COLLECT_ASSETS_ALLOW": ALLOW}


@pytest.fixture
def run(environment, tmp_path):
    def run(*arguments, **extra):
        done = subprocess.run([*COMMAND, *arguments], env={**environment, **extra}, capture_output=True, text=True,
                              cwd=tmp_path, check=False)  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_file_that_can_be_collected_is_shown_and_is_0(run):
    with WebServer({"/a.csv": Page(CSV, headers={"Content-Type": "text/csv"})}) as web:
        done = run(web.url("/a.csv"))
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0] == "✓ It can be collected with a plain GET: csv, 2 records looked at."
    assert "  id         reference: filled in 100%, no duplicates" in lines
    assert any("line 4" in line for line in lines)
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)


def test_what_strangers_write_moves_no_cursor_and_is_no_markup(run):
    rows = [{"reference": "1", "name": "\x1b[31mred\x07\u202e", "key\x1b]0;title\x07": "[bold]ash[/bold]"}]
    with WebServer({"/a.json": Page(json.dumps(rows).encode())}) as web:
        done = run(web.url("/a.json"))
    assert done.returncode == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
    assert "[bold]ash[/bold]" in done.stdout


def test_first_records_that_are_too_wide_are_clipped_to_the_terminal(run):
    names = [f"a_rather_long_name_{number}" for number in range(40)]
    body = "\n".join([",".join(names), ",".join("word" * 20 for _ in names)]).encode()
    with WebServer({"/a.csv": Page(body)}) as web:
        narrow, wide = run(web.url("/a.csv")), run(web.url("/a.csv"), COLUMNS="160")
    assert "without 37 more columns" in narrow.stdout
    assert "without 33 more columns" in wide.stdout
    assert max(map(len, narrow.stdout.splitlines())) <= 80


def test_json_is_the_report_and_nothing_else(run):
    with WebServer({"/a.csv": Page(CSV)}) as web:
        done = run(web.url("/a.csv"), "--json")
    report = json.loads(done.stdout)
    assert (report["collectable"], report["records"], report["rejected"]) == (True, 2, 1)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_cannot_be_collected_is_1(run, form):
    with closed_port() as port, WebServer({"/403": Page(b"", 403)}) as web:
        nobody = f"http://127.0.0.1:{port}/"
        for url in (web.url("/403"), nobody):
            done = run(url, "--attempts", "1", *form)
            assert done.returncode == 1
            if form:
                assert json.loads(done.stdout)["error"]["errType"] == "User Error"
            else:
                assert done.stdout.startswith("✗ ")


def test_an_address_that_is_not_allowed_is_1(run):
    with WebServer({"/": Page(CSV)}) as web:
        done = run(web.url(), COLLECT_ASSETS_ALLOW="")
        assert done.returncode == 1
        assert "this machine itself" in done.stdout
        assert web.asked == []
        assert run(web.url(), "--allow-private-addresses", COLLECT_ASSETS_ALLOW="").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["www.example.org/a.csv"], "https://www.example.org/a.csv"),
        (["file:///etc/passwd"], "files of this machine"),
        (["https://example.org/", "--plugin", "nothing"], "known: GET, arcgis"),
        (["https://example.org/", "--parameters", "{"], "not JSON"),
        (["https://example.org/", "--parameters", "[1]"], "JSON object"),
        (["https://example.org/", "--parameters", '{"id": 7}'], "expected the name of a field"),
        (["https://example.org/", "--seconds", "0"], "seconds is 0"),
        (["https://example.org/", "--allow", "nowhere"], "allowed addresses"),
        ([], "Missing argument"),
    ],
)
def test_bad_usage_is_2_and_says_what_to_write(run, arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in " ".join((done.stdout + done.stderr).split())


def test_the_doors_of_services_list_what_there_is(run):
    with WebServer(arcgis()) as web:
        done = run(web.url(SERVICE))
        assert f"0  Trees\n     {web.url(PATH)}" in done.stdout
    with WebServer(wfs()) as web:
        done = run(web.url("/wfs"))
        assert "t:area  Conservation areas" in done.stdout


def test_options_come_from_the_environment_too(run):
    with WebServer(arcgis()) as web:
        done = run(
            web.url(PATH), COLLECT_ASSETS_PLUGIN="arcgis", COLLECT_ASSETS_CHECK_FIRST="2", COLLECT_ASSETS_JSON="1"
        )
    report = json.loads(done.stdout)
    assert (report["plugin"], len(report["first_records"])) == ("arcgis", 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_is_stopped_leaves_no_scratch(environment, tmp_path, number):
    with RawServer([Hold()]) as web:
        process = subprocess.Popen([*COMMAND, web.url()], env=environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        while not web.requests:
            time.sleep(0.02)
        scratch = tmp_path / f"collect-assets-{os.getuid()}" / "check"
        assert list(scratch.iterdir())
        process.send_signal(number)
        assert process.wait(10) != 0
    assert list(scratch.iterdir()) == []
