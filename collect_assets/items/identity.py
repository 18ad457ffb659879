"""Which fields of a record say who it is.

Ids are compared as they are written, apart from blanks around them. Where there is no id, the hash of the record is
one: then a change is one record gone and another come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

USUAL_IDS: tuple[str, ...] = (
    "occurrenceID",
    "taxonID",
    "eventID",
    "materialEntityID",
    "materialSampleID",
    "reference",
    "SiteReference",
    "site-reference",
    "entity",
    "identifier",
    "uuid",
    "guid",
    "id",
    "objectid",
)
"""Columns that are taken for the id where nobody says which, the best first: the key terms of Darwin Core, those of the
planning-data specifications, then general ones. Not `fid` nor row numbers: software gives them anew each time."""


@dataclass(frozen=True)
class IdRule:
    """The fields that make the id; several are joined by the separator. No fields: the hash of the record is the id.

    A record that lacks one of the fields has no id: half a key would take two records for one.
    """

    fields: tuple[str, ...] = ()
    separator: str = "|"


def find_field(wanted: str, names: Iterable[str]) -> str | None:
    """The name as it stands among names: exactly, else the first that differs in case only."""
    there = list(names)
    return wanted if wanted in there else next((name for name in there if name.casefold() == wanted.casefold()), None)


def usual_id(names: Iterable[str], has_values: Callable[[str], bool], preferred: Iterable[str] = ()) -> str | None:
    """The first of the preferred and then the usual ids that is there and not blank everywhere; else the first there.

    Args:
        names: the fields that there are.
        has_values: whether any record has a value in a field; asked only of likely fields.
        preferred: what the format says that the id is, the best first; the usual ones are then not asked.
    """
    there = list(names)
    found = [name for wanted in tuple(preferred) or USUAL_IDS if (name := find_field(wanted, there)) is not None]
    return next((name for name in found if has_values(name)), found[0] if found else None)
