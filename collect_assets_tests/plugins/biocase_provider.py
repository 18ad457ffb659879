"""A small BioCASe provider that evaluates filters, counts and pages, with the habits, good and bad, of real ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from collect_assets_tests.servers import Asked, Page

PATH = "/biocase/pywrapper.cgi?dsa=trees"
PROTOCOL = "http://www.biocase.org/schemas/protocol/1.3"
ABCD_2, ABCD_1 = "http://www.tdwg.org/schemas/abcd/2.06", "http://www.tdwg.org/schemas/abcd/1.2"
DSI = "http://www.biocase.org/schemas/dsi/1.0"
_NAME = "/DataSets/DataSet/Units/Unit/Identifications/Identification/"
PATHS = {
    "/DataSets/DataSet/Metadata/Description/Representation/Title": "title",
    "/DataSets/DataSet/OriginalSource/SourceName": "title",
    _NAME + "Result/TaxonIdentified/ScientificName/FullScientificNameString": "name",
    _NAME + "TaxonIdentified/NameAuthorYearString": "name",
    "/DataSets/DataSet/Units/Unit/UnitID": "number",
}
HEADER = "<biocase:header><biocase:sendTime>{}</biocase:sendTime><biocase:type>{}</biocase:type></biocase:header>"


@dataclass(frozen=True)
class Unit:
    number: str
    name: str | None = "Abies alba"
    title: str = "Trees"


@dataclass
class Provider:
    """What it serves and how.

    Attributes:
        inventories: it knows `?inventory=1`, as versions from 3.4 on do.
        scans: it knows scans.
        ways: parameters and methods that it reads a request from.
        limit: units of a page at most.
        dropped: numbers of units that it cannot write.
        looks_ahead: the hits of a page are only as many as it looked at: one more than the page has.
        silent: counts that are left out of the content.
        ignores_start: every page is the first.
        fails: numbers of units whose page is an error.
        archives: a URL path and the zip behind it, by title.
        hits: declared in place of the true count.
        worse: makes the bytes of an answer worse.
    """

    units: list[Unit]
    namespace: str = ABCD_2
    inventories: bool = True
    scans: bool = True
    ways: frozenset[str] = frozenset({"GET request", "GET query", "POST request"})
    limit: int = 500
    dropped: frozenset[str] = frozenset()
    looks_ahead: bool = False
    silent: frozenset[str] = frozenset()
    ignores_start: bool = False
    fails: frozenset[str] = frozenset()
    archives: dict[str, tuple[str, bytes, int]] = field(default_factory=dict)
    hits: Callable[[int], int] = lambda true: true
    worse: Callable[[str, bytes], bytes] = lambda _, body: body
    base: str = "http://127.0.0.1"
    sent: int = 0

    def __call__(self, asked: Asked) -> Page:
        path, _, query = asked.path.partition("?")
        for place, content, _ in self.archives.values():
            if asked.path == place:
                return Page(content, 200, {"Content-Type": "application/zip"})
        if path != PATH.partition("?")[0]:
            return Page(b"no such page", 404)
        given = {name: values[0] for name, values in parse_qs(query).items()}
        if asked.method == "POST":
            given |= {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        self.base = f"http://{asked.headers['host']}"
        kind, body = self._answer(asked.method, given)
        return Page(self.worse(kind, body.encode()), 200, {"Content-Type": "text/xml"})

    def _answer(self, method: str, given: dict[str, str]) -> tuple[str, str]:
        if given.get("inventory") and self.inventories:
            return "inventory", self._inventory()
        word = next((word for word in ("request", "query") if word in given and f"{method} {word}" in self.ways), "")
        if not word:
            return "capabilities", self._wrapped("capabilities", self._capabilities())
        try:
            request = etree.fromstring(given[word].encode())
            kind = request.findtext("{*}header/{*}type") or ""
            content = self._scan(request) if kind == "scan" else self._search(request)
        except _RefusedError as error:
            return "error", self._wrapped("search", "", error=str(error))
        return kind, self._wrapped(kind, content)

    def _wrapped(self, kind: str, content: str, error: str = "") -> str:
        self.sent += 1
        diagnostics = [f"<biocase:diagnostic severity='INFO'>request {self.sent} of user=admin</biocase:diagnostic>"]
        if error:
            text = f"{error}: SELECT secret FROM passwords in /var/www/config.xml"
            diagnostics.append(f"<biocase:diagnostic severity='ERROR'>{text}</biocase:diagnostic>")
        return (
            f"<?xml version='1.0' encoding='UTF-8'?>\n<biocase:response xmlns:biocase='{PROTOCOL}'>"
            f"{HEADER.format(f'2026-03-01T10:00:{self.sent % 60:02d}.379519', kind)}{content}"
            f"<biocase:diagnostics>{''.join(diagnostics)}</biocase:diagnostics></biocase:response>"
        )

    def _capabilities(self) -> str:
        concepts = "".join(
            f'<biocase:Concept datatype="string" searchable="1">{path}</biocase:Concept>' for path in PATHS
        )
        return (
            f"{_content(0, 0, 0, 0, frozenset())}<biocase:capabilities>"
            f'<biocase:SupportedSchemas namespace="{self.namespace}" request="true" response="true">{concepts}'
            "</biocase:SupportedSchemas></biocase:capabilities></biocase:content>"
        )

    @property
    def titles(self) -> list[str]:
        return sorted({unit.title for unit in self.units if unit.title})

    def _inventory(self) -> str:
        datasets = "".join(
            f"<dsi:dataset><dsi:title>{escape(title)}</dsi:title><dsi:id>{escape(title)}</dsi:id><dsi:archives>"
            f"{self._archive(title)}</dsi:archives></dsi:dataset>"
            for title in self.titles
        )
        return f'<dsi:inventory xmlns:dsi="{DSI}"><dsi:status>OK</dsi:status><dsi:datasets>{datasets}</dsi:datasets></dsi:inventory>'  # noqa: E501

    def _archive(self, title: str) -> str:
        if title not in self.archives:
            return ""
        path, content, count = self.archives[title]
        return (
            f'<dsi:archive filesize="{len(content)}" modified="2026-02-01T00:00:00" rcount="{count}" '
            f'rowType="http://rs.tdwg.org/dwc/terms/Occurrence">{self.base}/dwca.zip</dsi:archive>'
            f'<dsi:archive filesize="{len(content)}" modified="2026-02-01T00:00:00" namespace="{self.namespace}" '
            f'rcount="{count}">{self.base}{path}</dsi:archive>'
        )

    def _scan(self, request: etree._Element) -> str:
        if not self.scans or PATHS.get(request.findtext(".//{*}concept") or "") != "title":
            raise _RefusedError("CMFError")
        values = "".join(f"<biocase:value>{escape(title)}</biocase:value>" for title in self.titles)
        count = len(self.titles)
        return f"{_content(0, count, 0, count, self.silent)}<biocase:scan>{values}</biocase:scan></biocase:content>"

    def _search(self, request: etree._Element) -> str:
        search = request.find("{*}search")
        assert search is not None
        response = search.find("{*}responseFormat")
        assert response is not None
        if response.text != self.namespace or search.findtext("{*}requestFormat") != self.namespace:
            raise _RefusedError("CMFError")
        [condition] = search.findall("{*}filter/*") or _no_filter()
        found = sorted((unit for unit in self.units if _holds(condition, unit)), key=lambda unit: unit.number)
        start = 0 if self.ignores_start else int(response.get("start") or 0)
        if search.findtext("{*}count") == "true":
            return f"{_content(0, 0, 0, self.hits(len(found)), frozenset())}</biocase:content>"
        limit = min(int(response.get("limit") or self.limit), self.limit)
        page = found[start : start + limit]
        if self.fails & {unit.number for unit in page}:
            raise _RefusedError("SQLError")
        written = [unit for unit in page if unit.number not in self.dropped]
        hits = min(len(found), start + limit + 1) if self.looks_ahead else self.hits(len(found))
        opened = _content(start, len(written), len(page) - len(written), hits, self.silent)
        if not page:
            return opened.removesuffix(">") + "/>"
        return f"{opened}{document(self.namespace, written)}</biocase:content>"


class _RefusedError(Exception):
    """What the provider says of a request that it does not answer."""


def _no_filter() -> list[etree._Element]:
    raise _RefusedError("NoFilterError")


def _content(start: int, count: int, dropped: int, hits: int, silent: frozenset[str]) -> str:
    said = {"recordStart": start, "recordCount": count, "recordDropped": dropped, "totalSearchHits": hits}
    attributes = "".join(f" {name}={quoteattr(str(value))}" for name, value in said.items() if name not in silent)
    return f"<biocase:content{attributes}>"


def _holds(condition: etree._Element, unit: Unit) -> bool:
    operator = etree.QName(condition).localname
    if operator == "and":
        parts = list(condition)
        if len(parts) != 2:
            raise _RefusedError("RequestParseError")
        return all(_holds(part, unit) for part in parts)
    path = condition.get("path") or ""
    if path not in PATHS:
        raise _RefusedError("RequestUnknownConceptError")
    value, text = getattr(unit, PATHS[path]), condition.text or ""
    if operator in {"isNull", "isNotNull"}:
        return (value is None) == (operator == "isNull")
    if value is None:
        return False
    compared = {"equals": value == text, "lessThan": value < text, "greaterThanOrEquals": value >= text}
    return bool(compared[operator])


def document(namespace: str, units: list[Unit]) -> str:
    """Units of one dataset as ABCD has them."""
    title = escape(units[0].title) if units else ""
    prefix = "abcd12" if namespace == ABCD_1 else "abcd"
    about = (
        f"<OriginalSource><SourceName>{title}</SourceName></OriginalSource>"
        if namespace == ABCD_1
        else f"<Metadata><Description><Representation><Title>{title}</Title></Representation></Description></Metadata>"
    )
    rows = "".join(_unit(namespace, unit) for unit in units)
    inner = f"<DataSets><DataSet>{about}<Units>{rows}</Units></DataSet></DataSets>"
    prefixed = inner.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
    return prefixed.replace(f"<{prefix}:DataSets>", f'<{prefix}:DataSets xmlns:{prefix}="{namespace}">')


def _unit(namespace: str, unit: Unit) -> str:
    if unit.name is None:
        return f"<Unit><UnitID>{unit.number}</UnitID></Unit>"
    name = escape(unit.name)
    taxon = (
        f"<TaxonIdentified><NameAuthorYearString>{name}</NameAuthorYearString></TaxonIdentified>"
        if namespace == ABCD_1
        else f"<Result><TaxonIdentified><ScientificName><FullScientificNameString>{name}</FullScientificNameString>"
        "</ScientificName></TaxonIdentified></Result>"
    )
    identified = f"<Identifications><Identification>{taxon}</Identification></Identifications>"
    return f"<Unit><UnitID>{unit.number}</UnitID>{identified}</Unit>"


def abcd_archive(units: list[Unit], *, of: int = 2, namespace: str = ABCD_2) -> bytes:
    """A zip of documents as providers make it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(0, len(units), of):
            archive.writestr(f"response.{number // of + 1:05d}.xml", document(namespace, units[number : number + of]))
    return packed.getvalue()


def units(count: int, title: str = "Trees", names: str = "Abies Betula Corylus Fagus Quercus Ulmus") -> list[Unit]:
    genera = names.split()
    return [Unit(f"{title[0]}{n:05d}", f"{genera[n % len(genera)]} {n}", title) for n in range(1, count + 1)]
