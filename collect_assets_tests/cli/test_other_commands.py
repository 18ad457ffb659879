"""The commands that read what was collected, and what all commands have in common."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collect_assets.cli import COMMANDS, main
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
    assert [line.split()[0] for line in out.split("Commands:")[1].strip().splitlines()] == list(COMMANDS)
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
