"""Requests to DiGIR providers: the protocol's XML on one line, and the three ways in which providers take it.

The send time is always the same: nobody reads it, and a request is known again by its text. The location of the schema
is named, because some providers answer with their metadata where it is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

from collect_assets.network.gate import Request
from collect_assets.plugins.digir_pages import PROTOCOL
from collect_assets.plugins.name_ranges import NameRange

Way = Literal["get-request", "get-doc", "post-doc"]
WAYS: tuple[Way, ...] = ("get-request", "get-doc", "post-doc")
DARWIN = "http://digir.net/schema/conceptual/darwin/2003/1.0"
FULL = "http://digir.sourceforge.net/schema/conceptual/darwin/full/2003/1.0/darwin2full.xsd"
MANIS = "http://bnhm.berkeley.edu/manis/DwC/darwin2resultfull.xsd"
_SCHEMA = "http://digir.sourceforge.net/schema/protocol/2003/1.0/digir.xsd"
_SENT = "2000-01-01T00:00:00Z"


@dataclass(frozen=True)
class Dialect:
    """How one resource is asked.

    Attributes:
        url: the access point.
        resource: its code.
        structure: the location of the record structure that is wanted.
        way: in which the XML is sent.
    """

    url: str
    resource: str = ""
    structure: str = FULL
    way: Way = "get-request"

    def metadata(self) -> Request:
        """Asks what the resource is, or, without a code, which resources there are."""
        return self._sent("metadata", "")

    def search(self, filter_: str, start: int, limit: int) -> Request:
        """Asks for records that a filter lets pass, from an offset on; and to count them."""
        body = (
            f'<search><filter>{filter_}</filter><records limit="{limit}" start="{start}">'
            f"<structure schemaLocation={quoteattr(self.structure)}/></records><count>true</count></search>"
        )
        return self._sent("search", body)

    def _sent(self, kind: str, body: str) -> Request:
        resource = f" resource={quoteattr(self.resource)}" if self.resource else ""
        xml = (
            f'<request xmlns="{PROTOCOL}" xmlns:darwin="{DARWIN}" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{PROTOCOL} {_SCHEMA}">'
            f"<header><version>1.0.0</version><sendTime>{_SENT}</sendTime><source>collect_assets</source>"
            f"<destination{resource}>{escape(self.url)}</destination><type>{kind}</type></header>{body}</request>"
        )
        if self.way == "post-doc":
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return Request(self.url, headers, "POST", urlencode({"doc": xml}).encode())
        word = "request" if self.way == "get-request" else "doc"
        return Request(f"{self.url}{'&' if '?' in self.url else '?'}{word}={quote(xml, safe='')}")


def range_filter(concept: str, range_: NameRange) -> str:
    """What lets a range of a concept pass; of all of them, whatever has the concept at all."""
    lower, upper = range_.lower, range_.upper
    if lower is None and upper is None:
        return _condition("like", concept, "%")
    conditions = [_condition("greaterThanOrEquals", concept, lower)] if lower is not None else []
    conditions += [_condition("lessThan", concept, upper)] if upper is not None else []
    return both(*conditions)


def both(*filters: str) -> str:
    """What lets pass what one or two filters let pass."""
    return f"<and>{''.join(filters)}</and>" if len(filters) > 1 else filters[0]


def _condition(operator: str, concept: str, value: str) -> str:
    return f"<{operator}><darwin:{concept}>{escape(value)}</darwin:{concept}></{operator}>"
