"""`host.csv`: which hosts share a backend, how many requests they take at once, and the pause that they ask for.

Columns: `host` (a host with everything below it, `arcgis.com` as `*.arcgis.com`; `host:port` for one port), `group`,
`at-once`, `pause`. The row that fits most closely counts. A bad row is a problem, and its host is treated as any other.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from collect_assets.collection import HOUR
from collect_assets.csv_rows import Row, read_rows, short
from collect_assets.errors import RegisterError
from collect_assets.network.addresses import ascii_host
from collect_assets.registers import Problem

NEEDED = ("host",)
MOST_AT_ONCE = 64
_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*(?::\d{1,5})?|[0-9a-f:]*:[0-9a-f:.]*")  # or an IPv6 address


@dataclass(frozen=True)
class Place:
    """Where a request has to queue.

    Attributes:
        queue: the name of the queue and of its turns: the host, or the group that it belongs to (whose turns are taken
            before the host's own).
        at_once: how many requests may run there at the same time.
        pause: the least between two of them, in seconds; None leaves it to the collection.
    """

    queue: str
    at_once: int = 1
    pause: float | None = None


class Hosts:
    """The places of hosts. It is asked for every request, so each host is looked up once."""

    def __init__(self, places: Mapping[str, Place] | None = None) -> None:
        self._places = places or {}
        self._known: dict[str, Place] = {}

    def of(self, host: str) -> Place:
        """The place of a host, given with its port as `host_of` spells it."""
        place = self._known.get(host)
        if place is None:
            place = self._known[host] = self._find(host)
        return place

    def _find(self, host: str) -> Place:
        rule = next((self._places[name] for name in _names(host) if name in self._places), None)
        if rule is None:
            return Place(host)
        return rule if rule.queue else replace(rule, queue=host)


class Lanes:
    """Shares out the things of a place to as many queues as it takes requests at once."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._given: Counter[str] = Counter()

    def next_of(self, host: str) -> str:
        """The queue for the next thing of a host."""
        place = self._hosts.of(host)
        if place.at_once == 1:
            return place.queue
        self._given[place.queue] += 1
        return f"{place.queue} {self._given[place.queue] % place.at_once}"


def _names(host: str) -> Iterable[str]:
    """What a row may call a host, the closest first: with its port, without, and the domains above it."""
    yield host
    name = host.rpartition(":")[0]
    while name:
        yield name
        name = name.partition(".")[2]


@dataclass(frozen=True)
class HostRegister:
    """`host.csv` as it stands; blank where there is none."""

    path: Path
    sha256: str = ""
    content: bytes = b""
    places: Mapping[str, Place] | None = None
    problems: tuple[Problem, ...] = ()


def read_hosts(path: Path) -> HostRegister:
    """Reads `host.csv`; whatever is wrong with it is a problem and stops nothing."""
    try:
        content = path.read_bytes()
        rows = list(read_rows(path, content, needed=NEEDED))
    except FileNotFoundError:
        return HostRegister(path)
    except (RegisterError, OSError) as error:
        reason = f"{error}; hosts are treated as if there were no such file"
        return HostRegister(path, problems=(Problem(path.name, 0, reason),))
    places: dict[str, Place] = {}
    problems: list[Problem] = []
    for row in rows:
        try:
            name, place = _place(row)
        except ValueError as error:
            problems.append(Problem(path.name, row.number, f"{error}; the row is passed over"))
            continue
        if name in places:
            problems.append(Problem(path.name, row.number, f"{name} has a row already; the first counts"))
        places.setdefault(name, place)
    return HostRegister(path, hashlib.sha256(content).hexdigest(), content, _agreed(places), tuple(problems))


def _place(row: Row) -> tuple[str, Place]:
    if row.skip:
        raise ValueError(row.reason)
    cell = {name: text.strip() for name, text in row.cells.items()}
    name = _host(cell["host"])
    at_once = _number(cell, "at-once", 1, MOST_AT_ONCE)
    if at_once is not None and at_once != int(at_once):
        raise ValueError(f"at-once is {cell['at-once']}, which is no whole number")
    group = cell.get("group", "")
    return name, Place(f"group {group}" if group else "", int(at_once or 1), _number(cell, "pause", 0, HOUR))


def _host(text: str) -> str:
    try:
        name = ascii_host(text.removeprefix("*.")).rstrip(".")
    except UnicodeError:
        name = ""
    if not _NAME.fullmatch(name):
        raise ValueError(f"host is {short(text)}; write a host or a domain, such as maps.example.org or arcgis.com")
    return name


def _number(cell: Mapping[str, str], column: str, least: float, most: float) -> float | None:
    text = cell.get(column, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or not least <= number <= most:
        raise ValueError(f"{column} is {short(text)}; write a number from {least:g} to {most:g}")
    return number


def _agreed(places: Mapping[str, Place]) -> dict[str, Place]:
    """Rows of one group speak of one queue: the smallest number and the longest pause hold for all of it."""
    groups: dict[str, Place] = {}
    for place in places.values():
        known = groups.get(place.queue, place)
        pauses = [pause for pause in (known.pause, place.pause) if pause is not None]
        groups[place.queue] = Place(place.queue, min(known.at_once, place.at_once), max(pauses, default=None))
    return {name: groups[place.queue] if place.queue else place for name, place in places.items()}
