"""The `biocase` plugin against a small provider that really evaluates what it is asked."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus

import pytest

from collect_assets.collecting.log import Log
from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer
from collect_assets.plugins.biocase_answers import keep_capabilities, keep_datasets, keep_page, offers, read_answer
from collect_assets.plugins.biocase_requests import schema_of
from collect_assets.plugins.range_pages import PageFacts
from collect_assets.plugins.xml_pages import Repairs
from collect_assets_tests.collecting.kit import DAY, NOON
from collect_assets_tests.plugins.biocase_provider import ABCD_1, PATH, Provider, Unit, abcd_archive, units
from collect_assets_tests.plugins.served import Served

ARCHIVE = "/downloads/Trees.ABCD_2.06.zip"
Serve = Callable[..., Served]


@pytest.fixture
def serve(register: Callable[..., Served]) -> Serve:
    def start(provider: Provider, path: str = PATH, **parameters: Any) -> Served:
        return register(provider, "biocase", path, **{"page_size": 3, **parameters})

    return start


def on_day(served: Served, day: int) -> Log:
    served.folder.now = NOON + dt.timedelta(days=day)
    date = DAY + dt.timedelta(days=day)
    served.server.asked.clear()
    served.folder.collect(date)
    return served.folder.log(served.url, date)


def numbers(served: Served, log: Log) -> list[str]:
    """Of all units, in order of the pages."""
    with zipfile.ZipFile(io.BytesIO(served.content(log))) as archive:
        names = [task["page"] for task in json.loads(archive.read("tasks.json"))["tasks"]]
        content = b"".join(archive.read(name) for name in names)
    return re.findall(r"UnitID>(\w+)</", content.decode("utf-8", "replace"))


def searches(served: Served) -> list[str]:
    asked = [unquote_plus(one.path + one.body.decode()) for one in served.server.asked]
    return [text for text in asked if "<search>" in text and "<count>false" in text]


def test_all_units_come_once_page_by_page(serve: Serve) -> None:
    served = serve(Provider(units(8)))
    log = served.collect()
    assert (log.outcome, log.complete, log.coverage) == ("first", True, "full")
    assert numbers(served, log) == [unit.number for unit in units(8)]
    assert [re.findall(r'start="(\d+)" limit="(\d+)"', text)[0] for text in searches(served)] == [
        ("0", "3"), ("3", "3"), ("6", "3")
    ]  # fmt: skip


def test_the_same_pages_are_the_same_resource_though_headers_and_diagnostics_differ(serve: Serve) -> None:
    served = serve(Provider(units(5)))
    served.collect()
    assert on_day(served, 1).outcome == "same"


@pytest.mark.parametrize("way", ["GET request", "GET query", "POST request"])
def test_a_provider_is_asked_in_the_way_that_it_takes(serve: Serve, way: str) -> None:
    served = serve(Provider(units(4), ways=frozenset({way}), inventories=False))
    log = served.collect()
    assert (log.complete, len(numbers(served, log))) == (True, 4)


def test_abcd_1_2_has_its_own_paths(serve: Serve) -> None:
    served = serve(Provider([*units(4), *units(2, "Shrubs")], namespace=ABCD_1, inventories=False), dataset="Trees")
    log = served.collect()
    assert (log.complete, numbers(served, log)) == (True, [unit.number for unit in units(4)])
    assert "OriginalSource/SourceName" in searches(served)[0]


def test_the_best_schema_is_taken_or_the_one_that_is_named() -> None:
    offered = [ABCD_1, "http://www.tdwg.org/schemas/abcd/2.06", "http://www.synthesys.info/ABCDEFG/1.0"]
    assert schema_of(offered, "") == offered[1]
    assert schema_of(offered, "1.2") == ABCD_1
    assert schema_of(offered, offered[2]) == offered[2]
    assert schema_of(offered, "2.1") == ""


def test_a_schema_that_is_not_there_is_named(serve: Serve) -> None:
    log = serve(Provider(units(2)), namespace="1.2").collect()
    assert (log.outcome, "abcd/2.06" in log.message) == ("failed:no-schema", True)


@pytest.mark.parametrize("inventories", [True, False])
def test_of_several_datasets_the_one_behind_the_hash_or_in_parameters_is_asked(serve: Serve, inventories: bool) -> None:
    both = [*units(4), *units(3, "Moose & elk")]
    served = serve(Provider(both, inventories=inventories), f"{PATH}#{quote('Moose & elk')}")
    log = served.collect()
    assert numbers(served, log) == [unit.number for unit in units(3, "Moose & elk")]
    assert not any("#" in one.path for one in served.server.asked)
    named = serve(Provider(both, inventories=inventories), dataset="trees")
    assert len(numbers(named, named.collect())) == 4


@pytest.mark.parametrize("dataset", ["", "Mosses"])
def test_a_dataset_that_is_not_there_or_not_named_is_a_failure_with_the_titles(serve: Serve, dataset: str) -> None:
    log = serve(Provider([*units(4), *units(3, "Shrubs")]), dataset=dataset).collect()
    assert (log.outcome, "'Shrubs', 'Trees'" in log.message) == ("failed:no-dataset", True)


def test_a_provider_without_inventory_and_scan_is_asked_for_all_it_has(serve: Serve) -> None:
    served = serve(Provider([Unit(f"{n}", title="") for n in range(7)], inventories=False, scans=False))
    log = served.collect()
    assert (log.complete, len(numbers(served, log))) == (True, 7)
    assert "isNotNull" in searches(served)[0]


def test_a_page_may_be_smaller_than_asked_for(serve: Serve) -> None:
    served = serve(Provider(units(7), limit=2), page_size=5)
    log = served.collect()
    assert (log.complete, len(numbers(served, log)), len(searches(served))) == (True, 7, 4)


def test_hits_that_are_a_lower_bound_do_not_end_it_too_soon(serve: Serve) -> None:
    served = serve(Provider(units(10), looks_ahead=True))
    log = served.collect()
    assert (log.complete, len(numbers(served, log))) == (True, 10)


@pytest.mark.parametrize("silent", ["totalSearchHits", "recordStart", "recordDropped", "recordCount"])
def test_without_one_of_the_counts_it_is_paged_until_the_count_is_reached(serve: Serve, silent: str) -> None:
    served = serve(Provider(units(7), silent=frozenset({silent})))
    log = served.collect()
    assert (log.complete, len(numbers(served, log))) == (True, 7)


def test_dropped_records_move_the_offset_and_make_it_incomplete(serve: Serve) -> None:
    gone = frozenset({"T00002", "T00004", "T00005", "T00006"})
    served = serve(Provider(units(8), dropped=gone))
    log = served.collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "4 of 8 records came, and 4 were left out by the provider" in log.message
    assert numbers(served, log) == ["T00001", "T00003", "T00007", "T00008"]
    assert serve(Provider(units(8), dropped=gone), count_tolerance=0.5).collect().complete


def test_nothing_that_matches_is_an_empty_harvest(serve: Serve) -> None:
    served = serve(Provider([]), dataset="Trees")
    log = served.collect()
    assert (log.good, log.complete, numbers(served, log)) == (True, True, [])


def test_a_large_dataset_is_asked_for_by_ranges_with_those_without_a_name(serve: Serve) -> None:
    nameless = [Unit(f"X{n}", None) for n in range(4)]
    served = serve(
        Provider([*units(20), *nameless, Unit("Z1", "ünder"), Unit("Z2", "")]), split_above=10, page_size=100
    )
    log = served.collect()
    assert (log.complete, len(set(numbers(served, log)))) == (True, 26)
    assert len(searches(served)) == 28
    assert "isNull" in searches(served)[-1]


def test_f86_a_provider_that_ignores_start_is_asked_by_ranges(serve: Serve) -> None:
    served = serve(Provider([*units(12), Unit("X1", None)], ignores_start=True))
    log = served.collect()
    assert (log.complete, len(set(numbers(served, log)))) == (True, 13)


def test_f86_a_provider_that_ignores_start_and_has_one_name_only_is_incomplete(serve: Serve) -> None:
    served = serve(Provider([Unit(f"T{n}", "Abies alba") for n in range(9)], ignores_start=True))
    log = served.collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "3 of 9 records came" in log.message


def test_f75_fewer_records_than_counted_make_it_incomplete(serve: Serve) -> None:
    served = serve(Provider(units(6), hits=lambda true: true + 4, silent=frozenset({"totalSearchHits"})))
    log = served.collect()
    assert (log.outcome, log.resource, len(numbers(served, log))) == ("failed:incomplete", "", 6)
    assert "6 of 10 records came" in log.message


def test_f77_a_page_that_fails_for_good_leaves_the_others_and_is_asked_again(serve: Serve) -> None:
    provider = Provider(units(12), fails=frozenset({"T00005"}))
    served = serve(provider)
    log = served.collect()
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert numbers(served, log) == [f"T{n:05d}" for n in (1, 2, 3, 7, 8, 9, 10, 11, 12)]
    assert "SQLError" in log.message
    provider.fails = frozenset()
    log = served.collect()
    assert (log.complete, len(numbers(served, log)), len(searches(served))) == (True, 12, 1)


def test_f87_diagnostics_are_read_and_what_they_give_away_is_not_passed_on(serve: Serve) -> None:
    served = serve(Provider(units(3), fails=frozenset({"T00001"})))
    log = served.collect()
    assert (log.outcome, "SQLError" in log.message) == ("failed:service-error", True)
    assert not re.search("SELECT|passwords|/var/www|admin", log.to_json().decode())


def test_f87_bad_characters_ampersands_and_encodings_do_not_stop_a_harvest(serve: Serve) -> None:
    def worse(kind: str, body: bytes) -> bytes:
        return body.replace(b"Betula 1<", b"Betula \x0b & \xe4<") if kind == "search" else body

    served = serve(Provider(units(5), worse=worse))
    log = served.collect()
    assert (log.complete, len(numbers(served, log))) == (True, 5)
    assert any("read as cp1252; 1 forbidden" in task.get("message", "") for task in log.tasks)


def test_f87_a_page_that_is_cut_off_is_asked_again(serve: Serve) -> None:
    cut: list[bytes] = []

    def worse(kind: str, body: bytes) -> bytes:
        if kind == "search" and b"T00001<" in body and not cut:
            cut.append(body)
            return body[: len(body) // 2]
        return body

    served = serve(Provider(units(5), worse=worse))
    log = served.collect()
    assert (log.complete, len(numbers(served, log))) == (True, 5)


def test_f87_another_document_is_a_failure(serve: Serve) -> None:
    log = serve(Provider(units(2), worse=lambda *_: b"<rss/>")).collect()
    assert (log.outcome, "first element is rss" in log.message) == ("failed:not-a-page", True)


def test_f56_entities_are_not_resolved(serve: Serve) -> None:
    def worse(kind: str, body: bytes) -> bytes:
        declared = b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><biocase:response"
        return body.replace(b"<biocase:response", declared, 1) if kind == "search" else body

    log = serve(Provider(units(2), worse=worse)).collect()
    assert log.outcome == "failed:xml-entity"


def test_f82_a_unit_without_an_id_is_in_the_archive_for_the_reader_to_report(serve: Serve) -> None:
    served = serve(Provider(units(3), worse=lambda _, body: body.replace(b"<abcd:UnitID>T00002</abcd:UnitID>", b"")))
    log = served.collect()
    assert (log.complete, numbers(served, log)) == (True, ["T00001", "T00003"])
    assert b"".join(served.content(log).split()).count(b"<abcd:Unit>") == 3


def with_archive(content: bytes, count: int = 5, **more: Any) -> Provider:
    return Provider(units(5), archives={"Trees": (ARCHIVE, content, count)}, **more)


def test_an_archive_takes_the_place_of_the_first_search(serve: Serve) -> None:
    packed = abcd_archive(units(5))
    served = serve(with_archive(packed))
    log = served.collect()
    assert (log.outcome, log.complete, log.coverage) == ("first", True, "full")
    assert served.content(log) == packed
    assert searches(served) == []
    assert list(served.folder.path.glob("work/pending/*")) == []
    second = on_day(served, 1)
    assert (second.complete, len(searches(served)), len(numbers(served, second))) == (True, 2, 5)


def test_an_archive_can_be_wanted_always_or_never(serve: Serve) -> None:
    served = serve(with_archive(abcd_archive(units(5))), archive="always")
    served.collect()
    assert (on_day(served, 1).outcome, searches(served)) == ("same", [])


def test_an_archive_that_is_not_wanted_is_not_asked_for(serve: Serve) -> None:
    served = serve(with_archive(abcd_archive(units(5))), archive="never")
    assert (served.collect().complete, len(searches(served))) == (True, 2)
    assert ARCHIVE not in [one.path for one in served.server.asked]


def archive_of(*members: tuple[str, bytes], **options: Any) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def encrypted() -> bytes:
    """An archive whose member says that it is encrypted."""
    packed = bytearray(abcd_archive(units(5), of=5))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(mark) + at] |= 1
    return bytes(packed)


def twice() -> bytes:
    """An archive with two members of one name."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        return archive_of(("1.xml", b"<DataSets/>"), ("1.xml", b"<DataSets/>"))


