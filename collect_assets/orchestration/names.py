"""From the name of a collection to names that Dagster takes. What they name is decided elsewhere.

Dagster's names are letters, digits and underscores, and a few words are reserved; parts of asset keys may have hyphens
and dots too, so that most keys read like the folder.
"""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata
from dataclasses import dataclass

from dagster import AssetKey

RESERVED = frozenset(
    ("context", "conf", "config", "meta", "dict", "input", "output", "type", "int", "str", "float", "bool")
)
_KEY_PART = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9]+")


def mapped_name(name: str) -> str:
    """The name as a group: accents are dropped, every run of other signs is one underscore, reserved words get one.

    A name of which nothing is left becomes a short hash of itself.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    mapped = _OTHER.sub("_", plain).strip("_")
    if not mapped:
        return f"collection_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{mapped}_" if mapped in RESERVED or keyword.iskeyword(mapped) else mapped


@dataclass(frozen=True)
class Names:
    """All names that one collection has in Dagster.

    Assets' op names have two underscores, which no mapped name holds, so that none of them is the job of another.
    """

    collection: str

    @property
    def group(self) -> str:
        """The group of its assets; the other names are made of it."""
        return mapped_name(self.collection)

    @property
    def collect_job(self) -> str:
        """The job that collects a day and derives everything from it."""
        return f"{self.group.rstrip('_')}_collect"

    @property
    def index_job(self) -> str:
        """The job that derives records and folds a day, without a network."""
        return f"{self.group.rstrip('_')}_index"

    @property
    def schedule(self) -> str:
        """Its schedule."""
        return f"{self.group.rstrip('_')}_daily"

    @property
    def pool(self) -> str:
        """The pool in which runs queue for writing the index."""
        return f"index_{self.group.rstrip('_')}"

    def op(self, step: str) -> str:
        """The op of a step, as it stands in run config."""
        return f"{self.group.rstrip('_')}__{step}"

    def key(self, asset: str) -> AssetKey:
        """The key of one of its assets: the collection's own name where Dagster takes it, else its group."""
        part = self.collection if _KEY_PART.fullmatch(self.collection) else self.group
        return AssetKey([part, asset])
