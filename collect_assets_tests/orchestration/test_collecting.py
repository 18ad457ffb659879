"""A run for one day: what it asks, what it shows, and when it may ask at all."""

import csv
import datetime as dt
import json

import pytest

from collect_assets.collecting.plan import Mode
from collect_assets.orchestration.checks import Checks
from collect_assets.orchestration.config import Asks, CollectConfig
from collect_assets.orchestration.names import Names
from collect_assets.orchestration.partitions import entry_dates_of
from collect_assets.registers import endpoint_id
from collect_assets_tests.orchestration.runs import (
    DAY,
    NEXT_DAY,
    TREES,
    at,
    checked,
    definitions,
    events,
    failure,
    run,
    sampled,
    shown,
    version,
    write_register,
)
from collect_assets_tests.plugins.digir_provider import PATH, DigirProvider, plants
from collect_assets_tests.servers import Page, WebServer

ALL = ("endpoint", "log", "resource", "record", "item_index")
CHECKS = {
    "log": ("every_endpoint", "usual_failures", "honest_servers"),
    "resource": ("whole",),
    "record": ("readable",),
    "item_index": ("agrees", "nothing_held"),
}


def paths(web):
    return [asked.path for asked in web.asked]


def test_todays_run_materialises_every_asset_once_and_its_checks_pass(root, instance):
    result = run(definitions(root), instance, "trees_collect")
    assert result.success, failure(result)
    for asset in ALL:
        assert len(events(instance, ["trees", asset])) == 1
    for asset, names in CHECKS.items():
        for name in names:
            assert checked(instance, ["trees", asset], name) == {str(DAY): "SUCCEEDED"}


def test_the_numbers_that_people_look_at_are_those_of_the_day(root, trees, instance, web):
    write_register(trees.folder, [web.url("/trees.csv"), web.url("/ponds.csv"), web.url("/gone.csv"), "no scheme"])
    run(definitions(root), instance, "trees_collect")
    register = shown(instance, ["trees", "endpoint"])
    assert (register["active"], register["ended"], register["skipped"]) == (3, 0, 1)
    assert "no scheme" in register["problems"]
    log = shown(instance, ["trees", "log"])
    assert {name: log[name] for name in ("collected", "failed", "refused", "skipped", "never_asked", "fetched")} == {
        "collected": 2,
        "failed": 1,
        "refused": 0,
        "skipped": 1,
        "never_asked": 0,
        "fetched": 3,
    }
    assert web.url("/gone.csv") in log["failures"]
    assert "| 404 |" in log["failures"]
    assert log["logs"] == str(trees.log / str(DAY))
    resource = shown(instance, ["trees", "resource"])
    assert (resource["resources"], resource["distinct"], resource["new"]) == (2, 2, 2)
    assert resource["bytes"] == sum(path.stat().st_size for path in trees.resources.folder.iterdir())
    assert shown(instance, ["trees", "record"])["records"] == 3
    index = shown(instance, ["trees", "item_index"])
    assert (index["created"], index["items"], index["records"]) == (3, 3, 3)
    assert "mill pond" in index["preview"]


def test_the_tasks_of_harvests_are_shown_with_those_first_that_are_not_finished(root, trees, instance):
    provider = DigirProvider(plants(60), most=20, interfere=lambda search, _: Page(b"", 410) if _ == 9 else None)
    with WebServer(provider) as server:
        write_register(trees.folder, [server.url(PATH)], "digir", '{"resource": "herb"}')
        run(definitions(root), instance, "trees_collect")
    log = shown(instance, ["trees", "log"])
    assert (log["tasks"], log["tasks_failed"], log["tasks_waiting"]) == (31, 1, 0)
    header, _, first, second, *_ = log["harvest_tasks"].splitlines()
    assert header == "| endpoint-url | key | state | attempts | records | elapsed | request |"
    assert first.split(" | ")[1:4] == ["ScientificName-Haa-Iaa-0000000", "failed", "1"]
    assert second.split(" | ")[2] == "finished"


def test_the_version_of_resource_follows_its_hashes_and_nothing_else(root, instance, web):
    run(definitions(root), instance, "trees_collect")
    run(definitions(root, at(NEXT_DAY)), instance, "trees_collect", NEXT_DAY)
    assert version(instance, ["trees", "resource"], DAY) == version(instance, ["trees", "resource"], NEXT_DAY)
    web.pages["/trees.csv"] = Page(TREES + b"3,elm\n")
    later = NEXT_DAY + dt.timedelta(days=1)
    run(definitions(root, at(later)), instance, "trees_collect", later)
    assert version(instance, ["trees", "resource"], later) != version(instance, ["trees", "resource"], DAY)


