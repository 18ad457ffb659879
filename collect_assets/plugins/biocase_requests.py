"""Requests to BioCASe providers, and where ABCD has what they ask for.

Providers take the protocol's XML as `request` or as `query`, by GET or by POST. Titles name datasets: there is no other
id that all versions have. Paths are those of ABCD 2.06 and 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

from collect_assets.network.gate import Request
from collect_assets.plugins.name_ranges import NameRange, all_names

PROTOCOL = "http://www.biocase.org/schemas/protocol/1.3"
ABCD = "http://www.tdwg.org/schemas/abcd/"
PREFERRED = tuple(ABCD + version for version in ("2.06", "2.1", "2.05", "1.2", "1.20"))
Way = Literal["get-request", "get-query", "post-request"]
WAYS: tuple[Way, ...] = ("get-request", "get-query", "post-request")
UNIT_ID = "/DataSets/DataSet/Units/Unit/UnitID"
_IDENTIFIED = "/DataSets/DataSet/Units/Unit/Identifications/Identification"


@dataclass(frozen=True)
class Everything(NameRange):
    """All records, with a name or without; in parts, also the range of those without one."""

    def split(self) -> tuple[NameRange, ...]:
        """Its parts."""
        return (*all_names().split(), NameRange(absent=True))


def title_path(namespace: str) -> str:
    """Where a dataset has its title."""
    if _is_first(namespace):
        return "/DataSets/DataSet/OriginalSource/SourceName"
    return "/DataSets/DataSet/Metadata/Description/Representation/Title"


def name_path(namespace: str) -> str:
    """Where a unit has its scientific name."""
    if _is_first(namespace):
        return f"{_IDENTIFIED}/TaxonIdentified/NameAuthorYearString"
    return f"{_IDENTIFIED}/Result/TaxonIdentified/ScientificName/FullScientificNameString"


def _is_first(namespace: str) -> bool:
    return namespace.startswith(f"{ABCD}1.")


def schema_of(offered: Iterable[str], wanted: str) -> str:
    """The namespace that is asked for; blank where the provider has none that fits.

    Args:
        offered: the namespaces of the provider.
        wanted: a namespace or a version of ABCD; blank for the best one.
    """
    known = list(offered)
    if wanted:
        return next((name for name in known if wanted in (name, name.removeprefix(ABCD))), "")
    return next((name for name in PREFERRED if name in known), "")


@dataclass(frozen=True)
class Dialect:
    """How a dataset is asked.

    Attributes:
        url: the access point.
        namespace: of the schema.
        title: of the dataset; blank where the provider names none.
        way: in which the XML is sent.
    """

    url: str
    namespace: str = PREFERRED[0]
    title: str = ""
    way: Way = "get-request"

    def inventory(self) -> Request:
        """Asks which datasets there are; older providers do not know it."""
        return Request(self._with("inventory=1"))

    def scan(self) -> Request:
        """Asks for the titles of the datasets."""
        body = (
            f"<scan><requestFormat>{escape(self.namespace)}</requestFormat>"
            f"<concept>{escape(title_path(self.namespace))}</concept></scan>"
        )
        return self._sent("scan", body)

    def count(self) -> Request:
        """Asks how many records there are."""
        return self._search(Everything(), 0, 1, "true")

    def search(self, range_: NameRange, start: int, limit: int) -> Request:
        """Asks for records of a range of names, from an offset on."""
        return self._search(range_, start, limit, "false")

    def _search(self, range_: NameRange, start: int, limit: int, count: str) -> Request:
        namespace = escape(self.namespace)
        body = (
            f"<search><requestFormat>{namespace}</requestFormat>"
            f'<responseFormat start="{start}" limit="{limit}">{namespace}</responseFormat>'
            f"<filter>{self._filter(range_)}</filter><count>{count}</count></search>"
        )
        return self._sent("search", body)

    def _filter(self, range_: NameRange) -> str:
        """A filter is mandatory at some providers: where a dataset has no title, all units have an id."""
        path = quoteattr(name_path(self.namespace))
        title = f"<equals path={quoteattr(title_path(self.namespace))}>{escape(self.title)}</equals>"
        conditions = [title if self.title else f"<isNotNull path={quoteattr(UNIT_ID)}/>"]
        if range_.absent:
            conditions.append(f"<isNull path={path}/>")
        if range_.upper is not None:
            conditions.append(f"<lessThan path={path}>{escape(range_.upper)}</lessThan>")
        if range_.lower is not None:
            conditions.append(f"<greaterThanOrEquals path={path}>{escape(range_.lower)}</greaterThanOrEquals>")
        while len(conditions) > 1:
            second, first = conditions.pop(), conditions.pop()
            conditions.append(f"<and>{first}{second}</and>")
        return conditions[0]

    def _sent(self, kind: str, body: str) -> Request:
        xml = f'<request xmlns="{PROTOCOL}"><header><type>{kind}</type></header>{body}</request>'
        if self.way == "post-request":
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return Request(self.url, headers, "POST", urlencode({"request": xml}).encode())
        word = "request" if self.way == "get-request" else "query"
        return Request(self._with(f"{word}={quote(xml, safe='')}"))

    def _with(self, word: str) -> str:
        return f"{self.url}{'&' if '?' in self.url else '?'}{word}"
