"""What an answer is, by its bytes: data, or the description of a service whose data are asked for in another way.

From Esri's REST API and OGC's WFS 1.0 to 2.0; the words are those that servers write, not those of their URLs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from collect_assets.network.content import is_html
from collect_assets.store.local import storage_errors

Kind = Literal["data", "html", "error", "arcgis-layer", "arcgis-service", "arcgis-features", "arcgis-error",
               "arcgis-page", "wfs-capabilities", "wfs-features", "ogc-report"]  # fmt: skip
ARCGIS = frozenset({"arcgis-layer", "arcgis-service", "arcgis-features", "arcgis-error", "arcgis-page"})
WFS = frozenset({"wfs-capabilities", "wfs-features"})

_MOST_OF_A_DESCRIPTION = 8 << 20
_ROOT = re.compile(
    rb"(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\])?[^>]*>)*<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL
)
_ROOTS: dict[bytes, Kind] = {
    b"WFS_Capabilities": "wfs-capabilities",
    b"ExceptionReport": "ogc-report",
    b"ServiceExceptionReport": "ogc-report",
}
_WFS_NAMESPACE = re.compile(rb"""["']https?://www\.opengis\.net/wfs(?:/[\d.]+)?["']""")
_DIRECTORY = re.compile(
    rb"ArcGIS REST (?:Services|Framework)|/rest/static/main\.css|<title>(?:Layer|Table): [^<]*\(ID:"
)
_ESRI_FEATURES = re.compile(
    rb'"(?:objectIdFieldName|displayFieldName|globalIdFieldName)"\s*:|"geometryType"\s*:\s*"esriGeometry'
)
_GEOJSON = re.compile(rb'"type"\s*:\s*"FeatureCollection"')
_MARKS = b"\xef\xbb\xbf"


def kind_of(start: bytes, content_type: str, body: Path | None = None) -> Kind:
    """What an answer is.

    Args:
        start: its first bytes.
        content_type: what the server says; it decides nothing but whether a piece of markup is a page.
        body: all of it, where it was kept.
    """
    top = start.removeprefix(_MARKS).lstrip()
    if is_html(start, content_type):
        return "arcgis-page" if _DIRECTORY.search(start) else "html"
    if top.startswith(b"<"):
        return _of_xml(top)
    return _of_json(top, body) if top.startswith(b"{") else "data"


def _of_xml(top: bytes) -> Kind:
    root = _ROOT.match(top)
    if root is None:
        return "data"
    if root[1] == b"FeatureCollection" and _WFS_NAMESPACE.search(top):
        return "wfs-features"
    return _ROOTS.get(root[1], "data")


def _of_json(top: bytes, body: Path | None) -> Kind:
    if (
        _ESRI_FEATURES.search(top)
        and not _GEOJSON.search(top)
        and b'"features"' in (top if body is None else _all(body))
    ):
        return "arcgis-features"
    described = description(body) if body is not None else None
    if described is None or "features" in described:
        return "data"
    return _of_object(described)


def _of_object(described: dict[str, Any]) -> Kind:
    """What one JSON object describes, by the members that Esri's descriptions have."""
    error = described.get("error")
    if isinstance(error, dict) and "code" in error and "message" in error:
        return "arcgis-error" if "details" in error else "error"
    if any(described.get(key) for key in ("error", "errors")):
        return "error"
    if isinstance(described.get("fields"), list) and _is_layer(described):
        return "arcgis-layer"
    version = "currentVersion" in described or "serviceDescription" in described
    if version and any(isinstance(described.get(key), list) for key in ("layers", "services", "folders")):
        return "arcgis-service"
    return "data"


def _is_layer(described: dict[str, Any]) -> bool:
    kind = described.get("type")
    is_typed = isinstance(kind, str) and kind.endswith(("Layer", "Table"))
    return is_typed or str(described.get("geometryType")).startswith("esri") or "maxRecordCount" in described


def description(body: Path) -> dict[str, Any] | None:
    """A body that is one JSON object of the size that descriptions have; None where it is not."""
    with storage_errors(body):
        if body.stat().st_size > _MOST_OF_A_DESCRIPTION:
            return None
        content = body.read_bytes()
    try:
        value = json.loads(content.removeprefix(_MARKS))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _all(body: Path) -> bytes:
    with storage_errors(body), body.open("rb") as file:
        return file.read(_MOST_OF_A_DESCRIPTION)
