"""The `digir` plugin against a provider that evaluates its filters, and that has the faults of real ones."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collect_assets.collecting.log import Log
from collect_assets.collecting.plan import Mode
from collect_assets.collection import Limits, Politeness
from collect_assets.network.gate import Gate
from collect_assets.plugins import HarvestRequest, digir
from collect_assets.readers import digir as digir_reader
from collect_assets.readers.source import Scratch, Source, read_start
from collect_assets_tests.collecting.kit import LOOPBACK, QUICK, Folder
from collect_assets_tests.plugins.digir_provider import PATH, PROTOCOL, DigirProvider, Row, Search, diagnostic, plants
from collect_assets_tests.plugins.served import Served
from collect_assets_tests.servers import Page, WebServer

NUMBER = re.compile(r"<darwin:CatalogNumber>([^<]*)</darwin:CatalogNumber>")


class Harvested:
    """A provider that is registered, and what collecting it came to."""

    def __init__(self, served: Served, provider: DigirProvider) -> None:
        self.served, self.provider = served, provider

    def collect(self, **options: Any) -> Log:
        self.provider.searches.clear()
        self.provider.asked.clear()
        return self.served.collect(**options)

    def pages(self, log: Log) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(self.served.content(log))) as archive:
            names = [name for name in archive.namelist() if name != "tasks.json"]
            assert names == [f"{number + 1:06d}.xml" for number in range(len(names))]
            assert archive.namelist()[0] == "tasks.json"
            return [archive.read(name).decode() for name in names]

    def numbers(self, log: Log) -> list[str]:
        return [number for page in self.pages(log) for number in NUMBER.findall(page)]


@pytest.fixture
def serve(register: Callable[..., Served]) -> Callable[..., Harvested]:
    def start(provider: DigirProvider, **parameters: Any) -> Harvested:
        return Harvested(register(provider, "digir", PATH, **{"resource": "herb", **parameters}), provider)

    return start


def all_once(harvested: Harvested, log: Log, rows: list[Row]) -> bool:
    return Counter(harvested.numbers(log)) == Counter(row["CatalogNumber"] for row in rows)


def test_all_records_of_a_small_resource_come_at_once(serve: Any) -> None:
    rows = plants(60)
    harvested = serve(DigirProvider(rows))
    log = harvested.collect()
    assert (log.outcome, log.complete, log.coverage, log.message) == ("first", True, "full", "")
    assert all_once(harvested, log, rows)
    assert harvested.provider.pages == [(0, 1000)]
    assert [task["key"] for task in log.tasks] == ["metadata", "way-get-request", "ScientificName-begin-end-0000000"]


def test_a_larger_one_comes_by_the_first_letter_and_in_pages_as_large_as_the_provider_gives_them(serve: Any) -> None:
    rows = plants(700)
    harvested = serve(DigirProvider(rows, most=20))
    log = harvested.collect()
    assert log.complete
    assert all_once(harvested, log, rows)
    starts = Counter(start for start, limit in harvested.provider.pages)
    assert starts == {0: 27, 20: 26}
    assert {limit for _, limit in harvested.provider.pages} == {20}


def test_a_range_with_many_records_is_split_rather_than_paged(serve: Any) -> None:
    many: list[Row] = [{"ScientificName": f"A{'bcde'[n % 4]}s {n}", "CatalogNumber": f"many {n}"} for n in range(100)]
    rows = [*plants(104), *many]
    harvested = serve(DigirProvider(rows, most=50), split_above=80)
    log = harvested.collect()
    assert log.complete
    assert all_once(harvested, log, rows)
    keys = [task["key"] for task in log.tasks]
    assert "ScientificName-Aaa-Aba-0000000" in keys
    assert max(start for start, _ in harvested.provider.pages) <= 50
    archived = json.loads(zipfile.ZipFile(io.BytesIO(harvested.served.content(log))).read("tasks.json"))
    assert archived["plugin"] == "digir"
    assert len(archived["tasks"]) < len(keys), "the first page of a range that was split is not in the archive"


@pytest.mark.parametrize("case", [True, False])
def test_names_of_any_spelling_come_once_whatever_the_order_of_the_database(serve: Any, case: bool) -> None:
    names = [
        "",
        " a",
        "'Aa",
        "0x",
        "aaa",
        "Aaa",
        "AAA",
        "A",
        "zzz",
        "Zzz",
        "Ächmea",
        "éa",
        "木",
        "Zoë",
        "[b]",
        "Bb & <c>",
    ]
    rows: list[Row] = [{"ScientificName": name, "CatalogNumber": str(n)} for n, name in enumerate(names * 3)]
    harvested = serve(DigirProvider(rows, most=4, case=case), split_above=4)
    log = harvested.collect()
    assert all_once(harvested, log, rows)
    assert log.complete


@pytest.mark.parametrize("ways", [{"request"}, {"doc"}, {"post"}])
@pytest.mark.parametrize("metadata", [True, False])
def test_whichever_way_a_provider_takes_a_request_is_found_out_once(serve: Any, ways: set[str], metadata: bool) -> None:
    rows = plants(60)
    provider = DigirProvider(rows, most=5, ways=frozenset(ways), metadata=metadata)
    harvested = serve(provider, page_size=5)
    log = harvested.collect()
    assert all_once(harvested, log, rows)
    assert log.complete
    word = {"request": "request=", "doc": "doc=", "post": "POST"}[next(iter(ways))]
    assert all(word in task["request"] for task in log.tasks if task["key"].startswith("ScientificName"))
    assert sum(task["key"].startswith("way") for task in log.tasks) <= 3


def test_the_only_resource_needs_no_code_and_one_of_several_does(serve: Any) -> None:
    assert serve(DigirProvider(plants(3)), resource="").collect().complete
    log = serve(DigirProvider(plants(3), others=("fungi",)), resource="").collect()
    assert log.outcome == "failed:no-resource"
    assert "herb, fungi" in log.message


def test_records_without_a_name_come_by_the_second_concept_and_only_where_there_are_some(serve: Any) -> None:
    rows = plants(900, unnamed=30)
    harvested = serve(DigirProvider(rows, most=100), page_size=100)
    log = harvested.collect()
    assert log.complete
    numbers = Counter(harvested.numbers(log))
    assert set(numbers) == {row["CatalogNumber"] for row in rows}
    assert sum(numbers.values()) == len(rows), "only the range with x… was fetched again, and it holds no others"


def test_of_a_provider_that_does_not_count_the_second_concept_is_paged_through_where_records_lack(serve: Any) -> None:
    rows = plants(100, unnamed=7)
    harvested = serve(DigirProvider(rows, most=30, counts=False))
    log = harvested.collect()
    assert log.complete
    assert set(harvested.numbers(log)) == {row["CatalogNumber"] for row in rows}


def test_records_without_either_concept_are_missed_and_said_to_be(serve: Any) -> None:
    rows = [*plants(50), {"ScientificName": None, "CatalogNumber": None}]
    log = serve(DigirProvider(rows)).collect()
    assert log.outcome == "failed:incomplete"
    assert log.partial_resource
    assert "50 records came, and 51 are declared" in log.message
    assert "ScientificName or CatalogNumber" in log.message


@pytest.mark.parametrize("declared", ["unknown", 0, ""])
def test_a_count_that_is_not_declared_is_not_missed(serve: Any, declared: object) -> None:
    rows = plants(40, unnamed=3)
    harvested = serve(DigirProvider(rows, declared=declared))
    log = harvested.collect()
    assert log.complete
    assert set(harvested.numbers(log)) == {row["CatalogNumber"] for row in rows}


def test_fewer_than_declared_is_within_the_tolerance_of_the_collection_or_of_the_endpoint(
    serve: Any, folder: Folder
) -> None:
    assert serve(DigirProvider(plants(95), declared=100)).collect().outcome == "failed:incomplete"
    assert serve(DigirProvider(plants(95), declared=100), count_tolerance=0.05).collect().complete
    folder.settings(f"{QUICK}\n[harvesting]\ncount-tolerance = 0.05\n")
    assert serve(DigirProvider(plants(95), declared=100)).collect().complete
    assert serve(DigirProvider(plants(95), declared=100), count_tolerance=0.01).collect().outcome == "failed:incomplete"


def test_more_than_declared_is_complete_and_said(serve: Any) -> None:
    log = serve(DigirProvider(plants(60), declared=50)).collect()
    assert log.complete
    assert "60 records came, and 50 are declared" in log.message


def test_a_range_that_brings_fewer_than_it_counts_makes_the_harvest_incomplete_and_is_named(serve: Any) -> None:
    """Fault F75: it says 1,000 matches, and delivers 600."""

    def interfere(search: Search, _: int) -> str | None:
        if search.limit == 1 or search.start:
            return None
        return re.sub(r'(?<="MATCH_COUNT" severity="info">)\d+', "1000", harvested.provider.answer(search))

    harvested = serve(DigirProvider(plants(600), interfere=interfere))
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    assert "ScientificName the first to the last: 600 of 1000 records came" in log.message
    assert len(harvested.numbers(log)) == 600


def test_one_page_of_many_that_fails_for_good_leaves_the_others_and_is_asked_again_later(serve: Any) -> None:
    """Fault F77."""
    broken = [True]

    def interfere(search: Search, _: int) -> Page | None:
        return Page(b"no", 410) if broken[0] and search.start == 10 and b"Caa" in _text(search) else None

    rows = plants(780)
    harvested = serve(DigirProvider(rows, most=10, interfere=interfere))
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    failed = {task["key"] for task in log.tasks if task["state"] == "failed"}
    assert failed == {"ScientificName-Baa-Caa-0000010", "ScientificName-Caa-Daa-0000010"}
    assert len(harvested.numbers(log)) == 780 - 20, "the page behind the one that failed came too"
    broken[0] = False
    again = harvested.collect()
    assert again.complete
    assert harvested.provider.pages == [(10, 10), (10, 10)]
    assert harvested.provider.asked == ["search", "search"]
    assert all_once(harvested, again, rows)


def test_pages_that_were_not_asked_for_because_too_many_failed_are_on_record_as_waiting(serve: Any) -> None:
    def interfere(search: Search, number: int) -> Page | None:
        return Page(b"no", 410) if number > 6 else None

    harvested = serve(DigirProvider(plants(520), most=20, interfere=interfere))
    log = harvested.collect()
    states = Counter(task["state"] for task in log.tasks)
    assert states["failed"] == 3
    assert states["waiting"] == 27 - 6 - 3
    assert "18 tasks were not asked for" in log.message


def test_an_unknown_resource_fails_for_good_with_the_provider_s_words(serve: Any) -> None:
    log = serve(DigirProvider(plants(3), code="other"), resource="herb").collect()
    assert log.outcome == "failed:no-resource"
    assert "The requested resource (herb) is not available" in log.message
    assert not log.transient


def test_diagnostics_of_an_error_fail_the_page_with_their_text(serve: Any) -> None:
    """Fault F87."""

    def interfere(search: Search, number: int) -> str | None:
        text = harvested.provider._response("search", "<content/>", diagnostic("BAD_QUERY", "no column", "error"))
        return text if number == 3 else None

    harvested = serve(DigirProvider(plants(200), interfere=interfere, most=50))
    log = harvested.collect()
    [failed] = [task for task in log.tasks if task["state"] == "failed"]
    assert "BAD_QUERY (error): no column" in failed["message"]
    assert len(harvested.numbers(log)) == 192


def test_a_passing_database_error_is_asked_again(serve: Any) -> None:
    def interfere(search: Search, number: int) -> str | None:
        text = harvested.provider._response("search", "", diagnostic("DATABASE_ERROR", "deadlock", "error"))
        return text if number == 3 else None

    harvested = serve(DigirProvider(plants(200), interfere=interfere, most=50))
    log = harvested.collect()
    assert log.complete
    assert max(task["attempts"] for task in log.tasks) == 2


def test_warnings_of_php_and_empty_queries_that_are_called_errors_fail_nothing_and_are_noted(serve: Any) -> None:
    def change(text: str) -> str:
        warning = diagnostic("Unknown PHP Error [2]", "gethostbyaddr() [<a href='x'>y</a>]", "warn")
        empty = diagnostic("QUERY_PRODUCED_NO_RESULTS", "", "error") if "<record>" not in text else ""
        return text.replace("<diagnostics>", f"<diagnostics>{warning}{empty}")

    harvested = serve(DigirProvider(plants(200), change=change, most=50, counts=False, ends=False))
    log = harvested.collect()
    assert log.complete
    assert "gethostbyaddr" in next(task["message"] for task in log.tasks if task["key"].startswith("Scientific"))
    assert len(harvested.numbers(log)) == 200


def test_a_header_alone_is_never_the_end_of_a_harvest(serve: Any) -> None:
    """As a provider of Arizona answered: neither content nor diagnostics."""

    def header_only(text: str) -> str:
        return re.sub("</header>.*</response>", "</header></response>", text) if "<type>search" in text else text

    harvested = serve(DigirProvider(plants(30), change=header_only, declared="unknown"))
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    assert "answered without content" in log.message
    assert harvested.provider.pages[:2] == [(0, 1000), (1000, 1000)], "one more page is asked for"


@pytest.mark.parametrize("ends", [True, False, "false"])
@pytest.mark.parametrize("counts", [True, False])
def test_offsets_move_by_what_was_returned_whatever_a_provider_says_of_the_end(
    serve: Any, ends: bool | str, counts: bool
) -> None:
    def fewer(search: Search, number: int) -> str | None:
        search.limit = min(search.limit, 2 + number % 2)
        return None

    rows = plants(104)
    provider = DigirProvider(rows, ends=ends, counts=counts, interfere=fewer)
    harvested = serve(provider, page_size=50)
    log = harvested.collect()
    assert all_once(harvested, log, rows)
    assert log.complete is (ends != "false" or counts), log.message


@pytest.mark.parametrize("counts", [True, False])
def test_a_provider_that_ignores_start_is_noticed_and_asked_for_smaller_ranges(serve: Any, counts: bool) -> None:
    rows = plants(300)
    harvested = serve(DigirProvider(rows, most=50, ignores_start=True, counts=counts, ends=False), page_size=50)
    log = harvested.collect()
    assert all_once(harvested, log, rows)
    assert log.complete
    assert len(harvested.provider.searches) < 120


def test_where_no_smaller_range_helps_a_provider_that_ignores_start_it_is_incomplete(serve: Any) -> None:
    """Fault F86."""
    rows: list[Row] = [{"ScientificName": "Aaaaaa", "CatalogNumber": str(n)} for n in range(30)]
    harvested = serve(DigirProvider(rows, most=10, ignores_start=True))
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    assert "does not go by the offset" in log.message
    assert "10 of 30 records came" in log.message


def test_a_provider_that_never_ends_is_stopped(serve: Any) -> None:
    """Fault F86."""

    def endless(search: Search, number: int) -> str | None:
        rows = [{"ScientificName": f"A {number} {n}", "CatalogNumber": f"{number}-{n}"} for n in range(5)]
        return DigirProvider(rows, counts=False, ends="false").answer(Search(search.filter, 0, 5, ""))

    harvested = serve(DigirProvider(plants(5), interfere=endless, declared="unknown"), most_pages=40)
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    assert "`most-pages`" in log.message
    assert len(harvested.provider.searches) < 90


def test_a_provider_that_goes_on_behind_what_it_counts_is_stopped(serve: Any) -> None:
    def endless(search: Search, number: int) -> str | None:
        if search.limit == 1:
            return None
        rows = [{"ScientificName": f"A {number} {n}", "CatalogNumber": f"{number}-{n}"} for n in range(10)]
        return DigirProvider(rows, ends="false").answer(Search(search.filter, 0, 5, ""))

    log = serve(DigirProvider(plants(10), interfere=endless), page_size=10).collect()
    assert log.outcome == "failed:incomplete"
    assert "goes on behind the 10 records" in log.message


def test_rows_that_shift_while_they_are_paged_are_noticed_by_the_count(serve: Any) -> None:
    """Fault F86."""

    def shifting(search: Search, number: int) -> None:
        if search.start == 20:
            harvested.provider.rows.insert(0, {"ScientificName": "Aaaa", "CatalogNumber": "new"})

    harvested = serve(DigirProvider(plants(780), most=20, interfere=shifting))
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    assert "while it was paged" in log.message


def test_a_page_that_says_more_records_than_it_has_is_named(serve: Any) -> None:
    def lies(text: str) -> str:
        return re.sub("<record>.*?</record>", "", text, count=1) if text.count("<record>") > 5 else text

    log = serve(DigirProvider(plants(60), change=lies)).collect()
    assert log.outcome == "failed:incomplete"
    assert "says that it has 60 records, and has 59" in log.message


@pytest.mark.parametrize(("body", "why"), [
    (b"<!doctype html><html><body>moved</body></html>", "html"),
    (b"", "empty"),
    (b"<?xml version='1.0'?><rss/>", "not-a-page"),
    (b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'b'>]><response>&a;</response>", "xml-entity"),
    (b"<response>" + b"<a>" * 400 + b"</a>" * 400 + b"</response>", "limit"),
    (b"\x89PNG\r\n\x1a\n\0\0", "not-a-page"),
])  # fmt: skip
def test_what_is_no_answer_of_a_provider_fails_by_name(serve: Any, body: bytes, why: str) -> None:
    """Faults F56 and F57, and a web page in place of XML."""
    log = serve(DigirProvider(plants(3), interfere=lambda *_: Page(body), metadata=False)).collect()
    assert log.outcome.partition(":")[2] == why, log.message


@pytest.mark.parametrize(
    ("namespace", "of_the_protocol"), [(PROTOCOL, True), ("", True), ("http://example.org/x", False)]
)
def test_the_plugin_keeps_what_the_reader_reads_whatever_the_namespace(
    serve: Any, tmp_path: Path, namespace: str, of_the_protocol: bool
) -> None:
    """Fault F87."""
    harvested = serve(DigirProvider(plants(3), change=lambda text: text.replace(PROTOCOL, namespace)))
    log = harvested.collect()
    assert (log.outcome == "first") is of_the_protocol, log.message
    assert of_the_protocol or "namespace http://example.org/x" in log.message
    page = tmp_path / "page.xml"
    page.write_text(f'<response xmlns="{namespace}"><content><record/></content></response>', encoding="utf-8")
    assert digir_reader.matches(Source(page, read_start(page), Scratch(tmp_path))) is of_the_protocol


def test_an_answer_that_is_cut_off_is_asked_again_and_never_taken(serve: Any) -> None:
    cut = [2]

    def interfere(search: Search, number: int) -> str | None:
        if search.limit > 1 and cut[0]:
            cut[0] -= 1
            return harvested.provider.answer(search)[:-200]
        return None

    rows = plants(60)
    harvested = serve(DigirProvider(rows, interfere=interfere))
    log = harvested.collect()
    assert log.outcome == "failed:incomplete" or log.outcome == "failed:not-a-page", log.outcome
    again = harvested.collect(mode=Mode.FAILED)
    assert again.complete
    assert all_once(harvested, again, rows)


@pytest.mark.parametrize(("encoded", "note"), [
    (lambda text: text.replace("utf-8", "ISO-8859-1").encode("latin-1"), "iso-8859-1"),
    (lambda text: text.encode("cp1252"), "cp1252"),
    (lambda text: text.replace("utf-8", "UtF-8").encode(), ""),
    (lambda text: text.replace(" encoding='utf-8'", "").encode("cp1252"), "cp1252"),
    (lambda text: text.replace("é", "&eacute;&nbsp;").encode(), ""),
    (lambda text: b"\xef\xbb\xbf\r\n" + text.encode(), ""),
    (lambda text: text.replace("utf-8", "utf-16").encode("utf-16"), "utf-16"),
    (lambda text: text.replace("é", "é\x02&#x1f;").encode(), "forbidden"),
    (lambda text: text.replace("é", "é & co").encode(), "ampersands"),
    (lambda text: text.replace("é", "😀𠀋").encode(), ""),
])  # fmt: skip
def test_encodings_and_characters_as_they_are_in_the_field_are_read_and_kept_verbatim(
    serve: Any, encoded: Callable[[str], bytes], note: str
) -> None:
    """Fault F87."""
    rows: list[Row] = [{"ScientificName": f"Poa é {n}", "CatalogNumber": str(n)} for n in range(9)]
    provider = DigirProvider(rows, change=encoded)
    harvested = serve(provider)
    log = harvested.collect()
    assert log.complete, log.message
    task = next(task for task in log.tasks if task["key"].startswith("Scientific"))
    assert task["records"] == 9
    assert note in task.get("message", "")
    with zipfile.ZipFile(io.BytesIO(harvested.served.content(log))) as archive:
        assert encoded("<darwin:ScientificName>Poa é 3").lstrip(b"\xff\xfe\xef\xbb\xbf\r\n") in archive.read(
            "000002.xml"
        )


def test_the_structure_of_the_network_that_a_resource_belongs_to_is_asked_for(serve: Any) -> None:
    manis = "http://bnhm.berkeley.edu/manis/DwC/darwin2jrw030315.xsd"
    for schema, structure in ((manis, "darwin2resultfull.xsd"), ("x/darwin2.xsd", "darwin2full.xsd")):
        harvested = serve(DigirProvider(plants(3), schema=schema))
        assert harvested.collect().complete
        assert {search.structure.rpartition("/")[2] for search in harvested.provider.searches} == {structure}
    harvested = serve(DigirProvider(plants(3)), structure="http://localhost/own.xsd")
    harvested.collect()
    assert {search.structure for search in harvested.provider.searches} == {"http://localhost/own.xsd"}


def test_a_provider_that_knows_no_like_is_asked_by_letters(serve: Any) -> None:
    rows = plants(60)
    harvested = serve(DigirProvider(rows, likes=False))
    log = harvested.collect()
    assert log.complete
    assert all_once(harvested, log, rows)
    assert len(harvested.provider.pages) == 27


def test_a_resource_without_records_is_an_empty_harvest(serve: Any) -> None:
    """Fault F76: whether all is deleted then, is decided elsewhere."""
    log = serve(DigirProvider([], declared=0)).collect()
    assert log.complete


def test_the_next_day_the_same_records_are_the_same_though_all_headers_differ(serve: Any, folder: Folder) -> None:
    harvested = serve(DigirProvider(plants(60)))
    harvested.collect()
    folder.tomorrow()
    [first, second] = [json.loads(path.read_bytes()) for path in sorted(folder.path.glob("log/*/*.json"))]
    assert first["resource"] != second["resource"]
    assert first["canonical-hash"] == second["canonical-hash"]
    assert second["outcome"] == "same"


@pytest.mark.parametrize(("parameters", "word"), [
    ({"page_size": 0}, "page_size"),
    ({"concept": "a b"}, "concept"),
    ({"second_concept": "<x>"}, "second_concept"),
    ({"count_tolerance": 2.0}, "count_tolerance"),
    ({"most_pages": 0}, "most_pages"),
    ({"resource": 7}, "resource"),
])  # fmt: skip
def test_wrong_parameters_are_a_skip_with_a_reason(
    serve: Any, folder: Folder, parameters: dict[str, Any], word: str
) -> None:
    serve(DigirProvider(plants(3)), **parameters)
    assert list(folder.collect().skips.values()) == ["skipped:bad-parameters"]
    assert word in folder.run("check-registers", str(folder.path)).stdout


def test_the_tasks_command_shows_the_list(serve: Any, folder: Folder) -> None:
    harvested = serve(DigirProvider(plants(60), most=20, interfere=lambda s, n: Page(b"", 410) if n == 5 else None))
    log = harvested.collect()
    done = folder.run("tasks", log.endpoint, "2026-03-01", "--collection-dir", str(folder.path))
    assert done.returncode == 1
    assert "ScientificName-Aaa-Baa-0000000" in done.stdout
    assert "1 failed; failed:incomplete" in done.stdout
    requests = [line.partition("GET ")[2] for line in done.stdout.splitlines() if "Aaa-Baa" in line]
    assert (
        "<filter><and><greaterThanOrEquals>" in requests[0] and "%3C" not in requests[0] and "xmlns" not in requests[0]
    )


def test_the_tasks_command_names_what_does_not_agree_though_no_task_failed(serve: Any, folder: Folder) -> None:
    log = serve(DigirProvider(plants(40), declared=45)).collect()
    asked = ("tasks", log.endpoint, "2026-03-01", "--collection-dir", str(folder.path))
    done = folder.run(*asked)
    assert (done.returncode, "0 failed; failed:incomplete; 45 records declared" in done.stdout) == (1, True)
    assert "40 records came, and 45 are declared" in done.stdout
    said = json.loads(folder.run(*asked, "--json").stdout)
    assert (said["declared-count"], "and 45 are declared" in said["message"]) == (45, True)


def test_the_tasks_of_a_harvest_that_nothing_came_of_exit_with_1(serve: Any, folder: Folder) -> None:
    log = serve(DigirProvider(plants(4), others=("fungi",)), resource="").collect()
    done = folder.run("tasks", log.endpoint, "2026-03-01", "--collection-dir", str(folder.path))
    assert (log.outcome, done.returncode) == ("failed:no-resource", 1)
    assert "1 task, 0 failed; failed:no-resource" in done.stdout


def _text(search: Search) -> bytes:
    from lxml import etree

    return etree.tostring(search.filter)


def real_pages(corpus: Path) -> Path:
    return corpus.parent / "harvest/digir/gbif+crawler/crawler/src/test/resources/org/gbif/crawler/protocol/digir"


def test_real_pages_are_read_as_the_corpus_expects(serve: Any, corpus: Path) -> None:
    folder = real_pages(corpus)
    for expected in json.loads((folder / "responses.json").read_bytes()):
        content = (folder / Path(expected["file_name"]).name).read_bytes()
        provider = DigirProvider([], interfere=lambda s, n, content=content: Page(content), declared="unknown")  # type: ignore[misc]
        harvested = serve(provider, second_concept="")
        log = harvested.collect()
        if expected.get("exception_expected"):
            assert log.outcome == "failed:no-resource"
            continue
        first = next(task for task in log.tasks if task["key"].startswith("Scientific"))
        assert first.get("records", 0) == expected.get("record_count", 0), expected
        asked_on = any(start > 0 for start, _ in provider.pages)
        assert asked_on is (expected.get("end_of_records") is not True), expected


def test_a_provider_that_goes_by_no_filter_is_stopped_soon(serve: Any) -> None:
    page = DigirProvider(plants(90), counts=False, ends="false").answer

    def blind(search: Search, _: int) -> str | None:
        from lxml import etree

        return page(Search(etree.fromstring("<like><ScientificName>%</ScientificName></like>"), 0, 90, ""))

    harvested = serve(DigirProvider(plants(90), interfere=blind, declared="unknown"), page_size=90)
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    assert "does not go by the filter" in log.message
    assert len(harvested.provider.searches) < 20
    assert len(harvested.numbers(log)) == 90


def test_a_look_needs_no_more_than_the_first_page_with_records(tmp_path: Path) -> None:
    provider = DigirProvider(plants(700), most=20)
    politeness = Politeness(pause_share=0.0)
    with WebServer(provider) as server, Gate(limits=Limits(), politeness=politeness, user_agent="t", rules=LOOPBACK,
                                             work=tmp_path, locks=tmp_path / "l") as gate:  # fmt: skip
        request = HarvestRequest(server.url(PATH), {}, work=tmp_path, pending=tmp_path / "p", look=True)
        harvest = digir.harvest(request, gate)
    assert (harvest.complete, harvest.incomplete, harvest.declared_count) == (False, None, 700)
    assert len(provider.pages) == 2, "the range before the first letter is empty"
