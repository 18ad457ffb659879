"""The `tapir` plugin against a provider that evaluates its filters, in each of the ways in which it can be asked."""

from __future__ import annotations

import gzip
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
from collect_assets.folding.fold import fold
from collect_assets.searching.query import Query
from collect_assets.searching.search import open_index
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, Folder
from collect_assets_tests.plugins.digir_provider import Row, plants
from collect_assets_tests.plugins.served import Served
from collect_assets_tests.plugins.tapir_provider import PATH, TEMPLATE, TapirProvider, TapirSearch
from collect_assets_tests.plugins.test_harvested_records import read
from collect_assets_tests.servers import Page

NUMBER = re.compile(r"<c:CatalogNumber>([^<]*)</c:CatalogNumber>")


class Harvested:
    """A provider that is registered, and what collecting it came to."""

    def __init__(self, served: Served, provider: TapirProvider) -> None:
        self.served, self.provider = served, provider

    def collect(self, **options: Any) -> Log:
        self.provider.searches.clear()
        self.provider.asked.clear()
        return self.served.collect(**options)

    def numbers(self, log: Log) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(self.served.content(log))) as archive:
            return [n for name in archive.namelist()[1:] for n in NUMBER.findall(archive.read(name).decode())]


@pytest.fixture
def serve(register: Callable[..., Served]) -> Callable[..., Harvested]:
    def start(provider: TapirProvider, path: str = PATH, **parameters: Any) -> Harvested:
        return Harvested(register(provider, "tapir", path, **parameters), provider)

    return start


def all_once(harvested: Harvested, log: Log, rows: list[Row]) -> bool:
    return Counter(harvested.numbers(log)) == Counter(row["CatalogNumber"] for row in rows)


def test_a_small_resource_comes_in_one_page_with_the_records_that_have_no_name(serve: Any) -> None:
    rows = plants(50, unnamed=5)
    harvested = serve(TapirProvider(rows))
    log = harvested.collect()
    assert (log.outcome, log.complete, log.coverage, log.message) == ("first", True, "full", "")
    assert all_once(harvested, log, rows)
    assert [task["key"] for task in log.tasks] == [
        "capabilities",
        "metadata",
        "way-model",
        "name-begin-end-0000000",
    ]


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("takes", [{"model", "xml"}, {"xml"}])
def test_a_larger_one_comes_by_letters_with_a_range_for_those_without_a_name(
    serve: Any, takes: set[str], counts: bool
) -> None:
    rows = plants(300, unnamed=15)
    harvested = serve(TapirProvider(rows, most=9, takes=frozenset(takes), counts=counts))
    log = harvested.collect()
    assert log.complete, log.message
    assert all_once(harvested, log, rows)
    assert {search.by for search in harvested.provider.searches} == {"model" if "model" in takes else "xml"}
    assert {limit for _, limit in harvested.provider.pages} == {9}, "maxElementRepetitions is kept"
    assert any(task["key"].startswith("name-absent") for task in log.tasks)


def test_a_template_that_the_provider_names_is_used_before_a_model(serve: Any) -> None:
    rows = plants(60)
    provider = TapirProvider(rows, takes=frozenset({"template", "model", "xml"}), templates=(TEMPLATE,))
    harvested = serve(provider)
    log = harvested.collect()
    assert log.outcome == "first"
    assert all_once(harvested, log, rows)
    assert {search.by for search in provider.searches} == {"template"}
    assert "without a name cannot be asked for" in log.message


def test_records_that_a_template_cannot_ask_for_are_not_taken_for_gone(serve: Any, folder: Folder) -> None:
    rows = plants(60, unnamed=10)
    provider = TapirProvider(rows, takes=frozenset({"model", "template"}))
    harvested = serve(provider)
    assert harvested.collect().complete
    provider.takes, provider.templates = frozenset({"template"}), (TEMPLATE,)
    folder.tomorrow()
    log = folder.log(harvested.served.url, NEXT_DAY)
    assert (log.outcome, log.complete, log.coverage) == ("changed", False, "changes")
    assert len(harvested.numbers(log)) == 60
    assert "proves no deletion" in log.message
    toml = folder.path / "collection.toml"
    toml.write_text((toml.read_text() if toml.is_file() else "") + "\n[items]\nabsences-before-deletion = 1\n")
    for day in (DAY, NEXT_DAY):
        fold(folder.collection, day)
    with open_index(folder.collection) as index:
        assert index.count(Query(), as_of=NEXT_DAY) == 70


