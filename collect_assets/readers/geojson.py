"""GeoJSON (RFC 7946): a collection of features, or one feature, read one feature at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collect_assets.errors import UnreadableError
from collect_assets.readers.encodings import start_text
from collect_assets.readers.json_stream import Document, check_error, document, feature_entry, rest_said, top_of, values
from collect_assets.readers.source import Entry, Reject, Source, Stream

FORMAT = "geojson"
VERSION = 3
PRIORITY = 30

_COLLECTION = re.compile(r'"type"\s*:\s*"FeatureCollection"|"features"\s*:\s*\[\s*(\{\s*"type"\s*:\s*"Feature"|\])')


def matches(source: Source) -> bool:
    """An object that says early on that it is a collection of features."""
    start = start_text(source.start)
    return start.startswith("{") and _COLLECTION.search(start) is not None and not _one_line_of_many(start)


def _one_line_of_many(start: str) -> bool:
    return re.match(r'\{\s*"type"\s*:\s*"Feature"\s*,', start) is not None


def open_source(source: Source) -> Stream:
    """The features as entries.

    Raises:
        UnreadableError: it is nested too deep, or holds an error message.
    """
    whole = document(source)
    check_error(whole.path)
    return Stream(FORMAT, whole.encoding, _features(whole), source.member, whole.notes)


def _features(whole: Document) -> Iterator[Entry | Reject]:
    number = 0
    for number, value in enumerate(values(whole.path, "features.item"), 1):
        yield feature_entry(number, value)
    yield from rest_said(whole.path, number)
    if not number and "features" not in top_of(whole.path).lists:
        raise UnreadableError("a GeoJSON collection without a list of features")
