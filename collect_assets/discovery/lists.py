"""Lists of services: XML that names access points, and the pages that installations show to people.

Of a page only links count that are endpoints by their form: those of TapirLink and of BioCASe's provider software. An
IPT's page names its feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lxml import etree

from collect_assets.discovery.found import Discovery, Found, absolute
from collect_assets.network.gate import Answer
from collect_assets.plugins.xml_pages import Repairs, free, steps

MOST_OF_A_PAGE = 16 << 20
_ACCESS_POINTS = frozenset({"accesspoint", "accessurl", "access_point", "accesspointurl"})
_FORMS = (
    ("tapir", re.compile(r"/tapir(?:link)?(?:\.php|\.cgi)?(?:/[^/?#]+|\?(?:[^#]*&)?dsa=[^&#]+)$", re.IGNORECASE)),
    ("biocase", re.compile(r"/pywrapper\.(?:cgi|py)\?(?:[^#]*&)?dsa=[^&#]+$", re.IGNORECASE)),
    ("digir", re.compile(r"/digir(?:\.php)?/?$", re.IGNORECASE)),
    ("oai-pmh", re.compile(r"/oai(?:-pmh)?(?:2\.php|\.php|/request)?/?$", re.IGNORECASE)),
)


def plugin_by_form(url: str) -> str:
    """The plugin that a URL is for by its form; blank where it tells nothing."""
    return next((plugin for plugin, form in _FORMS if form.search(url)), "")


def read_list(answer: Answer, body: Path) -> Discovery:
    """The access points that an XML document names, in elements or attributes of such a name.

    Raises:
        FailedError: it is not XML.
    """
    found: list[Found] = []
    problems: list[str] = []
    usual = ""
    for step in steps(answer.url, body, Repairs()):
        element = step.element
        if step.begins:
            usual = "tapir" if len(step.path) == 1 and "tapir" in str(element.tag).lower() else usual
            continue
        named = [str(value) for name, value in element.attrib.items() if _names_access_point(str(name))]
        if _names_access_point(step.path[-1]):
            named.append(element.text or "")
        for text in filter(None, map(str.strip, named)):
            try:
                url = absolute(answer.url, text)
            except ValueError as error:
                problems.append(f"{text} cannot be a URL: {error}")
                continue
            if plugin := plugin_by_form(url) or usual:
                found.append(Found(url, plugin, _title_beside(element)))
            else:
                problems.append(f"{url}: nothing says which protocol it speaks; discover it by itself")
        if len(step.path) <= 2:  # what is deeper may be asked for the title of its neighbour
            free(element)
    return Discovery(answer.url, "list", "", tuple(dict.fromkeys(found)), tuple(dict.fromkeys(problems)))


def _names_access_point(name: str) -> bool:
    return name.rpartition("}")[2].lower().replace("-", "") in _ACCESS_POINTS


def _title_beside(element: etree._Element) -> str:
    parent = element.getparent()
    if parent is None:
        return ""
    title = next(
        (parent.findtext(f"{{*}}{name}") for name in ("title", "name") if parent.find(f"{{*}}{name}") is not None), ""
    )
    return " ".join((title or "").split())


def read_page(answer: Answer, body: Path) -> tuple[Discovery, str]:
    """The endpoints that a page links to, and the feed that it names; blank where it names none."""
    with body.open("rb") as file:
        content = file.read(MOST_OF_A_PAGE)
    parser = etree.HTMLParser(no_network=True, huge_tree=False)
    root = etree.fromstring(content, parser) if content.strip() else None
    links = list(_links(root)) if root is not None else []
    feed = next((href for kind, href, _ in links if kind == "application/rss+xml"), "")
    found = []
    for _, href, text in links:
        with suppress(ValueError):  # a page has all kinds of links
            url = absolute(answer.url, href)
            if plugin := plugin_by_form(url):
                found.append(Found(url, plugin, text))
    unique: dict[str, Found] = {}
    for one in found:
        unique.setdefault(one.url, one)
    page = Discovery(answer.url, "page", "", tuple(unique.values()))
    with suppress(ValueError):
        return page, absolute(answer.url, feed) if feed else ""
    return page, ""


def _links(root: etree._Element) -> Iterator[tuple[str, str, str]]:
    for element in root.iter("a", "link"):
        href = (element.get("href") or "").strip()
        if href:
            yield element.get("type") or "", href, " ".join("".join(map(str, element.itertext())).split())