def test_without_a_range_for_those_without_a_name_the_count_decides_whether_all_came(serve: Any) -> None:
    log = serve(TapirProvider(plants(300), most=50, nulls=False)).collect()
    assert (log.outcome, log.complete, log.coverage) == ("first", True, "full")
    log = serve(TapirProvider(plants(300, unnamed=15), most=50, nulls=False)).collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "300 of 315 records came" in log.message
    log = serve(TapirProvider(plants(60), most=50, nulls=False, counts=False)).collect()
    assert (log.outcome, log.complete, log.coverage) == ("first", False, "changes")


def test_of_a_provider_that_knows_only_templates_of_its_own_the_one_for_ranges_is_used(serve: Any) -> None:
    rows = plants(60)
    own = "http://localhost/my_sci_name_range.xml"
    harvested = serve(TapirProvider(rows, takes=frozenset({"template"}), templates=("http://localhost/x.xml", own)))
    log = harvested.collect()
    assert log.outcome == "first"
    assert all_once(harvested, log, rows)
    log = serve(TapirProvider(rows, takes=frozenset({"template"}), templates=("a",)), template="a").collect()
    assert log.outcome == "first"


def test_a_provider_that_knows_no_published_model_is_given_one_of_its_own_concepts(serve: Any, folder: Folder) -> None:
    rows = plants(60, unnamed=3)
    provider = TapirProvider(rows, most=9, takes=frozenset({"inline"}))
    harvested = serve(provider)
    log = harvested.collect()
    assert log.complete, log.message
    assert {search.by for search in provider.searches} == {"inline"}
    report, found = read(folder, log)
    assert (report.problem, report.rejected, len(found)) == ("", 0, 63)
    assert set(report.columns) == {"scientificName", "catalogNumber"}
    assert not [task for task in log.tasks if task["state"] == "failed"]


def test_where_no_search_is_taken_the_provider_s_words_are_the_reason(serve: Any) -> None:
    log = serve(TapirProvider(plants(3), takes=frozenset())).collect()
    assert log.outcome == "failed:service-error"
    assert "UNSUPPORTED_OUTPUT_MODEL" in log.message
    assert Counter(task["state"] for task in log.tasks)["failed"] == 4


def test_the_resource_may_stand_in_the_query_of_the_url(serve: Any) -> None:
    rows = plants(20)
    harvested = serve(TapirProvider(rows), "/tapir.php?dsa=herb")
    assert all_once(harvested, harvested.collect(), rows)
    log = serve(TapirProvider(rows), "/tapir.php?dsa=other").collect()
    assert log.outcome == "failed:no-resource"


def test_next_is_followed_where_records_were_left_out_even_a_whole_page_of_them(serve: Any) -> None:
    rows = plants(30)
    drops = frozenset(str(number) for number in range(10, 20)) | {"3"}
    harvested = serve(TapirProvider(rows, most=10, drops=drops), split_above=100, page_size=30)
    harvested.provider.most = 10
    log = harvested.collect()
    assert set(harvested.numbers(log)) == {str(number) for number in range(30)} - drops
    assert log.outcome == "failed:incomplete"
    assert "19 of 30 records came" in log.message
    assert "left out by the provider" in log.message
    assert (
        serve(TapirProvider(rows, most=10, drops=drops), count_tolerance=0.5).collect().outcome == "failed:incomplete"
    )
    assert serve(TapirProvider(rows, most=40, drops=frozenset({"3"})), count_tolerance=0.05).collect().complete


def test_a_next_that_leads_back_is_noticed(serve: Any) -> None:
    """Fault F86."""

    def loops(search: TapirSearch, _: int) -> str | None:
        return harvested.provider.answer(search).replace('next="', 'next="0" was="') if search.limit > 1 else None

    harvested = serve(TapirProvider(plants(300), most=5, interfere=loops))
    log = harvested.collect()
    assert log.outcome == "failed:incomplete"
    assert "names 0 as its next" in log.message


def test_a_missing_next_is_the_end_unless_more_match(serve: Any) -> None:
    def silent(text: str) -> str:
        return re.sub(' next="[0-9]+"', "", text)

    rows = plants(300)
    harvested = serve(TapirProvider(rows, most=5, change=silent))
    log = harvested.collect()
    assert log.complete
    assert all_once(harvested, log, rows)


def test_a_range_with_many_records_is_split(serve: Any) -> None:
    rows = [*plants(26), *({"ScientificName": f"A{'bcde'[n % 4]}s {n}", "CatalogNumber": f"n{n}"} for n in range(80))]
    harvested = serve(TapirProvider(rows, most=25), split_above=50)
    log = harvested.collect()
    assert log.complete
    assert all_once(harvested, log, rows)
    assert any(task["key"].startswith("name-Aaa-Aba") for task in log.tasks)


