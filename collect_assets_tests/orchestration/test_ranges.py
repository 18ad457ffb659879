"""Many days in one run: an event for each day, with its own numbers, and a day that cannot be made stops no other."""

import datetime as dt

from collect_assets_tests.orchestration.runs import (
    DAY,
    TREES,
    at,
    checked,
    definitions,
    events,
    failure,
    run,
    shown,
    version,
)
from collect_assets_tests.servers import Page

ALL = ("endpoint", "log", "resource", "record", "item_index")
DAYS = [DAY + dt.timedelta(days=n) for n in range(3)]
LATER = at(DAY + dt.timedelta(days=9))


def collect_days(root, instance, web, days=DAYS):
    for number, day in enumerate(days):
        web.pages["/trees.csv"] = Page(TREES + b"".join(b"%d,elm\n" % (10 + n) for n in range(number)))
        assert run(definitions(root, at(day)), instance, "trees_collect", day).success
    web.asked.clear()


def test_each_day_of_a_range_has_one_event_with_its_own_numbers_version_and_checks(root, instance, web):
    collect_days(root, instance, web)
    before = {day: {asset: version(instance, ["trees", asset], day) for asset in ALL} for day in DAYS}
    result = run(definitions(root, LATER), instance, "trees_collect", (DAYS[0], DAYS[-1]))
    assert result.success, failure(result)
    assert web.asked == []
    for number, day in enumerate(DAYS):
        for asset in ALL:
            assert len(events(instance, ["trees", asset], day)) == 2  # one of the day's own run, one of the range
        assert shown(instance, ["trees", "record"], day)["records"] == 3 + number
        assert shown(instance, ["trees", "item_index"], day)["items"] == 3 + number
        assert shown(instance, ["trees", "item_index"], day)["created"] == (1 if number else 3)
        assert {asset: version(instance, ["trees", asset], day) for asset in ALL} == before[day]
    assert len({before[day]["resource"] for day in DAYS}) == 3
    for asset, check in (("log", "every_endpoint"), ("resource", "whole"), ("item_index", "agrees")):
        assert checked(instance, ["trees", asset], check) == {str(day): "SUCCEEDED" for day in DAYS}


def test_a_day_without_logs_in_a_range_fails_its_checks_and_the_others_go_on(root, instance, web):
    collect_days(root, instance, web, [DAYS[0], DAYS[2]])
    result = run(definitions(root, LATER), instance, "trees_collect", (DAYS[0], DAYS[2]))
    assert result.success, failure(result)
    for asset in ("log", "resource", "record", "item_index"):
        assert len(events(instance, ["trees", asset], DAYS[0])) == 2
        assert events(instance, ["trees", asset], DAYS[1]) == []
        assert len(events(instance, ["trees", asset], DAYS[2])) == 2
    for asset, check in (("log", "every_endpoint"), ("resource", "whole"), ("item_index", "agrees")):
        assert checked(instance, ["trees", asset], check) == {
            str(DAYS[0]): "SUCCEEDED",
            str(DAYS[1]): "FAILED",
            str(DAYS[2]): "SUCCEEDED",
        }


def test_a_range_in_which_nothing_was_ever_collected_fails_its_checks(root, instance, web):
    result = run(definitions(root, LATER), instance, "trees_collect", (DAYS[0], DAYS[2]))
    assert result.success, failure(result)
    assert checked(instance, ["trees", "log"], "every_endpoint") == {str(day): "FAILED" for day in DAYS}
    assert checked(instance, ["trees", "item_index"], "agrees") == {str(day): "FAILED" for day in DAYS}


def test_finished_days_are_kept_when_a_later_one_fails(root, trees, instance, web):
    collect_days(root, instance, web)
    in_the_way = trees.day_file(DAYS[2])
    in_the_way.unlink()
    in_the_way.mkdir()
    result = run(definitions(root, LATER), instance, "trees_collect", (DAYS[0], DAYS[2]))
    assert not result.success
    assert str(in_the_way) in failure(result)
    assert [len(events(instance, ["trees", "resource"], day)) for day in DAYS[:2]] == [2, 2]
    assert checked(instance, ["trees", "resource"], "whole")[str(DAYS[0])] == "SUCCEEDED"
    assert [len(events(instance, ["trees", "item_index"], day)) for day in DAYS] == [1, 1, 1]


def test_what_is_below_a_day_knows_which_version_it_was_made_of(root, instance, web):
    collect_days(root, instance, web)
    run(definitions(root, LATER), instance, "trees_index", (DAYS[0], DAYS[2]))
    for day in DAYS:
        tags = events(instance, ["trees", "record"], day)[0].tags
        assert tags["dagster/input_data_version/trees/resource"] == version(instance, ["trees", "resource"], day)
        assert tags["dagster/code_version"]
