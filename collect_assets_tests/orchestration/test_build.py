"""The definitions as a whole: what there is, and what stays whole when one collection is broken."""

import datetime as dt
import logging

import dagster as dg
import pytest

from collect_assets.orchestration.build import build_definitions
from collect_assets_tests.orchestration.runs import SETTINGS, definitions, write_collection, write_files

URL = ["https://example.org/a.csv"]


def keys(defs):
    return sorted(key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys())


def described(defs, *key):
    return defs.resolve_asset_graph().get(dg.AssetKey(key)).description


def test_a_collection_has_these_assets_checks_jobs_a_schedule_and_the_root_two_sensors(tmp_path):
    write_collection(tmp_path, "tree-registers", URL)
    defs = definitions(tmp_path)
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    assert keys(defs) == [
        f"tree-registers/{asset}" for asset in ("endpoint", "item_index", "log", "record", "resource")
    ]
    assert sorted(key.to_user_string() for key in graph.asset_check_keys) == [
        "tree-registers/item_index:agrees",
        "tree-registers/item_index:nothing_held",
        "tree-registers/log:every_endpoint",
        "tree-registers/log:honest_servers",
        "tree-registers/log:usual_failures",
        "tree-registers/record:readable",
        "tree-registers/resource:whole",
    ]
    jobs = {job.name for job in defs.resolve_all_job_defs()} - {"__ASSET_JOB"}
    assert jobs == {"check_url", "preview", "decide", "tree_registers_collect", "tree_registers_index"}
    assert [schedule.name for schedule in defs.get_repository_def().schedule_defs] == ["tree_registers_daily"]
    assert sorted(s.name for s in defs.get_repository_def().sensor_defs) == ["register_changed", "resources_changed"]


def test_assets_have_group_kind_owner_code_version_and_days_up_to_today(tmp_path):
    write_collection(tmp_path, "trees", URL, 'owners = ["trees@example.org"]\n' + SETTINGS)
    graph = definitions(tmp_path).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name == "trees"
        assert node.owners == ["trees@example.org"]
        assert node.code_version
        assert len(node.kinds) == 1
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
        assert node.partitions_def.get_first_partition_key() == "2026-11-01"
    assert graph.get(dg.AssetKey(["trees", "record"])).parent_keys == {dg.AssetKey(["trees", "resource"])}


def test_todays_partition_exists_while_the_day_lasts(tmp_path):
    write_collection(tmp_path, "trees", URL)
    days = definitions(tmp_path).resolve_asset_graph().get(dg.AssetKey(["trees", "log"])).partitions_def
    assert days.get_last_partition_key() == dt.datetime.now(dt.UTC).date().isoformat()


def test_days_begin_with_the_oldest_logs_where_no_start_is_set(tmp_path):
    trees = write_collection(tmp_path, "trees", URL, "")
    (trees.log / "2025-02-03").mkdir(parents=True)
    days = definitions(tmp_path).resolve_asset_graph().get(dg.AssetKey(["trees", "log"])).partitions_def
    assert days.get_first_partition_key() == "2025-02-03"


def test_loading_opens_no_register(tmp_path):
    folder = tmp_path / "trees"
    (folder / "endpoint.csv").mkdir(parents=True)  # as unreadable as a file can be, for root too
    dg.Definitions.validate_loadable(build_definitions(tmp_path))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("colour = 1", "colour"),
        ("not toml", "TOML"),
        ('[schedule]\ncron = "99 0 * * *"', "cron"),
        ('[schedule]\ntimezone = "Mars/Olympus"', "Mars/Olympus"),
        ('owners = ["somebody"]', "somebody"),
    ],
)
def test_a_broken_collection_says_why_and_the_others_load(tmp_path, instance, settings, reason):
    write_files(tmp_path, "broken", URL, settings)
    write_collection(tmp_path, "trees", URL)
    defs = definitions(tmp_path)
    dg.Definitions.validate_loadable(defs)
    assert reason in described(defs, "broken", "endpoint")
    assert "broken/log" not in keys(defs)
    assert "trees/item_index" in keys(defs)
    logging.disable(logging.CRITICAL)
    try:
        asset = defs.resolve_assets_def(["broken", "endpoint"])
        result = dg.materialize([asset], instance=instance, raise_on_error=False)
    finally:
        logging.disable(logging.NOTSET)
    assert not result.success
    error = next(event.step_failure_data.error for event in result.all_events if event.is_step_failure)
    assert reason in error.to_string()


def test_of_two_folders_with_one_mapped_name_the_second_is_refused_alone(tmp_path):
    write_collection(tmp_path, "tree-registers", URL)
    write_collection(tmp_path, "tree.registers", URL)
    write_collection(tmp_path, "ponds", URL)
    defs = definitions(tmp_path)
    dg.Definitions.validate_loadable(defs)
    refused = [key for key in keys(defs) if "refused" in key]
    assert len(refused) == 1
    assert "as that of tree-registers is" in described(defs, *refused[0].split("/"))
    assert "tree-registers/log" in keys(defs)
    assert "ponds/log" in keys(defs)
    assert "tree.registers/log" not in keys(defs)


@pytest.mark.parametrize("make", [lambda root: None, lambda root: root.mkdir()])
def test_a_root_without_collections_loads_with_a_note(tmp_path, caplog, make):
    make(tmp_path / "root")
    defs = definitions(tmp_path / "root")
    dg.Definitions.validate_loadable(defs)
    assert keys(defs) == []
    assert str(tmp_path / "root") in caplog.text


def test_a_list_of_collections_that_cannot_be_read_shows_as_broken(tmp_path):
    (tmp_path / "collections.toml").write_text("= nothing")
    defs = definitions(tmp_path)
    dg.Definitions.validate_loadable(defs)
    assert "not a TOML file" in described(defs, "collections", "endpoint")
