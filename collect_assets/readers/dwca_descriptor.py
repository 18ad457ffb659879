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

    An extension that names no file, a file at another address, or no column for the id of the core, is left out with a
    note.

    Raises:
        UnreadableError: it is not XML, defines entities, describes no core, or describes something wrongly.
    """
    root = _root(content)
    core = _core(root)
    extensions, notes = [], []
    for number, child in enumerate((found for found in _elements(root) if _local(found.tag) == "extension"), 1):
        if missing := _missing(child):
            name = term_name(_said(child).get("rowtype", "")) or str(number)
            notes.append(f"meta.xml: the extension {name} {missing}; it is left out")
        else:
            extensions.append(_table(child))
    metadata = plain_name(_said(root).get("metadata", "").strip())
    return Descriptor(_table(core), tuple(extensions), metadata, tuple(notes))


def _core(root: Any) -> Any:  # noqa: ANN401 - lxml's element is private
    """The core; archives of the Encyclopedia of Life say `table`, and where there is one, it can be nothing else."""
    parts = _elements(root)
    cores, tables = ([part for part in parts if _local(part.tag) == tag] for tag in ("core", "table"))
    if cores:
        return cores[0]
    if len(tables) == 1:
        return tables[0]
    several = f", and {len(tables)} <table>s of which none is said to be it" if tables else ""
    raise UnreadableError(
        f"meta.xml: <{_local(root.tag)}> has no <core>{several}; it is not a Darwin Core Archive descriptor"
    )


def _missing(extension: Any) -> str:  # noqa: ANN401 - lxml's element is private
    """Why an extension cannot be read; blank where it can."""
    locations = _locations(extension)
    if not locations:
        return "names no file"
    if remote := next(filter(_is_remote, locations), ""):
        return f"is at another address, {remote}"
    return "" if _key_tag(extension) else "has no <coreid>"


def _is_remote(location: str) -> bool:
    return "://" in location


def _key_tag(element: Any) -> str:  # noqa: ANN401
    """The tag that says which column is the core's id: some extensions have `id` in place of `coreid`."""
    tags = {_local(part.tag) for part in _elements(element)}
    return next((tag for tag in (() if _is_core(element) else ("coreid",)) + ("id",) if tag in tags), "")


def _is_core(element: Any) -> bool:  # noqa: ANN401
    return _local(element.tag) != "extension"


def _table(element: Any) -> DescribedTable:  # noqa: ANN401 - lxml's element is private
    said, what = _said(element), _local(element.tag)
    locations = _locations(element)
    if not locations:
        raise UnreadableError(f"meta.xml: <{what}> names no file; expected <files><location>")
    if remote := next(filter(_is_remote, locations), ""):
        raise UnreadableError(f"meta.xml: the {what} is at another address, {remote}; register that address")
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
    is_core, key_tag = _is_core(element), _key_tag(element)
    for child in _elements(element):
        said = _said(child)
        if _local(child.tag) == key_tag:
            id_index = _index(said.get("index"), key_tag)
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
