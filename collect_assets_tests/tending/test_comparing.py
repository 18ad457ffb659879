"""Comparing two folders: each kind of difference, and none where there is none."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from collect_assets.tables.keeping import keep_tables
from collect_assets.tending.comparing import compare
from collect_assets.tending.comparing_tables import compare_tables
from collect_assets_tests.collecting.kit import DAY, QUICK, Folder, csv_of
from collect_assets_tests.servers import Page, WebServer

URLS = [f"https://example.org/{name}.csv" for name in "abc"]


@pytest.fixture
def two(tmp_path: Path) -> tuple[Folder, Folder]:
    """Two folders with the same day."""
    folder = Folder(tmp_path / "a")
    folder.path.mkdir()
    folder.settings(QUICK)
    with WebServer({f"/{n}.csv": Page(csv_of(n)) for n in range(3)}) as server:
        folder.register(*(server.url(f"/{n}.csv") for n in range(4))).collect()
    keep_tables(folder.collection)
    shutil.copytree(folder.path, tmp_path / "b")
    return folder, Folder(tmp_path / "b")


def rewrite(folder: Folder, number: int, **keys: object) -> None:
    paths = sorted((folder.path / "log" / str(DAY)).iterdir(), key=lambda p: json.loads(p.read_bytes())["endpoint-url"])
    log = {**json.loads(paths[number].read_bytes()), **keys}
    paths[number].write_text(json.dumps({key: value for key, value in log.items() if value is not None}))


def test_two_folders_with_the_same_agree(two: tuple[Folder, Folder]) -> None:
    rewrite(two[1], 0, **{"fetched-at": "2030-01-01", "run": "other", "elapsed": "9.000"})

    compared = compare(two[0].collection, two[1].collection)

    assert compared.agrees
    assert [(day.endpoints, day.agree) for day in compared.days] == [(4, 4)]
    assert {name: table.agree for name, table in compared.tables.items()} == {
        "endpoint.csv": 4,
        "source.csv": 0,
        "old-resource.csv": 0,
        "log.csv": 4,
        "resource.csv": 3,
    }


@pytest.mark.parametrize(
    ("number", "keys", "kind"),
    [
        (0, {"resource": None, "status": "500"}, "only-a"),
        (3, {"resource": "f" * 64, "status": "200"}, "only-b"),
        (1, {"resource": "f" * 64}, "same-content"),
        (1, {"resource": "f" * 64, "canonical-hash": "e" * 64}, "other-content"),
        (3, {"status": "403"}, "other-status"),
    ],
)
def test_each_kind_of_difference_is_told_apart(
    two: tuple[Folder, Folder], number: int, keys: dict[str, object], kind: str
) -> None:
    rewrite(two[1], number, **keys)

    compared = compare(two[0].collection, two[1].collection)

    assert dict(compared.kinds) == {kind: 1}
    assert not compared.agrees


def test_logs_resources_and_rows_of_one_side_only_are_counted(two: tuple[Folder, Folder]) -> None:
    next((two[1].path / "log" / str(DAY)).iterdir()).unlink()
    two[1].put_resource(b"more")
    damaged = next((two[0].path / "resource").iterdir())
    damaged.write_bytes(b"x")
    (two[1].path / "resource.csv").unlink()

    compared = compare(two[0].collection, two[1].collection)

    assert dict(compared.kinds) == {"only-a-log": 1}
    assert (compared.only_a, len(compared.only_b), compared.both) == ([], 1, 3)
    assert [damaged.name in text for text in compared.damaged] == [True]
    assert compared.tables["resource.csv"].missing == "B"
    assert not compared.agrees


def test_the_command_says_how_far_they_agree(two: tuple[Folder, Folder]) -> None:
    rewrite(two[1], 0, resource=None, status="500")

    done = two[0].run("compare", str(two[0].path), str(two[1].path))

    assert done.returncode == 1
    assert "3 of 4 endpoints agree   75.0%" in done.stdout
    assert "only A got a resource: 1 endpoints, 1 logs" in done.stdout
    assert "A has resource" in done.stdout and "B has first 500" in done.stdout
    assert "75.00% of all logs agree" in done.stdout


def test_differences_of_many_days_are_gathered_by_endpoint_and_days_can_be_chosen(two: tuple[Folder, Folder]) -> None:
    url = "https://example.org/d.csv"
    days = [DAY + dt.timedelta(days=n) for n in range(1, 6)]
    for day in days:
        two[0].put_log(url, {"status": "404"}, day=day)
        two[1].put_log(url, {"status": "403" if day != days[-1] else "404"}, day=day)

    compared = compare(two[0].collection, two[1].collection)
    later = compare(two[0].collection, two[1].collection, first=days[3], last=days[4])

    (found,) = compared.endpoints["other-status"].values()
    assert (found.url, found.days, found.first, found.last, found.a, found.b) == (
        url,
        4,
        days[0],
        days[3],
        "404",
        "403",
    )
    assert [day.agree for day in compared.days] == [4, 0, 0, 0, 0, 1]
    assert [(day.entry_date, day.agree) for day in later.days] == [(days[3], 0), (days[4], 1)]


def test_registers_and_tables_say_which_columns_differ_whatever_their_order_and_line_ends(
    two: tuple[Folder, Folder],
) -> None:
    path = two[1].path / "endpoint.csv"
    header, *rows = path.read_text().splitlines()
    rows[0] += "2026-05-01"
    path.write_text("\n".join(["\ufeff" + header, *reversed(rows)]))
    log = two[1].path / "log.csv"
    log.write_text(log.read_text().replace(f"{DAY}T00:00:00.000000", f"{DAY}T01:02:03.000004").replace("first", "x"))

    tables = compare(two[0].collection, two[1].collection).tables

    registers = tables["endpoint.csv"]
    assert (registers.agree, registers.differ, dict(registers.columns)) == (3, 1, {"end-date": 1})
    assert tables["log.csv"].agrees and tables["log.csv"].agree == 4


def test_rows_that_stand_twice_are_compared_one_by_one(tmp_path: Path) -> None:
    for name, ends in (("a", ["", "2025-01-01"]), ("b", ["2025-01-01", "", ""])):
        rows = [f"e,https://example.org,{end}" for end in ends]
        (tmp_path / name).write_text("\n".join(["endpoint,endpoint-url,end-date", *rows, ""]))
    table = compare_tables(tmp_path / "a", tmp_path / "b", "endpoint.csv", tmp_path / "spill")
    assert (table.only_a, table.only_b, table.agree + table.differ) == (0, 1, 2)


def test_a_table_that_cannot_be_read_stops_no_other(two: tuple[Folder, Folder]) -> None:
    (two[1].path / "resource.csv").write_bytes(b"\xff\xfe\x00")
    tables = compare(two[0].collection, two[1].collection).tables
    assert "cannot be compared" in tables["resource.csv"].problem
    assert tables["log.csv"].agrees


def test_a_folder_of_digital_land_python_is_compared_with_ours(two: tuple[Folder, Folder]) -> None:
    for path in (two[1].path / "log" / str(DAY)).iterdir():
        log = json.loads(path.read_bytes())
        keys = ("endpoint-url", "status", "resource", "elapsed", "response-headers")
        theirs = {"entry-date": f"{DAY}T01:02:03.000004", **{key: log[key] for key in keys if key in log}}
        path.write_text(json.dumps(theirs))
    for name in ("run", "register", "work", "derived"):
        shutil.rmtree(two[1].path / name, ignore_errors=True)
    compared = compare(two[0].collection, two[1].collection)
    assert compared.agrees
    assert compared.rate == 1.0


def test_failures_are_alike_by_their_exception_where_the_other_side_forgot_the_status(
    two: tuple[Folder, Folder],
) -> None:
    rewrite(two[0], 3, status="200", exception="ChunkedEncodingError")
    rewrite(two[1], 3, status=None, exception="ChunkedEncodingError", outcome=None)
    assert compare(two[0].collection, two[1].collection).kinds == {}
    rewrite(two[1], 3, exception="ReadTimeout")
    assert compare(two[0].collection, two[1].collection).kinds == {"other-status": 1}


def test_folders_without_days_cannot_be_compared(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    done = Folder(tmp_path).run("compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert done.returncode == 1
    assert "nothing to compare" in done.stderr
