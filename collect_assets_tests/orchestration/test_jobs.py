"""The schedule of a collection, and the tags of its runs."""

import datetime as dt
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from collect_assets_tests.orchestration.runs import SETTINGS, definitions, write_collection

URL = ["https://example.org/a.csv"]


def ticked(defs, instance, moment):
    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("trees_daily")
    with dg.build_schedule_context(instance, scheduled_execution_time=moment, repository_def=repository) as context:
        return schedule, schedule.evaluate_tick(context).run_requests


def test_without_settings_a_collection_is_collected_each_day_for_the_day_that_began(tmp_path, instance):
    write_collection(tmp_path, "trees", URL)
    schedule, (request,) = ticked(definitions(tmp_path), instance, dt.datetime(2026, 11, 4, 0, 30, tzinfo=dt.UTC))
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 0 * * *", "UTC")
    assert request.partition_key == "2026-11-04"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


@pytest.mark.parametrize(
    ("local", "entry_date"),
    [
        (dt.datetime(2026, 11, 5, 7, 15), "2026-11-04"),  # 21:15 in UTC, the evening before
        (dt.datetime(2026, 11, 5, 12, 15), "2026-11-05"),
    ],
)
def test_a_schedule_in_another_time_zone_collects_the_utc_day_of_its_moment(tmp_path, instance, local, entry_date):
    schedule = f'[schedule]\ncron = "{local.minute} {local.hour} * * *"\ntimezone = "Australia/Brisbane"\n'
    write_collection(tmp_path, "trees", URL, SETTINGS + schedule)
    moment = local.replace(tzinfo=ZoneInfo("Australia/Brisbane"))
    made, (request,) = ticked(definitions(tmp_path), instance, moment)
    assert made.execution_timezone == "Australia/Brisbane"
    assert request.partition_key == entry_date


def test_two_ticks_of_one_day_are_two_runs(tmp_path, instance):
    write_collection(tmp_path, "trees", URL, SETTINGS + '[schedule]\ncron = "0 */6 * * *"\n')
    defs = definitions(tmp_path)
    keys = {ticked(defs, instance, dt.datetime(2026, 11, 4, hour, tzinfo=dt.UTC))[1][0].run_key for hour in (6, 12)}
    assert len(keys) == 2


def test_an_empty_cron_line_means_no_schedule(tmp_path):
    write_collection(tmp_path, "trees", URL, SETTINGS + '[schedule]\ncron = ""\n')
    defs = definitions(tmp_path)
    dg.Definitions.validate_loadable(defs)
    assert not list(defs.get_repository_def().schedule_defs)


def test_runs_say_whose_they_are_and_how_urgent(tmp_path):
    write_collection(tmp_path, "tree-registers", URL, SETTINGS + "[schedule]\npriority = 7\n")
    defs = definitions(tmp_path)
    for name in ("tree_registers_collect", "tree_registers_index"):
        tags = defs.resolve_job_def(name).tags
        assert tags["collect_assets/collection"] == "tree_registers"
        assert tags["dagster/priority"] == "7"
