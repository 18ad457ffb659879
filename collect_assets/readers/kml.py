"""KML: placemarks, with name and description. Network links are not followed."""

from __future__ import annotations

import re

from collect_assets.readers.encodings import start_text
from collect_assets.readers.source import Source, Table
from collect_assets.readers.spatial import Layers, checked_xml, read_layers

FORMAT = "kml"
VERSION = 1
PRIORITY = 28
_ROOT = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*<(?:[\w.-]+:)?kml\b", re.DOTALL)


def matches(source: Source) -> bool:
    """The element `kml`, without a document type before it."""
    return _ROOT.match(start_text(source.start)) is not None


def open_source(source: Source) -> Table:
    """The placemarks as a table.

    Raises:
        UnreadableError: it is damaged.
    """
    path = checked_xml(source, "places.kml")
    return read_layers(Layers(FORMAT, "KML", str(path), source.member), source.scratch)
