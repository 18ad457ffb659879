"""When a day may be collected: while it lasts and in its hours of grace, by a clock that comes from outside."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

import pytest

from collect_assets.collecting.plan import Mode
from collect_assets.collecting.window import Window
from collect_assets.errors import FutureDayError, NoLogsError
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import DAY, NOON, Folder
from collect_assets_tests.servers import Page, WebServer

UTC = dt.UTC
WINDOW = Window(DAY, dt.timedelta(hours=6))
BEFORE = dt.datetime(2026, 2, 28, 23, 59, 59, 999999, UTC)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (dt.datetime(2026, 3, 1, tzinfo=UTC), True),
        (dt.datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), True),
        (dt.datetime(2026, 3, 2, 5, 59, 59, tzinfo=UTC), True),
        (dt.datetime(2026, 3, 2, 6, tzinfo=UTC), False),
        (dt.datetime(2030, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_day_is_open_from_its_first_second_until_its_grace_is_over(now: dt.datetime, is_open: bool) -> None:
    assert WINDOW.is_open(now) is is_open


def test_a_day_that_has_not_begun_is_refused_with_the_time_it_is() -> None:
    with pytest.raises(FutureDayError, match=r"2026-03-01 has not begun.* 2026-02-28 23:59 UTC"):
        WINDOW.is_open(BEFORE)


@pytest.mark.parametrize("hours", [-12, -5, 1, 13, 14])
def test_f69_a_clock_in_another_time_zone_names_the_same_moments(hours: int) -> None:
    zone = dt.timezone(dt.timedelta(hours=hours))
    with pytest.raises(FutureDayError):
        WINDOW.is_open(BEFORE.astimezone(zone))
    assert WINDOW.is_open(WINDOW.opens.astimezone(zone))
    assert not WINDOW.is_open(WINDOW.closes.astimezone(zone))


def test_f69_a_day_on_which_clocks_change_has_24_hours_like_any_other() -> None:
    for day in (dt.date(2026, 3, 29), dt.date(2026, 10, 25), dt.date(2024, 2, 29)):
        window = Window(day, dt.timedelta())
        assert window.closes - window.opens == dt.timedelta(hours=24)


@pytest.mark.parametrize("mode", Mode)
def test_f69_outside_its_window_a_day_asks_nobody(folder: Folder, mode: Mode) -> None:
    with WebServer({"/a": Page(b"1,2\n")}) as server:
        folder.register(server.url("/a"))
        folder.now = BEFORE
        with pytest.raises(FutureDayError):
            folder.collect(mode=mode)
        folder.now = WINDOW.closes
        with pytest.raises(NoLogsError, match=r"2026-03-01 is over and nothing was collected on it"):
            folder.collect(mode=mode)
    assert server.asked == []
    assert not (folder.path / "log").exists()
    assert not (folder.path / "run").exists()


def test_f69_a_day_that_is_over_is_reported_from_its_logs(folder: Folder) -> None:
    with WebServer({"/a": Page(b"1,2\n")}) as server:
        folder.register(server.url("/a"), server.url("/b"))
        folder.collect(only={endpoint_id(server.url("/a"))})
        folder.register(server.url("/a"), server.url("/b"), server.url("/later"))
        folder.now = WINDOW.closes
        report = folder.collect(mode=Mode.REFILL)
        assert len(server.asked) == 1
    assert (report.open, report.fetched, len(report.logs)) == (False, {}, 1)
    assert len(report.never_asked) == 1
    assert len(folder.runs()) == 1


def test_f69_in_its_hours_of_grace_yesterday_is_collected_into_yesterdays_folder(folder: Folder) -> None:
    folder.now = dt.datetime(2026, 3, 2, 5, 59, tzinfo=UTC)
    with WebServer({"/a": Page(b"1,2\n")}) as server:
        folder.register(server.url("/a"))
        folder.collect()
        log = folder.log(server.url("/a"))
    assert log.entry_date == "2026-03-01T00:00:00.000000"
    assert log.fetched_at == "2026-03-02T05:59:00.000+00:00"


def test_f69_the_hours_of_grace_are_a_setting(folder: Folder) -> None:
    folder.settings("grace-hours = 0")
    folder.now = dt.datetime(2026, 3, 2, tzinfo=UTC)
    with WebServer({"/a": Page(b"1,2\n")}) as server:
        folder.register(server.url("/a"))
        with pytest.raises(NoLogsError):
            folder.collect()
    assert server.asked == []


def test_f69_a_run_that_crosses_midnight_and_the_end_of_grace_goes_on_for_its_day(folder: Folder) -> None:
    moments = iter([NOON + dt.timedelta(days=n) for n in range(100)])
    with WebServer({"/a": Page(b"1,2\n"), "/b": Page(b"3,4\n")}) as server:
        folder.register(server.url("/a"), server.url("/b"))
        report = folder.collect(now=lambda: next(moments))
    assert report.fetched == {"first": 2}
    assert folder.collection.entry_dates() == [DAY]
    assert {log.entry_date for log in report.logs} == {"2026-03-01T00:00:00.000000"}


def test_f69_a_clock_that_is_set_back_during_a_run_changes_only_when_it_was_fetched(folder: Folder) -> None:
    moments = iter([NOON - dt.timedelta(hours=n) for n in range(100)])
    with WebServer({"/a": Page(b"1,2\n"), "/b": Page(b"3,4\n")}) as server:
        folder.register(server.url("/a"), server.url("/b"))
        folder.collect(now=lambda: next(moments))
        report = folder.collect()
    assert (report.already, report.fetched) == (2, {})
    assert {log.entry_date for log in report.logs} == {"2026-03-01T00:00:00.000000"}


SPOKEN = """
import datetime as dt, json, sys, time
from pathlib import Path
from collect_assets.collecting.day import collect_day
from collect_assets.collection import Collection
from collect_assets.network.addresses import AddressRules
now = dt.datetime.fromisoformat(sys.argv[2])
report = collect_day(Collection.at(Path(sys.argv[1])), dt.date(2026, 3, 1), now=lambda: now,
                     rules=AddressRules.parse("127.0.0.0/8"))
