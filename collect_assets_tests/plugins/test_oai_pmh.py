"""The `oai-pmh` plugin against a small repository that really evaluates what it is asked."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from collect_assets.collecting.log import Log
from collect_assets.collecting.past import Past
from collect_assets.collecting.plan import Mode
from collect_assets.plugins.oai_answers import read_answer
from collect_assets.plugins.oai_requests import Granularity
from collect_assets.plugins.oai_requests import Repository as Asking
from collect_assets.plugins.xml_pages import Repairs
from collect_assets_tests.collecting.kit import DAY, NOON, Folder
from collect_assets_tests.plugins.oai_repository import PATH, Item, Repository, identifier, trees
from collect_assets_tests.plugins.served import Served
from collect_assets_tests.servers import Page

TOMORROW = "2026-03-02T10:00:00Z"


@pytest.fixture
def serve(register: Callable[..., Served]) -> Callable[..., Served]:
    def start(repository: Repository, path: str = PATH, **parameters: Any) -> Served:
        return register(repository, "oai-pmh", path, **parameters)

    return start


def pages(served: Served, log: Log) -> list[bytes]:
    """The pages of a harvest in order, without the first one, which says what the repository is."""
    with zipfile.ZipFile(io.BytesIO(served.content(log))) as archive:
        tasks = json.loads(archive.read("tasks.json"))
        assert tasks["plugin"] == "oai-pmh"
        assert archive.namelist() == ["tasks.json", *(task["page"] for task in tasks["tasks"])]
        first, *others = (archive.read(task["page"]) for task in tasks["tasks"])
    assert b"<Identify>" in first
    return others


def numbers(served: Served, log: Log) -> list[int]:
    """Of all records, in order."""
    found = re.findall(rb"<identifier>oai:repository.test:(\d+)</identifier>", b"".join(pages(served, log)))
    return [int(number) for number in found]


def asked(served: Served, verb: str = "List(?:Records|Identifiers)") -> list[dict[str, str]]:
    """The arguments of the requests, in order."""
    requests = [dict(parse_qsl(urlsplit(one.path).query)) for one in served.server.asked]
    return [request for request in requests if re.fullmatch(verb, request["verb"])]


def on_day(served: Served, day: int, **options: Any) -> Log:
    """Collects a later day, at its noon."""
    served.folder.now = NOON + dt.timedelta(days=day)
    date = DAY + dt.timedelta(days=day)
    served.server.asked.clear()
    served.folder.collect(date, **options)
    return served.folder.log(served.url, date)


def test_the_first_harvest_asks_for_all_records_page_by_page(serve: Any) -> None:
    served = serve(Repository(trees(8)))
    log = served.collect()
    assert (log.outcome, log.complete, log.coverage) == ("first", True, "full")
    assert numbers(served, log) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert asked(served)[0] == {"verb": "ListRecords", "metadataPrefix": "oai_dc"}
    assert [request.keys() for request in asked(served)[1:]] == [{"verb", "resumptionToken"}] * 2
    assert [task["key"] for task in log.tasks if task.get("records")] == [f"records-01-00000{n}" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:repository.test:3", "asks for GetRecord, identifier"),
        ("?verb=ListRecords&metadataPrefix=oai_dc&from=2026-02-01&until=2026-02-02", "asks for from, until"),
        ("?verb=ListIdentifiers&metadataPrefix=oai_dc", "asks for ListIdentifiers"),
        ("?verb=ListRecords&resumptionToken=x", "asks for resumptiontoken"),
    ],
)
def test_a_url_that_asks_for_less_than_a_list_is_not_taken_for_a_whole_repository(
    serve: Any, query: str, said: str
) -> None:
    served = serve(Repository(trees(8)), PATH + query)
    log = served.collect()
    assert (log.outcome, said in log.message, served.server.asked) == ("failed:no-list", True, [])


@pytest.mark.parametrize("query", ["", "?verb=Identify", "?verb=ListRecords&metadataPrefix=oai_dc"])
def test_a_repository_is_registered_by_whatever_people_copy(serve: Any, query: str) -> None:
    served = serve(Repository(trees(8)), PATH + query)
    assert numbers(served, served.collect()) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_pages_are_kept_as_they_came_and_the_same_pages_make_the_same_archive(serve: Any) -> None:
    repository = Repository(trees(4))
    served = serve(repository, incremental=False)
    first, second = served.collect(), on_day(served, 1)
    assert second.outcome == "same"
    assert second.resource == first.resource
    repository.now = TOMORROW
    assert (log := on_day(served, 2)).outcome == "same"
    assert b"<responseDate>2026-03-02T10:00:00Z</responseDate>" in b"".join(pages(served, log))


def test_the_next_harvest_asks_for_what_changed_and_the_log_says_until_when(serve: Any) -> None:
    repository = Repository(trees(8))
    served = serve(repository)
    first = served.collect()
    assert first.harvested["until"] == "2026-03-01T10:00:00Z"
    repository.now = TOMORROW
    repository.items.append(Item(9, "2026-03-01T18:00:00Z"))
    log = on_day(served, 1)
    assert (log.outcome, log.complete, log.coverage) == ("changed", True, "changes")
    assert asked(served) == [{"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-02-28T10:00:00Z"}]
    assert not asked(served, "ListMetadataFormats")
    assert numbers(served, log) == [9]
    assert log.harvested == {**first.harvested, "since": "2026-02-28T10:00:00Z", "until": TOMORROW}


def test_a_record_listed_hours_after_its_datestamp_comes_all_the_same(serve: Any) -> None:
    repository = Repository(trees(2))
    served = serve(repository)
    served.collect()
    repository.now = TOMORROW
    repository.items.append(Item(3, "2026-03-01T09:00:00Z"))  # before the first harvest, which did not have it
    assert numbers(served, on_day(served, 1)) == [3]


def test_the_overlap_is_a_parameter(serve: Any) -> None:
    served = serve(Repository(trees(2)), overlap_hours=0)
    served.collect()
    on_day(served, 1)
    assert asked(served)[0]["from"] == "2026-03-01T10:00:00Z"


def test_a_repository_of_days_is_asked_by_day(serve: Any) -> None:
    repository = Repository(trees(3), granularity="YYYY-MM-DD")
    served = serve(repository)
    served.collect()
    repository.now = TOMORROW
    repository.items.append(Item(4, "2026-03-01"))
    assert numbers(served, on_day(served, 1)) == [4]
    assert asked(served)[0]["from"] == "2026-02-28"


def test_deleted_records_come_as_deletions(serve: Any) -> None:
    repository = Repository([*trees(2), Item(3, "2026-02-20T00:00:00Z", deleted=True)])
    served = serve(repository)
    assert b'<header status="deleted"><identifier>oai:repository.test:3' in pages(served, served.collect())[0]
    repository.now = TOMORROW
    repository.items[0] = Item(1, "2026-03-02T00:00:00Z", deleted=True)
    log = on_day(served, 1)
    assert (log.coverage, numbers(served, log)) == ("changes", [1])


def test_nothing_that_matches_is_a_success(serve: Any) -> None:
    repository = Repository(trees(2))
    served = serve(repository)
    served.collect()
    repository.now = TOMORROW
    log = on_day(served, 1)
    assert (log.good, log.complete, log.coverage, log.harvested["until"]) == (True, True, "changes", TOMORROW)
    assert numbers(served, log) == []
    assert log.tasks[-1]["message"] == "noRecordsMatch: "


@pytest.mark.parametrize("status", [200, 404, 422])
def test_errors_of_the_protocol_count_under_whatever_status_they_come(serve: Any, status: int) -> None:
    log = serve(Repository([], status=status)).collect()
    assert (log.good, log.complete) == (True, True)


def test_a_second_run_of_a_day_begins_where_the_day_before_ended(serve: Any) -> None:
    """Its log replaces the day's: what the first run brought would be lost, were it only asked for later changes."""
    repository = Repository(trees(2))
    served = serve(repository)
    until = served.collect().harvested["until"]
    repository.now = TOMORROW
    endpoint = on_day(served, 1).endpoint
    assert Past(served.folder.collection, DAY + dt.timedelta(days=1)).harvested(endpoint, "oai-pmh")["until"] == until
    assert (
        Past(served.folder.collection, DAY + dt.timedelta(days=2)).harvested(endpoint, "oai-pmh")["until"] == TOMORROW
    )


