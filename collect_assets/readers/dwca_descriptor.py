"""The descriptor of a Darwin Core Archive, `meta.xml`: defaults of the text guide, letter case and namespaces let pass.

XML is read without entities and without network (fault F56).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from lxml import etree

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import plain_name

_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\f": "\f", "\\\\": "\\", '\\"': '"', "\\'": "'"}
_LINE_ENDS = {"\n", "\r\n", "\r", ""}
MAX_INDEX = 5000


@dataclass(frozen=True)
class CoreField:
    """A field of the core: its name in records, the column it is in (None for a constant), and what fills blanks."""

    name: str
    index: int | None
    default: str = ""


@dataclass(frozen=True)
class Core:
    """The core as described.

    Attributes:
        delimiters: what may stand between cells: as said, else the guide's comma, or the tab that some readers take.
        lines_end: what ends a line; blank where it is one that needs no care.
    """

    row_type: str
    locations: tuple[str, ...]
    fields: tuple[CoreField, ...]
    id_name: str
    delimiters: tuple[str, ...]
    quote: str
    lines_end: str
    encoding: str
    header_rows: int
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns its files must have at least."""
        return max((field.index + 1 for field in self.fields if field.index is not None), default=1)


def parse_descriptor(content: bytes) -> Core:
    """What a descriptor says of the core.

    Raises:
        UnreadableError: it is not XML, defines entities, describes no core, or describes it wrongly.
    """
    root = _root(content)
    core = next((child for child in _elements(root) if _local(child.tag) == "core"), None)
    if core is None:
        raise UnreadableError(
            f"meta.xml: <{_local(root.tag)}> has no <core>; it is not a Darwin Core Archive descriptor"
        )
    said = {_local(key): value for key, value in core.attrib.items()}
    locations = tuple(plain_name(str(found.text).strip()) for found in core.iter() if _is_location(found))
    if not locations:
        raise UnreadableError("meta.xml: <core> names no file; expected <files><location>")
    if remote := [place for place in locations if "://" in place]:
        raise UnreadableError(f"meta.xml: the core is at another address, {remote[0]}; register that address")
    fields, id_name = _fields(core)
    ends = _unescaped(said.get("linesterminatedby", "\n"))
    header_rows, notes = _header_rows(said.get("ignoreheaderlines", "0"))
    delimiter, quote = _unescaped(said.get("fieldsterminatedby", ",")), _unescaped(said.get("fieldsenclosedby", '"'))
    delimiters = (delimiter,) if "fieldsterminatedby" in said else (",", "\t")
    if not 1 <= len(delimiter.encode()) <= 4 or len(quote) > 1 or delimiter in {quote, "\n", "\r"}:
        raise UnreadableError(
            f"meta.xml: fieldsTerminatedBy {delimiter!r} with fieldsEnclosedBy {quote!r} cannot be read; "
            "expected one character each, and none for no quotes"
        )
    row_type = said.get("rowtype", "").rstrip("/#").replace("#", "/").rsplit("/", 1)[-1]
    ends = "" if ends in _LINE_ENDS else ends
    encoding = said.get("encoding", "").strip()
    return Core(row_type, locations, fields, id_name, delimiters, quote, ends, encoding, header_rows, notes)


def _root(content: bytes) -> Any:  # noqa: ANN401 - lxml's element is private
    if b"<!DOCTYPE" in content or b"<!\0D\0O\0C\0T\0Y\0P\0E" in content or b"<!ENTITY" in content:
        raise UnreadableError("meta.xml: has a document type, which may define entities; it is not read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(content.lstrip(b" \t\r\n"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableError(f"meta.xml: not well-formed XML: {error}") from None


def _elements(parent: Any) -> list[Any]:  # noqa: ANN401
    return [child for child in parent if isinstance(child.tag, str)]


def _local(tag: Any) -> str:  # noqa: ANN401
    return etree.QName(tag).localname.lower()


def _is_location(found: Any) -> bool:  # noqa: ANN401
    return isinstance(found.tag, str) and _local(found.tag) == "location" and bool((found.text or "").strip())


def _fields(core: Any) -> tuple[tuple[CoreField, ...], str]:  # noqa: ANN401
    """The fields, and the name of the one that is the id: the term of that column, else `id`."""
    described: list[tuple[str, int | None, str]] = []
    id_index: int | None = None
    for child in _elements(core):
        said = {_local(key): value for key, value in child.attrib.items()}
        if _local(child.tag) == "id":
            id_index = _index(said.get("index"), "id")
        elif _local(child.tag) == "field":
            term = said.get("term", "").strip()
            if not term:
                raise UnreadableError("meta.xml: a <field> without term")
            described.append((term, _index(said.get("index"), term), said.get("default", "")))
    counts = Counter(_term_name(term) for term, _, _ in dict.fromkeys(described))
    fields = {
        name: CoreField(name, index, default)
        for term, index, default in described
        if index is not None or default
        for name in [_term_name(term) if counts[_term_name(term)] == 1 else term]
    }
    of_id = next((field.name for field in fields.values() if field.index == id_index is not None), "")
    if id_index is not None and not of_id:
        of_id = "id" if "id" not in fields else "coreid"
        fields = {of_id: CoreField(of_id, id_index), **fields}
    return tuple(fields.values()), of_id


def _term_name(term: str) -> str:
    return term.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1]


def _index(text: str | None, what: str) -> int | None:
    if text is None or not text.strip():
        return None
    index = _number(text)
    if index is None or index > MAX_INDEX:
        raise UnreadableError(f"meta.xml: index {text[:20]!r} of {what} is not a column number from 0 to {MAX_INDEX}")
    return index


def _header_rows(text: str) -> tuple[int, tuple[str, ...]]:
    number = _number(text)
    if number is not None and number <= 1000:
        return number, ()
    return 0, (f"meta.xml: ignoreHeaderLines {text[:20]!r} is not a number; taken for 0",)


def _number(text: str) -> int | None:
    """A whole number of a few digits; Python refuses to look at thousands of them."""
    digits = text.strip()
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def _unescaped(text: str) -> str:
    for escape, character in _ESCAPES.items():
        text = text.replace(escape, character)
    return text
