"""EML, which describes a dataset inside of its archive: the few elements that tell people what it is and whose.

A description that cannot be read is a note, and never a fault of the records.
"""

from __future__ import annotations

from lxml import etree

from collect_assets.readers.said import all_text, first_at, person, text_at
from collect_assets.readers.source import Description, Source
from collect_assets.readers.xml_text import xml_text

LONGEST = 5 << 20
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
    contacts = (first_at(root, f"dataset/{role}") for role in ("contact", "creator"))
    contact = next((found for found in contacts if found is not None), None)
    return Description(
        said_by="eml",
        title=text_at(root, "dataset/title"),
        publisher=text_at(root, "dataset/publisher/organizationName")
        or text_at(root, "dataset/creator/organizationName"),
        contact="" if contact is None else _contact(contact),
        licence=_licence(root),
        citation=text_at(root, "additionalMetadata/metadata/gbif/citation"),
        last_update=text_at(root, "dataset/pubDate"),
        identifier=root.get("packageId", ""),
    )


def _contact(contact: etree._Element) -> str:
    """Name, organisation and address of mail, as far as they are there."""
    name = " ".join(filter(None, (text_at(contact, f"individualName/{part}") for part in ("givenName", "surName"))))
    mail = text_at(contact, "electronicMailAddress")
    said = ", ".join(filter(None, (name, text_at(contact, "organizationName") or text_at(contact, "positionName"))))
    return person(said, mail)


def _licence(root: etree._Element) -> str:
    """The address of the licence where one is named, else what is said of rights."""
    rights = first_at(root, "dataset/intellectualRights")
    linked = None if rights is None else next(iter(rights.iter("{*}ulink")), None)
    named = text_at(root, "dataset/licensed/url") or ("" if linked is None else linked.get("url", ""))
    return named or ("" if rights is None else all_text(rights))
