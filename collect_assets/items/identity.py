"""Which fields of a record say who it is.

Ids are compared as they are written, apart from blanks around them. Where there is no id, the hash of the record is
one: then a change is one record gone and another come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


ENOUGH = 0.5
AS_WRITTEN, LOWER = "as-written", "lower"
CASES = (AS_WRITTEN, LOWER)


@dataclass(frozen=True)
class IdRule:
    """The fields that make the id; several are joined by the separator. No fields: the hash of the record is the id.

    A record that lacks one of the fields has no id: half a key would take two records for one. In lower case ids that
    differ in case only are one.
    """

    fields: tuple[str, ...] = ()
    separator: str = "|"
    case: str = AS_WRITTEN

    def cased_sql(self, item_id: str) -> str:
        """SQL for an id in the case that the rule wants."""
        return f"lower({item_id})" if self.case == LOWER else item_id


def find_field(wanted: str, names: Iterable[str]) -> str | None:
    """The name as it stands among names: exactly, else the first that differs in case only."""
    there = list(names)
    return wanted if wanted in there else next((name for name in there if name.casefold() == wanted.casefold()), None)


def usual_ids(names: Iterable[str], preferred: Iterable[str] = ()) -> tuple[str, ...]:
    """The fields that may be the id, the best first; which of them it is, their values decide (`enough_filled`).

    Args:
        names: the fields that there are.
        preferred: what the format says that the id is, the best first; the usual ones are then not looked for.
    """
    there = list(names)
    wanted = tuple(preferred) or USUAL_IDS
    return tuple(dict.fromkeys(name for want in wanted if (name := find_field(want, there)) is not None))


def enough_filled(candidates: Sequence[str], filled: Sequence[int]) -> str:
    """The best candidate that has `ENOUGH` of the values of the fullest.

    Neither one cell filled by chance in a better column, nor one left blank, makes another column the id of all.

    Args:
        candidates: fields that may be the id, the best first.
        filled: how many records have a value in each.
    """
    return next(name for name, count in zip(candidates, filled, strict=True) if count >= ENOUGH * max(filled))