BROKEN = {
    "f75_fewer_records_than_the_inventory_says": (abcd_archive(units(4)), "has 4 records, and the inventory says 5"),
    "f55_truncated": (abcd_archive(units(5))[:-40], "no whole zip"),
    "f55_no_zip": (b"PK\3\4 not a zip", "no whole zip"),
    "f55_encrypted": (encrypted(), "is encrypted"),
    "f55_two_of_one_name": (twice(), "two members have one name"),
    "f55_no_documents": (archive_of(("readme.txt", b"x")), "has no XML document"),
    "f54_bomb": (
        archive_of(("response.00001.xml", b"<DataSets>" + b" " * (70 << 20)), compression=zipfile.ZIP_DEFLATED),
        "unpacks to",
    ),
    "f56_entities": (archive_of(("1.xml", b"<!DOCTYPE a [<!ENTITY e 'x'>]><DataSets/>")), "declares entities"),
    "one_document_is_broken": (archive_of(("1.xml", b"<DataSets>"), ("2.xml", b"<DataSets/>")), "not well-formed"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_an_archive_that_cannot_be_trusted_is_not_used_and_the_provider_is_searched(serve: Serve, fault: str) -> None:
    content, words = BROKEN[fault]
    served = serve(with_archive(content))
    log = served.collect()
    assert (log.outcome, log.complete, len(numbers(served, log))) == ("first", True, 5)
    assert "the archive of the provider is not used" in log.message
    assert words in log.message


def test_f53_names_of_members_are_never_paths(serve: Serve, tmp_path: Path) -> None:
    evil = archive_of(("../../evil.xml", b"<DataSets><DataSet><Units><Unit/></Units></DataSet></DataSets>"))
    served = serve(with_archive(evil, 1))
    assert served.collect().complete
    assert not list(tmp_path.rglob("evil.xml"))


REAL = "biocase/gbif+crawler/crawler/src/test/resources/org/gbif/crawler/protocol/biocase"
ABOUT = "biocase/gbif+crawler/crawler-metasync/src/test/resources/biocase"


@pytest.fixture
def samples(corpus: Path) -> Path:
    return corpus.parent / "harvest"


def answer(path: Path) -> Answer:
    return Answer(path.name, 200, {}, {}, (), (), 0.0, path, None, path.stat().st_size, path.read_bytes()[:2048])


def test_real_pages_have_what_is_expected_of_them(samples: Path) -> None:
    expected = json.loads((samples / REAL / "responses.json").read_bytes())
    digests: dict[int, set[str]] = {}
    for row in expected:
        path = samples / REAL / row["file_name"].rsplit("/", 1)[-1]
        if row.get("exception_expected"):
            with pytest.raises(FailedError):
                keep_page(answer(path), path)
            continue
        kept = keep_page(answer(path), path)
        facts = PageFacts.of(kept.facts)
        assert (facts.said, facts.end) == (row["record_count"], row.get("end_of_records")), path.name
        digests.setdefault(row.get("hash", 0), set()).add(facts.digest)
    assert all(len(found) == 1 for found in digests.values()), "one hash, one content"
    assert len({digest for found in digests.values() for digest in found}) == len(digests)


def test_real_pages_with_dropped_records_say_where_the_next_one_begins(samples: Path) -> None:
    path = samples / REAL / "dropped_records_response.xml"
    facts = PageFacts.of(keep_page(answer(path), path).facts)
    assert (facts.next, facts.dropped, keep_page(answer(path), path).records) == (20, 9, 1)


def test_real_capabilities_and_inventories_are_read(samples: Path) -> None:
    for number, namespace in ((1, "2.06"), (2, "2.06"), (3, "1.2")):
        path = samples / ABOUT / f"capabilities{number}.xml"
        concepts = keep_capabilities(answer(path), path).facts["concepts"]
        assert list(concepts) == [f"http://www.tdwg.org/schemas/abcd/{namespace}"]
        assert any(
            path.endswith(("FullScientificNameString", "NameAuthorYearString")) for path in concepts.popitem()[1]
        )
    titles = [keep_datasets(answer(path), path).facts for path in sorted((samples / ABOUT).glob("inventory*.xml"))]
    assert [len(facts["titles"]) for facts in titles] == [1, 1, 4]
    offer = offers(titles[1], "Collections of Phytoplankton at BGBM", "http://www.tdwg.org/schemas/abcd/2.06")
    assert offer is not None
    assert (offer.records, offer.url.endswith("ABCD_2.06.zip")) == (26943, True)


def test_real_pages_of_both_versions_of_abcd_have_their_units(samples: Path) -> None:
    paths = sorted((samples / ABOUT).glob("dataset*.xml"))
    assert [read_answer(path.name, path, Repairs()).units for path in paths] == [1] * len(paths)
