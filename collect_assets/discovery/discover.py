"""Discovering what is at a URL: it is asked once, and what answers decides what is asked further."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collect_assets.collecting.day import user_agent
from collect_assets.collection import Collection, Limits, Politeness
from collect_assets.discovery.asking import Asker
from collect_assets.discovery.feeds import ROOTS, read_feed
from collect_assets.discovery.found import Discovery
from collect_assets.discovery.lists import read_list, read_page
from collect_assets.discovery.providers import (
    BIOCASE,
    DIGIR,
    INVENTORY,
    TAPIR,
    ask_biocase,
    read_digir,
    read_tapir,
)
from collect_assets.discovery.repositories import ask_repository
from collect_assets.errors import FailedError
from collect_assets.network.addresses import AddressRules
from collect_assets.network.content import is_html
from collect_assets.network.gate import Answer, Gate, Request
from collect_assets.network.hosts import Hosts, read_hosts
from collect_assets.network.options import EndpointOptions
from collect_assets.plugins.answers import body_of, drop_body
from collect_assets.plugins.biocase_answers import keep_capabilities
from collect_assets.plugins.oai_answers import WithErrors
from collect_assets.plugins.provider_parts import access_point
from collect_assets.plugins.xml_pages import Repairs, steps
from collect_assets.version import __version__

USER_AGENT = f"collect_assets/{__version__} (discovery)"
TIGHT = Limits(connect_timeout=10, read_timeout=60, total_timeout=120, max_bytes=200_000_000, attempts=2)


def discover(
    url: str,
    *,
    collection: Collection | None = None,
    parameters: Mapping[str, Any] | None = None,
    limits: Limits = TIGHT,
    rules: AddressRules | None = None,
) -> Discovery:
    """What a feed, a provider, a list of services or a repository offers. No register or log is read or written.

    Args:
        url: the feed, the access point without a resource, the list, or the base URL.
        collection: asks as it does: its `host.csv`, politeness, headers and user agent.
        parameters: how it is asked, as those of an endpoint: a credential, headers, `ssl-verify`.
        limits: of bytes and seconds.
        rules: which non-public addresses may be asked; none when left out.

    Raises:
        FetchError: nothing came, or nothing that this knows.
        StorageError: there is no room for temporary files.
    """
    with (
        tempfile.TemporaryDirectory(prefix="discover-") as folder,
        _gate(collection, limits, rules or AddressRules.none(), Path(folder)) as gate,
    ):
        asker = Asker(gate.for_endpoint(url, EndpointOptions.of(parameters or {})), Path(folder))
        return _at(access_point(url)[0], asker, follow=True)


def _gate(collection: Collection | None, limits: Limits, rules: AddressRules, work: Path) -> Gate:
    if collection is None:
        return Gate(limits=limits, politeness=Politeness(), user_agent=USER_AGENT, rules=rules, work=work)
    return Gate(
        limits=limits,
        politeness=collection.settings.politeness,
        user_agent=user_agent(collection),
        headers=collection.settings.headers,
        rules=rules,
        work=work,
        hosts=Hosts(read_hosts(collection.registers / "host.csv").places),
    )


def _at(url: str, asker: Asker, *, follow: bool) -> Discovery:
    answer = WithErrors(asker, asker.work).fetch(Request(url))
    try:
        if answer.status == 200 and answer.part and is_html(answer.start, answer.header("content-type")):
            return _of_page(answer, answer.part, asker, follow=follow)
        return _of_xml(url, answer, body_of(answer), asker)
    finally:
        drop_body(answer)


def _of_page(answer: Answer, body: Path, asker: Asker, *, follow: bool) -> Discovery:
    page, feed = read_page(answer, body)
    if page.found:
        return page
    if feed and follow:
        return _at(feed, asker, follow=False)
    raise FailedError("no-list", f"{answer.url}: a web page that links to no endpoint and names no feed; give the feed "
                      "of the installation (of an IPT /rss.do), or the access point of the provider")  # fmt: skip


def _of_xml(url: str, answer: Answer, body: Path, asker: Asker) -> Discovery:
    name, namespace = _root(answer, body)
    if name in ROOTS:
        return read_feed(answer, body)
    if name == "OAI-PMH":
        return ask_repository(url, asker)
    if namespace.startswith((BIOCASE, INVENTORY)):
        return _of_biocase(url, answer, body, asker)
    if namespace.startswith(DIGIR):
        return read_digir(url, answer, body)
    if name == "response" and namespace.startswith(TAPIR):
        return read_tapir(url, answer, body)
    return _of_list(name, answer, body)


def _of_biocase(url: str, answer: Answer, body: Path, asker: Asker) -> Discovery:
    """Of an access point, or of an inventory's URL, whose access point is the rest of it."""
    address, _, query = url.partition("?")
    words = [word for word in query.split("&") if word and not word.startswith("inventory=")]
    if len(words) == query.count("&") + 1:
        return ask_biocase(url, asker, keep_capabilities(answer, body))
    url = f"{address}?{'&'.join(words)}" if words else address
    return ask_biocase(url, asker, asker.ask(Request(url), keep_capabilities))


def _of_list(name: str, answer: Answer, body: Path) -> Discovery:
    listed = read_list(answer, body)
    if not listed.found and not listed.problems:
        raise FailedError("no-list", f"{answer.url}: expected a feed, a provider, a repository or a list of services, "
                          f"got a document whose first element is {name}")  # fmt: skip
    return listed


def _root(answer: Answer, body: Path) -> tuple[str, str]:
    """The name of the first element, and its namespace."""
    for step in steps(answer.url, body, Repairs()):
        tag = str(step.element.tag)
        return step.path[0], tag[1:].partition("}")[0] if tag.startswith("{") else ""
    raise FailedError("not-a-page", f"{answer.url}: an XML document without an element")
