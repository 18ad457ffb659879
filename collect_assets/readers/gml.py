"""GML: collections of features, as WFS servers answer them. Schemas are not fetched, and links are not followed."""

from __future__ import annotations

import re

from collect_assets.readers.encodings import start_text
from collect_assets.readers.source import Source, Table
from collect_assets.readers.spatial import Layers, checked_xml, read_layers

FORMAT = "gml"
VERSION = 1
PRIORITY = 28
OPTIONS = ("DOWNLOAD_SCHEMA=NO",)
_ROOT = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*<(?:[\w.-]+:)?(?:FeatureCollection|featureMembers?)\b[^>]*", re.DOTALL)


def matches(source: Source) -> bool:
    """A collection of features in a namespace of GML or WFS, without a document type."""
    root = _ROOT.match(start_text(source.start))
    return root is not None and ("opengis.net/gml" in root[0] or "opengis.net/wfs" in root[0])


def open_source(source: Source) -> Table:
    """The features as a table.

    Raises:
        UnreadableError: it is damaged.
    """
    path = checked_xml(source, "features.gml")
    return read_layers(Layers(FORMAT, "GML", str(path), source.member, (), OPTIONS), source.scratch)