def test_a_resource_that_cannot_be_read_is_in_the_table_and_the_day_goes_on(root, instance, web):
    web.pages["/ponds.csv"] = Page(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    result = run(definitions(root), instance, "trees_collect")
    assert result.success, failure(result)
    record = shown(instance, ["trees", "record"])
    assert (record["records"], record["unreadable"]) == (2, 1)
    assert web.url("/ponds.csv") in record["reasons"]


def test_the_checks_show_samples_of_what_they_count_by_endpoint_row_and_reason(root, trees, instance, web):
    web.pages["/trees.csv"] = Page(b"reference,name\n1,oak\n2,ash,too,much\n3,elm\n")
    web.pages["/ponds.csv"] = Page(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    write_register(trees.folder, [web.url("/trees.csv"), web.url("/ponds.csv"), web.url("/gone.csv")])
    run(definitions(root), instance, "trees_collect")

    assert checked(instance, ["trees", "record"], "readable") == {str(DAY): "FAILED"}
    readable = sampled(instance, ["trees", "record"], "readable")
    assert (readable["unreadable"], readable["rejected"]) == (1, 1)
    _, _, unreadable, rejected = readable["samples"].splitlines()
    assert web.url("/ponds.csv") in unreadable
    assert rejected.startswith(f"| {web.url('/trees.csv')} | 3 | ")
    assert "too,much" in rejected
    failures = sampled(instance, ["trees", "log"], "usual_failures")["failures"]
    assert f"| {web.url('/gone.csv')} | failed:status | 404 |" in failures


def test_a_day_of_which_the_index_holds_something_else_is_shown_by_endpoint_and_resource(root, trees, instance, web):
    run(definitions(root), instance, "trees_collect")
    before, after = (f"{letter}" * 64 for letter in "ab")
    log = trees.log / str(DAY) / f"{endpoint_id(web.url('/trees.csv'))}.json"
    said = json.loads(log.read_text())
    log.write_text(json.dumps(said | {"resource": after}))
    names = Names("trees")
    checks = Checks.of(names, entry_dates_of(trees, DAY))
    found = checks.indexed(trees, DAY, {DAY: after}, {DAY: before})
    assert not found.passed
    row = f"| {DAY} | {said['endpoint'][:12]} | {said['resource'][:12]} | {after[:12]} |"
    assert found.metadata["samples"].value.splitlines()[2:] == [row]


def test_the_modes_of_the_config_are_those_of_collecting():
    assert {asks.name: asks.value for asks in Asks} == {mode.value: mode.value for mode in Mode}


def test_a_second_run_asks_nobody_again_and_new_only_who_came_since(root, trees, instance, web):
    run(definitions(root), instance, "trees_collect")
    run(definitions(root), instance, "trees_collect")
    assert sorted(paths(web)) == ["/ponds.csv", "/trees.csv"]
    web.pages["/more.csv"] = Page(TREES)
    write_register(trees.folder, [web.url(f"/{name}.csv") for name in ("trees", "ponds", "more")])
    web.asked.clear()
    run(definitions(root), instance, "trees_collect", config=CollectConfig(mode=Asks.new))
    assert paths(web) == ["/more.csv"]


def test_failed_asks_all_that_failed_and_refill_asks_all(root, trees, instance, web):
    write_register(trees.folder, [web.url("/trees.csv"), web.url("/gone.csv")])
    run(definitions(root), instance, "trees_collect")
    web.asked.clear()
    run(definitions(root), instance, "trees_collect", config=CollectConfig(mode=Asks.failed))
    assert paths(web) == ["/gone.csv"]
    web.asked.clear()
    run(definitions(root), instance, "trees_collect", config=CollectConfig(mode=Asks.refill))
    assert sorted(paths(web)) == ["/gone.csv", "/trees.csv"]


@pytest.mark.parametrize("by", ["id", "url"])
def test_only_asks_these_endpoints_and_warns_of_the_others(root, instance, web, by):
    url = web.url("/trees.csv")
    result = run(
        definitions(root),
        instance,
        "trees_collect",
        config=CollectConfig(only=[url if by == "url" else endpoint_id(url)]),
    )
    assert result.success, failure(result)
    assert paths(web) == ["/trees.csv"]
    evaluation = next(e for e in result.get_asset_check_evaluations() if e.check_name == "every_endpoint")
    assert not evaluation.passed
    assert evaluation.severity.value == "WARN"


def test_one_organisation_asks_its_endpoints(root, trees, instance, web):
    with (trees.folder / "source.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["endpoint", "organisation"], [endpoint_id(web.url("/ponds.csv")), "council:PND"], [endpoint_id("x"), "b"]]
        )
    run(definitions(root), instance, "trees_collect", config=CollectConfig(organisation="council:PND"))
    assert paths(web) == ["/ponds.csv"]


def test_an_endpoint_that_is_not_registered_fails_the_run_and_asks_nobody(root, instance, web):
    result = run(definitions(root), instance, "trees_collect", config=CollectConfig(only=["https://example.org/x"]))
    assert not result.success
    assert "https://example.org/x" in failure(result)
    assert web.asked == []


@pytest.mark.parametrize("moment", [at(DAY, "00:00"), at(DAY, "23:59"), at(NEXT_DAY, "05:59")])
def test_a_day_is_collected_while_it_lasts_and_six_hours_more(root, instance, web, moment):
    assert run(definitions(root, moment), instance, "trees_collect").success
    assert len(web.asked) == 2


def test_a_day_that_has_not_begun_is_refused(root, instance, web):
    result = run(definitions(root, at(DAY - dt.timedelta(days=1), "23:59")), instance, "trees_collect")
    assert not result.success
    assert "has not begun" in failure(result)
    assert web.asked == []


def test_a_past_day_is_built_again_without_the_network(root, trees, instance, web):
    urls = [web.url(f"/{name}.csv") for name in ("trees", "ponds", "left-out")]
    write_register(trees.folder, urls)
    run(definitions(root), instance, "trees_collect", config=CollectConfig(only=urls[:2]))
    before = {asset: version(instance, ["trees", asset]) for asset in ALL}
    web.asked.clear()
    write_register(trees.folder, [*urls, web.url("/later.csv")])
    result = run(
        definitions(root, at(NEXT_DAY, "06:00")), instance, "trees_collect", config=CollectConfig(mode=Asks.refill)
    )
    assert result.success, failure(result)
    assert web.asked == []
    assert {asset: version(instance, ["trees", asset]) for asset in ALL} == before
    assert shown(instance, ["trees", "log"])["never_asked"] == 1


def test_a_single_past_day_without_logs_fails_and_says_so(root, instance, web):
    for job in ("trees_collect", "trees_index"):
        result = run(definitions(root, at(NEXT_DAY, "06:00")), instance, job)
        assert not result.success
        assert str(DAY) in failure(result)
    assert web.asked == []


def test_addresses_that_the_operator_did_not_allow_are_not_asked(root, instance, web):
    from collect_assets.orchestration.build import build_definitions
    from collect_assets.orchestration.resources import Clock, Network

    defs = build_definitions(root, clock=Clock(stands_at=at(DAY)), network=Network(allow=""))
    run(defs, instance, "trees_collect")
    assert web.asked == []
    assert shown(instance, ["trees", "log"])["refused"] == 2


def test_a_missing_and_a_changed_resource_fail_the_check(root, trees, instance):
    run(definitions(root), instance, "trees_collect")
    first, second = sorted(trees.resources.folder.iterdir())
    first.unlink()
    second.write_bytes(b"x" * second.stat().st_size)
    result = run(definitions(root), instance, "trees_collect")
    evaluation = next(e for e in result.get_asset_check_evaluations() if e.check_name == "whole")
    assert not evaluation.passed
    assert first.name in evaluation.metadata["damaged"].value
    assert second.name in evaluation.metadata["damaged"].value


def test_a_day_on_which_far_more_fails_than_in_the_week_before_is_seen(tmp_path, instance, web):
    from collect_assets_tests.orchestration.runs import write_collection

    names = [f"/{number}.csv" for number in range(8)]
    web.pages.update({name: Page(TREES) for name in names})
    write_collection(tmp_path / "root", "trees", [web.url(name) for name in names])
    run(definitions(tmp_path / "root"), instance, "trees_collect")
    for name in names[:4]:
        del web.pages[name]
    run(definitions(tmp_path / "root", at(NEXT_DAY)), instance, "trees_collect", NEXT_DAY)
    assert checked(instance, ["trees", "log"], "usual_failures") == {str(DAY): "SUCCEEDED", str(NEXT_DAY): "FAILED"}
