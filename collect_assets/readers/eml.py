"""EML, which describes a dataset inside of its archive: the few elements that tell people what it is and whose.

A description that cannot be read is a note, and never a fault of the records.
"""

from __future__ import annotations

from lxml import etree

from collect_assets.readers.source import Description, Source
from collect_assets.readers.xml_text import xml_text

LONGEST = 5 << 20
MAX_TEXT = 4000
_UNREADABLE = "{}: what describes the dataset cannot be read: {}"


def read_eml(source: Source) -> tuple[Description, tuple[str, ...]]:
    """What a document of EML says, and what to say of it where it cannot be read."""
    if source.path.stat().st_size > LONGEST:
        return Description(), (_UNREADABLE.format(source.member, f"it has more than {LONGEST:,} bytes"),)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.parse(str(xml_text(source).path), parser).getroot()
    except (etree.XMLSyntaxError, ValueError) as error:
        return Description(), (_UNREADABLE.format(source.member, str(error).split(" (", 1)[0]),)
    return _description(root), ()


def _description(root: etree._Element) -> Description:
    contacts = (_first(root, f"dataset/{role}") for role in ("contact", "creator"))
    contact = next((found for found in contacts if found is not None), None)
    return Description(
        said_by="eml",
        title=_text(root, "dataset/title"),
        publisher=_text(root, "dataset/publisher/organizationName") or _text(root, "dataset/creator/organizationName"),
        contact="" if contact is None else _contact(contact),
        licence=_licence(root),
        citation=_text(root, "additionalMetadata/metadata/gbif/citation"),
        last_update=_text(root, "dataset/pubDate"),
        identifier=root.get("packageId", ""),
    )


def _first(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of names, in whatever namespace."""
    steps = "/".join(f"*[local-name()='{name}']" for name in path.split("/"))
    found = element.xpath(steps)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


def _text(element: etree._Element, path: str) -> str:
    found = _first(element, path)
    return "" if found is None else _all_text(found)


def _all_text(element: etree._Element) -> str:
    return " ".join("".join(map(str, element.itertext())).split())[:MAX_TEXT]


def _contact(contact: etree._Element) -> str:
    """Name, organisation and address of mail, as far as they are there."""
    name = " ".join(filter(None, (_text(contact, f"individualName/{part}") for part in ("givenName", "surName"))))
    mail = _text(contact, "electronicMailAddress")
    said = ", ".join(filter(None, (name, _text(contact, "organizationName") or _text(contact, "positionName"))))
    return f"{said} <{mail}>".strip() if mail else said


def _licence(root: etree._Element) -> str:
    """The address of the licence where one is named, else what is said of rights."""
    rights = _first(root, "dataset/intellectualRights")
    linked = None if rights is None else next(iter(rights.iter("{*}ulink")), None)
    named = _text(root, "dataset/licensed/url") or ("" if linked is None else linked.get("url", ""))
    return named or ("" if rights is None else _all_text(rights))
