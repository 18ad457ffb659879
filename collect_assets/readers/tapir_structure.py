"""Which element of a TAPIR page is the record, where the output model is one that nobody knows. It is not in the page.

The page is read once without keeping anything of it: how often each path occurs, and how many records it says it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from lxml import etree

from collect_assets.readers.xml_stream import MAX_ROOT, pieces
from collect_assets.readers.xml_text import XmlText
from collect_assets.store.local import storage_errors

MAX_PATHS = 2000
MAX_LEVELS = 12
_KNOWN = ("DarwinRecord", "SimpleDarwinRecord", "Unit")
_KNOWN_TAG = re.compile(rf"<(?:[\w.-]+:)?(?:{'|'.join(_KNOWN)})[\s>]".encode())
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
Path = tuple[str, ...]


@dataclass
class _Counted:
    """What one path of elements came to."""

    count: int = 0
    below: set[Path] = field(default_factory=set)
    attributes: bool = False


class _Counter:
    """What the parser calls for each element."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.paths: dict[Path, _Counted] = {}
        self.returned = 0
        self.known = False
        self._open: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._open.append(tag)
        path = tuple(self._open[2:])  # below response and search
        if tag == f"{self.protocol}summary":
            count = attributes.get("totalReturned", "")
            self.returned = int(count) if count.isdecimal() and len(count) < 12 else 0
        elif path and self._open[1] == f"{self.protocol}search" and len(path) <= MAX_LEVELS:
            self._count(path, attributes)

    def _count(self, path: Path, attributes: Mapping[str, str]) -> None:
        self.known = self.known or path[-1].rpartition("}")[2] in _KNOWN
        if path not in self.paths and len(self.paths) >= MAX_PATHS:
            return
        counted = self.paths.setdefault(path, _Counted())
        counted.count += 1
        counted.attributes = counted.attributes or any(not name.startswith(_XSI) for name in attributes)
        if path[:-1] in self.paths:
            self.paths[path[:-1]].below.add(path)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._open.pop()

    def close(self) -> None:
        """The document ends."""


def record_tag(text: XmlText, protocol: str) -> str:
    """The tag of the records; blank where they are of a known kind, or there are none.

    What breaks off is counted up to there: that it does, the reading itself will say.
    """
    if _KNOWN_TAG.search(_start(text)):
        return ""
    counter = _Counter(protocol)
    target = cast("Any", counter)  # the stubs know no target that takes texts only, as UTF-8 gives them
    parser = etree.XMLParser(target=target, encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False)
    try:
        with storage_errors(text.path), text.path.open("rb") as file:
            for piece in pieces(file.read):
                parser.feed(piece)
        parser.close()
    except etree.XMLSyntaxError:
        pass
    return "" if counter.known else _record(counter)


def _start(text: XmlText) -> bytes:
    with storage_errors(text.path), text.path.open("rb") as file:
        return file.read(MAX_ROOT)


def _record(counter: _Counter) -> str:
    """The shallowest path that occurs as often as the page says; else the first that repeats, or has several parts."""
    paths = counter.paths
    if counter.returned > 1:
        fit = [path for path, counted in paths.items() if counted.count == counter.returned]
        if fit:
            return min(fit, key=len)[-1]
    path = next(iter(paths), ())
    while path and paths[path].count == 1 and len(paths[path].below) == 1 and not paths[path].attributes:
        [path] = paths[path].below
    return path[-1] if path else ""
