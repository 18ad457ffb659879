"""RSS feeds of installations that publish archives: an IPT's `/rss.do`, Symbiota's, and those that look like them.

The link of an IPT's item is the resource, its guid the version. An item without an archive has metadata only.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from lxml import etree

from collect_assets.discovery.found import Discovery, Found, absolute
from collect_assets.network.gate import Answer
from collect_assets.plugins.xml_pages import Repairs, free, steps

ROOTS = frozenset({"rss", "RDF"})
IPT = "http://ipt.gbif.org/"
_VERSION = re.compile(r"\s+-\s+Version\s+\S+$")
_ARCHIVES = (".zip", ".tar.gz", ".tgz")


def read_feed(answer: Answer, body: Path) -> Discovery:
    """The archives that a feed names.

    Raises:
        FailedError: it is not XML.
    """
    title, kind = "", "rss"
    found: list[Found] = []
    problems: list[str] = []
    for step in steps(answer.url, body, Repairs()):
        if step.begins:
            continue
        if step.path[-1] == "item":
            item = _Item(step.element, answer.url)
            kind = item.kind if kind == "rss" else kind
            try:
                found.append(item.found())
            except ValueError as error:
                problems.append(f"{item.title or item.text('link')}: {error}")
            free(step.element)
        elif step.path[-2:] == ("channel", "title"):
            title = " ".join((step.element.text or "").split())
    return Discovery(answer.url, kind, title, tuple(dict.fromkeys(found)), tuple(problems))


class _Item:
    """One item of a feed; names of elements count without their namespaces and their case."""

    def __init__(self, element: etree._Element, base: str) -> None:
        self._base = base
        self._texts: dict[str, str] = {}
        self._enclosure = ""
        for child in element.iterchildren():
            if isinstance(child.tag, str):
                name = etree.QName(child)
                key = f"ipt:{name.localname}" if name.namespace == IPT else name.localname.lower()
                self._texts.setdefault(key, " ".join("".join(map(str, child.itertext())).split()))
                if key == "enclosure":
                    self._enclosure = child.get("url") or ""

    def text(self, name: str) -> str:
        """The text of a child."""
        return self._texts.get(name, "")

    @property
    def title(self) -> str:
        """Without the version that an IPT puts behind it."""
        return _VERSION.sub("", self.text("title"))

    @property
    def kind(self) -> str:
        """What wrote the feed."""
        if any(name.startswith("ipt:") for name in self._texts):
            return "ipt"
        return "symbiota" if "emllink" in self._texts or "recordtype" in self._texts else "rss"

    def found(self) -> Found:
        """The endpoint of its archive.

        Raises:
            ValueError: it names none, or what cannot be a URL.
        """
        archive = self._archive()
        if not archive:
            raise ValueError("names no archive; it has metadata only")
        try:
            url = absolute(self._base, archive)
        except ValueError as error:
            raise ValueError(f"{archive} cannot be a URL: {error}") from error
        about = self.text("link") if self.kind == "ipt" else self.text("emllink")
        version = self.text("guid") if self.kind == "ipt" else self.text("pubdate")
        found = Found(url, "", self.title, version, about)
        data_package = not self.text("ipt:dwca") and bool(self.text("ipt:archive"))
        return replace(found, note="a data package") if data_package else found

    def _archive(self) -> str:
        said = self.text("ipt:dwca") or self.text("ipt:archive")
        if said or self.kind == "ipt":
            return said
        types = {self.text(name).upper() for name in ("type", "recordtype", "archivetype")}
        link = self.text("link")
        if self.kind == "symbiota":
            return link if "DWCA" in types or link.lower().endswith(_ARCHIVES) else ""
        return next((url for url in (self._enclosure, link) if url.lower().endswith(_ARCHIVES)), "")
