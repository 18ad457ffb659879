"""What is in an XML element, as the fields of a record: Darwin Core's terms by name, or elements as they are nested."""

from __future__ import annotations

from typing import Any, cast

from lxml import etree

from collect_assets.errors import UnreadableError
from collect_assets.readers.darwin_parts import add_term, join_parts
from collect_assets.readers.darwin_terms import ENTITY, MAX_NAMES, NAMES

MAX_DEPTH = 100
EXTENSIONS = "SimpleDarwinExtensions"
_NUMBERED = ("institutionCode", "collectionCode", "catalogNumber")
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_TEXT = "#text"


def darwin_fields(record: etree._Element) -> dict[str, Any]:
    """The terms of a record with simple ones right inside; what is nested stays so.

    Raises:
        UnreadableError: an entity stands in it, or it is nested too deep.
    """
    fields: dict[str, Any] = {}
    known = NAMES.get
    for child in record:
        text = child.text
        if len(child):
            _add_nested(fields, child)
        elif text and not text.isspace():
            tag = child.tag
            name = known(tag) or NAMES[tag]
            if name in fields:
                add_term(fields, name, text)
            else:
                fields[name] = text
    join_parts(fields)
    return fields


def _add_nested(fields: dict[str, Any], child: etree._Element) -> None:
    if local_name(child).casefold() == EXTENSIONS.casefold():
        for row in child:
            fields.setdefault(local_name(row), []).append(darwin_fields(row))
        return
    if (value := element_value(child)) is not None:
        add_member(fields, NAMES[child.tag], value)


def darwin_id(fields: dict[str, Any]) -> str:
    """Who a record of Darwin Core is: its occurrenceID, else institution, collection and catalogue number together."""
    known = fields.get("occurrenceID")
    if isinstance(known, str) and known.strip():
        return known
    texts = [text.strip() for name in _NUMBERED if isinstance(text := fields.get(name), str)]
    return "|".join(texts) if len(texts) == 3 and all(texts) else ""


def element_value(element: etree._Element, depth: int = 0) -> Any:  # noqa: ANN401 - text, members, or nothing
    """An element as its elements are: text, or members by name, lists where a name comes more than once.

    Attributes stand as `@name`, text beside elements as `#text`. None where there is nothing in it.

    Raises:
        UnreadableError: an entity stands in it, or it is nested too deep.
    """
    if depth > MAX_DEPTH:
        raise UnreadableError(f"nested deeper than {MAX_DEPTH} levels")
    if not len(element) and not element.keys():
        text = element.text
        return text if text and not text.isspace() else None
    members: dict[str, Any] = {
        f"@{name.removeprefix(_XML).rpartition('}')[2]}": value
        for name, value in _attributes(element)
        if value and not name.startswith(_XSI)
    }
    texts = [element.text or ""]
    for child in element:
        texts.append(child.tail or "")
        if (value := element_value(child, depth + 1)) is not None:
            add_member(members, local_name(child), value)
    text = "".join(texts) if len(texts) > 1 else texts[0]
    if text and not text.isspace():
        if not members:
            return text
        members[_TEXT] = text.strip()
    return members or None


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    """As text: the parser is told that all is UTF-8, and gives no bytes."""
    return cast("list[tuple[str, str]]", element.items())


def add_member(members: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Adds a value; the second of a name makes a list of both."""
    if name not in members:
        members[name] = value
        return
    there = members[name]
    members[name] = [*there, value] if isinstance(there, list) else [there, value]


class _LocalNames(dict[str, str]):
    """The name of each tag that was asked for, without its namespace."""

    def __missing__(self, tag: str) -> str:
        if not isinstance(tag, str):
            raise UnreadableError(ENTITY)
        name = tag.rpartition("}")[2]
        if len(self) < MAX_NAMES:
            self[tag] = name
        return name


_LOCAL_NAMES = _LocalNames()


def local_name(element: etree._Element) -> str:
    """The name of an element without its namespace.

    Raises:
        UnreadableError: it is the reference of an entity, which stands for what nobody knows.
    """
    return _LOCAL_NAMES[element.tag]
