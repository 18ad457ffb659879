"""What was found beside a register: what is known, new, gone, moved or ended; for people to decide.

An endpoint is gone when the register has it at this provider, and the provider does not name it any more. It moved when
the provider names it under another URL: by another scheme, or another address on the same host. Where an installation
moved to another host, most of its resources keep their names: it is recognised by two or more, and by at least a half.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from collect_assets.discovery.found import Discovery, Found, Identity
from collect_assets.plugins.provider_parts import access_point, part_url
from collect_assets.registers import Endpoint

LEAST_OF_AN_INSTALLATION = 2
OF_ONE_ACCESS_POINT = frozenset({"digir", "biocase", "oai-pmh"})
NAMED_BY_CHOICE = {"digir": "resource", "biocase": "dataset"}  # where there is one only; by `#`, or by this parameter


@dataclass(frozen=True)
class Move:
    """An endpoint that is registered under one URL and found under another."""

    before: Endpoint
    found: Found


@dataclass
class Review:
    """How a register and a provider differ.

    Attributes:
        known: registered, and there.
        ended: there, though their rows have an end-date.
        gone: registered, and not there any more.
    """

    known: list[Found] = field(default_factory=list)
    new: list[Found] = field(default_factory=list)
    moved: list[Move] = field(default_factory=list)
    ended: list[Found] = field(default_factory=list)
    gone: list[Endpoint] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to decide."""
        return not (self.new or self.moved or self.gone)


def review(discovery: Discovery, endpoints: Iterable[Endpoint], today: dt.date) -> Review:
    """What of a discovery a register has, and what it lacks.

    Args:
        discovery: what the provider offers.
        endpoints: of the register.
        today: rows that ended on this day or before are not asked any more.
    """
    rows = list(endpoints)
    active = {row.url: row for row in rows if not row.ended(today)}
    ended = {row.url for row in rows} - active.keys()
    said = Review(known=[one for one in discovery.found if one.url in active])
    missing = {url: row for url, row in active.items() if url not in {one.url for one in discovery.found}}
    rest = [one for one in discovery.found if one.url not in active]
    rest = _the_only_one(said, discovery, rest, missing)
    rest = _moved_beside(said, rest, missing)
    said.ended = [one for one in rest if one.url in ended]
    rest = _moved_hosts(said, [one for one in rest if one.url not in ended], missing)
    said.new = rest
    said.gone = _gone(discovery, missing.values())
    return said


def _identity(row: Endpoint) -> Identity:
    return Identity.of(row.url, row.plugin, row.parameters)


def _the_only_one(said: Review, discovery: Discovery, rest: list[Found], missing: dict[str, Endpoint]) -> list[Found]:
    """Takes the only resource or dataset of a provider, which a row means with its name and without; else the rest."""
    if discovery.kind not in NAMED_BY_CHOICE or len(discovery.found) != 1 or not rest:
        return rest
    [one] = rest
    point, name = access_point(one.url)
    for row in missing.values():
        address, part = access_point(row.url)
        part = part or str(row.parameters.get(NAMED_BY_CHOICE[discovery.kind], ""))
        names = {"", name.casefold(), one.title.casefold()}
        if (row.plugin, address) == (one.plugin, point) and " ".join(part.split()).casefold() in names:
            said.known.append(one)
            del missing[row.url]
            return []
    return rest


def _moved_beside(said: Review, rest: list[Found], missing: dict[str, Endpoint]) -> list[Found]:
    """Takes what is written otherwise, or lies elsewhere on its host; returns the rest."""
    left: list[Found] = []
    for one in rest:
        same = [row for row in missing.values() if _identity(row) == one.identity]
        here = [row for row in missing.values() if _is_beside(_identity(row), one.identity)]
        if same and _scheme(same[0].url) == _scheme(one.url):
            said.known.append(one)
        elif same or len(here) == 1:
            said.moved.append(Move((same or here)[0], one))
        else:
            left.append(one)
            continue
        del missing[(same or here)[0].url]
    return left


def _is_beside(before: Identity, now: Identity) -> bool:
    return (before.plugin, before.host, before.part) == (now.plugin, now.host, now.part) and now.part != ""


def _moved_hosts(said: Review, rest: list[Found], missing: dict[str, Endpoint]) -> list[Found]:
    """Takes what an installation brought along from another host; returns the rest."""
    names = {(one.plugin, one.identity.part) for one in rest if one.identity.part}
    identities = {url: _identity(row) for url, row in missing.items()}
    shared = Counter((i.host, i.place) for i in identities.values() if (i.plugin, i.part) in names)
    place, count = next(iter(shared.most_common(1)), (("", ""), 0))
    if count < LEAST_OF_AN_INSTALLATION or count * 2 < len(rest):
        return rest
    before = {(i.plugin, i.part): missing[url] for url, i in identities.items() if (i.host, i.place) == place}
    left: list[Found] = []
    for one in rest:
        row = before.pop((one.plugin, one.identity.part), None)
        if row is None:
            left.append(one)
        else:
            said.moved.append(Move(row, one))
            del missing[row.url]
    return left


def _gone(discovery: Discovery, missing: Iterable[Endpoint]) -> list[Endpoint]:
    """Of what is missing, what the provider would have named."""
    here = _places(discovery)
    return [row for row in missing if (i := _identity(row)) and (i.plugin, i.host, i.place) in here]


def _places(discovery: Discovery) -> set[tuple[str, str, str]]:
    """Where the provider names all that there is: its access point, or wherever its archives or services lie."""
    if discovery.kind == "tapir":  # one service, which speaks for itself only
        return set()
    if discovery.kind in OF_ONE_ACCESS_POINT:
        point = Identity.of(part_url(discovery.url, "any"), discovery.kind, {})
        return {(point.plugin, point.host, point.place)}
    return {(one.plugin, one.identity.host, one.identity.place) for one in discovery.found}


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()
