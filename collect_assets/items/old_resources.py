"""Resources that people withdrew, or gave another one's place: `old-resource.csv`, as digital-land keeps it.

Of a resource that is gone (410) no records are read: it counts as one that cannot be read, and proves nothing. In the
place of one that moved (301) the other is read. Which days and endpoints named it stays on record: log.csv and
resource.csv are the same with and without this register, as they are upstream, whose planning is what heeds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from collect_assets.collection import Collection
from collect_assets.csv_rows import read_rows
from collect_assets.errors import RegisterError
from collect_assets.store.canonical import canonical_hash

GONE = "410"
WITHDRAWN = "withdrawn: old-resource.csv says that it is gone"
_HASH = re.compile(r"[0-9a-f]{64}")


def old_resources(collection: Collection) -> dict[str, str]:
    """What has the place of each old resource; blank where it is gone.

    Of several rows for one resource the last counts, as upstream. What moved to a resource that moved itself is read at
    the end of that way; a way that leads in a circle, or to what is no resource, leads nowhere.

    Raises:
        RegisterError: the register is there and cannot be read: what was withdrawn must not come back for that.
    """
    path = collection.registers / "old-resource.csv"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RegisterError(f"{path}: cannot be read: {error.strerror or error}") from error
    rows = [row.cells for row in read_rows(path, content, needed=("old-resource",))]  # bad ones too: they withdraw
    moved = {row["old-resource"].strip(): _place(row) for row in rows if row["old-resource"].strip()}
    return {old: _end(old, moved) for old in moved}


def place_of(resource: str, canonical: str, old: Mapping[str, str], collection: Collection) -> tuple[str, str] | None:
    """The resource that is read in the place of one, and its canonical hash; None where it is gone.

    Args:
        resource: what a log names.
        canonical: its canonical hash; blank where no log says it.
        old: what has the place of each old resource.
        collection: whose resources.
    """
    place = old.get(resource, resource)
    if not place:
        return None
    if place == resource and canonical:
        return place, canonical
    path = collection.resources.path(place)
    return place, canonical_hash(path, place) if path.is_file() else place


def _place(row: Mapping[str, str]) -> str:
    place = row.get("resource", "").strip()
    return place if row.get("status", "").strip() != GONE and _HASH.fullmatch(place) else ""


def _end(old: str, moved: Mapping[str, str]) -> str:
    seen, place = {old}, moved[old]
    while place in moved:
        if place in seen:
            return ""
        seen.add(place)
        place = moved[place]
    return place