@pytest.mark.parametrize(
    ("code", "why"), [("CONTENT_UNAVAILABLE", "unavailable"), ("UNMAPPED_CONCEPT", "service-error")]
)
def test_an_error_document_fails_the_page_with_its_words(serve: Any, code: str, why: str) -> None:
    def interfere(search: TapirSearch, _: int) -> str | None:
        return harvested.provider._error(code, "sorry") if "Caa" in search.text else None

    harvested = serve(TapirProvider(plants(300), most=20, interfere=interfere))
    log = harvested.collect()
    failed = [task for task in log.tasks if task["state"] == "failed"]
    assert len(failed) == 2
    assert f"{code} (error): sorry" in failed[0]["message"]
    asked = sum("Caa" in search.text for search in harvested.provider.searches)
    assert asked == (4 if why == "unavailable" else 2)
    assert log.outcome == "failed:incomplete"


def test_a_bare_error_without_an_envelope_is_read_too(serve: Any) -> None:
    bare = '<error xmlns="http://rs.tdwg.org/tapir/1.0" code="INVALID_REQUEST">no</error>'
    log = serve(TapirProvider(plants(3), interfere=lambda *_: bare)).collect()
    assert "INVALID_REQUEST (error): no" in log.message


def test_warnings_of_php_are_noted_and_fail_nothing(serve: Any) -> None:
    warning = (
        "<diagnostics><diagnostic code='PHP Warning' level='warn'>strftime()</diagnostic></diagnostics></response>"
    )
    harvested = serve(TapirProvider(plants(30), change=lambda text: text.replace("</response>", warning)))
    log = harvested.collect()
    assert log.complete
    assert "strftime" in log.tasks[-1]["message"]


def document(*numbers: int) -> bytes:
    records = "".join(f"<DarwinRecord><CatalogNumber>{number}</CatalogNumber></DarwinRecord>" for number in numbers)
    return f"<DarwinRecordSet>{records}</DarwinRecordSet>".encode()


def zip_of(*documents: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(documents):
            archive.writestr(f"{number}.xml", content)
    return packed.getvalue()


def archive_at(harvested: Harvested, path: str, count: int | None = None, created: str = "2010-02-01") -> str:
    base = harvested.served.url.removesuffix(PATH)
    counted = "" if count is None else f' numberOfRecords="{count}"'
    return f'<archive format="x" location="{base}{path}" creation="{created}"{counted} outputModel="m"/>'


def test_an_archive_that_the_capabilities_name_is_the_first_harvest_and_pages_are_the_next(
    serve: Any, folder: Folder
) -> None:
    content = zip_of(document(*range(30)), document(*range(30, 40)))
    provider = TapirProvider(plants(40), files={"/old.zip": b"PK old", "/new.zip": content})
    harvested = serve(provider)
    provider.archives = (
        archive_at(harvested, "/new.zip", 40)
        + archive_at(harvested, "/old.zip", created="2010-01-01")
        + archive_at(harvested, "/gone", created="2011-01-01")
    )
    log = harvested.collect()
    assert harvested.served.content(log) == content
    assert (log.complete, log.coverage) == (True, "full")
    assert "/new.zip" in log.message
    assert provider.searches == []
    folder.tomorrow()
    assert len(provider.searches) == 2


PACKINGS: dict[str, Callable[[bytes], bytes]] = {"zip": zip_of, "gzip": gzip.compress, "document": bytes}


@pytest.mark.parametrize("packing", PACKINGS)
def test_f75_an_archive_with_fewer_records_than_the_capabilities_say_is_named_and_pages_are_asked_for(
    serve: Any, packing: str
) -> None:
    content = PACKINGS[packing](document(*range(30)))
    provider = TapirProvider(rows := plants(40), files={"/a": content})
    harvested = serve(provider)
    provider.archives = archive_at(harvested, "/a", 40)
    log = harvested.collect()
    assert "the archive has 30 records, and the capabilities say 40" in log.message
    assert (log.complete, log.coverage) == (True, "full")
    assert all_once(harvested, log, rows)
    tolerant = serve(provider, count_tolerance=0.25)
    provider.archives = archive_at(tolerant, "/a", 40)
    log = tolerant.collect()
    assert tolerant.served.content(log) == content
    assert (log.complete, log.coverage) == (True, "full")


def test_an_archive_of_which_nobody_says_how_many_records_it_has_proves_no_deletion(serve: Any) -> None:
    provider = TapirProvider(plants(40), files={"/a": zip_of(document(*range(30)))})
    harvested = serve(provider)
    provider.archives = archive_at(harvested, "/a")
    log = harvested.collect()
    assert (log.outcome, log.complete, log.coverage) == ("first", False, "changes")
    assert "is not said, so it proves no deletion" in log.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"anything at all", "not well-formed"),
        (zip_of(document(*range(40)))[:-30], "no whole zip"),
        (gzip.compress(document(*range(40)))[:-9], "no whole gzip"),
        (gzip.compress(b"<a>" + b" " * (70 << 20)), "unpacks to more than"),
        (document(*range(40))[:-20], "not well-formed"),
        (b"<DarwinRecordSet/>", "0 records"),
        (zip_of(b"<error code='IO_ERROR'>gone</error>"), "IO_ERROR"),
    ],
)
def test_an_archive_that_cannot_be_read_whole_is_not_used_and_pages_are_asked_for(
    serve: Any, content: bytes, said: str
) -> None:
    provider = TapirProvider(rows := plants(40), files={"/a": content})
    harvested = serve(provider)
    provider.archives = archive_at(harvested, "/a", 40)
    log = harvested.collect()
    assert "the archive that the capabilities name is not used" in log.message
    assert said in log.message
    assert all_once(harvested, log, rows)


