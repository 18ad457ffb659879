"""The commands that read what was collected, and what all commands have in common."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from collect_assets.cli import COMMANDS, main, ui
from collect_assets_tests.collecting.kit import Folder, sha256
from collect_assets_tests.servers import Page, WebServer

HEADER = b"reference,name,area\n"
FIRST = HEADER + "1,Oak house,2.5\n2,Ash yard,1\n3,Älmhof,7\n".encode()
SECOND = HEADER + "1,Oak house,2.5\n2,Ash court,1\n3,Älmhof,7\n".encode()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False, prog_name="collect-assets")


@pytest.fixture
def collected(folder: Folder) -> Folder:
    """Two days; on the second one record has changed."""
    pages = [Page(FIRST), Page(SECOND)]
    with WebServer(lambda _: pages.pop(0)) as server:
        folder.register(server.url("/sites.csv")).collect()
        folder.tomorrow()
    return folder


@pytest.fixture
def indexed(collected: Folder) -> Folder:
    result = run("index", "-c", str(collected.path))
    assert result.exit_code == 0, result.output
    return collected


def search(folder: Folder, *arguments: str) -> str:
    result = run("search", "-c", str(folder.path), *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_verify_exits_with_0_when_all_is_well_and_changes_nothing(collected: Folder) -> None:
    before = {path: path.stat().st_mtime_ns for path in collected.path.rglob("*")}
    result = run("verify", "-c", str(collected.path))
    assert result.exit_code == 0
    assert "2 logs and 2 resources checked, 0 problems, 0 resources that no log names" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in collected.path.rglob("*")} == before


@pytest.mark.parametrize("damage", ["bit flip", "short", "missing", "log"])
def test_verify_exits_with_1_and_names_what_is_damaged(collected: Folder, damage: str) -> None:
    path = collected.collection.resources.path(sha256(FIRST))
    if damage == "bit flip":
        path.write_bytes(b"R" + FIRST[1:])
    elif damage == "short":
        path.write_bytes(FIRST[:-1])
    elif damage == "missing":
        path.unlink()
    else:
        path = next((collected.path / "log" / "2026-03-01").iterdir())
        path.write_bytes(path.read_bytes()[:-1])
    result = run("verify", "-c", str(collected.path))
    assert result.exit_code == 1
    assert path.name in result.stdout
    assert "1 problems" in result.stdout
    as_json = run("verify", "-c", str(collected.path), "--json")
    assert as_json.exit_code == 1
    (problem,) = json.loads(as_json.stdout)["problems"]
    assert path.name in problem


def test_index_says_what_each_day_changed_and_costs_nothing_the_second_time(collected: Folder) -> None:
    result = run("index", "-c", str(collected.path))
    assert "2026-03-01: 3 created" in result.stdout
    assert "2026-03-02: 0 created, 1 updated" in result.stdout
    assert "nothing new" in run("index", "-c", str(collected.path)).stdout
    assert json.loads(run("index", "-c", str(collected.path), "--json").stdout)["horizon"] == "2026-03-02"


def test_index_without_a_collected_day_exits_with_1_and_says_what_to_do(folder: Folder) -> None:
    result = run("index", "-c", str(folder.register().path))
    assert result.exit_code == 1
    assert "collect-assets collect" in result.stderr


@pytest.mark.parametrize("command", ["index", "search", "verify", "digest"])
def test_a_folder_that_is_not_there_exits_with_2_and_is_named(tmp_path: Path, command: str) -> None:
    result = run(command, "-c", str(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert str(tmp_path / "nowhere") in result.stderr


def test_search_without_an_index_exits_with_1(folder: Folder) -> None:
    result = run("search", "-c", str(folder.register().path))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_search_prints_a_table_for_people(indexed: Folder) -> None:
    out = search(indexed, "oak")
    assert "Oak house" in out
    assert "1 items match, as of 2026-03-02" in out
    assert "3 items match" in search(indexed)


def test_search_prints_a_json_object_per_line(indexed: Folder) -> None:
    found = [json.loads(line) for line in search(indexed, "--format", "jsonl").splitlines()]
    assert sorted(hit["record"]["name"] for hit in found) == ["Ash court", "Oak house", "Älmhof"]
    ash = next(hit for hit in found if hit["record"]["name"] == "Ash court")
    assert (ash["change"], ash["changed"], ash["resource"]) == ("updated", "2026-03-02", sha256(SECOND))


def test_search_prints_csv_with_a_column_per_field(indexed: Folder) -> None:
    rows = list(csv.DictReader(io.StringIO(search(indexed, "--format", "csv"))))
    assert list(rows[0]) == ["endpoint", "item", "changed", "area", "name", "reference"]
    assert sorted(row["name"] for row in rows) == ["Ash court", "Oak house", "Älmhof"]


def test_search_answers_for_a_past_day(indexed: Folder) -> None:
    assert "Ash yard" in search(indexed, "ash", "--as-of", "2026-03-01", "--format", "csv")
    assert "Ash court" in search(indexed, "ash", "--format", "csv")


def test_search_takes_conditions_and_a_limit(indexed: Folder) -> None:
    assert "Oak house" in search(indexed, "--where", "name=Oak house")
    assert "2 items match" in search(indexed, "--where", "area>=2")
    assert len(search(indexed, "--limit", "1", "--format", "jsonl").splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [["--as-of", "soon"], ["--format", "xml"], ["--bbox", "1,2"], ["--where", "nonsense"], ["--limit", "-1"]],
)
def test_a_search_that_cannot_be_understood_exits_with_2(indexed: Folder, arguments: list[str]) -> None:
    result = run("search", "-c", str(indexed.path), *arguments)
    assert result.exit_code == 2
    assert "Error" in result.stderr
    assert "Traceback" not in result.stderr


def test_digest_is_the_same_when_what_is_derived_is_built_again(indexed: Folder) -> None:
    import shutil

    before = run("digest", "-c", str(indexed.path)).stdout
    shutil.rmtree(indexed.path / "derived")
    run("index", "-c", str(indexed.path))
    assert run("digest", "-c", str(indexed.path)).stdout == before
    assert run("digest", "-c", str(indexed.path), "--quiet").stdout == before.splitlines()[-1] + "\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_names_it(name: str) -> None:
    out = run(name, "--help").stdout
    assert "Example" in out
    assert out.count(f"collect-assets {name}") >= 2, "once as usage, once in an example"


def test_the_help_lists_every_command(tmp_path: Path) -> None:
    out = run("--help").stdout
    listed = [line.split()[0] for line in out.split("Try it:")[1].splitlines() if re.match(r"  [a-z]", line)]
    assert listed == list(COMMANDS)
    assert run("-h").stdout == out


HELP = """
import contextlib, io, sys
from collect_assets.cli import COMMANDS, main
for arguments in [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main(arguments, standalone_mode=False)
    assert out.getvalue()
print(sorted({"dagster", "duckdb", "requests", "urllib3", "pydantic", "rich", "lxml"} & set(sys.modules)))
"""


def test_help_imports_neither_dagster_nor_duckdb_nor_requests() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_an_unknown_command_exits_with_2() -> None:
    result = run("gather")
    assert result.exit_code == 2
    assert "gather" in result.stderr


def test_all_commands_of_a_collection_find_logs_and_resources_elsewhere(collected: Folder, tmp_path: Path) -> None:
    log, resource = (str((collected.path / name).rename(tmp_path / f"my-{name}")) for name in ("log", "resource"))
    by_option, by_environment = (
        ["--log-dir", log, "--resource-dir", resource],
        {"LOG_DIR": log, "RESOURCE_DIR": resource},
    )
    place = ["-c", str(collected.path)]
    assert "2 logs and 2 resources checked, 0 problems" in run("verify", *place, *by_option).stdout
    assert "2026-03-01: 3 created" in run("index", *place, *by_option).stdout
    assert "3 items match" in run("search", *place, *by_option).stdout
    digest = run("digest", *place, *by_option).stdout
    assert digest
    for name, shown in [
        ("verify", "2 logs and 2"),
        ("index", "nothing new"),
        ("search", "3 items"),
        ("digest", digest),
    ]:
        result = CliRunner(env=by_environment).invoke(main, [name, *place], catch_exceptions=False)
        assert shown in result.stdout
    for name in ("verify", "index"):
        assert run(name, *place).exit_code != 0


def test_a_folder_without_logs_and_resources_cannot_be_verified(folder: Folder) -> None:
    result = run("verify", "-c", str(folder.register().path))
    assert result.exit_code == 2
    assert str(folder.path / "log") in result.stderr
    assert "--log-dir" in result.stderr


def test_conditions_from_the_environment_stand_one_on_a_line(indexed: Folder) -> None:
    for where, found in [("name=Oak house", 1), ("name=*\narea>=2\n", 2), ("\n", 3)]:
        environment = {"COLLECT_ASSETS_WHERE": where}
        result = CliRunner(env=environment).invoke(main, ["search", "-c", str(indexed.path)])
        assert f"{found} items match" in result.stdout, result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_can_come_from_an_environment_variable_that_the_help_names(name: str) -> None:
    command = import_module(f"collect_assets.cli.{name.replace('-', '_')}").command
    shown = run(name, "--help").stdout
    for option in (each for each in command.params if isinstance(each, click.Option)):
        assert option.envvar, option.name
        assert f"env var: {option.envvar}" in " ".join(shown.split())
        if option.multiple:
            assert "one per line" in " ".join(shown.split())


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_ending_dagster_ends_what_does_not_listen_and_all_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "PATIENCE", 0.2)
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        child = int(process.stdout.readline())
    ui.end_group(process)
    assert process.poll() == -signal.SIGKILL
    assert _is_gone(child)
    ui.end_group(process)


def _is_gone(process: int) -> bool:
    """Whether a process ended; one that nobody waits for stays as a zombie."""
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False
