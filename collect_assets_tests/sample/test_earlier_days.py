"""The three days that the sample brings: as a collector would have left them, and good for what they are to show."""

import datetime as dt
import socket

import pytest

from collect_assets.collecting.day import collect_day, day_skips
from collect_assets.collecting.log import read_logs
from collect_assets.collecting.run_file import run_files
from collect_assets.collecting.verify import verify
from collect_assets.collection import Collection
from collect_assets.folding.fold import fold
from collect_assets.network.addresses import AddressRules
from collect_assets.sample.catalogue import (
    ASHMERE,
    BROWNFIELD,
    COLLECTIONS,
    CONSERVATION_AREAS,
    EARLIER_DAYS,
    ENDED,
    FOLDER,
    GONE,
    HALLOWMOOR,
    HERBARIUM,
    HOST,
    PORT,
    SERVED,
    WEB_PAGE,
    WRENFORD,
    stored_file,
    url,
)
from collect_assets.sample.install import install
from collect_assets.sample.provider import serving
from collect_assets.searching.query import Condition
from collect_assets.searching.search import search

TODAY = dt.date(2026, 11, 4)
SHIPPED = [Collection.at(FOLDER / "collections" / name) for name in COLLECTIONS]


@pytest.fixture
def installed(tmp_path):
    return {folder.name: Collection.at(folder) for folder in install(tmp_path)}


def outcomes(collection, day):
    logs, problems = read_logs(collection, day)
    assert problems == []
    return {log.endpoint_url: log.outcome for log in logs}


@pytest.mark.parametrize("collection", SHIPPED, ids=COLLECTIONS)
def test_there_are_exactly_three_days_and_nothing_unfinished_or_derived(collection):
    assert collection.entry_dates() == list(EARLIER_DAYS)
    names = {path.name for path in collection.folder.iterdir()}
    assert names == {"collection.toml", "endpoint.csv", "source.csv", "log", "resource", "run", "register"}


def test_the_outcomes_are_those_that_the_sample_is_there_to_show():
    sites = SHIPPED[0]
    first, second, third = (outcomes(sites, day) for day in EARLIER_DAYS)
    for day in (first, second, third):
        assert day[url(BROWNFIELD, GONE)] == "failed:status"
        assert day[url(BROWNFIELD, WEB_PAGE)] == "refused:html"
        assert url(BROWNFIELD, ENDED) not in day
    seen = {file: [day[url(BROWNFIELD, file)] for day in (first, second, third)] for file in (ASHMERE, WRENFORD)}
    assert seen == {ASHMERE: ["first", "changed", "same"], WRENFORD: ["first", "same", "changed"]}
    areas = [day[url(BROWNFIELD, CONSERVATION_AREAS)] for day in (first, second, third)]
    assert areas == ["first", "not-modified", "not-modified"]


@pytest.mark.parametrize("collection", SHIPPED, ids=COLLECTIONS)
def test_each_log_names_the_bytes_that_were_served_that_day_and_each_resource_is_named(collection):
    named = set()
    for day in EARLIER_DAYS:
        for log in read_logs(collection, day)[0]:
            if log.good:
                (served,) = (served for served in SERVED if log.endpoint_url.endswith(served.path))
                collection.resources.check(log.resource, size=log.bytes)
                held = collection.resources.path(log.resource).read_bytes()
                assert held == stored_file(served, day.isoformat()).read_bytes()
                named.add(log.resource)
    assert named == set(collection.resources.names())


@pytest.mark.parametrize("collection", SHIPPED, ids=COLLECTIONS)
def test_the_logs_tell_of_their_own_day_and_of_no_machine(collection):
    for day in EARLIER_DAYS:
        for log in read_logs(collection, day)[0]:
            assert log.fetched_at.startswith(day.isoformat())
            assert log.entry_date.startswith(day.isoformat())
            assert {attempt["address"] for attempt in log.attempts} == {"127.0.0.1"}
            assert float(log.elapsed) == pytest.approx(sum(attempt["elapsed"] for attempt in log.attempts))


@pytest.mark.parametrize("collection", SHIPPED, ids=COLLECTIONS)
def test_each_day_has_one_finished_run_that_its_logs_name_and_whose_register_is_kept(collection):
    for day in EARLIER_DAYS:
        (run,) = run_files(collection, day)
        logs, _ = read_logs(collection, day)
        assert {log.run for log in logs} == {run["run"]}
        assert sorted(run["asked"]) == [log.endpoint for log in logs]
        assert run["ended"]
        assert sum(run["outcomes"].values()) == len(logs)
        collection.register_copies.check(run["registers"]["endpoint.csv"])


def test_the_row_that_ended_stands_as_skipped_in_every_run():
    for day in EARLIER_DAYS:
        assert set(day_skips(SHIPPED[0], day).values()) == {"skipped:ended"}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_an_installed_collection_verifies(installed, name):
    report = verify(installed[name])
    assert report.problems == ()
    assert report.unnamed == 0


def test_folding_the_three_days_deletes_what_was_absent_twice_and_only_that(installed):
    sites = fold(installed[BROWNFIELD], EARLIER_DAYS[-1]).changes
    specimens = fold(installed[HERBARIUM], EARLIER_DAYS[-1]).changes
    assert [sites[day].deleted for day in EARLIER_DAYS] == [0, 0, 2]
    assert [specimens[day].deleted for day in EARLIER_DAYS] == [0, 0, 3]
    assert all(change.problems == {} for change in (*sites.values(), *specimens.values()))


def test_every_record_that_is_served_is_found_by_its_own_id(installed):
    for name, condition in ((BROWNFIELD, "SiteReference=WR-003"), (HERBARIUM, "barcode=LSG310013")):
        fold(installed[name], EARLIER_DAYS[-1])
        (hit,) = search(installed[name], where=[Condition.parse(condition)]).hits
        assert hit.item == condition.split("=")[1]


def test_text_in_windows_1252_is_read_as_what_it_says(installed):
    fold(installed[BROWNFIELD], EARLIER_DAYS[0])
    (hit,) = search(installed[BROWNFIELD], "Café Royal").hits
    assert hit.record["Notes"] == "Demolition estimated at £85,000; grant agreed"


def test_collecting_today_from_the_provider_restores_updates_and_adds(installed):
    with socket.socket() as sock:
        if sock.connect_ex((HOST, PORT)) == 0:
            pytest.skip(f"{HOST}:{PORT} is in use, probably by the sample's own provider")
    rules = AddressRules.parse("127.0.0.0/8")
    changes = {}
    with serving():
        for name, collection in installed.items():
            now = dt.datetime.combine(TODAY, dt.time(7), dt.UTC)
            collect_day(collection, TODAY, rules=rules, now=lambda now=now: now)
            changes[name] = fold(collection, TODAY).changes[TODAY]
    assert outcomes(installed[BROWNFIELD], TODAY)[url(BROWNFIELD, HALLOWMOOR)] == "same"
    assert outcomes(installed[BROWNFIELD], TODAY)[url(BROWNFIELD, CONSERVATION_AREAS)] == "not-modified"
    sites, specimens = changes[BROWNFIELD], changes[HERBARIUM]
    assert (sites.created, sites.updated, sites.restored, sites.deleted) == (2, 2, 1, 0)
    assert (specimens.created, specimens.updated, specimens.restored, specimens.deleted) == (4, 3, 1, 1)