def test_an_archive_is_left_alone_where_the_parameters_say_so(serve: Any) -> None:
    archive = '<archive format="x" location="http://127.0.0.1:9/a.zip" creation="2010-02-01" outputModel="m"/>'
    harvested = serve(TapirProvider(plants(9), archives=archive), archive=False)
    log = harvested.collect()
    assert log.complete
    assert "archive" not in log.message
    assert len(harvested.numbers(log)) == 9


def test_a_provider_that_answers_no_more_than_a_ping_is_said_to(serve: Any) -> None:
    log = serve(TapirProvider(plants(3), alive=False)).collect()
    assert log.outcome == "failed:status"
    assert "it answers a ping" in log.message


def test_a_document_of_something_else_is_no_provider(serve: Any) -> None:
    log = serve(TapirProvider(plants(3), change=lambda _: "<rss/>")).collect()
    assert log.outcome == "failed:not-a-page"
    assert "first element is rss" in log.message


def test_failed_pages_are_asked_again_in_a_later_run_and_no_others(serve: Any) -> None:
    broken = [True]

    def interfere(search: TapirSearch, _: int) -> Page | None:
        return Page(b"", 410) if broken[0] and search.start == 5 and '"Caa"' in search.text else None

    rows = plants(200)
    harvested = serve(TapirProvider(rows, most=5, interfere=interfere))
    assert harvested.collect().outcome == "failed:incomplete"
    broken[0] = False
    log = harvested.collect()
    assert harvested.provider.asked == ["search", "search"]
    assert log.complete
    assert all_once(harvested, log, rows)


def test_the_next_day_the_same_records_are_the_same(serve: Any, folder: Folder) -> None:
    harvested = serve(TapirProvider(plants(60)))
    harvested.collect()
    folder.tomorrow()
    [first, second] = [json.loads(path.read_bytes()) for path in sorted(folder.path.glob("log/*/*.json"))]
    assert first["resource"] != second["resource"]
    assert second["outcome"] == "same"


@pytest.mark.parametrize(("parameters", "word"), [({"archive": "no"}, "archive"), ({"concept": "a b"}, "concept")])
def test_wrong_parameters_are_a_skip(serve: Any, folder: Folder, parameters: dict[str, Any], word: str) -> None:
    serve(TapirProvider(plants(3)), **parameters)
    assert list(folder.collect().skips.values()) == ["skipped:bad-parameters"]
    assert word in folder.run("check-registers", str(folder.path)).stdout


def test_real_pages_are_read_as_the_corpus_expects(serve: Any, corpus: Path) -> None:
    folder = corpus.parent / "harvest/tapir/gbif+crawler/crawler/src/test/resources/org/gbif/crawler/protocol/tapir"
    digests: dict[str, set[int]] = {}
    for expected in json.loads((folder / "responses.json").read_bytes()):
        content = (folder / Path(expected["file_name"]).name).read_bytes()
        provider = TapirProvider([], interfere=lambda s, n, content=content: Page(content))  # type: ignore[misc]
        log = serve(provider).collect()
        first = next(task for task in log.tasks if task["key"].startswith("name-"))
        assert first.get("records", 0) == expected["record_count"], expected
        asked_on = any(start > 0 for start, _ in provider.pages)
        assert asked_on is (expected.get("end_of_records") is False), expected
        digests.setdefault(str(expected.get("hash")), set()).add(asked_on)
    assert len(digests) == 3


def test_real_capabilities_are_understood(serve: Any, corpus: Path) -> None:
    folder = corpus.parent / "harvest/tapir/gbif+crawler/crawler-metasync/src/test/resources/tapir"
    content = (folder / "capabilities1.xml").read_text()
    rows = plants(300)
    harvested = serve(TapirProvider(rows, change=lambda text: content if "<capabilities>" in text else text))
    log = harvested.collect()
    assert log.complete
    assert {limit for _, limit in harvested.provider.pages} == {200}
    assert any(task["key"].startswith("name-absent") for task in log.tasks)
