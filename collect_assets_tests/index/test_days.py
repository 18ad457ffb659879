"""What the index says of single days, and when a day's failures are unusual."""

import datetime as dt
import json

import pytest

from collect_assets.collecting.log import Log
from collect_assets.errors import NoLogsError
from collect_assets.folding.fold import fold
from collect_assets.index.days import changed_items, held_days, index_days
from collect_assets.index.failure_share import FailureShare, failure_share
from collect_assets.items.day import derive_day_records
from collect_assets.registers import endpoint_id
from collect_assets.store.local import sha256_of, temporary
from collect_assets.tables.day_files import day_digests, resources_digest
from collect_assets_tests.collecting.kit import write_log
from collect_assets_tests.orchestration.runs import write_collection

URL = "https://example.org/trees.csv"
DAYS = [dt.date(2026, 11, 4) + dt.timedelta(days=number) for number in range(4)]
OAK, ASH = b"reference,name\n1,oak\n", b"reference,name\n1,black oak\n2,ash\n"


@pytest.fixture
def trees(tmp_path):
    return write_collection(tmp_path, "trees", [URL])


def serve(collection, day, content, **values):
    part = temporary(collection.work)
    part.write_bytes(content)
    sha256 = sha256_of(part)
    collection.resources.add(part, sha256)
    log = Log(
        endpoint_id(URL), URL, str(day), outcome="changed", resource=sha256, complete=True, coverage="full", **values
    )
    write_log(collection, day, log)
    return sha256


def fail(collection, day, url=URL):
    write_log(collection, day, Log(endpoint_id(url), url, str(day), outcome="failed:connect", message="no"))


def test_each_day_has_what_came_changed_and_went_and_what_was_live_at_its_end(trees):
    for day, content in zip(DAYS, (OAK, ASH, OAK, OAK), strict=True):
        serve(trees, day, content)
    fold(trees, DAYS[-1])
    found = index_days(trees, DAYS)
    counts = [(d.created, d.updated, d.restored, d.deleted, d.items, d.records) for d in found.values()]
    assert sorted(found) == DAYS
    assert [counts[n] for n in (0, 1, 2, 3)] == [
        (1, 0, 0, 0, 1, 1),
        (1, 1, 0, 0, 2, 2),
        (0, 1, 0, 0, 2, 1),
        (0, 0, 0, 1, 1, 1),
    ]
    assert [(c.item, c.change) for c in changed_items(trees, DAYS[1], 10)] == [("1", "updated"), ("2", "created")]


def test_a_day_on_which_nothing_happened_is_held_too_and_one_without_logs_is_not(trees):
    serve(trees, DAYS[0], OAK)
    fail(trees, DAYS[1])
    fold(trees, DAYS[3])
    assert sorted(held_days(trees)) == DAYS[:2]
    found = index_days(trees, DAYS)
    assert sorted(found) == DAYS[:2]
    assert (found[DAYS[1]].items, found[DAYS[1]].created) == (1, 0)


def test_the_version_of_a_day_is_the_same_when_the_index_is_built_again(trees):
    for day, content in zip(DAYS[:2], (OAK, ASH), strict=True):
        serve(trees, day, content)
    fold(trees, DAYS[0])
    fold(trees, DAYS[1])
    before = {day: found.version for day, found in index_days(trees, DAYS).items()}
    for path in trees.derived.glob("index*"):
        path.unlink()
    fold(trees, DAYS[1])
    assert {day: found.version for day, found in index_days(trees, DAYS).items()} == before
    assert len(set(before.values())) == 2


def test_what_cannot_be_read_is_named_with_its_reason_by_the_day_and_by_the_index(trees):
    serve(trees, DAYS[0], b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    fold(trees, DAYS[0])
    assert endpoint_id(URL) in index_days(trees, DAYS)[DAYS[0]].problems
    assert endpoint_id(URL) in derive_day_records(trees, DAYS[0]).unreadable


def test_the_version_of_a_days_records_follows_what_is_read_and_how(trees):
    serve(trees, DAYS[0], OAK)
    serve(trees, DAYS[1], OAK)
    serve(trees, DAYS[2], ASH)
    first, second, third = (derive_day_records(trees, day).version for day in DAYS[:3])
    assert first == second != third
    row = f'{endpoint_id(URL)},{URL},,"{json.dumps({"id": "name"}).replace(chr(34), chr(34) * 2)}"\n'
    trees.register.write_text("endpoint,endpoint-url,plugin,parameters\n" + row)
    assert derive_day_records(trees, DAYS[0]).version != first


def test_a_missing_resource_is_unreadable_and_no_logs_are_an_error(trees):
    trees.resources.path(serve(trees, DAYS[0], OAK)).unlink()
    assert "is missing" in derive_day_records(trees, DAYS[0]).unreadable[endpoint_id(URL)]
    with pytest.raises(NoLogsError):
        derive_day_records(trees, DAYS[1])


def test_digests_of_many_days_are_those_of_their_logs_also_beside_a_damaged_file(trees):
    hashes = [serve(trees, day, content) for day, content in zip(DAYS[:3], (OAK, ASH, OAK), strict=True)]
    expected = {day: resources_digest([(endpoint_id(URL), sha256)]) for day, sha256 in zip(DAYS, hashes, strict=False)}
    assert day_digests(trees, DAYS[:3]) == expected
    trees.day_file(DAYS[1]).write_bytes(b"PAR1 or not")
    assert day_digests(trees, DAYS[:3]) == expected


def test_stale_days_are_left_out_when_there_is_no_time_to_write_them(trees):
    serve(trees, DAYS[0], OAK)
    assert day_digests(trees, DAYS[:1], enough=lambda: True) == {}


@pytest.mark.parametrize(
    ("share", "as_usual"),
    [
        (FailureShare(9, 9, 0, 0), True),  # nothing to compare with
        (FailureShare(2, 8, 0, 56), True),
        (FailureShare(3, 8, 0, 56), False),
        (FailureShare(50, 1000, 0, 7000), True),
        (FailureShare(51, 1000, 0, 7000), False),
        (FailureShare(155, 1000, 700, 7000), False),
        (FailureShare(145, 1000, 700, 7000), True),
        (FailureShare(0, 0, 1, 10), True),
    ],
)
def test_failures_are_as_usual_up_to_a_margin_over_those_of_the_week(share, as_usual):
    assert share.as_usual is as_usual


def test_a_day_is_compared_with_the_seven_days_before_it_only(trees):
    for number in (0, 1, 7, 8):
        fail(trees, DAYS[0] - dt.timedelta(days=number))
    assert failure_share(trees, DAYS[0]) == FailureShare(1, 1, 2, 2)
