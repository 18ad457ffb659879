"""F71: Dagster's own store of events is away for a moment; the collection's files do not depend on it."""

from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from collect_assets.collecting.verify import verify
from collect_assets_tests.orchestration.runs import (
    DAY,
    PONDS,
    TREES,
    definitions,
    events,
    failure,
    run,
    write_collection,
)
from collect_assets_tests.servers import Page, WebServer


def test_f71_a_run_without_its_event_store_fails_and_the_next_one_ends_what_it_began(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    pages = {"/trees.csv": Page(TREES), "/ponds.csv": Page(PONDS)}
    away: list[Path] = []

    def served(asked):
        if not away:
            away.append((home / "history").rename(home / "away"))
            (home / "history").write_text("in the way, as a volume that is gone")
        return pages[asked.path]

    with WebServer(served) as web, dg.instance_for_test(temp_dir=str(home)) as instance:
        trees = write_collection(tmp_path / "root", "trees", [web.url("/trees.csv"), web.url("/ponds.csv")])
        with pytest.raises(OperationalError, match="unable to open database file"):
            run(definitions(trees.folder.parent), instance, "trees_collect")

        (home / "history").unlink()
        away[0].rename(home / "history")
        left = [path for path in trees.work.iterdir() if path.suffix != ".lock"]
        assert left == [], "nothing is left half done"
        assert verify(trees).problems == ()
        first = sorted(asked.path for asked in web.asked)
        again = run(definitions(trees.folder.parent), instance, "trees_collect")
        assert again.success, failure(again)
        assert sorted(asked.path for asked in web.asked) == first, "what has its log is not asked again"
        for asset in ("endpoint", "log", "resource", "record", "item_index"):
            assert len(events(instance, ["trees", asset], DAY)) >= 1
