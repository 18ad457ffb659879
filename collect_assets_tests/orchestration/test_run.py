"""Running today from a shell: every collection in turn, with a memory that the pages show."""

import datetime as dt
import shutil
import subprocess
import sys

import dagster as dg
import yaml

from collect_assets.index.digest import digest
from collect_assets.orchestration.home import prepare_home
from collect_assets.orchestration.resources import Clock, Network
from collect_assets.orchestration.run import run_today
from collect_assets_tests.orchestration.runs import (
    DAY,
    NEXT_DAY,
    at,
    checked,
    definitions,
    run,
    shown,
    write_collection,
    write_files,
)

LOOPBACK = Network(allow="127.0.0.0/8")


def ran(root, home, now):
    return list(run_today(root, home, clock=Clock(stands_at=now), network=LOOPBACK))


def test_every_collection_is_run_and_what_became_of_it_is_told(root, tmp_path, web):
    write_collection(root, "ponds", [web.url("/ponds.csv")])
    write_files(root, "unwell", [], "colour = 1")
    ponds, trees, unwell = ran(root, tmp_path / "home", at(DAY))
    assert (ponds.collection, trees.collection, unwell.collection) == ("ponds", "trees", "unwell")
    assert ponds.success
    assert trees.success
    assert trees.failed_checks == ()
    assert trees.counts["log.collected"] == 2
    assert trees.counts["item_index.items"] == 3
    assert not unwell.success
    assert "colour" in unwell.problem


def test_nothing_is_printed(root, tmp_path, web, capfd):
    ran(root, tmp_path / "home", at(DAY))
    assert capfd.readouterr() == ("", "")


def test_earlier_days_with_logs_are_materialised_once_so_that_the_pages_show_them(root, trees, tmp_path, web):
    with dg.instance_for_test() as elsewhere:
        run(definitions(root), elsewhere, "trees_collect")
    for days in (1, 3):
        shutil.copytree(trees.log / str(DAY), trees.log / str(DAY + dt.timedelta(days=days)))
    today = at(DAY + dt.timedelta(days=5))
    (first,) = ran(root, tmp_path / "home", today)
    (second,) = ran(root, tmp_path / "home", today)
    assert first.history == tuple(DAY + dt.timedelta(days=n) for n in (0, 1, 3))
    assert second.history == ()
    with dg.DagsterInstance.from_config(str(tmp_path / "home")) as instance:
        days = [str(DAY + dt.timedelta(days=n)) for n in (0, 1, 3, 5)]
        assert sorted(instance.get_materialized_partitions(dg.AssetKey(["trees", "item_index"]))) == days
        assert checked(instance, ["trees", "item_index"], "agrees") == dict.fromkeys(days, "SUCCEEDED")
        assert shown(instance, ["trees", "item_index"], NEXT_DAY)["items"] == 3


def test_a_day_whose_resources_changed_is_materialised_again(root, trees, tmp_path, web):
    ran(root, tmp_path / "home", at(DAY))
    next((trees.log / str(DAY)).iterdir()).unlink()
    (again,) = ran(root, tmp_path / "home", at(NEXT_DAY))
    assert again.history == (DAY,)


def test_a_run_that_fails_says_why(root, trees, tmp_path):
    trees.register.write_text("nothing,of,use\n")
    (told,) = ran(root, tmp_path / "home", at(DAY))
    assert not told.success
    assert str(trees.register) in told.problem


def test_a_failing_check_is_told(root, trees, tmp_path, web):
    ran(root, tmp_path / "home", at(DAY))
    next(trees.resources.folder.iterdir()).unlink()
    (told,) = ran(root, tmp_path / "home", at(DAY))
    assert [check.split(":")[0] for check in told.failed_checks] == ["resource.whole"]


def test_a_home_is_made_with_settings_that_send_nothing_and_one_that_is_there_is_left(tmp_path):
    settings = prepare_home(tmp_path / "new" / "home")
    assert yaml.safe_load(settings.read_text())["telemetry"] == {"enabled": False}
    with dg.DagsterInstance.from_config(str(settings.parent)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False
        assert instance.event_log_storage.get_pool_config().default_pool_limit == 1
    settings.write_text("telemetry: {enabled: true}\n")
    prepare_home(settings.parent)
    assert settings.read_text() == "telemetry: {enabled: true}\n"


FOLD = """
import sys, dagster as dg
from collect_assets_tests.orchestration.runs import definitions, run, failure
from pathlib import Path
root, home, now, day = sys.argv[1:]
with dg.DagsterInstance.from_config(home) as instance:
    result = run(definitions(Path(root), now), instance, "trees_index", day)
    assert result.success, failure(result)
"""


def test_two_runs_that_fold_at_once_both_end_well_and_leave_one_whole_index(root, trees, tmp_path, web):
    home = tmp_path / "home"
    days = [DAY, NEXT_DAY]
    for day in days:
        ran(root, home, at(day))
    before = digest(trees)
    shutil.rmtree(trees.derived)
    command = [sys.executable, "-c", FOLD, str(root), str(home), at(NEXT_DAY)]
    environment = {"PYTHONPATH": ":".join(filter(None, [".", *sys.path])), "DAGSTER_DISABLE_TELEMETRY": "1"}
    both = [subprocess.Popen([*command, str(day)], env=environment, stderr=subprocess.PIPE, text=True) for day in days]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert digest(trees) == before
