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
class DescribedField:
    """A field: its name in records, the column it is in (None for a constant), and what fills blanks."""

    name: str
    index: int | None
    default: str = ""


@dataclass(frozen=True)
class DescribedTable:
    """The core or an extension as described.

    Attributes:
        row_type: the address of the class of its rows.
        id_name: of the core, the field that is the id; blank without one.
        id_index: the column of the core's id, or of the id that an extension names; None without one.
        delimiters: what may stand between cells: as said, else the guide's comma, or the tab that some readers take.
        lines_end: what ends a line; blank where it is one that needs no care.
    """

    row_type: str
    locations: tuple[str, ...]
    fields: tuple[DescribedField, ...]
    id_name: str
    id_index: int | None
    delimiters: tuple[str, ...]
    quote: str
    lines_end: str
    encoding: str
    header_rows: int
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns its files must have at least."""
        indexes = [field.index for field in self.fields] + [self.id_index]
        return max((index + 1 for index in indexes if index is not None), default=1)


@dataclass(frozen=True)
class Descriptor:
    """A whole descriptor.

    Attributes:
        metadata: the file that describes the dataset; blank where none is named.
    """

    core: DescribedTable
    extensions: tuple[DescribedTable, ...] = ()
    metadata: str = ""
    notes: tuple[str, ...] = ()


def parse_descriptor(content: bytes) -> Descriptor:
    """What a descriptor says.

    An extension that names no file, or no column for the id of the core, is left out with a note.

    Raises:
        UnreadableError: it is not XML, defines entities, describes no core, or describes something wrongly.
    """
    root = _root(content)
    core = next((child for child in _elements(root) if _local(child.tag) == "core"), None)
    if core is None:
        raise UnreadableError(
            f"meta.xml: <{_local(root.tag)}> has no <core>; it is not a Darwin Core Archive descriptor"
        )
    extensions, notes = [], []
    for number, child in enumerate((found for found in _elements(root) if _local(found.tag) == "extension"), 1):
        missing = "" if _locations(child) else "names no file"
        missing = missing or (
            "" if any(_local(part.tag) == "coreid" for part in _elements(child)) else "has no <coreid>"
        )
        if missing:
            name = term_name(_said(child).get("rowtype", "")) or str(number)
            notes.append(f"meta.xml: the extension {name} {missing}; it is left out")
        else:
            extensions.append(_table(child))
    metadata = plain_name(_said(root).get("metadata", "").strip())
    return Descriptor(_table(core), tuple(extensions), metadata, tuple(notes))


def _table(element: Any) -> DescribedTable:  # noqa: ANN401 - lxml's element is private
    said, what = _said(element), _local(element.tag)
    locations = _locations(element)
    if not locations:
        raise UnreadableError(f"meta.xml: <{what}> names no file; expected <files><location>")
    if remote := [place for place in locations if "://" in place]:
        raise UnreadableError(f"meta.xml: the {what} is at another address, {remote[0]}; register that address")
    fields, id_name, id_index = _fields(element)
    ends = _unescaped(said.get("linesterminatedby", "\n"))
    header_rows, notes = _header_rows(said.get("ignoreheaderlines", "0"))
    delimiter, quote = _unescaped(said.get("fieldsterminatedby", ",")), _unescaped(said.get("fieldsenclosedby", '"'))
    delimiters = (delimiter,) if "fieldsterminatedby" in said else (",", "\t")
    if not 1 <= len(delimiter.encode()) <= 4 or len(quote) > 1 or delimiter in {quote, "\n", "\r"}:
        raise UnreadableError(
            f"meta.xml: fieldsTerminatedBy {delimiter!r} with fieldsEnclosedBy {quote!r} cannot be read; "
            "expected one character each, and none for no quotes"
        )
    ends = "" if ends in _LINE_ENDS else ends
    encoding, row_type = said.get("encoding", "").strip(), said.get("rowtype", "").strip()
    dialect = (delimiters, quote, ends, encoding, header_rows, notes)
    return DescribedTable(row_type, locations, fields, id_name, id_index, *dialect)


def _said(element: Any) -> dict[str, str]:  # noqa: ANN401
    return {_local(key): value for key, value in element.attrib.items()}


def _locations(element: Any) -> tuple[str, ...]:  # noqa: ANN401
    return tuple(plain_name(str(found.text).strip()) for found in element.iter() if _is_location(found))


def _root(content: bytes) -> Any:  # noqa: ANN401 - lxml's element is private
    if b"<!DOCTYPE" in content or b"<!\0D\0O\0C\0T\0Y\0P\0E" in content or b"<!ENTITY" in content:
        raise UnreadableError("meta.xml: has a document type, which may define entities; it is not read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(_without_rubbish(content), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableError(f"meta.xml: not well-formed XML: {error}") from None


def _without_rubbish(content: bytes) -> bytes:
    """From the XML declaration on: some exports write blanks or warnings above it."""
    at = content.find(b"<?xml", 0, 4096)
    return content[at:] if at > 0 else content.lstrip(b" \t\r\n")


def _elements(parent: Any) -> list[Any]:  # noqa: ANN401
    return [child for child in parent if isinstance(child.tag, str)]


def _local(tag: Any) -> str:  # noqa: ANN401
    return etree.QName(tag).localname.lower()


def _is_location(found: Any) -> bool:  # noqa: ANN401
    return isinstance(found.tag, str) and _local(found.tag) == "location" and bool((found.text or "").strip())


def _fields(element: Any) -> tuple[tuple[DescribedField, ...], str, int | None]:  # noqa: ANN401
    """The fields, the name of the one that is the core's id (the term of that column, else `id`), and its column."""
    described: list[tuple[str, int | None, str]] = []
    id_index: int | None = None
    is_core = _local(element.tag) == "core"
    for child in _elements(element):
        said = _said(child)
        if _local(child.tag) == ("id" if is_core else "coreid"):
            id_index = _index(said.get("index"), _local(child.tag))
        elif _local(child.tag) == "field":
            term = said.get("term", "").strip()
            if not term:
                raise UnreadableError("meta.xml: a <field> without term")
            described.append((term, _index(said.get("index"), term), said.get("default", "")))
    counts = Counter(term_name(term) for term, _, _ in dict.fromkeys(described))
    fields = {
        name: DescribedField(name, index, default)
        for term, index, default in described
        if index is not None or default
        for name in [term_name(term) if counts[term_name(term)] == 1 else term]
    }
    of_id = next((field.name for field in fields.values() if field.index == id_index is not None), "")
    if is_core and id_index is not None and not of_id:
        of_id = "id" if "id" not in fields else "coreid"
        fields = {of_id: DescribedField(of_id, id_index), **fields}
    return tuple(fields.values()), of_id, id_index


def term_name(term: str) -> str:
    """The last part of a term's address."""
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