print(time.tzname[0], report.logs[0].entry_date, report.logs[0].fetched_at)
"""


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "<-1130>11:30", "Europe/Copenhagen"])
def test_f69_the_time_zone_of_the_process_changes_nothing(folder: Folder, zone: str) -> None:
    with WebServer({"/a": Page(b"1,2\n")}) as server:
        folder.register(server.url("/a"))
        done = subprocess.run(
            [sys.executable, "-c", SPOKEN, str(folder.path), "2026-03-02T05:30:00+00:00"],
            env={**os.environ, **folder.environment, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split()[1:] == ["2026-03-01T00:00:00.000000", "2026-03-02T05:30:00.000+00:00"]


def test_f69_no_module_reads_the_clock_when_it_is_imported() -> None:
    code = """
import importlib, pkgutil, sys, time
import click, pydantic, requests, urllib3, duckdb, hypothesis  # theirs may
import collect_assets
asked = []
class Watched(time.__class__):
    pass
import datetime
class Date(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        asked.append(sys._getframe(1).f_code.co_filename)
        return super().now(tz)
    utcnow = now
class Day(datetime.date):
    @classmethod
    def today(cls):
        asked.append(sys._getframe(1).f_code.co_filename)
        return super().today()
datetime.datetime, datetime.date = Date, Day
for name in ("collecting", "network", "plugins", "store"):
    package = importlib.import_module(f"collect_assets.{name}")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"collect_assets.{name}.{module.name}")
ours = [name for name in asked if "collect_assets" in name]
assert "collect_assets.collecting.day" in sys.modules
print(ours)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
