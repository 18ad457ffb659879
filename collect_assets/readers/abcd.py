"""ABCD units as records, and documents of them: Darwin Core's terms, and what has no term under its own path.

A unit is one record, however often it was identified: its id is to outlast the next identification. The preferred one
gives the name, else the first; the others stay beside it. Attributes, such as the language, stay with what has no term.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from collect_assets.readers.abcd_terms import AREAS, METRES, PATHS, RANKS, STAND_INS
from collect_assets.readers.darwin_parts import add_term, join_parts
from collect_assets.readers.said import said_by_abcd
from collect_assets.readers.source import Description, Entry, Note, Reject, Source, Stream
from collect_assets.readers.xml_fields import add_member, darwin_id, element_value, local_name
from collect_assets.readers.xml_stream import XmlRecords, read_entries, root_of
from collect_assets.readers.xml_text import xml_text

FORMAT = "abcd"
VERSION = 2
PRIORITY = 23
UNIT = "{*}Unit"
_NAMESPACE = "http://www.tdwg.org/schemas/abcd/"
_FLAGS = ("{*}PreferredFlag", "{*}PreferredIdentificationFlag")
_ONE_OF = {"Identification", "SiteCoordinates"}  # lists of which one is mapped
_MEASURED = (
    ("Altitude", "minimumElevationInMeters", "maximumElevationInMeters", "verbatimElevation"),
    ("Depth", "minimumDepthInMeters", "maximumDepthInMeters", "verbatimDepth"),
    ("Height", "minimumDistanceAboveSurfaceInMeters", "maximumDistanceAboveSurfaceInMeters", "verbatimElevation"),
)
_UNITS = {
    f"{place}{kind}/MeasurementOrFactAtomised/UnitOfMeasurement": names
    for place in ("Gathering/", "Gathering/GatheringSite/")
    for kind, *names in _MEASURED
}
_RESOLVED = STAND_INS.keys() | _UNITS.keys()
_MEDIA = {"MultiMediaObject": "{*}FileURI", "UnitDigitalImage": "{*}ImageURI"}
MAX_NODES = 20_000


def matches(source: Source) -> bool:
    """A document of data sets, as archives of ABCD have them."""
    root = root_of(source.start)
    return root is not None and root.localname == "DataSets" and (root.namespace or _NAMESPACE).startswith(_NAMESPACE)


def open_source(source: Source) -> Stream:
    """The units of the document.

    Raises:
        UnreadableError: it is not valid XML from its first byte on, or its encoding is wrong.
    """
    text = xml_text(source)
    entries = read_entries(XmlRecords(text, [UNIT]), unit_entry, _at_end)
    return Stream(FORMAT, text.encoding, entries, source.member, text.notes)


def _at_end(root: etree._Element, _records: int) -> Iterable[Reject | Note | Description]:
    return said_by_abcd(root, FORMAT)


class _Node:
    """A place within a unit: its path, the term that it is, and the places below; one for each that was met."""

    __slots__ = ("below", "name", "path", "special", "term", "through")

    def __init__(self, path: str, name: str) -> None:
        self.path, self.name = path, name
        self.term = PATHS.get(path, "")
        self.below: dict[str, _Node] = {}
        self.special = _SPECIAL.get(name) if path in _SPECIAL_PATHS or name in _MEDIA else None
        prefix = f"{path}/"
        within = any(known.startswith(prefix) for known in (*PATHS, *STAND_INS, *_UNITS, *_SPECIAL_PATHS))
        self.through = within and self.special is None

    def child(self, element: etree._Element) -> _Node:
        """The place of an element below."""
        name = local_name(element)
        node = _Node(f"{self.path}/{name}" if self.path else name, name)
        if len(self.below) < MAX_NODES:
            self.below[element.tag] = node
        return node


def unit_entry(unit: etree._Element) -> Entry:
    """A unit.

    Raises:
        UnreadableError: an entity stands in it, or it is nested too deep.
    """
    fields: dict[str, Any] = {}
    _walk(unit, _ROOT, fields)
    for path in () if _RESOLVED.isdisjoint(fields) else _RESOLVED & fields.keys():
        if path in _UNITS:
            _measured(fields, path, _UNITS[path])
        elif STAND_INS[path] not in fields:
            fields[STAND_INS[path]] = fields.pop(path)
    join_parts(fields)
    if "institutionCode" not in fields or "collectionCode" not in fields:
        _inherit(unit, fields)
    return Entry(fields, None, darwin_id(fields))


def _walk(element: etree._Element, node: _Node, fields: dict[str, Any]) -> None:
    """From one element to the next: to iterate over the few within each takes twice as long."""
    below = node.below
    following = element[0] if len(element) else None
    while following is not None:
        child, following = following, following.getnext()
        place = below.get(child.tag) or node.child(child)
        while place.through and len(child) == 1:  # a call for each element that only holds another takes longer
            child = child[0]
            place = place.below.get(child.tag) or place.child(child)
        term = place.term
        if term and not len(child):
            text = child.text
            if not text or text.isspace():
                continue
            if term in fields:
                add_term(fields, term, text)
            else:
                fields[term] = text
        elif place.special is not None:
            place.special(child, place, fields)
        elif place.through and len(child):
            _walk(child, place, fields)
        else:
            _keep(child, place, fields)


def _keep(element: etree._Element, place: _Node, fields: dict[str, Any]) -> None:
    """What has no term, as it is, under its own path."""
    value = element_value(element) if len(element) or element.keys() else (element.text or "").strip()
    if value:
        add_member(fields, place.path, value)


def _one_of(element: etree._Element, place: _Node, fields: dict[str, Any]) -> None:
    """Of a list one is mapped, the preferred or the first, and the others are kept as they are."""
    if len(element) == 1:
        only = element[0]
        one = place.below.get(only.tag) or place.child(only)
        (_walk if one.name in _ONE_OF else _keep)(only, one, fields)
        return
    placed = [(child, place.below.get(child.tag) or place.child(child)) for child in element]
    ones = [child for child, one in placed if one.name in _ONE_OF]
    chosen = next(filter(_preferred, ones), ones[0]) if len(ones) > 1 else next(iter(ones), None)
    for child, one in placed:
        if child is chosen:
            _walk(child, one, fields)
        else:
            _keep(child, one, fields)


def _preferred(one: etree._Element) -> bool:
    flags = (one.findtext(flag, "") or "" for flag in _FLAGS)
    return any(flag.strip().lower() in {"true", "1"} for flag in flags)


def _higher_taxa(element: etree._Element, place: _Node, fields: dict[str, Any]) -> None:
    """Higher taxa by their rank; those of other ranks, or of none, are kept as they are."""
    for taxon in element:
        parts = {local_name(part): part.text or "" for part in taxon}
        rank = parts.get("HigherTaxonRank") or taxon.get("TaxonRank") or ""
        name = parts.get("HigherTaxonName") or (taxon.text if not parts else "")
        _named(taxon, name, RANKS.get(rank.strip().casefold(), ""), place, fields)


def _named_areas(element: etree._Element, place: _Node, fields: dict[str, Any]) -> None:
    """Named areas by their class; others are kept as they are."""
    for area in element:
        parts = {local_name(part).removeprefix("Named"): part.text or "" for part in area}
        kind, name = "".join(parts.get("AreaClass", "").split()).casefold(), parts.get("AreaName")
        _named(area, name, AREAS.get(kind.replace("/", ""), ""), place, fields)


def _named(one: etree._Element, name: str | None, term: str, place: _Node, fields: dict[str, Any]) -> None:
    if term and name and name.strip() and term not in fields:
        fields[term] = name
    else:
        _keep(one, place.below.get(one.tag) or place.child(one), fields)


def _media(element: etree._Element, place: _Node, fields: dict[str, Any]) -> None:
    """The address of a picture or sound, and all that is said of it."""
    add_term(fields, "associatedMedia", (element.findtext(_MEDIA[place.name]) or "").strip())
    _keep(element, place, fields)


def _measured(fields: dict[str, Any], path: str, names: list[str]) -> None:
    """Values in metres are those of the terms; in other units they are verbatim, with their unit."""
    unit = fields[path]
    if isinstance(unit, str) and unit.strip().casefold() in METRES:
        del fields[path]
        return
    lower, upper, verbatim = names
    values = [str(fields.pop(name)) for name in (lower, upper) if name in fields]
    if values and verbatim not in fields:
        fields[verbatim] = f"{'-'.join(values)} {fields.pop(path)}"
    elif values:
        fields[path.replace("UnitOfMeasurement", "LowerValue")] = values


def _inherit(unit: etree._Element, fields: dict[str, Any]) -> None:
    """ABCD 1.2 names institution and collection once, for all units of a data set."""
    source = next((found.find("{*}OriginalSource") for found in unit.iterancestors("{*}DataSet")), None)
    if source is None:
        return
    for term, name in (("institutionCode", "SourceInstitutionCode"), ("collectionCode", "SourceName")):
        if term not in fields and (text := source.findtext(f"{{*}}{name}")):
            fields[term] = text


_SPECIAL: Mapping[str, Any] = {
    "Identifications": _one_of,
    "SiteCoordinateSets": _one_of,
    "HigherTaxa": _higher_taxa,
    "NamedAreas": _named_areas,
    **dict.fromkeys(_MEDIA, _media),
}
_SPECIAL_PATHS = {
    "Identifications",
    "Identifications/Identification/Result/TaxonIdentified/HigherTaxa",
    "Identifications/Identification/TaxonIdentified/HigherTaxa",
    "Gathering/SiteCoordinateSets",
    "Gathering/GatheringSite/SiteCoordinateSets",
    "Gathering/NamedAreas",
    "Gathering/GatheringSite/NamedAreas",
    "MultiMediaObjects/MultiMediaObject",
    "UnitDigitalImages/UnitDigitalImage",
}
_ROOT = _Node("", "")
