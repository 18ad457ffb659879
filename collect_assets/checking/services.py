"""What kind of service an answer comes from, by the answer itself."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

_ARCGIS = re.compile(r"/(?:Map|Feature)Server(?:/\d+)?(?:/query)?/?$", re.IGNORECASE)
_ARCGIS_WORDS = (b"ArcGIS", b'"currentVersion"', b'"serviceDescription"', b'"geometryType"', b'"objectIdFieldName"')
_WFS_ROOTS = ("WFS_Capabilities", "ExceptionReport", "ServiceExceptionReport", "FeatureCollection")
MOST_TYPES = 50


def plugin_of(url: str, start: bytes) -> str:
    """The plugin that fits what answered; blank where a plain GET does.

    Args:
        url: that was asked.
        start: the first bytes of the answer, whether it was kept or not.
    """
    shown_to_people = root_of(start).lower() == "html"
    if _ARCGIS.search(urlsplit(url).path) and (shown_to_people or any(word in start for word in _ARCGIS_WORDS)):
        return "arcgis"
    return "wfs" if root_of(start) in _WFS_ROOTS else ""


def root_of(start: bytes) -> str:
    """The local name of the first element of XML; blank where there is none."""
    match = re.search(rb"<(?:[\w.-]+:)?([\w.-]+)[\s>/]", re.sub(rb"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>]*>", b"", start,
                                                              flags=re.DOTALL))  # fmt: skip
    return match[1].decode() if match and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else ""


def error_in(start: bytes) -> str:
    """The error that a service answers with in place of data, under a status that says all is well; blank for none."""
    match = re.match(rb'\s*\{\s*"error"\s*:\s*\{.*?"message"\s*:\s*"((?:[^"\\]|\\.)*)"', start, re.DOTALL)
    return match[1].decode("utf-8", "replace") if match else ""


def feature_types(path: Path) -> list[str]:
    """The names of the feature types in the capabilities of a WFS; none where it is no such document."""
    names: list[str] = []
    try:
        for _, element in etree.iterparse(str(path), tag="{*}FeatureType", resolve_entities=False, no_network=True):
            name = element.findtext("{*}Name") or ""
            if name:
                names.append(name.strip())
            element.clear()
            if len(names) >= MOST_TYPES:
                break
    except etree.XMLSyntaxError:
        return names
    return names
