"""Records of an XML document one by one, in one pass, whatever its size: no entities, no network, no document type.

Memory holds one record and what stands before and after all of them. Which elements are records stands with each
format. A document that breaks off gives the records before the break, and then where it broke.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import cast

from lxml import etree

from collect_assets.errors import UnreadableError
from collect_assets.readers.darwin_parts import has_short_year
from collect_assets.readers.encodings import start_text
from collect_assets.readers.source import Description, Entry, Note, Reject
from collect_assets.readers.xml_text import XmlText
from collect_assets.store.local import storage_errors

MAX_RECORD = 8 << 20  # bytes; as a tree of tiny elements they take fifty times that
MAX_ROOT = 1 << 16  # bytes before the first element
MAX_RAW = 10_000
MAX_LINE = 65_535
OWN_TYPE = "XML with a document type of its own (<!DOCTYPE … [); such documents are not read"
SHORT_YEARS = "records have a year of two digits; it is kept as it is, and makes no date"
PIECE = 1 << 16
_BEFORE_ROOT = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*>)*", re.DOTALL)
_START_TAG = re.compile(r"""<[A-Za-z_](?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")


def root_of(start: bytes) -> etree.QName | None:
    """The name of the first element, by a document's first bytes; None where there is none, or a type is defined."""
    return _root(start_text(start)[:MAX_ROOT])


@lru_cache(maxsize=4)
def _root(start: str) -> etree.QName | None:
    """Every XML reader asks this of the same file."""
    found = _BEFORE_ROOT.match(start)
    tag = _START_TAG.match(start, found.end() if found else 0)
    if tag is None:
        return None
    try:
        element = etree.fromstring(f"{tag[0].rstrip('/>')}/>".encode(), _parser())
    except etree.XMLSyntaxError:  # a prefix that is not declared: its name is what there is
        return etree.QName(re.split(r"[\s/>]", tag[0][1:], maxsplit=1)[0].rsplit(":", 1)[-1])
    return etree.QName(element)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


class XmlRecords:
    """The elements of a document that are records; nested ones are part of the outer.

    Attributes:
        root: the document without its records; whole once they are read. None where there is no first element.
        broken: where and why the document could not be read further; None where it is whole.
    """

    def __init__(self, text: XmlText, tags: Iterable[str]) -> None:
        self.root: etree._Element | None = None
        self.broken: tuple[int | None, str] | None = None
        self._path = text.path
        self._parser = etree.XMLPullParser(
            events=("start", "end"),
            tag=list(tags),
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._within = 0

    def __iter__(self) -> Iterator[etree._Element]:
        """Each record, whole; it is cleared when the next one is asked for."""
        waiting, above = 0, None
        with storage_errors(self._path), self._path.open("rb") as file:
            for piece in pieces(file.read):
                self._feed(piece)
                waiting += len(piece)
                for element in self._finished():
                    waiting = 0
                    yield element
                    above = _clear(element, above)
                if self.broken is None and waiting > MAX_RECORD:
                    self._break(None, f"more than {MAX_RECORD:,} bytes without the end of a record")
                if self.broken is not None:
                    return
        self._close()

    def _feed(self, piece: bytes) -> None:
        """What the parser does not raise, such as an entity that nobody defined, stands in its log: it reads no on."""
        try:
            self._parser.feed(piece)
        except etree.XMLSyntaxError as error:
            self._break(error.lineno, str(error.msg))
        for entry in self._parser.feed_error_log.filter_from_fatals():
            self._break(entry.line, entry.message)

    def _close(self) -> None:
        try:
            self.root = self._parser.close()
        except etree.XMLSyntaxError as error:
            self._break(error.lineno, str(error.msg))

    def _break(self, line: int | None, reason: str) -> None:
        if self.broken is None:
            self.broken = (line, " ".join(re.sub(r", line \d+, column \d+", "", reason).split()))

    def _finished(self) -> Iterator[etree._Element]:
        # Only events of elements were asked for.
        events = cast("Iterator[tuple[str, etree._Element]]", self._parser.read_events())
        for event, element in events:
            if event == "start":
                self._within += 1
                self.root = element.getroottree().getroot() if self.root is None else self.root
                continue
            self._within -= 1
            if not self._within:
                yield element


def pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The document in pieces, without what may stand before its declaration.

    Raises:
        UnreadableError: it defines types or entities of its own: a bomb, or a way to read other files (fault F56).
    """
    piece = read(MAX_ROOT).removeprefix(b"\xef\xbb\xbf").lstrip()
    start = piece.decode("latin-1")
    if has_own_type(start):
        raise UnreadableError(OWN_TYPE)
    while piece:
        yield piece
        piece = read(PIECE)


def has_own_type(start: str) -> bool:
    """Whether a document that begins so defines types or entities of its own."""
    found = _BEFORE_ROOT.match(start)
    return start.startswith("<!DOCTYPE", found.end() if found else 0)


def _clear(element: etree._Element, above: etree._Element | None) -> etree._Element | None:
    """Takes a record out of the tree, and what stood before it; wrappers go when the next one of them is there.

    Args:
        element: the record.
        above: what held the one before it.

    Returns:
        What holds it.
    """
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # newer than the stubs
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
    if parent is above:
        return parent
    for ancestor in element.iterancestors():
        before, holder = ancestor.getprevious(), ancestor.getparent()
        if before is not None and holder is not None and before.tag == ancestor.tag:
            holder.remove(before)
    return parent


def read_entries(
    records: XmlRecords,
    convert: Callable[[etree._Element], Entry],
    at_end: Callable[[etree._Element, int], Iterable[Reject | Note | Description]],
) -> Iterator[Entry | Reject | Note | Description]:
    """The entries of a document.

    Args:
        records: its records.
        convert: makes an entry of one; an `UnreadableError` rejects it.
        at_end: what the rest of a whole document says of its records; is given how many there were.

    Raises:
        UnreadableError: the document breaks off before its first record.
    """
    number, short = 0, 0
    for number, element in enumerate(records, 1):
        try:
            entry = convert(element)
            short += has_short_year(entry.fields)
            yield entry
        except UnreadableError as error:
            raw = etree.tostring(element, encoding="utf-8", with_tail=False)[:MAX_RAW].decode("utf-8", "replace")
            yield Reject(number, _line(element), str(error), raw)
    if short:
        yield Note(SHORT_YEARS, short)
    if records.broken is not None:
        line, reason = records.broken
        if not number:
            raise UnreadableError(f"XML that cannot be read{f' (line {line})' if line else ''}: {reason}")
        yield Reject(number + 1, line, f"the document breaks off after {number:,} records: {reason}")
    elif records.root is not None:
        yield from at_end(records.root, number)


def _line(element: etree._Element) -> int | None:
    """The line where an element begins; the parser counts no further than its largest number."""
    line = cast("int | None", element.sourceline)
    return line if line is not None and line < MAX_LINE else None
