"""Which register runs were started with."""

import datetime as dt
import json

import pytest

from collect_assets.collecting.last_run import LastRun, last_run, register_hash, register_on
from collect_assets.collecting.plan import Mode, Plan
from collect_assets.collecting.run_file import start_run
from collect_assets.errors import RegisterError
from collect_assets.registers import read_endpoints
from collect_assets_tests.orchestration.runs import DAY, NEXT_DAY, write_collection, write_register

A, B = "https://example.org/a.csv", "https://example.org/b.csv"
NOTHING = Plan((), (), ())


@pytest.fixture
def trees(tmp_path):
    return write_collection(tmp_path, "trees", [A])


def begin(collection, day, hour, mode=Mode.DEFAULT):
    started = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hour)
    return start_run(
        collection, read_endpoints(collection.register), NOTHING, entry_date=day, mode=mode, started=started
    ).run


def test_there_is_none_before_the_first_run(trees):
    assert last_run(trees) is None


def test_the_newest_run_counts_also_when_it_was_for_the_day_before(trees):
    begin(trees, NEXT_DAY, 1)
    write_register(trees.folder, [A, B])
    in_the_grace_of_the_day_before = begin(trees, DAY, 26)
    assert last_run(trees) == LastRun(in_the_grace_of_the_day_before, register_hash(trees))


def test_runs_for_failures_and_damaged_run_files_are_passed_over(trees):
    asked = begin(trees, DAY, 1)
    begin(trees, DAY, 2, Mode.FAILED)
    (trees.runs(DAY) / "99999999T.json").write_text("{")
    (trees.runs(DAY) / "99999998T.json").write_text(json.dumps({"run": "99999998T"}))
    assert last_run(trees).run == asked


def test_a_past_day_has_the_register_that_its_run_was_started_with(trees):
    begin(trees, DAY, 1)
    write_register(trees.folder, [A, B])
    assert [e.url for e in register_on(trees, DAY, NEXT_DAY).endpoints] == [A]
    assert register_on(trees, DAY, NEXT_DAY).path == trees.register
    assert [e.url for e in register_on(trees, DAY, DAY).endpoints] == [A, B]


def test_a_past_day_without_a_run_has_the_register_as_it_stands(trees):
    assert [e.url for e in register_on(trees, DAY, NEXT_DAY).endpoints] == [A]


def test_the_hash_of_a_missing_register_is_an_error_that_names_it(trees):
    trees.register.unlink()
    with pytest.raises(RegisterError, match=r"endpoint\.csv"):
        register_hash(trees)