def test_an_incomplete_harvest_does_not_move_the_date(serve: Any) -> None:
    repository = Repository(trees(2))
    served = serve(repository)
    served.collect()
    repository.now = TOMORROW
    repository.items += [Item(n, "2026-03-02T09:00:00Z") for n in (3, 4, 5, 6)]
    repository.lists = lambda true: true + 5
    assert on_day(served, 1).outcome == "failed:incomplete"
    repository.lists, repository.now = lambda true: true, "2026-03-03T10:00:00Z"
    assert numbers(served, on_day(served, 2)) == [3, 4, 5, 6]
    assert asked(served)[0]["from"] == "2026-02-28T10:00:00Z"


def test_a_refill_asks_for_everything(serve: Any) -> None:
    repository = Repository(trees(4))
    served = serve(repository)
    served.collect()
    log = on_day(served, 1, mode=Mode.REFILL)
    assert (log.coverage, numbers(served, log)) == ("full", [1, 2, 3, 4])


def test_another_prefix_or_set_means_a_full_harvest(serve: Any, folder: Folder) -> None:
    repository = Repository([Item(n, f"2026-02-0{n}T00:00:00Z", sets=("a" if n < 3 else "b",)) for n in range(1, 5)])
    served = serve(repository, set="a")
    assert numbers(served, served.collect()) == [1, 2]
    row = {"endpoint-url": served.url, "plugin": "oai-pmh"}
    folder.register({**row, "parameters": '{"set": "b"}'})
    log = on_day(served, 1)
    assert (log.coverage, numbers(served, log)) == ("full", [3, 4])
    assert "another than in the last harvest" in log.message
    folder.register({**row, "parameters": '{"set": "b", "metadata_prefix": "eml"}'})
    assert on_day(served, 2).coverage == "full"
    assert on_day(served, 3).coverage == "changes"


