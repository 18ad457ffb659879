"""What goes with an export: what was asked, of which day and index, and on what terms the publishers gave it.

Licence, attribution and citation are those that `source.csv` and the resources themselves state; where nobody says
anything, that is what it says. No clock: the same subset of the same index has the same citation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from collect_assets.exporting.stage import Stage, Taken
from collect_assets.items.descriptions import SOURCES, Described, describe, endpoint_urls
from collect_assets.searching.query import Query
from collect_assets.version import __version__

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cited:
    """An endpoint, and what is said of what it serves; `unknown` where nobody says it."""

    collection: str
    endpoint: str
    endpoint_url: str
    items: int
    title: str
    publisher: str
    licence: str
    attribution: str
    citation: str


@dataclass(frozen=True)
class Citation:
    """All of it."""

    query: Mapping[str, Any]
    taken: Sequence[Taken]
    left_out: Sequence[str]
    endpoints: Sequence[Cited]

    @property
    def items(self) -> int:
        """How many were exported."""
        return sum(each.items for each in self.endpoints)

    @property
    def title(self) -> str:
        """The subset in a few words."""
        names = ", ".join(each.collection.settings.title or each.collection.name for each in self.taken)
        return f"{self.items} items of {names}, as of {max(each.as_of for each in self.taken)}"

    @property
    def identifier(self) -> str:
        """The same for the same question to the same indexes of the same day, and for no other."""
        of = [[each.collection.name, each.as_of.isoformat(), each.digest] for each in self.taken]
        return hashlib.sha256(json.dumps([self.query, of], sort_keys=True).encode()).hexdigest()[:32]

    @property
    def asked(self) -> str:
        """The query on one line."""
        return json.dumps(self.query, ensure_ascii=False) if self.query else "all items"

    def to_json(self) -> bytes:
        """As it is stored beside the export."""
        content = {
            "title": self.title,
            "identifier": self.identifier,
            "query": self.query or "all items",
            "items": self.items,
            "collections": [
                {
                    "collection": each.collection.name,
                    "as-of": each.as_of.isoformat(),
                    "index-digest": each.digest,
                    "items": sum(each.items.values()),
                }
                for each in self.taken
            ],
            **({"left-out": list(self.left_out)} if self.left_out else {}),
            "endpoints": [_kebab(asdict(each)) for each in self.endpoints],
            "software": f"collect_assets {__version__}",
        }
        return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def cite(stage: Stage, query: Query) -> Citation:
    """The citation of a subset.

    Raises:
        StorageError: day files cannot be written.
    """
    endpoints = [cited for taken in stage.taken for cited in _cited(taken)]
    return Citation(described(query), stage.taken, stage.left_out, endpoints)


def described(query: Query) -> dict[str, Any]:
    """What a query asks, as far as it asks anything."""
    asked = {each.name: getattr(query, each.name) for each in fields(query)}
    known = {name: value for name, value in asked.items() if value not in ("", (), None, False)}
    if query.where:
        known["where"] = [f"{each.field}{each.operator}{each.value}" for each in query.where]
    plain = {name: asdict(value) if hasattr(value, "__dataclass_fields__") else value for name, value in known.items()}
    return dict(json.loads(json.dumps(plain, default=str)))


def _cited(taken: Taken) -> list[Cited]:
    said: dict[str, list[Described]] = {}
    for each in describe(taken.collection, taken.as_of):
        said.setdefault(each.endpoint, []).append(each)
    urls = endpoint_urls(taken.collection)
    return [
        Cited(
            taken.collection.name,
            endpoint,
            urls.get(endpoint, UNKNOWN),
            items,
            title=_said(said.get(endpoint, ()), "title"),
            publisher=_said(said.get(endpoint, ()), "publisher"),
            licence=_said(said.get(endpoint, ()), "licence"),
            attribution=_said((s for s in said.get(endpoint, ()) if s.said_by == SOURCES), "citation"),
            citation=_said((s for s in said.get(endpoint, ()) if s.said_by != SOURCES), "citation"),
        )
        for endpoint, items in taken.items.items()
    ]


def _said(those: Iterable[Described], name: str) -> str:
    """What they say, each different statement once; of several all, since nobody's word outweighs another's."""
    return "; ".join(dict.fromkeys(text for each in those if (text := getattr(each, name)))) or UNKNOWN


def _kebab(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in values.items()}
