"""A small DiGIR provider that evaluates filters, counts and pages, with the habits, good and bad, of real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from collect_assets_tests.servers import Asked, Page

PATH = "/digir/DiGIR.php"
PROTOCOL = "http://digir.net/schema/protocol/2003/1.0"
DARWIN = "http://digir.net/schema/conceptual/darwin/2003/1.0"
Row = Mapping[str, str | None]
COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda a, b: a == b,
    "notEquals": lambda a, b: a != b,
    "lessThan": lambda a, b: a < b,
    "lessThanOrEquals": lambda a, b: a <= b,
    "greaterThan": lambda a, b: a > b,
    "greaterThanOrEquals": lambda a, b: a >= b,
}


def plants(count: int, unnamed: int = 0) -> list[Row]:
    """Specimens whose names are spread over the letters; the last ones have none."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    named: list[Row] = [
        {
            "ScientificName": f"{letters[number % 26]}{'aeiou'[number % 5]}{'lmnr'[number % 4]}us {number}",
            "CatalogNumber": f"{number}",
            "InstitutionCode": "K",
        }
        for number in range(count)
    ]
    return named + [
        {"ScientificName": None, "CatalogNumber": f"x{number}", "InstitutionCode": "K"} for number in range(unnamed)
    ]


def diagnostic(code: str, text: object, severity: str = "info") -> str:
    return f'<diagnostic code="{code}" severity="{severity}">{escape(str(text))}</diagnostic>'


@dataclass
class Search:
    """A search that was asked for."""

    filter: etree._Element
    start: int
    limit: int
    structure: str


