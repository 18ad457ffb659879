"""A URL of a record protocol is known by what it answers, and a look ends with its first page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collect_assets.checking.check import check_url
from collect_assets.checking.protocols import protocol_of
from collect_assets_tests.collecting.kit import LOOPBACK
from collect_assets_tests.plugins import biocase_provider, digir_provider, oai_repository, tapir_provider
from collect_assets_tests.servers import WebServer

CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "oai-pmh": (lambda: oai_repository.Repository(oai_repository.trees(30)), oai_repository.PATH),
    "biocase": (lambda: biocase_provider.Provider(biocase_provider.units(30), limit=3), biocase_provider.PATH),
    "digir": (lambda: digir_provider.DigirProvider(digir_provider.plants(30), most=3), digir_provider.PATH),
    "tapir": (lambda: tapir_provider.TapirProvider(digir_provider.plants(30), most=3), tapir_provider.PATH),
}


@pytest.mark.parametrize("plugin", CASES)
def test_the_plugin_of_a_protocol_is_found_and_a_look_asks_for_one_page_of_records(plugin: str) -> None:
    provider, path = CASES[plugin]
    with WebServer(provider()) as server:
        check = check_url(server.url(path), rules=LOOPBACK)
    assert (check.plugin, check.collectable) == (plugin, True), check
    assert 0 < check.records < 10
    assert len(server.asked) < 9


def test_a_whole_request_for_records_is_of_its_protocol() -> None:
    with WebServer(oai_repository.Repository(oai_repository.trees(30))) as server:
        check = check_url(server.url(f"{oai_repository.PATH}?verb=ListRecords&metadataPrefix=oai_dc"), rules=LOOPBACK)
    assert (check.plugin, check.collectable) == ("oai-pmh", True)


def test_a_saved_page_of_records_and_other_documents_are_of_no_protocol() -> None:
    page = b'<?xml version="1.0"?>\n<response xmlns="http://digir.net/schema/protocol/2003/1.0"><content><record/></content>'
    assert protocol_of(page) == ""
    assert protocol_of(page.replace(b"<content>", b"<content><metadata>")) == "digir"
    assert protocol_of(b"<rss/>") == protocol_of(b"a,b\n") == ""


def test_real_descriptions_are_known(corpus: Path) -> None:
    base = corpus.parent / "harvest"
    paths = [*base.glob("*/gbif+crawler/crawler-metasync/**/*.xml"), *base.glob("oai-pmh/**/Identify.xml")]
    known = {(path.relative_to(base).parts[0], protocol_of(path.read_bytes()[:2048])) for path in paths
             if path.name.startswith(("capabilities", "metadata", "test", "Identify"))}  # fmt: skip
    assert known == {(name, name) for name in ("biocase", "digir", "tapir", "oai-pmh")}
