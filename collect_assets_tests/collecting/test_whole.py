"""Looking after the files that logs name."""

import datetime as dt
import hashlib

import pytest

from collect_assets.collecting.day import DayReport
from collect_assets.collecting.log import Log
from collect_assets.collecting.whole import TURNS, check_resources
from collect_assets_tests.orchestration.runs import DAY, write_collection


@pytest.fixture
def trees(tmp_path):
    collection = write_collection(tmp_path, "trees", [])
    collection.resources.folder.mkdir()
    return collection


def keep(collection, content):
    sha256 = hashlib.sha256(content).hexdigest()
    collection.resources.path(sha256).write_bytes(content)
    return sha256


def report(day, *logs, is_open=True):
    return DayReport(day, tuple(logs), {}, (), open=is_open)


def log(sha256, size, outcome="first", run="a-run"):
    return Log("e" + sha256[:8], "https://example.org", "", outcome=outcome, resource=sha256, bytes=size, run=run)


def test_files_that_are_as_named_are_whole(trees):
    found = check_resources(trees, report(DAY, log(keep(trees, b"oak"), 3)))
    assert found.damaged == ()
    assert (found.seen, found.read) == (1, 1)


def test_the_size_on_the_wire_in_a_log_of_another_software_says_nothing_of_the_file(trees):
    assert check_resources(trees, report(DAY, log(keep(trees, b"oak"), 2, "", run=""))).damaged == ()


def test_a_file_that_is_missing_or_has_another_size_is_found_on_any_day(trees):
    wrong, missing = keep(trees, b"oak"), "f" * 64
    found = check_resources(trees, report(DAY, log(wrong, 4, "same"), log(missing, 3, "same"), is_open=False))
    assert {error.path.name for error in found.damaged} == {wrong, missing}


def test_other_bytes_of_the_same_size_are_found_at_once_in_what_came_today(trees):
    sha256 = keep(trees, b"oak")
    trees.resources.path(sha256).write_bytes(b"ash")
    assert [e.path.name for e in check_resources(trees, report(DAY, log(sha256, 3))).damaged] == [sha256]


@pytest.mark.parametrize("named", [True, False])
def test_every_other_file_is_read_once_in_a_month_of_days(trees, named):
    hashes = {keep(trees, b"%d" % number) for number in range(90)}
    for sha256 in hashes:
        trees.resources.path(sha256).write_bytes(b"!" * trees.resources.path(sha256).stat().st_size)
    logs = [log(sha256, None, "same") for sha256 in hashes] if named else []
    days = [DAY + dt.timedelta(days=number) for number in range(TURNS)]
    found = [error.path.name for day in days for error in check_resources(trees, report(day, *logs)).damaged]
    assert sorted(found) == sorted(hashes)
    assert all(check_resources(trees, report(day, *logs)).read < 30 for day in days)


def test_a_day_that_is_over_looks_at_its_own_files_only(trees):
    for number in range(60):
        keep(trees, b"%d" % number)
    assert check_resources(trees, report(DAY, is_open=False)).seen == 0
