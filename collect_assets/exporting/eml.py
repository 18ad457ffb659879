"""EML 2.1.1 in the profile of GBIF, as far as a subset of other people's data can say it of itself."""

from __future__ import annotations

import re

from lxml import etree

from collect_assets.exporting.citation import UNKNOWN, Citation
from collect_assets.version import __version__

NAMESPACE = "eml://ecoinformatics.org/eml-2.1.1"
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
SEVERAL = "The records were published under different terms, by endpoint as stated in citation.json."


def eml_document(citation: Citation) -> bytes:
    """The document; it names no person, since none vouches for the subset."""
    root = etree.Element(f"{{{NAMESPACE}}}eml", {"packageId": citation.identifier, "system": "collect_assets"},
                         nsmap={"eml": NAMESPACE})  # fmt: skip
    root.set("scope", "system")
    dataset = etree.SubElement(root, "dataset")
    _add(dataset, "title", citation.title)
    publishers = list(dict.fromkeys(each.publisher for each in citation.endpoints if each.publisher != UNKNOWN))
    for publisher in publishers or [UNKNOWN]:
        _add(etree.SubElement(dataset, "creator"), "organizationName", publisher)
    _add(etree.SubElement(dataset, "metadataProvider"), "organizationName", f"collect_assets {__version__}")
    _add(dataset, "pubDate", max(each.as_of for each in citation.taken).isoformat())
    abstract = etree.SubElement(dataset, "abstract")
    _add(abstract, "para", f"A subset of items that others published. Asked was: {citation.asked}")
    rights = etree.SubElement(dataset, "intellectualRights")
    _add(rights, "para", _rights(citation))
    _add(etree.SubElement(dataset, "contact"), "organizationName", (publishers or [UNKNOWN])[0])
    gbif = etree.SubElement(etree.SubElement(etree.SubElement(root, "additionalMetadata"), "metadata"), "gbif")
    cited = [each.citation for each in citation.endpoints if each.citation != UNKNOWN]
    _add(gbif, "citation", "; ".join(dict.fromkeys(cited)) or citation.title)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _rights(citation: Citation) -> str:
    licences = {each.licence for each in citation.endpoints}
    if licences <= {UNKNOWN}:
        return "The licence of these records is unknown: no publisher and no register states one."
    return licences.pop() if len(licences) == 1 else SEVERAL


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = _NO_XML.sub(" ", text)