def test_a_lost_resource_means_a_full_harvest(serve: Any) -> None:
    served = serve(Repository(trees(2)))
    log = served.collect()
    served.folder.collection.resources.path(log.resource).unlink()
    assert on_day(served, 1).coverage == "full"


def test_set_and_prefix_may_stand_in_the_url(serve: Any) -> None:
    repository = Repository([Item(1, "2026-02-01T00:00:00Z", sets=("a:b",)), Item(2, "2026-02-02T00:00:00Z")])
    served = serve(repository, PATH + "?verb=ListRecords&metadataPrefix=eml&set=a%3Ab")
    assert numbers(served, served.collect()) == [1]
    assert asked(served) == [{"verb": "ListRecords", "metadataPrefix": "eml", "set": "a:b"}]
    asking = Asking.of("https://x.test/oai.php?base=7&verb=Identify#all", "", "")
    assert (asking.url, asking.prefix, asking.set) == ("https://x.test/oai.php?base=7", "oai_dc", "")
    assert asking.about("Identify").url == "https://x.test/oai.php?base=7&verb=Identify"


def test_where_deletions_are_not_kept_all_identifiers_come_now_and_then(serve: Any) -> None:
    repository = Repository(trees(8), deleted_record="no")
    served = serve(repository, identifiers_every_days=3)
    served.collect()
    repository.items.pop(0)
    assert [on_day(served, day).coverage for day in (1, 2)] == ["changes", "changes"]
    repository.now = "2026-03-04T10:00:00Z"
    log = on_day(served, 3)
    assert (log.outcome, log.complete, log.coverage) == ("changed", True, "identifiers")
    assert numbers(served, log) == [2, 3, 4, 5, 6, 7, 8]
    assert [request["verb"] for request in asked(served)] == ["ListIdentifiers"] * 3
    assert log.harvested["until"] == "2026-03-01T10:00:00Z", "the changes until now have not been asked for"
    repository.items.append(Item(9, "2026-03-02T09:00:00Z"))
    assert numbers(served, on_day(served, 4)) == [9]
    assert [on_day(served, day).coverage for day in (5, 6)] == ["changes", "identifiers"]


def test_where_deletions_are_kept_no_identifiers_are_asked_for(serve: Any) -> None:
    served = serve(Repository(trees(2)), identifiers_every_days=1)
    served.collect()
    assert on_day(served, 1).coverage == "changes"


def test_without_a_number_of_days_no_identifiers_are_asked_for(serve: Any) -> None:
    served = serve(Repository(trees(2), deleted_record="transient"), identifiers_every_days=0)
    served.collect()
    assert on_day(served, 60).coverage == "changes"


def test_an_expired_token_is_followed_by_the_date(serve: Any) -> None:
    repository = Repository(trees(20), tokens_live=10)
    served = serve(repository)
    repository.garbage = lambda given, body: _expire(repository, given, body)
    log = served.collect()
    assert (log.outcome, log.complete, log.coverage) == ("first", True, "full")
    assert sorted(set(numbers(served, log))) == list(range(1, 21))
    firsts = [request for request in asked(served) if "resumptionToken" not in request]
    assert [request.get("from") for request in firsts] == [None, "2026-02-01T00:06:00Z"]
    assert any("badResumptionToken" in task.get("message", "") for task in log.tasks)


