"""Several collections asked at once: as one collection with all their items would answer."""

import json

import pytest
from click.testing import CliRunner

from collect_assets.cli import main
from collect_assets.collection import find_collections
from collect_assets.errors import IndexUnavailableError, QueryError
from collect_assets.folding.fold import fold
from collect_assets.searching.across import open_indexes
from collect_assets.searching.query import Condition, Query, Sort
from collect_assets_tests.index.kept import collection_at, day, keep, table

HEADER = "reference,name,individualCount"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three collections with an index, the third a day behind; one without, and one that cannot be used."""
    root = tmp_path_factory.mktemp("root")
    for place, name in enumerate(("alpha", "beta", "gamma")):
        made = collection_at(root / name, "[items]\nabsences-before-deletion = 1\n")
        (made.folder / "endpoint.csv").write_text("endpoint-url\n")
        for number in range(2 if name != "gamma" else 1):
            rows = [(f"r{n}", f"oak {n % 3}", str((n * 7 + place) % 5)) for n in range(12 - number)]
            keep(made, day(number), f"e{place}", table(*rows, ("bare", "", ""), header=HEADER))
            fold(made, day(number))
    collection_at(root / "empty").folder.joinpath("endpoint.csv").write_text("endpoint-url\n")
    collection_at(root / "wrong").folder.joinpath("endpoint.csv").write_text("endpoint-url\n")
    (root / "wrong" / "collection.toml").write_text("no-such = 1\n")
    return root


def everything(many, **more):
    return [(hit.collection, hit.item) for hit in many.search(Query(), limit=1000, **more).hits]


@pytest.mark.parametrize("sort", [None, "individualCount", "-individualCount", "name", "-name", "nothing"])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_pages_over_all_collections_bring_each_item_once_in_one_order(root, sort, size):
    order = Sort.parse(sort) if sort else None
    with open_indexes(find_collections(root)) as many:
        whole = everything(many, sort=order)
        seen, after = [], ""
        while True:
            page = many.search(Query(), sort=order, limit=size, after=after)
            assert page.total == 12 + 12 + 13
            seen += page.hits
            if not (after := page.after):
                break
    assert [(hit.collection, hit.item) for hit in seen] == whole
    assert len(set(whole)) == 37
    values = [hit.record.get(sort.lstrip("-")) for hit in seen] if sort else []
    there = [value for value in values if value is not None]
    assert there == sorted(there, reverse=bool(sort) and sort.startswith("-"))
    assert values[len(there) :] == [None] * (len(values) - len(there))


def test_counts_facets_and_ranks_are_those_of_all(root):
    with open_indexes(find_collections(root)) as many:
        assert many.count(Query(where=(Condition.parse("name=oak*"),))) == 11 + 11 + 12
        facet = many.facet("name", Query(), limit=2)
        assert sum(count for _, count in facet.values) == 24
        assert facet.missing == 3
        ranked = many.search(Query("oak"), limit=100)
        assert ranked.total == 34
        assert {hit.collection for hit in ranked.hits} == {"alpha", "beta", "gamma"}


def test_those_that_cannot_answer_are_named_and_stop_nobody(root):
    with open_indexes(find_collections(root)) as many:
        assert len(many.left_out) == 2
        assert {name for name, _ in everything(many, as_of=day(1))} == {"alpha", "beta"}
        assert any(reason.startswith("gamma: ") and "up to" in reason for reason in many.left_out)
        with pytest.raises(QueryError, match=r"alpha: .*up to"):
            many.search(Query(), as_of=day(9))
    with (
        pytest.raises(IndexUnavailableError, match="empty: there is no item index"),
        open_indexes([each for each in find_collections(root) if each.name == "empty"]),
    ):
        pass


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_the_feed_of_all_tells_each_change_once_in_order_of_days(root, size):
    with open_indexes(find_collections(root)) as many:
        seen, cursor = [], ""
        while True:
            page = many.changes(Query(), cursor=cursor, limit=size)
            seen += [(each.day, each.collection, each.item, each.change) for each in page.changes]
            cursor = page.cursor
            if not page.more:
                break
        assert many.changes(Query(), cursor=cursor).changes == ()
    assert [each[:2] for each in seen] == sorted(each[:2] for each in seen)
    assert len(set(seen)) == len(seen) == 39 + 2
    assert seen[-1] == (day(1), "beta", "r11", "deleted")


def test_a_cursor_of_another_question_is_refused(root):
    with open_indexes(find_collections(root)) as many:
        after = many.search(Query(), limit=1).after
        for wrong in ("x", after[:-4], many.changes(Query(), limit=1).cursor):
            with pytest.raises(QueryError):
                many.search(Query(), limit=1, after=wrong)
        with pytest.raises(QueryError):
            many.search(Query("oak"), limit=1, after=after)
        with pytest.raises(QueryError):
            many.changes(Query(), cursor=after)


def test_the_commands_ask_all_collections_of_a_folder(root, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(main, [*arguments, "--collections", str(root)])

    found = run("search", "--format", "jsonl", "--limit", "100")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert (len(lines), lines[0]["collection"], "left out: empty" in found.stderr) == (37, "alpha", True)
    assert "37 items match" in run("search", "--limit", "2").stdout
    assert run("search", "--format", "csv", "--limit", "1").stdout.startswith("collection,endpoint,item,")
    told = [json.loads(line) for line in run("changes", "--json", "--limit", "3").stdout.splitlines()]
    assert [line.get("collection") for line in told] == ["alpha"] * 3 + [None]
    done = run("export", "--to", str(tmp_path / "all.csv"), "--where", "name=oak 1")
    assert done.exit_code == 0, done.output
    assert "left out: wrong" in done.stderr
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert (lines[0].split(",")[0], len(lines)) == ("collection", 1 + 4 * 3)
    said = json.loads((tmp_path / "all.csv.citation.json").read_text())
    assert [each["collection"] for each in said["collections"]] == ["alpha", "beta", "gamma"]
    assert len(said["left-out"]) == 1
