"""The two sensors: what they ask for by the files, and what they leave alone."""

import datetime as dt
import shutil

import dagster as dg
import pytest

from collect_assets.collecting.last_run import register_hash
from collect_assets.collecting.log import read_logs
from collect_assets.orchestration import sensors, ticks
from collect_assets.orchestration.config import Asks, CollectConfig
from collect_assets.orchestration.jobs import COLLECTION_TAG
from collect_assets.registers import endpoint_id
from collect_assets.tables.day_files import resources_digest
from collect_assets_tests.orchestration.runs import (
    DAY,
    NEXT_DAY,
    PONDS,
    TREES,
    at,
    definitions,
    fulfil,
    run,
    write_collection,
    write_register,
)
from collect_assets_tests.servers import Page


def ticked(defs, instance, name, cursor=None):
    repository = defs.get_repository_def()
    sensor = repository.get_sensor_def(name)
    clock = {"clock": defs.resources["clock"]}
    with dg.build_sensor_context(instance, cursor, repository_def=repository, resources=clock) as context:
        return sensor.evaluate_tick(context)


def requests(defs, instance, name):
    return ticked(defs, instance, name).run_requests or []


def begin(defs, instance, tags):
    """A run that has not ended."""
    job = defs.resolve_job_def("trees_collect")
    return instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)


def test_a_collection_that_was_never_run_is_collected_today_and_then_left_alone(root, trees, instance, web):
    defs = definitions(root)
    (request,) = requests(defs, instance, "register_changed")
    assert request.run_key == f"trees:register:{register_hash(trees)[:12]}:after:none:0"
    assert request.partition_key == str(DAY)
    assert fulfil(defs, instance, request).success
    assert len(web.asked) == 2
    assert requests(defs, instance, "register_changed") == []


def test_a_changed_register_is_collected_as_far_as_it_is_new(root, trees, instance, web):
    run(definitions(root), instance, "trees_collect")
    web.asked.clear()
    web.pages["/more.csv"] = Page(PONDS)
    write_register(trees.folder, [web.url(f"/{name}.csv") for name in ("trees", "ponds", "more")])
    defs = definitions(root, at(DAY, "13:00"))
    (request,) = requests(defs, instance, "register_changed")
    assert fulfil(defs, instance, request).success
    assert [asked.path for asked in web.asked] == ["/more.csv"]
    assert requests(defs, instance, "register_changed") == []


def test_a_register_that_comes_back_is_asked_for_each_time(root, trees, instance, web):
    keys = []
    for minute, names in enumerate((["trees"], ["trees", "ponds"], ["trees"], ["trees", "ponds"])):
        defs = definitions(root, at(DAY, f"12:0{minute}"))
        write_register(trees.folder, [web.url(f"/{name}.csv") for name in names])
        (request,) = requests(defs, instance, "register_changed")
        keys.append(request.run_key)
        assert fulfil(defs, instance, request).success
        assert requests(defs, instance, "register_changed") == []
    assert len(set(keys)) == 4


@pytest.mark.parametrize("limit", [{"mode": Asks.failed}, {"only": ["/trees.csv"]}])
def test_a_run_that_asked_a_part_does_not_count_as_having_asked_what_is_new(root, trees, instance, web, limit):
    run(definitions(root), instance, "trees_collect")
    write_register(trees.folder, [web.url("/trees.csv")])
    later = definitions(root, at(DAY, "13:00"))
    limit = {**limit, **({"only": [web.url(path) for path in limit["only"]]} if "only" in limit else {})}
    run(later, instance, "trees_collect", config=CollectConfig(**limit))
    assert len(requests(later, instance, "register_changed")) == 1


def test_a_register_whose_collecting_fails_is_tried_three_times_and_again_when_it_changes(root, trees, instance):
    defs, keys = definitions(root), []
    trees.register.write_text("nothing,of,use\n1,2,3\n")
    for _ in range(3):
        (request,) = requests(defs, instance, "register_changed")
        keys.append(request.run_key)
        assert not fulfil(defs, instance, request).success
    assert [key.rsplit(":", 1)[1] for key in keys] == ["0", "1", "2"]
    tick = ticked(defs, instance, "register_changed")
    assert not tick.run_requests
    assert "failed 3 times" in tick.skip_message
    trees.register.write_text("nothing,of,use\n1,2,4\n")
    assert len(requests(defs, instance, "register_changed")) == 1


def test_an_unreadable_register_is_told_and_stops_no_other_collection(root, trees, instance, web):
    write_collection(root, "ponds", [web.url("/ponds.csv")])
    trees.register.unlink()
    trees.register.mkdir()
    assert [r.job_name for r in requests(definitions(root), instance, "register_changed")] == ["ponds_collect"]


@pytest.mark.parametrize("sensor", ["register_changed", "resources_changed"])
@pytest.mark.parametrize("tags", [{COLLECTION_TAG: "trees"}, {}])
def test_a_collection_with_a_run_in_progress_is_passed_over(root, trees, instance, web, sensor, tags):
    defs = definitions(root)
    run(defs, instance, "trees_collect")
    shutil.rmtree(trees.derived)
    write_register(trees.folder, [web.url("/trees.csv")])
    assert len(requests(defs, instance, sensor)) == 1
    if tags:
        begin(defs, instance, tags)
    else:  # as a backfill begins it: by its assets, without our tag
        instance.create_run_for_job(
            defs.resolve_implicit_global_asset_job_def(),
            status=dg.DagsterRunStatus.STARTED,
            asset_selection=frozenset({dg.AssetKey(["trees", "log"]), dg.AssetKey(["trees", "resource"])}),
        )
    tick = ticked(defs, instance, sensor)
    assert not tick.run_requests
    assert "in progress" in tick.skip_message


