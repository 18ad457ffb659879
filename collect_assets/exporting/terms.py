"""What fields and nested tables are called in a Darwin Core Archive: addresses of terms and of classes.

Terms of Darwin Core have theirs by its published list; those of GBIF's extensions by the table below. What neither
knows stands under the address that GBIF's own reader gives to such a term, and is read back under its name.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from collect_assets.readers.term_table import CURRENT

DARWIN = "http://rs.tdwg.org/dwc/terms/"
UNKNOWN = "http://unknown.org/"
_DUBLIN = "http://purl.org/dc/terms/"
_DUBLIN_TERMS = (
    "audience available contributor coverage created creator date description extent format identifier isPartOf issued "
    "publisher relation rights source spatial subject temporal title"
)
_GBIF = "http://rs.gbif.org/terms/1.0/"
_GBIF_CLASSES = (
    "DNADerivedData Description Distribution Identifier Image Multimedia Reference SpeciesProfile TypesAndSpecimen "
    "VernacularName"
)
_UNWELCOME = re.compile(r"[/#\x00-\x1f\x7f]")  # a reader takes what is behind the last / or # for the name
# Of the namespaces that have a name the first counts; `iri/` has a second meaning for names of Darwin Core itself.
_PREFERRED = (DARWIN, "http://purl.org/dc/elements/1.1/", _DUBLIN, "http://rs.tdwg.org/ac/terms/")
_KNOWN = {
    **dict.fromkeys(_GBIF_CLASSES.split(), _GBIF),
    **dict.fromkeys(_DUBLIN_TERMS.split(), _DUBLIN),
    **{name: space for space in reversed(_PREFERRED) for name in CURRENT.get(space, ())},
}


def address(name: str) -> str:
    """The address of a term, or of a class; the name itself where it is one already."""
    if "://" in name:
        return name
    return f"{_KNOWN.get(name, UNKNOWN)}{_UNWELCOME.sub(lambda found: quote(found[0], safe=''), name)}"
