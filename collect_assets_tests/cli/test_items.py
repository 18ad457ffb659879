"""`decide`, `preview`, `history`, `raw` and `diff`, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collect_assets.cli import main
from collect_assets.collection import Collection
from collect_assets_tests.index.kept import collection_at, day, keep, table


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False, prog_name="collect-assets")


def rows(first: int, last: int) -> bytes:
    return table(*((str(number), f"name {number}", "words") for number in range(first, last)))


@pytest.fixture
def lossy(tmp_path: Path) -> Collection:
    """It loses 50 of 100 items on its second day."""
    collection = collection_at(tmp_path / "lossy", "[items]\nabsences-before-deletion = 1\n")
    keep(collection, day(0), "one", rows(0, 100))
    keep(collection, day(1), "one", rows(50, 100))
    return collection


def test_what_is_held_is_listed_decided_and_applied(lossy: Collection) -> None:
    folder = ["--collection-dir", str(lossy.folder)]
    indexed = run("index", *folder)
    assert "50 changes of" in indexed.output
    listed = run("decide", *folder)
    assert (listed.exit_code, "50 of 100 items would be deleted" in listed.output) == (1, True)
    (held,) = json.loads(run("decide", "--json", *folder).stdout)

    assert run("decide", "approve", "--held", held["held"][:6], *folder, "--who", "", "--why", "so").exit_code == 2
    decided = run("decide", "approve", "--held", held["held"][:6], "--who", "Ana", "--why", "they closed", *folder)
    assert decided.exit_code == 0, decided.output
    assert run("index", *folder).exit_code == 0

    assert run("decide", *folder).output == "nothing waits for a decision\n"
    assert json.loads(run("search", "--format", "jsonl", "--limit", "1", *folder).stdout)["item"] == "50"


def test_held_items_are_found_and_marked_by_the_search(lossy: Collection) -> None:
    folder = ["--collection-dir", str(lossy.folder)]
    run("index", *folder)
    found = [json.loads(line) for line in run("search", "--withheld", "--format", "jsonl", *folder).stdout.splitlines()]
    assert len(found) == 20
    assert all(each["withheld"].startswith("held ") for each in found)


def test_a_preview_tells_of_the_days_and_of_what_would_be_held(lossy: Collection) -> None:
    told = run("preview", "--collection-dir", str(lossy.folder), "--limit", "1").output
    assert f"{day(0)}: 100 created" in told
    assert "held: " in told
    as_json = json.loads(run("preview", "--json", "--collection-dir", str(lossy.folder)).stdout)
    assert as_json["held"][0]["deletions"] == 50


def test_the_life_of_an_item_and_its_bytes_are_printed(lossy: Collection) -> None:
    folder = ["--collection-dir", str(lossy.folder)]
    keep(lossy, day(1), "one", rows(0, 99) + b"99,other,words\n")
    run("index", *folder)
    told = run("history", "99", *folder).output
    assert 'name: "name 99" -> "other"' in told
    assert [v["change"] for v in json.loads(run("history", "99", "--json", *folder).stdout)["versions"]] == [
        "created",
        "updated",
    ]
    assert run("raw", "99", *folder).stdout_bytes == b"99,other,words\n"
    assert run("raw", "99", "--as-of", str(day(0)), *folder).stdout_bytes == b"99,name 99,words\n"
    assert run("raw", "no such", *folder).exit_code == 2


def test_two_resources_are_compared(lossy: Collection) -> None:
    before, after = (
        json.loads(next((lossy.log / str(day(number))).iterdir()).read_bytes())["resource"] for number in range(2)
    )
    compared = run("diff", before, after, "--collection-dir", str(lossy.folder), "--limit", "1")
    assert (compared.exit_code, compared.output.splitlines()[-1]) == (1, "0 added, 50 removed, 0 changed")
    assert run("diff", before, before, "--collection-dir", str(lossy.folder)).exit_code == 0