def _expire(repository: Repository, given: dict[str, str], body: bytes) -> bytes:
    """All tokens so far are forgotten once, after the second page."""
    if repository.lists_asked == 2 and "resumptionToken" in given:
        repository.given.clear()
        repository.given["x"] = (0, 0, {})
    return body


def test_f75_what_comes_twice_after_an_expired_token_does_not_hide_what_is_missing(serve: Any) -> None:
    repository = Repository(trees(20), lists=lambda true: 21 if true == 20 else true)
    repository.garbage = lambda given, body: _expire(repository, given, body)
    log = serve(repository).collect()
    assert (log.outcome, "20 records came, and the list is declared to have 21" in log.message) == (
        "failed:incomplete", True
    )  # fmt: skip


def test_a_list_out_of_order_begins_anew_when_its_token_expires(serve: Any) -> None:
    items = [Item(n, f"2026-02-{20 - n:02d}T00:00:00Z") for n in range(1, 13)]
    repository = Repository(items, shuffled=True)
    repository.garbage = lambda given, body: _expire(repository, given, body)
    served = serve(repository)
    log = served.collect()
    assert (log.complete, sorted(numbers(served, log))) == (True, list(range(1, 13)))
    assert [request for request in asked(served) if "from" in request] == []


def test_a_list_in_parts_that_is_not_counted_proves_no_deletion(serve: Any) -> None:
    repository = Repository(trees(20), lists=lambda _: None)
    repository.garbage = lambda given, body: _expire(repository, given, body)
    log = serve(repository).collect()
    assert (log.good, log.complete, log.coverage) == (True, True, "changes")
    assert "proves no deletion" in log.message


def test_tokens_that_always_expire_too_soon_end_in_an_incomplete_harvest(serve: Any) -> None:
    """All have one datestamp, so that no date leads further."""
    repository = Repository([Item(n, "2026-02-01T00:00:00Z") for n in range(1, 30)], tokens_live=0)
    served = serve(repository)
    log = served.collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "its token expired 3 times" in log.message
    assert set(numbers(served, log)) == {1, 2, 3}
    assert len(served.server.asked) < 12


def test_tokens_that_expire_but_move_on_bring_everything(serve: Any) -> None:
    served = serve(Repository(trees(12), tokens_live=0))
    log = served.collect()
    assert (log.complete, sorted(set(numbers(served, log)))) == (True, list(range(1, 13)))


def test_f75_fewer_records_than_the_list_declares_make_it_incomplete(serve: Any) -> None:
    served = serve(Repository(trees(6), lists=lambda _: 10))
    log = served.collect()
    assert (log.outcome, log.complete, log.resource) == ("failed:incomplete", False, "")
    assert "6 records came, and the list is declared to have 10" in log.message
    assert len(numbers(served, log)) == 6
    assert serve(Repository(trees(6), lists=lambda _: 10), count_tolerance=0.4).collect().complete


def test_f86_a_page_that_is_skipped_is_named(serve: Any) -> None:
    log = serve(Repository(trees(8), skips=2)).collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "records-01-000002 says that 5 records came before it, and 3 did" in log.message


def test_f86_a_token_that_comes_again_is_noticed(serve: Any) -> None:
    served = serve(Repository(trees(9), loops=True))
    log = served.collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "a resumption token that came before" in log.message
    assert numbers(served, log) == [1, 2, 3, 4, 5, 6]
    assert len(asked(served)) == 2


def test_f86_pages_that_come_again_under_new_tokens_are_noticed(serve: Any) -> None:
    served = serve(Repository(trees(9), endless=True))
    log = served.collect()
    assert "had come before, though under another token" in log.message
    assert numbers(served, log) == list(range(1, 10))


def test_f86_empty_pages_without_end_are_noticed(serve: Any) -> None:
    served = serve(Repository(trees(9), blank=True))
    log = served.collect()
    assert "10 pages in a row" in log.message
    assert len(asked(served)) == 13


def test_f86_more_pages_than_a_harvest_may_have_are_not_asked_for(serve: Any) -> None:
    served = serve(Repository(trees(30)), most_pages=4)
    log = served.collect()
    assert "`most-pages`" in log.message
    assert numbers(served, log) == list(range(1, 13))