@dataclass
class DigirProvider:
    """Answers like a provider. What is asked is kept, by kind.

    Attributes:
        rows: of its one resource.
        most: records that it gives at once.
        ways: in which it takes a request: `request`, `doc`, `post`.
        counts: whether it reports MATCH_COUNT.
        ends: whether it reports END_OF_RECORDS; `false` always says that there is more.
        declared: as its metadata has it.
        metadata: whether it answers metadata at all.
        likes: whether it knows `like`.
        ignores_start: always the first page.
        case: whether its database tells large from small letters.
        interfere: may answer a search in its place, knowing the number of the search.
        change: may change the text of an answer.
    """

    rows: list[Row]
    most: int = 1000
    code: str = "herb"
    others: tuple[str, ...] = ()
    ways: frozenset[str] = frozenset({"request", "doc", "post"})
    counts: bool = True
    ends: bool | str = True
    declared: object = None
    metadata: bool = True
    likes: bool = True
    ignores_start: bool = False
    case: bool = False
    schema: str = f"{DARWIN}/darwin2.xsd"
    interfere: Callable[[Search, int], Page | str | None] = lambda *_: None
    change: Callable[[str], str | bytes] = lambda text: text
    searches: list[Search] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    served: int = 0

    def __call__(self, asked: Asked) -> Page:
        if urlsplit(asked.path).path != PATH:
            return Page(b"no such page", 404)
        xml = self._request(asked)
        self.served += 1
        if xml is None:
            return self._page(self._metadata("")) if self.metadata else Page(b"", 200)
        root = etree.fromstring(xml.encode())
        kind = root.findtext(f"{{{PROTOCOL}}}header/{{{PROTOCOL}}}type") or ""
        code = root.find(f"{{{PROTOCOL}}}header/{{{PROTOCOL}}}destination").get("resource")  # type: ignore[union-attr]
        self.asked.append(kind)
        if kind == "metadata":
            return self._page(self._metadata(code or "")) if self.metadata else Page(b"broken", 500)
        if code != self.code:
            return self._page(self._response("search", "", diagnostic(
                "RESOURCE_NOT_FOUND", f"The requested resource ({code}) is not available on this provider.", "error"
            )))  # fmt: skip
        return self._search(root)

    def _request(self, asked: Asked) -> str | None:
        if asked.method == "POST":
            form = parse_qs(asked.body.decode())
            return form.get("doc", [None])[0] if "post" in self.ways else None
        query = parse_qs(urlsplit(asked.path).query)
        return next((query[word][0] for word in ("request", "doc") if word in query and word in self.ways), None)

    def _page(self, text: str) -> Page:
        changed = self.change(text)
        body = changed if isinstance(changed, bytes) else changed.encode()
        return Page(body, headers={"Content-Type": "text/xml"})

    def _response(self, kind: str, content: str, diagnostics: str) -> str:
        return (
            f"<?xml version='1.0' encoding='utf-8' ?>\n<response xmlns='{PROTOCOL}'><header>"
            f"<version>$Revision: 1.21 $</version><sendTime>{self.served}</sendTime><source>here</source>"
            f"<destination>there</destination><type>{kind}</type></header>{content}"
            f"<diagnostics>{diagnostic('STATUS_DATA', self.served)}{diagnostics}</diagnostics></response>"
        )

    def _metadata(self, code: str) -> str:
        declared = len(self.rows) if self.declared is None else self.declared
        one = (
            "<resource><name>Herbarium</name><code>{}</code><abstract/>"
            f'<conceptualSchema schemaLocation="{self.schema}">{DARWIN}</conceptualSchema>'
            f"<numberOfRecords>{declared}</numberOfRecords><minQueryTermLength>3</minQueryTermLength>"
            f"<maxSearchResponseRecords>{self.most}</maxSearchResponseRecords></resource>"
        )
        resources = "".join(one.format(each) for each in (self.code, *self.others) if code in {"", each})
        content = f"<content><metadata><provider><name>p</name>{resources}</provider></metadata></content>"
        return self._response("metadata", content, "")

    def _search(self, root: etree._Element) -> Page:
        records = root.find(f".//{{{PROTOCOL}}}records")
        filter_ = root.find(f".//{{{PROTOCOL}}}filter")
        assert records is not None and filter_ is not None and len(filter_) == 1
        start, limit = int(records.get("start") or 0), int(records.get("limit") or 10)
        structure = records[0].get("schemaLocation") or ""
        search = Search(filter_[0], start, limit, structure)
        number = len(self.searches)
        self.searches.append(search)
        if (other := self.interfere(search, number)) is not None:
            return other if isinstance(other, Page) else self._page(other)
        if not self.likes and b"like" in etree.tostring(filter_):
            error = diagnostic("COMPARISON_TYPE_NOT_SUPPORTED", "like", "error")
            return self._page(self._response("search", "<content/>", error))
        return self._page(self.answer(search))

    def answer(self, search: Search) -> str:
        """The honest answer to a search."""
        chosen = [row for row in self.rows if self._lets_pass(search.filter, row)]
        start = 0 if self.ignores_start else search.start
        given = chosen[start : start + min(search.limit, self.most)]
        said = diagnostic("MATCH_COUNT", len(chosen)) if self.counts else ""
        said += diagnostic("RECORD_COUNT", len(given))
        end = False if self.ends == "false" else start + len(given) >= len(chosen)
        said += diagnostic("END_OF_RECORDS", str(end).lower()) if self.ends else ""
        content = f"<content xmlns:darwin='{DARWIN}' xmlns:xsi='x'>{''.join(map(record, given))}</content>"
        return self._response("search", content, said)

    def _lets_pass(self, node: etree._Element, row: Row) -> bool:
        """With SQL's rule: a comparison with null lets nothing pass."""
        name = etree.QName(node).localname
        if name in {"and", "or"}:
            assert len(node) == 2, "operators take two operands each"
            return (all if name == "and" else any)(self._lets_pass(child, row) for child in node)
        [concept] = node
        value, wanted = row.get(etree.QName(concept).localname), concept.text or ""
        if value is None:
            return False
        if not self.case:
            value, wanted = value.lower(), wanted.lower()
        if name == "like":
            assert "%" in wanted
            return value.startswith(wanted.partition("%")[0])
        return COMPARE[name](value, wanted)

    @property
    def pages(self) -> list[tuple[int, int]]:
        """Starts and limits of the searches for pages."""
        return [(search.start, search.limit) for search in self.searches if search.limit > 1]


def record(row: Row) -> str:
    cells = (f"<darwin:{name}>{escape(value)}</darwin:{name}>" if value is not None
             else f"<darwin:{name} xsi:nil='true'/>" for name, value in row.items())  # fmt: skip
    return f"<record>{''.join(cells)}</record>"
