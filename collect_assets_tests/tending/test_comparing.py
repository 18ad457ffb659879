"""Comparing two folders: each kind of difference, and none where there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from collect_assets.tables.keeping import keep_tables
from collect_assets.tending.comparing import compare
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
    assert [(day.both, day.agree) for day in compared.days] == [(4, 4)]
    assert compared.tables == {"log.csv": (0, 0, 0, 4), "resource.csv": (0, 0, 0, 3)}


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
    assert compared.resources == (0, 1, 3)
    assert [damaged.name in text for text in compared.damaged] == [True]
    assert compared.tables["resource.csv"] == (3, 0, 0, 0)


def test_the_command_says_how_far_they_agree(two: tuple[Folder, Folder]) -> None:
    rewrite(two[1], 0, resource=None, status="500")

    done = two[0].run("compare", str(two[0].path), str(two[1].path))

    assert done.returncode == 1
    assert "3 of 4 endpoints agree   75.0%" in done.stdout
    assert "1 times: only A got a resource" in done.stdout