def test_f77_a_page_that_fails_for_good_leaves_the_others(serve: Any) -> None:
    """It is no XML, but it says where the list goes on."""
    repository = Repository(trees(12))
    served = serve(repository)

    def break_second(given: dict[str, str], body: bytes) -> bytes:
        return body.replace(b"<record>", b"<record", 1) if b">oai:repository.test:4<" in body else body

    repository.garbage = break_second
    log = served.collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "1 of 6 tasks failed" in log.message
    assert numbers(served, log) == [1, 2, 3, 7, 8, 9, 10, 11, 12]
    repository.garbage = lambda _, body: body
    log = served.collect()
    assert (log.outcome, log.complete, numbers(served, log)) == ("first", True, list(range(1, 13)))
    assert len(asked(served)) == 1, "only what is missing is asked for"


def test_a_page_that_does_not_come_is_asked_for_by_the_next_run(serve: Any) -> None:
    repository = Repository(trees(9))
    served = serve(repository)
    repository.garbage = lambda given, body: Page(b"", 500) if b">oai:repository.test:4<" in body else body
    log = served.collect()
    assert (log.outcome, log.complete, numbers(served, log)) == ("failed:incomplete", False, [1, 2, 3])
    repository.garbage = lambda _, body: body
    log = served.collect()
    assert (log.complete, numbers(served, log)) == (True, list(range(1, 10)))
    assert len(asked(served)) == 2


def test_a_run_that_goes_on_after_the_token_expired_finds_everything(serve: Any) -> None:
    repository = Repository(trees(9))
    served = serve(repository)
    repository.garbage = lambda given, body: Page(b"", 500) if b">oai:repository.test:4<" in body else body
    served.collect()
    repository.garbage = lambda _, body: body
    repository.given.clear()
    repository.given["x"] = (0, 0, {})
    log = served.collect()
    assert (log.complete, sorted(set(numbers(served, log)))) == (True, list(range(1, 10)))


def test_f82_a_record_without_an_identifier_is_in_the_archive_for_the_reader_to_report(serve: Any) -> None:
    repository = Repository(trees(3))
    repository.garbage = lambda _, body: body.replace(f"<identifier>{identifier(2)}</identifier>".encode(), b"")
    served = serve(repository)
    log = served.collect()
    assert (log.complete, numbers(served, log)) == (True, [1, 3])
    assert pages(served, log)[0].count(b"<record>") == 3


def test_f87_forbidden_characters_and_bare_ampersands_do_not_stop_a_harvest(serve: Any) -> None:
    repository = Repository(trees(6))
    repository.garbage = lambda _, body: body.replace(b"Tree 2<", b"Tree \x1a & oak<")
    served = serve(repository)
    log = served.collect()
    assert (log.complete, numbers(served, log)) == (True, [1, 2, 3, 4, 5, 6])
    assert b"Tree \x1a & oak<" in pages(served, log)[0], "kept as it came"
    assert any("1 forbidden characters" in task.get("message", "") for task in log.tasks)


def test_f87_latin_1_under_the_name_of_utf_8_does_not_stop_a_harvest(serve: Any) -> None:
    repository = Repository(trees(3))
    repository.garbage = lambda _, body: body.replace(b"Tree 2<", b"\xd6lbaum<")
    assert serve(repository).collect().complete


def test_f87_another_namespace_is_read_all_the_same_and_another_document_is_not(serve: Any) -> None:
    odd = Repository(trees(3))
    odd.garbage = lambda _, body: body.replace(b"OAI/2.0/", b"OAI/2.0")
    assert serve(odd).collect().complete
    other = Repository(trees(3))
    other.garbage = lambda *_: b"<?xml version='1.0'?><rss><channel/></rss>"
    log = serve(other).collect()
    assert (log.outcome, log.complete) == ("failed:not-a-page", None)
    assert "first element is rss" in log.message


