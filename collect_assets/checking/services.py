"""Which plugin fits a URL: asked as it was typed, and where that is no data, as the service that it may belong to.

First the plain GET, then ArcGIS, WFS and the record protocols, each by what it answers. A URL only hints at what is
worth asking for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from lxml import etree

from collect_assets.checking.asking import Asking
from collect_assets.checking.kinds import ARCGIS, WFS, Kind, description, kind_of
from collect_assets.checking.protocols import protocol_of
from collect_assets.checking.report import Choice
from collect_assets.errors import FetchError
from collect_assets.network.messages import Answer, Request
from collect_assets.plugins.answers import drop_body
from collect_assets.plugins.esri_layer import LayerUrl
from collect_assets.plugins.wfs_pages import XML_OPTIONS
from collect_assets.store.local import storage_errors

MOST_CHOICES = 50
_ARCGIS_URL = re.compile(r"/rest/services(?:/|$)|/(?:Feature|Map)Server(?:/|$)", re.IGNORECASE)
_WFS_URL = re.compile(r"wfs|/ows(?:$|[/?])", re.IGNORECASE)
_OF_A_REQUEST = frozenset({"service", "request", "version", "typename", "typenames", "outputformat", "count",
                           "maxfeatures", "startindex", "resulttype", "srsname", "acceptversions"})  # fmt: skip
_JSON_FORMATS = ("application/json", "application/geo+json", "geojson", "json")


@dataclass(frozen=True)
class Found:
    """What the first look came to.

    Attributes:
        plugin: the one that fits.
        kind: what the URL itself answered with.
        answer: the same; its body is in the scratch.
        choices: what the service holds, where the URL names a WFS.
    """

    plugin: str
    kind: Kind
    answer: Answer
    choices: tuple[Choice, ...] = ()


def find_plugin(url: str, asking: Asking, *, guess: bool = True) -> Found:
    """Asks the URL, and the service that it may be the door of.

    Args:
        url: as it was typed.
        asking: asks, and is left with the answer for the plugin.
        guess: whether the service is asked too, where the answer is no data.

    Raises:
        FetchError: it could not be asked.
        StorageError: the disk is full.
    """
    request = Request(url, start_will_do=True)
    answer = asking.fetch(request)
    kind = kind_of(answer.start, answer.header("content-type"), answer.part)
    found = _by_answer(url, kind, answer, asking) if guess else Found("", kind, answer)
    asking.remember(request, answer)
    return found


def _by_answer(url: str, kind: Kind, answer: Answer, asking: Asking) -> Found:
    if kind in ARCGIS:
        return Found("arcgis", kind, answer)
    if kind in WFS:
        return Found("wfs", kind, answer, feature_types(url, answer.part))
    if plugin := protocol_of(answer.start):
        return Found(plugin, kind, answer)
    fits = kind == "data" and answer.status == 200
    if not fits and _ARCGIS_URL.search(urlsplit(url).path) and _is_arcgis(url, asking):
        return Found("arcgis", kind, answer)
    if kind == "ogc-report" or (not fits and _WFS_URL.search(url)):
        choices = ask_feature_types(url, asking)
        if choices is not None:
            return Found("wfs", kind, answer, choices)
    return Found("", kind, answer)


def _is_arcgis(url: str, asking: Asking) -> bool:
    """Whether it answers as an ArcGIS server does when it is asked for JSON."""
    answer = _try(LayerUrl.of(url).about(), asking)
    if answer is None:
        return False
    kind = kind_of(answer.start, answer.header("content-type"), answer.part)
    drop_body(answer)
    return kind in ARCGIS


def layers(url: str, asking: Asking) -> tuple[Choice, ...]:
    """The layers of an ArcGIS service, or the services of a folder of them; none where it does not say."""
    asked = LayerUrl.of(url)
    answer = _try(asked.about(), asking)
    if answer is None or answer.part is None:
        return ()
    described = description(answer.part) or {}
    drop_body(answer)
    found = [*_layers(asked.url, described), *_services(asked.url, described)]
    return tuple(found[:MOST_CHOICES])


def _layers(url: str, described: dict[str, Any]) -> Iterator[Choice]:
    for key in ("layers", "tables"):
        for layer in _objects(described.get(key)):
            if "id" in layer and not layer.get("subLayerIds"):  # a group holds nothing itself
                yield Choice(str(layer["id"]), str(layer.get("name") or ""), f"{url}/{layer['id']}")


def _services(url: str, described: dict[str, Any]) -> Iterator[Choice]:
    root = re.sub(r"(/rest/services)(/.*)?$", r"\1", url)
    for service in _objects(described.get("services")):
        name, kind = str(service.get("name") or ""), str(service.get("type") or "")
        if kind in {"FeatureServer", "MapServer"}:
            yield Choice(name, kind, f"{root}/{quote(name)}/{kind}")


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def ask_feature_types(url: str, asking: Asking) -> tuple[Choice, ...] | None:
    """What a WFS says that it holds; None where it is no WFS."""
    answer = _try(Request(_with(url, [("service", "WFS"), ("request", "GetCapabilities")])), asking)
    if answer is None:
        return None
    is_wfs = kind_of(answer.start, answer.header("content-type"), answer.part) == "wfs-capabilities"
    found = feature_types(url, answer.part) if is_wfs else None
    drop_body(answer)
    return found


def feature_types(url: str, body: Path | None) -> tuple[Choice, ...]:
    """The feature types that a WFS describes, each with the URL that asks for it; none in another answer."""
    root = None if body is None else _xml(body)
    if root is None or _name(root) != "WFS_Capabilities":
        return ()
    version = root.get("version") or "2.0.0"
    formats = {text.strip().lower(): text.strip() for text in _formats(root)}
    json_format = next((formats[name] for name in _JSON_FORMATS if name in formats), "")
    types = (element for element in root.iter("{*}FeatureType") if isinstance(element.tag, str))
    named = ((_text(element, "Name"), _text(element, "Title")) for element in types)
    found = [Choice(name, title, _get_feature(url, version, name, json_format)) for name, title in named if name]
    return tuple(found[:MOST_CHOICES])


def _xml(body: Path) -> etree._Element | None:
    try:
        with storage_errors(body):
            return etree.fromstring(body.read_bytes(), etree.XMLParser(**XML_OPTIONS))
    except etree.XMLSyntaxError:
        return None


def _formats(root: etree._Element) -> Iterator[str]:
    """The formats that features come in: as values of a parameter, as elements, or as the names of elements."""
    for element in root.iter("{*}Parameter"):
        if element.get("name", "").lower() == "outputformat":
            yield from (value.text or "" for value in element.iter("{*}Value"))
    yield from (element.text or "" for tag in ("{*}Format",) for element in root.iter(tag))


def _text(element: etree._Element, name: str) -> str:
    found = element.find(f"{{*}}{name}")
    return " ".join((found.text or "").split()) if found is not None else ""


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _get_feature(url: str, version: str, name: str, output_format: str) -> str:
    word = "typeNames" if version.startswith("2") else "typeName"
    wanted = [("outputFormat", output_format)] if output_format else []
    return _with(url, [("service", "WFS"), ("version", version), ("request", "GetFeature"), (word, name), *wanted])


def _with(url: str, words: list[tuple[str, str]]) -> str:
    """The URL with these words of a request in place of those that it has; what else it says stays."""
    parts = urlsplit(url)
    kept = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True)
            if key.lower() not in _OF_A_REQUEST]  # fmt: skip
    query = urlencode([*kept, *words], safe=":/,")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _try(request: Request, asking: Asking) -> Answer | None:
    """An answer with status 200; None where there is none, since it was only a guess."""
    try:
        answer = asking.fetch(request)
    except FetchError:
        return None
    if answer.status == 200 and not answer.cut:
        return answer
    drop_body(answer)
    return None
