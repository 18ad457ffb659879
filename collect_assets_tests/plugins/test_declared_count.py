"""How many records a provider says that it has: from its answers into the log, and into what describes an endpoint."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from collect_assets.collecting.log import Log
from collect_assets.items.day import derive_day_records
from collect_assets.items.descriptions import Described, describe
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, NOON, Folder
from collect_assets_tests.plugins import (
    arcgis_service,
    biocase_provider,
    digir_provider,
    oai_repository,
    tapir_provider,
)
from collect_assets_tests.plugins.arcgis_service import point
from collect_assets_tests.plugins.biocase_provider import abcd_archive, units
from collect_assets_tests.plugins.digir_provider import DigirProvider, plants
from collect_assets_tests.plugins.oai_repository import Item, Repository, trees
from collect_assets_tests.plugins.served import Served
from collect_assets_tests.plugins.tapir_provider import TEMPLATE, TapirProvider
from collect_assets_tests.plugins.test_tapir import document, zip_of
from collect_assets_tests.plugins.test_wfs import GETFEATURE
from collect_assets_tests.plugins.test_wfs import Service as WebFeatures
from collect_assets_tests.servers import Page

Register = Callable[..., Served]
PATHS = {
    "arcgis": arcgis_service.PATH,
    "biocase": biocase_provider.PATH,
    "digir": digir_provider.PATH,
    "oai-pmh": oai_repository.PATH,
    "tapir": tapir_provider.PATH,
    "wfs": GETFEATURE,
}
BIOCASE_ARCHIVE = {"Trees": ("/downloads/Trees.ABCD_2.06.zip", abcd_archive(units(5)), 5)}
BY_TEMPLATE: Mapping[str, Any] = {"takes": frozenset({"template"}), "templates": (TEMPLATE,)}

CASES: dict[str, tuple[str, Callable[[], Any], Mapping[str, Any], int | None]] = {
    "digir, of its metadata": ("digir", lambda: DigirProvider(plants(40), declared=45), {}, 45),
    "digir, as it counts": ("digir", lambda: DigirProvider(plants(40), declared="unknown"), {}, 40),
    "digir that does neither": ("digir", lambda: DigirProvider(plants(40), declared="", counts=False), {}, None),
    "tapir": ("tapir", lambda: TapirProvider(plants(36, unnamed=4), most=9), {}, 40),
    "tapir, by a template": ("tapir", lambda: TapirProvider(plants(36, unnamed=4), **BY_TEMPLATE), {}, 36),
    "tapir that does not count": ("tapir", lambda: TapirProvider(plants(40), counts=False), {}, None),
    "biocase": ("biocase", lambda: biocase_provider.Provider(units(8), limit=3, looks_ahead=True), {}, 8),
    "biocase, some dropped": ("biocase", lambda: biocase_provider.Provider(units(8), dropped=frozenset("3")), {}, 8),
    "biocase, an archive": ("biocase", lambda: biocase_provider.Provider(units(5), archives=BIOCASE_ARCHIVE), {}, 5),
    "oai-pmh": ("oai-pmh", lambda: Repository(trees(8)), {}, 8),
    "oai-pmh, which lacks some": ("oai-pmh", lambda: Repository(trees(8), lists=lambda true: true + 2), {}, 10),
    "oai-pmh that says nothing": ("oai-pmh", lambda: Repository(trees(8), lists=lambda _: None), {}, None),
    "arcgis": ("arcgis", lambda: arcgis_service.Service([point(n) for n in range(1, 8)], most=3), {}, 7),
    "arcgis that does not count": ("arcgis", lambda: arcgis_service.Service([point(1)], counts=False), {}, None),
    "wfs, in pages": ("wfs", lambda: WebFeatures(30), {"page_size": 20}, 30),
    "wfs, by hits": ("wfs", lambda: WebFeatures(30, says=False), {"page_size": 20}, 30),
    "wfs, in one": ("wfs", lambda: WebFeatures(30), {}, 30),
    "wfs in one, of JSON": ("wfs", lambda: WebFeatures(30, json=True), {}, None),
}  # fmt: skip


def described(folder: Folder, upto: dt.date = DAY) -> Described:
    """The one endpoint, once its resource is read."""
    derive_day_records(folder.collection, upto)
    (found,) = describe(folder.collection, upto)
    return found


@pytest.mark.parametrize("case", CASES)
def test_what_a_provider_declares_stands_in_its_log_and_describes_it(
    register: Register, folder: Folder, case: str
) -> None:
    plugin, provider, parameters, count = CASES[case]
    log = register(provider(), plugin, PATHS[plugin], **parameters).collect()
    assert (bool(log.resource or log.partial_resource), log.declared_count) == (True, count)
    derive_day_records(folder.collection, DAY)
    assert [said.declared_count for said in describe(folder.collection) if said.declared_count] == (
        [str(count)] if count else []
    )


def test_the_archive_of_a_tapir_provider_has_as_many_records_as_its_capabilities_say(register: Register) -> None:
    provider = TapirProvider([], files={"/a.zip": zip_of(document(*range(30)))})
    served = register(provider, "tapir", tapir_provider.PATH)
    location = served.url.removesuffix(tapir_provider.PATH) + "/a.zip"
    provider.archives = f'<archive format="x" location="{location}" creation="2010-01-01" numberOfRecords="30"/>'
    assert served.collect().declared_count == 30


def on_day(served: Served, day: int) -> Log:
    date = DAY + dt.timedelta(days=day)
    served.folder.now = NOON + dt.timedelta(days=day)
    served.folder.collect(date)
    return served.folder.log(served.url, date)


def test_a_list_of_changes_says_nothing_of_how_many_there_are_and_one_of_identifiers_does(
    register: Register, folder: Folder
) -> None:
    repository = Repository(trees(8), deleted_record="no")
    served = register(repository, "oai-pmh", oai_repository.PATH, identifiers_every_days=2)
    assert served.collect().declared_count == 8
    repository.now = "2026-03-02T10:00:00Z"
    repository.items.append(Item(9, "2026-03-01T18:00:00Z"))
    changes = on_day(served, 1)
    assert (changes.coverage, changes.declared_count) == ("changes", None)
    said = described(folder, NEXT_DAY)
    assert (said.declared_count, said.records, said.coverage) == ("8", "1", "changes"), "of the last list of all"
    repository.now = "2026-03-03T10:00:00Z"
    identifiers = on_day(served, 2)
    assert (identifiers.coverage, identifiers.declared_count) == ("identifiers", 9)
    assert described(folder, DAY + dt.timedelta(days=2)).declared_count == "9"
    assert described(folder, DAY).declared_count == "8", "as of an earlier day"


def test_a_harvest_that_lacks_records_says_how_many_it_should_have_brought(register: Register, folder: Folder) -> None:
    log = register(TapirProvider(plants(40), drops=frozenset({"3", "4"})), "tapir", tapir_provider.PATH).collect()
    assert (log.outcome, log.resource, log.declared_count) == ("failed:incomplete", "", 40)
    said = described(folder)
    assert (said.said_by, said.declared_count, said.entry_date) == ("tapir", "40", str(DAY))


def test_what_says_nothing_of_itself_is_described_by_what_its_plugin_was_told(
    register: Register, folder: Folder
) -> None:
    served = register(arcgis_service.Service([point(1), point(2)]), "arcgis", arcgis_service.PATH)
    served.collect()
    said = described(folder)
    assert (said.endpoint_url, said.said_by, said.declared_count, said.records) == (served.url, "arcgis", "2", "2")


REAL: dict[str, tuple[str, str, int]] = {
    "tapir": ("tapir/gbif+crawler/crawler-metasync/src/test/resources/tapir/search1.xml", "tapir", 167348),
    "biocase": (
        "biocase/gbif+crawler/crawler/src/test/resources/org/gbif/crawler/protocol/biocase/complete_results.xml",
        "biocase",
        322,
    ),
    "oai-pmh": ("oai-pmh/mloesch+sickle/sickle/tests/sample_data/ListRecords.xml", "oai-pmh", 8),
}


@pytest.mark.parametrize("name", REAL)
def test_real_answers_declare_their_count(register: Register, corpus: Path, name: str) -> None:
    path, plugin, count = REAL[name]
    content = (corpus.parent / "harvest" / path).read_bytes()
    providers: dict[str, Callable[[], Any]] = {
        "tapir": lambda: TapirProvider([], interfere=lambda *_: Page(content)),
        "biocase": lambda: biocase_provider.Provider(units(1), worse=lambda s, b: content if s == "search" else b),
        "oai-pmh": lambda: Repository([], garbage=lambda given, b: content if given["verb"] == "ListRecords" else b),
    }
    assert register(providers[name](), plugin, PATHS[plugin]).collect().declared_count == count
