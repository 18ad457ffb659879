"""Providers of the record protocols: the resources of DiGIR, the datasets of BioCASe, the one service of TAPIR."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lxml import etree

from collect_assets.discovery.asking import Asker
from collect_assets.discovery.found import Discovery, Found
from collect_assets.errors import FetchError
from collect_assets.network.gate import Answer
from collect_assets.plugins.biocase_answers import keep_datasets, offers
from collect_assets.plugins.biocase_requests import WAYS, Dialect, schema_of
from collect_assets.plugins.digir_pages import resources_in
from collect_assets.plugins.provider_parts import access_point, part_url
from collect_assets.plugins.tasks import Kept
from collect_assets.plugins.xml_pages import Repairs, free, steps

DIGIR = "http://digir.net/schema/protocol/"
BIOCASE = "http://www.biocase.org/schemas/protocol/"
INVENTORY = "http://www.biocase.org/schemas/dsi/"
TAPIR = "http://rs.tdwg.org/tapir/"


def read_digir(url: str, answer: Answer, body: Path) -> Discovery:
    """The resources of a DiGIR provider; its bare access point is answered by the metadata of all.

    Raises:
        FailedError: it is no such answer.
    """
    found = [
        Found(part_url(url, resource.code), "digir", resource.name, resource.updated, "", resource.declared)
        for resource in resources_in(answer.url, body)
        if resource.code
    ]
    return Discovery(url, "digir", "", tuple(dict.fromkeys(found)))


def ask_biocase(url: str, asker: Asker, capabilities: Kept) -> Discovery:
    """The datasets of a BioCASe provider, by its inventory or a scan of titles; all of it, where it knows neither.

    Raises:
        FetchError: nothing came.
    """
    url = access_point(url)[0]
    concepts = capabilities.facts["concepts"]
    namespace = schema_of(concepts, "")
    if not namespace:
        return Discovery(url, "biocase", problems=(f"{url}: has no schema of ABCD, only {', '.join(concepts)}",))
    dialect = Dialect(url, namespace)
    named, problem = _datasets(asker, dialect)
    if named is None:
        return Discovery(url, "biocase", "", (Found(url, "biocase", note="names no dataset"),), (problem,))
    several = len(named.facts["titles"]) > 1
    found = []
    for title in named.facts["titles"]:
        offer = offers(named.facts, title, namespace)
        one = Found(part_url(url, title) if several else url, "biocase", title)
        found.append(replace(one, version=offer.modified, declared_count=offer.records) if offer else one)
    return Discovery(url, "biocase", "", tuple(dict.fromkeys(found)))


def _datasets(asker: Asker, dialect: Dialect) -> tuple[Kept | None, str]:
    """The inventory or the scan; without either, why."""
    said = ""
    for request in (dialect.inventory(), *(replace(dialect, way=way).scan() for way in WAYS)):
        try:
            return asker.ask(request, keep_datasets), ""
        except FetchError as error:
            said = str(error)
    return None, said


def read_tapir(url: str, answer: Answer, body: Path) -> Discovery:
    """The one service of a TAPIR access point, which describes itself.

    Raises:
        FailedError: it is not XML.
    """
    said: dict[str, str] = {}
    for step in steps(answer.url, body, Repairs()):
        if not step.begins and step.path[1:-1] == ("metadata",):
            said.setdefault(step.path[-1], _text(step.element))
            free(step.element)
    if not said:
        return Discovery(url, "tapir", problems=(f"{url}: answers without its metadata",))
    moved = said.get("accesspoint", "")
    note = f"says that its access point is {moved}" if moved and moved != url else ""
    found = Found(url, "tapir", said.get("title", ""), said.get("modified", ""), note=note)
    return Discovery(url, "tapir", found.title, (found,))


def _text(element: etree._Element) -> str:
    return " ".join("".join(map(str, element.itertext())).split())
