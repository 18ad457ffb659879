"""Requests to TAPIR providers, as keys and values in a URL or as XML, by query template or by output model.

A model is named by its location, or written into the request where a provider does not know, or cannot fetch, those
that networks agreed on: then it has the provider's own concepts.

A template is named and gets its bounds as parameters; it cannot leave a bound open, nor ask for what is missing. With
an output model comes a filter, which can. Providers that know no more than their own templates (TAPIRLite) take the
first alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

from collect_assets.network.gate import Request
from collect_assets.plugins.name_ranges import NameRange

PROTOCOL = "http://rs.tdwg.org/tapir/1.0"
LOWEST, HIGHEST = " ", "zzzz"  # of a template, whose bounds cannot be open
Way = Literal["template", "model", "model-xml", "model-inline"]
_SCHEMA = "http://www.w3.org/2001/XMLSchema"
_LOCAL = re.compile(r"[A-Za-z_][\w.-]*")
_MODELS = "http://rs.tdwg.org/tapir/cs/"


@dataclass(frozen=True)
class Content:
    """A kind of records that networks agreed on.

    Attributes:
        name: the id of the concept that holds the scientific name.
        template: the location of the published query template for a range of names.
        model: the location of the published output model.
        concepts: ids of those that the provider has, for a model of our own.
    """

    name: str
    template: str
    model: str
    concepts: tuple[str, ...] = ()


CONTENTS = (
    Content(
        "http://rs.tdwg.org/dwc/dwcore/ScientificName",
        "http://rs.gbif.org/templates/tapir/dwc/1.4/sci_name_range.xml",
        f"{_MODELS}dwc/1.4/model/dw_core_geo_cur.xml",
    ),
    Content(
        "http://rs.tdwg.org/dwc/terms/scientificName",
        f"{_MODELS}dwc/terms/2009-09-23/template/dwc_sci_name_range.xml",
        f"{_MODELS}dwc/terms/2009-09-23/model/dwc_simple.xml",
    ),
    Content(
        "http://digir.net/schema/conceptual/darwin/2003/1.0/ScientificName",
        f"{_MODELS}dwc/1.0/template/dwc_sci_name_range.xml",
        f"{_MODELS}dwc/1.0/model/dwc.xml",
    ),
    Content(
        "http://www.tdwg.org/schemas/abcd/2.06/DataSets/DataSet/Units/Unit/Identifications/Identification/Result/"
        "TaxonIdentified/ScientificName/FullScientificNameString",
        f"{_MODELS}abcd/2.06/template/abcd_206_sci_name_range.xml",
        f"{_MODELS}abcd/2.06/model/abcd206.xml",
    ),
    Content(
        "http://www.tdwg.org/schemas/abcd/1.2/DataSets/DataSet/Units/Unit/Identifications/Identification/"
        "TaxonIdentified/NameAuthorYearString",
        f"{_MODELS}abcd/1.20/template/abcd_120_sci_name_range.xml",
        f"{_MODELS}abcd/1.20/model/abcd120.xml",
    ),
)


@dataclass(frozen=True)
class TapirDialect:
    """How one provider is asked.

    Attributes:
        url: the access point, of one resource.
        content: names the concept, the template and the model.
        way: which of them is used.
    """

    url: str
    content: Content
    way: Way = "model"

    def operation(self, name: str) -> Request:
        """Asks for something else than records."""
        return self._keys(op=name)

    def search(self, range_: NameRange, start: int, limit: int) -> Request:
        """Asks for the records of a range, from an offset on; and to count them."""
        paging = {"start": str(start), "limit": str(limit), "count": "true"}
        if self.way == "template":
            bounds = {"lower": range_.lower or LOWEST, "upper": range_.upper or HIGHEST}
            return self._keys(op="search", **paging, template=self.content.template, **bounds)
        if self.way == "model":
            filter_ = {"filter": text} if (text := _infix(self.content.name, range_)) else {}
            return self._keys(op="search", **paging, model=self.content.model, **filter_)
        xml = (
            f'<request xmlns="{PROTOCOL}"><header><source accesspoint={quoteattr(self.url)}/></header>'
            f'<search count="true" start="{start}" limit="{limit}" envelope="true">'
            f"{self._model()}"
            f"{_filter(self.content.name, range_)}</search></request>"
        )
        return Request(self.url, {"Content-Type": "text/xml; charset=utf-8"}, "POST", xml.encode())

    def _model(self) -> str:
        if self.way == "model-inline":
            return output_model(self.content.concepts)
        return f"<externalOutputModel location={quoteattr(self.content.model)}/>"

    def _keys(self, **keys: str) -> Request:
        return Request(f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(keys)}")


def output_model(concepts: Sequence[str]) -> str:
    """A model of records with these concepts, none of them required, as the schema of TAPIR writes it.

    Names of elements are those behind the last `/` or `#` of the ids; a second concept of one name is left out. They
    are in the namespace of the first, or in none, as providers write elements that a schema declares inside of others.
    """
    by_name = {concept.replace("#", "/").rpartition("/")[2]: concept for concept in reversed(concepts)}
    named = [(name, by_name[name]) for name in reversed(by_name) if _LOCAL.fullmatch(name)]
    space = named[0][1].removesuffix(named[0][0]) if named else ""
    elements = "".join(f'<xs:element name="{name}" type="xs:string" minOccurs="0"/>' for name, _ in named)
    nodes = "".join(
        f'<node path="/DarwinRecordSet/DarwinRecord/{name}"><concept id={quoteattr(concept)}/></node>'
        for name, concept in named
    )
    return (
        f'<outputModel><structure><xs:schema xmlns:xs="{_SCHEMA}" targetNamespace={quoteattr(space)}>'
        '<xs:element name="DarwinRecordSet"><xs:complexType><xs:sequence>'
        '<xs:element name="DarwinRecord" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>'
        f"{elements}</xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>"
        '</xs:schema></structure><indexingElement path="/DarwinRecordSet/DarwinRecord"/>'
        f"<mapping>{nodes}</mapping></outputModel>"
    )


def _infix(name: str, range_: NameRange) -> str:
    """The filter for a range, as it stands in a URL; blank for everything. Bounds have letters and digits only."""
    if range_.absent:
        return f"isNull {name}"
    lower = [f'{name} greaterThanOrEquals "{range_.lower}"'] if range_.lower is not None else []
    upper = [f'{name} lessThan "{range_.upper}"'] if range_.upper is not None else []
    return " and ".join([*lower, *upper])


def _filter(name: str, range_: NameRange) -> str:
    concept = f"<concept id={quoteattr(name)}/>"
    if range_.absent:
        return f"<filter><isNull>{concept}</isNull></filter>"
    bounds = {"greaterThanOrEquals": range_.lower, "lessThan": range_.upper}
    conditions = [
        f"<{operator}>{concept}<literal value={quoteattr(bound)}/></{operator}>"
        for operator, bound in bounds.items()
        if bound is not None
    ]
    inner = f"<and>{''.join(conditions)}</and>" if len(conditions) > 1 else "".join(conditions)
    return f"<filter>{inner}</filter>" if inner else ""