def test_a_run_of_another_collection_is_not_in_the_way(root, instance, web):
    write_collection(root, "ponds", [web.url("/ponds.csv")])
    defs = definitions(root)
    begin(defs, instance, {COLLECTION_TAG: "trees"})
    assert [r.job_name for r in requests(defs, instance, "register_changed")] == ["ponds_collect"]


def test_days_whose_resources_the_index_does_not_hold_are_derived_oldest_first_and_once(root, trees, instance, web):
    defs = definitions(root)
    for day in (DAY, NEXT_DAY):
        run(definitions(root, at(day)), instance, "trees_collect", day)
    assert requests(defs, instance, "resources_changed") == []
    shutil.rmtree(trees.derived)
    web.asked.clear()
    asked = requests(defs, instance, "resources_changed")
    assert [request.partition_key for request in asked] == [str(DAY), str(NEXT_DAY)]
    assert {request.job_name for request in asked} == {"trees_index"}
    for request in asked:
        assert fulfil(defs, instance, request).success
    assert requests(defs, instance, "resources_changed") == []
    assert web.asked == []


def test_the_key_names_the_day_its_digest_and_the_index(root, trees, instance, web):
    defs = definitions(root)
    run(defs, instance, "trees_collect")
    logs, _ = read_logs(trees, DAY)
    digest = resources_digest((log.endpoint, log.resource) for log in logs)
    shutil.rmtree(trees.derived)
    (request,) = requests(defs, instance, "resources_changed")
    assert request.run_key == f"trees:{DAY}:{digest[:12]}:index-0:0"


def test_resources_that_come_back_are_indexed_each_time(root, trees, instance, web):
    defs, keys = definitions(root), []
    run(defs, instance, "trees_collect")
    path = trees.log_path(DAY, endpoint_id(web.url("/ponds.csv")))
    content = path.read_bytes()
    for there in (False, True, False, True):
        path.write_bytes(content) if there else path.unlink()
        (request,) = requests(defs, instance, "resources_changed")
        keys.append(request.run_key)
        assert fulfil(defs, instance, request).success
    assert len(set(keys)) == 4


def test_a_day_that_fails_is_tried_three_times_and_given_up_until_something_changes(root, trees, instance, web):
    defs, keys = definitions(root), []
    run(defs, instance, "trees_collect")
    shutil.rmtree(trees.derived)
    trees.derived.mkdir()
    (trees.derived / "record").write_text("in the way of the folder")
    for _ in range(3):
        (request,) = requests(defs, instance, "resources_changed")
        keys.append(request.run_key)
        assert not fulfil(defs, instance, request).success
    assert len(set(keys)) == 3
    tick = ticked(defs, instance, "resources_changed")
    assert not tick.run_requests
    assert "failed 3 times" in tick.skip_message
    trees.log_path(DAY, endpoint_id(web.url("/ponds.csv"))).unlink()
    assert len(requests(defs, instance, "resources_changed")) == 1


def test_a_day_whose_logs_are_gone_leaves_the_index(root, trees, instance, web):
    for day in (DAY, NEXT_DAY):
        web.pages["/trees.csv"] = Page(TREES + str(day.day).encode() + b",elm\n")
        run(definitions(root, at(day)), instance, "trees_collect", day)
    defs = definitions(root)
    shutil.rmtree(trees.log / str(DAY))
    (request,) = requests(defs, instance, "resources_changed")
    assert request.partition_key == str(NEXT_DAY)
    assert fulfil(defs, instance, request).success
    assert requests(defs, instance, "resources_changed") == []


def test_at_most_ten_days_of_a_collection_are_asked_for_in_a_tick(root, trees, instance, web):
    run(definitions(root), instance, "trees_collect")
    for number in range(12):
        shutil.copytree(trees.log / str(DAY), trees.log / str(DAY + dt.timedelta(days=1 + number)))
    assert len(requests(definitions(root), instance, "resources_changed")) == sensors.MOST_DAYS == 10


def test_a_tick_ends_within_its_time_and_the_next_one_goes_on_where_it_stopped(root, instance, web):
    for name in ("ash", "elm"):
        write_collection(root, name, [web.url("/ponds.csv")])
    kits = [one.kit for one in ticks_of(root)]
    seen = []

    def look(kit, enough):
        seen.append(kit.collection.name)
        return ()

    cursor = None
    for _ in range(4):
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        cursor = ticks.tick(context, kits, look, budget=-1).cursor
    assert seen == ["ash", "elm", "trees", "ash"]


def ticks_of(root):
    from collect_assets.orchestration.build import build_each, found
    from collect_assets.orchestration.resources import Clock

    return list(build_each(found(root), Clock(stands_at=at(DAY))))


def test_sensors_are_off_until_somebody_switches_them_on(root):
    for sensor in definitions(root).get_repository_def().sensor_defs:
        assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
        assert sensor.minimum_interval_seconds == 60