def test_f56_entities_are_not_resolved(serve: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    repository = Repository(trees(3))
    repository.garbage = lambda _, body: body.replace(
        b"\n<OAI-PMH", f'\n<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><OAI-PMH'.encode()
    ).replace(b"Tree 2<", b"&e;<")
    log = serve(repository).collect()
    assert log.outcome == "failed:xml-entity"


def test_f57_nesting_without_end_is_a_failure_of_its_page(serve: Any) -> None:
    repository = Repository(trees(6))
    repository.garbage = lambda _, body: body.replace(b"Tree 5<", b"<x>" * 5000 + b"</x>" * 5000 + b"<")
    served = serve(repository)
    log = served.collect()
    assert (log.outcome, numbers(served, log)) == ("failed:incomplete", [1, 2, 3])
    assert "beyond what is read" in log.message


@pytest.mark.parametrize(
    ("wrong", "outcome", "words"),
    [
        ({"metadata_prefix": "mods"}, "failed:no-format", "oai_dc, eml"),
        ({"set": "a"}, "failed:service-error", "noSetHierarchy"),
    ],
)
def test_what_a_repository_does_not_have_is_named(serve: Any, wrong: Any, outcome: str, words: str) -> None:
    log = serve(Repository(trees(2), has_sets=False), **wrong).collect()
    assert (log.outcome, words in log.message) == (outcome, True)


@pytest.mark.parametrize("wrong", [{"set": "two words"}, {"metadata_prefix": "oai dc"}, {"overlap_hours": -1},
                                   {"identifiers_every_days": "weekly"}])  # fmt: skip
def test_parameters_are_checked(serve: Any, wrong: Any) -> None:
    served = serve(Repository(trees(2)), **wrong)
    served.folder.collect()
    assert [skip["outcome"] for skip in served.folder.runs()[0]["skipped"]] == ["skipped:bad-parameters"]


def test_an_unusable_response_date_means_that_the_next_harvest_asks_for_all(serve: Any) -> None:
    served = serve(Repository(trees(2), now="yesterday"))
    log = served.collect()
    assert log.complete
    assert "no usable response date" in log.message
    assert on_day(served, 1).coverage == "full"


def test_a_clock_that_was_put_back_does_not_make_a_date_in_the_future(serve: Any) -> None:
    repository = Repository(trees(2))
    served = serve(repository)
    served.collect()
    repository.now = "2026-02-20T00:00:00Z"
    on_day(served, 1)
    assert asked(served)[0]["from"] == "2026-02-19T00:00:00Z"


_READ = """
import sys
from pathlib import Path
from collect_assets.plugins.oai_answers import read_answer
from collect_assets.plugins.xml_pages import Repairs
print(read_answer("x", Path(sys.argv[1]), Repairs()).records)
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


def test_memory_stays_flat_over_a_large_page(tmp_path: Path) -> None:
    record = b"<record><header><identifier>x:1</identifier></header><metadata>%s</metadata></record>" % (b"y" * 2000)
    peaks = []
    for count in (100, 15_000):
        page = tmp_path / f"{count}.xml"
        page.write_bytes(b"<OAI-PMH><ListRecords>" + record * count + b"</ListRecords></OAI-PMH>")
        read = subprocess.run([sys.executable, "-c", _READ, str(page)], capture_output=True, text=True, check=True)
        records, peak = map(int, read.stdout.split())
        assert records == count
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 10_000  # of 30,000 kB


def _corpus(name: str) -> Path:
    return Path("oai-pmh/mloesch+sickle/sickle/tests/sample_data") / name


@pytest.fixture
def samples(corpus: Path) -> Path:
    return corpus.parent / "harvest"


def test_real_pages_are_followed_by_their_tokens_until_one_comes_again(
    samples: Path, register: Callable[..., Served]
) -> None:
    """Four pages; the second has the records of the first."""

    def answer(asked: Any) -> Page:
        given = dict(parse_qsl(urlsplit(asked.path).query))
        name = given.get("resumptionToken") or f"{given['verb']}.xml"
        return Page((samples / _corpus(name)).read_bytes(), 200, {"Content-Type": "text/xml"})

    served = register(answer, "oai-pmh", PATH)
    log = served.collect()
    assert [task.get("records") for task in log.tasks] == [None, None, 2, 2]
    assert "records-01-000002 had come before" in log.message
    assert pages(served, log) == [(samples / _corpus(f"ListRecords{n}.xml")).read_bytes() for n in ("",)]


def test_real_answers_say_what_they_say(samples: Path) -> None:
    def read(name: str) -> Any:
        return read_answer(name, samples / _corpus(f"{name}.xml"), Repairs(), Granularity(seconds=True))

    page = read("ListRecords")
    assert (page.records, page.deleted, page.token, page.declared, page.cursor) == (2, 1, "ListRecords2.xml", 8, 0)
    assert not page.ordered
    assert read("ListIdentifiers").records == 2
    errors = ("badArgument", "badResumptionToken", "cannotDisseminateFormat", "idDoesNotExist", "noRecordsMatch",
              "noSetHierarchy")  # fmt: skip
    assert [read(name).error for name in errors] == list(errors)
    assert read("undefinedError").error
