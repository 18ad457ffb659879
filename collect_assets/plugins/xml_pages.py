"""Pages of XML as they are in the field, read as streams: for counting what is in them, not for what it means.

What the record protocols' providers serve is often not quite XML. Its encoding is found by trying (a BOM, UTF-8, the
declared one, Windows-1252), characters that XML forbids and ampersands that stand for themselves are taken out or
written out, by code point, before the parser sees them; what a page keeps is its own bytes. The parser resolves no
entities, opens no files and no connections, and has libxml2's limits.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.entities import html5
from pathlib import Path
from typing import NamedTuple, cast

from lxml import etree

from collect_assets.errors import FailedError
from collect_assets.store.local import storage_errors

PIECE = 1 << 18
LONGEST_REFERENCE = 40
PROLOG = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(r"&(?:#([0-9]{1,9});|#[xX]([0-9A-Fa-f]{1,8});|([A-Za-z][A-Za-z0-9]{1,30};))?")
_OF_XML = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})


@dataclass
class Repairs:
    """What had to be done to read a page.

    Attributes:
        encoding: the one that it was read in.
        forbidden: characters that were left out.
        ampersands: those that were written out.
    """

    encoding: str = "utf-8"
    forbidden: int = 0
    ampersands: int = 0

    def __str__(self) -> str:
        counts = ((self.forbidden, "forbidden characters"), (self.ampersands, "ampersands that stood for themselves"))
        said = [f"{count} {words}" for count, words in counts if count]
        return "; ".join(([f"read as {self.encoding}"] if self.encoding != "utf-8" else []) + said)


class Step(NamedTuple):
    """The end of an element, or its beginning where `begins`. A page has tens of thousands of them.

    Attributes:
        path: the local names of the elements around it, from the root down, and its own.
    """

    begins: bool
    path: tuple[str, ...]
    element: etree._Element


def steps(url: str, body: Path, repairs: Repairs) -> Iterator[Step]:
    """The beginnings and ends of the elements of a page; who does not want an element any more calls `free`.

    Raises:
        FailedError: it is not XML, ends too early (transient, as it may come whole next time), declares entities, or is
            beyond a limit.
    """
    parser = etree.XMLPullParser(("start", "end"), encoding="utf-8", resolve_entities=False, no_network=True,
                                 load_dtd=False, huge_tree=False, recover=False)  # fmt: skip
    paths: list[tuple[str, ...]] = [()]
    try:
        for piece in _pieces(body, repairs, url):
            parser.feed(piece)
            yield from _events(parser, paths)
        parser.close()
        yield from _events(parser, paths)
    except etree.XMLSyntaxError as error:
        raise _not_well_formed(url, error) from error


def free(element: etree._Element) -> None:
    """Gives back the memory of what was read, but for the element that the parser still holds."""
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # the stubs are older
    while (before := element.getprevious()) is not None:
        parent = before.getparent()
        if parent is None:
            break
        parent.remove(before)


def _events(parser: etree.XMLPullParser, paths: list[tuple[str, ...]]) -> Iterator[Step]:
    for event, element in cast("Iterable[tuple[str, etree._Element]]", parser.read_events()):
        tag = element.tag
        if not isinstance(tag, str):  # a comment, or the like
            continue
        if event == "start":
            paths.append((*paths[-1], tag.rpartition("}")[2]))
            yield Step(True, paths[-1], element)
        else:
            yield Step(False, paths.pop(), element)


def _not_well_formed(url: str, error: etree.XMLSyntaxError) -> FailedError:
    said = str(error)
    if "XML_PARSE_HUGE" in said or "xcessive depth" in said or "too long" in said or "too big" in said:
        return FailedError("limit", f"{url}: XML beyond what is read: {said}")
    return FailedError("not-a-page", f"{url}: not well-formed XML: {said}", transient=True)


def _pieces(body: Path, repairs: Repairs, url: str) -> Iterator[bytes]:
    with storage_errors(body), body.open("rb") as file:
        start = file.read(PROLOG)
        if b"<!ENTITY" in start:
            raise FailedError("xml-entity", f"{url}: declares entities, which are not resolved")
        repairs.encoding = _encoding(body, start)
        file.seek(0)
        decoder = codecs.getincrementaldecoder(repairs.encoding)("replace")
        held, first = "", True
        while piece := file.read(PIECE):
            text = held + decoder.decode(piece)
            at = text.rfind("&", -LONGEST_REFERENCE)
            text, held = (text[:at], text[at:]) if at >= 0 else (text, "")
            yield _repaired(text.lstrip() if first else text, repairs)
            first = first and not text.strip()
        yield _repaired(held + decoder.decode(b"", final=True), repairs)


def _encoding(body: Path, start: bytes) -> str:
    """The first that fits of: what the byte order mark says, UTF-8, what is declared, Windows-1252."""
    for bom, name in _BOMS:
        if start.startswith(bom):
            return name
    declared = _DECLARED.match(start.lstrip())
    for name in ("utf-8", declared[1].decode("ascii").lower() if declared else ""):
        if name and _decodes(body, name):
            return name
    return "cp1252"


def _decodes(body: Path, encoding: str) -> bool:
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        with body.open("rb") as file:
            while piece := file.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except (LookupError, UnicodeError, TypeError, AttributeError):  # some codecs are not of text
        return False
    return True


def _repaired(text: str, repairs: Repairs) -> bytes:
    def written_out(found: re.Match[str]) -> str:
        decimal, hexadecimal, name = found.groups()
        if name in _OF_XML:
            return found[0]
        if name in html5:
            return html5[name]
        code = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else None
        if code is None:
            repairs.ampersands += 1
            return f"&amp;{found[0][1:]}"
        if code > 0x10FFFF or _FORBIDDEN.match(chr(code)):
            repairs.forbidden += 1
            return ""
        return found[0]

    kept, count = _FORBIDDEN.subn("", text)
    repairs.forbidden += count
    return (_AMPERSAND.sub(written_out, kept) if "&" in kept else kept).encode()
