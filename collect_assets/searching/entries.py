"""Where single entries stand in a document, byte by byte: rows of tables, objects of JSON, elements of XML.

Nothing is decoded to find them, so what is found is exactly what was served. Quotes are followed as readers do it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from collect_assets.items.canonical import canonical_text
from collect_assets.readers.delimited import Dialect, csv_rows

Span = tuple[int, int]
_RECORDS = b"record|Record|Unit|SimpleDarwinRecord|DarwinRecord|header|hit|item|featureMember|member"
_START = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?(?:" + _RECORDS + rb"))(?=[\s/>])(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_SKIPPED = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_LINE = re.compile(rb"[^\r\n]+")


def rows(content: Any, delimiter: str, quote: str) -> Iterator[Span]:  # noqa: ANN401 - a mapped file, or bytes
    """The rows of a table that are not blank, without their line ends."""
    yield from (
        found.span() for found in _row_pattern(delimiter, quote).finditer(content) if found.end() > found.start()
    )


def _row_pattern(delimiter: str, quote: str) -> re.Pattern[bytes]:
    """A quote opens a cell only at its beginning; one that stands elsewhere means itself."""
    if not quote or len(delimiter) != 1:
        return _LINE
    d, q = re.escape(delimiter.encode()), re.escape(quote.encode())
    cell = rb"(?:%s(?:[^%s]|%s%s)*%s[^%s\r\n]*|[^%s\r\n]*)" % (q, q, q, q, q, d, d)
    return re.compile(rb"%s(?:%s%s)*" % (cell, d, cell))


def lines(content: Any) -> Iterator[Span]:  # noqa: ANN401
    """The lines that are not blank."""
    yield from (found.span() for found in _LINE.finditer(content))


def objects(content: Any) -> Iterator[Span]:  # noqa: ANN401
    """The outermost objects that stand in an array; a document that is one object is its own entry."""
    stack: list[tuple[bytes, int]] = []
    inside = 0  # how many levels lie within an object of an array
    whole = True
    for token in _TOKEN.finditer(content):
        mark = token.group()
        if mark in (b"{", b"["):
            entry = mark == b"{" and bool(stack) and stack[-1][0] == b"[" and not inside
            inside += entry or bool(inside)
            stack.append((mark, token.start()))
        elif mark in (b"}", b"]") and stack:
            _, start = stack.pop()
            if inside:
                inside -= 1
                if not inside:
                    whole = False
                    yield start, token.end()
    if whole:
        yield 0, len(content)


def elements(content: Any) -> Iterator[Span]:  # noqa: ANN401
    """The outermost elements that usually are records, by their names in the formats that are read."""
    skipped = [found.span() for found in _SKIPPED.finditer(content)]
    at = 0
    while (found := _START.search(content, at)) is not None:
        if any(start <= found.start() < end for start, end in skipped):
            at = found.end()
            continue
        at = found.end() if found.group().endswith(b"/>") else _closing(content, found.group(1), found.end())
        yield found.start(), at


def _closing(content: Any, name: bytes, at: int) -> int:  # noqa: ANN401
    """Behind the end tag that belongs to a start tag; elements of one name may stand in each other."""
    depth = 1
    for found in re.compile(rb"<(/?)%s(?=[\s/>])[^>]*?(/?)>" % re.escape(name)).finditer(content, at):
        depth += -1 if found[1] else 0 if found[2] else 1
        if not depth:
            return int(found.end())
    return len(content)


def row_texts(entry: bytes, encoding: str, delimiter: str, quote: str) -> set[str]:
    """The cells of a row, in canonical form."""
    text = entry.decode(encoding or "utf-8", "replace")
    found = csv_rows(io.StringIO(text, newline=""), Dialect(delimiter, quote))
    return _texts([cell for row in found for cell in row])


def json_texts(entry: bytes) -> set[str]:
    """The values of an object; none where it is not JSON."""
    try:
        return leaves(json.loads(entry))
    except ValueError:
        return set()


def xml_texts(entry: bytes, encoding: str) -> set[str]:
    """The texts and attributes of an element, whose prefixes may be declared above it."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, encoding=encoding or None)
    element = etree.fromstring(entry, parser)
    if element is None:
        return set()
    texts = [text for each in element.iter(etree.Element) for text in (each.text or "", *each.attrib.values())]
    return _texts(texts)


def leaves(value: object) -> set[str]:
    """The values within a record, as canonical texts."""
    if isinstance(value, dict):
        return set().union(*map(leaves, value.values()))
    if isinstance(value, list):
        return set().union(*map(leaves, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _texts([value if isinstance(value, str) else json.dumps(value)]) if value is not None else set()


def _texts(texts: list[str]) -> set[str]:
    """In canonical form, with one kind of line end, since readers of tables make them one."""
    return {text for each in texts if (text := canonical_text(each.replace("\r\n", "\n").replace("\r", "\n")))}
