"""Requests to OAI-PMH repositories, and the dates that they understand (protocol version 2.0, 2.4 and 3.3).

A repository's datestamps have one granularity, and its `from` has to have the same. A resumption token is an exclusive
argument: it comes alone, behind the verb.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode

from collect_assets.network.gate import Request

Verb = Literal["ListRecords", "ListIdentifiers", "ListSets"]
_ARGUMENTS = frozenset({"verb", "metadataprefix", "set", "from", "until", "resumptiontoken", "identifier"})
_NARROWER = frozenset({"from", "until", "identifier", "resumptiontoken"})
_NO_LIST = frozenset({"getrecord", "listidentifiers", "listsets", "listmetadataformats"})
_DATESTAMP = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?")
DAY = len("2000-01-01")


@dataclass(frozen=True)
class Repository:
    """A repository, and what of it is wanted.

    Attributes:
        url: its base URL, without arguments of the protocol; others that it has are kept.
        prefix: of the metadata format.
        set: the specification of a set; blank for all.
    """

    url: str
    prefix: str = "oai_dc"
    set: str = ""

    @classmethod
    def of(cls, registered: str, prefix: str, set_: str) -> Repository:
        """The repository of a registered URL, which may be the base URL or a whole request: parameters come first."""
        address, _, query = registered.partition("#")[0].partition("?")
        words = [word for word in query.split("&") if word]
        others = [word for word in words if word.partition("=")[0].lower() not in _ARGUMENTS]
        said = {name.lower(): value for name, value in parse_qsl(query)}
        url = f"{address}?{'&'.join(others)}" if others else address
        return cls(url, prefix or said.get("metadataprefix", "oai_dc"), set_ or said.get("set", ""))

    @staticmethod
    def narrower(registered: str) -> str:
        """What a registered URL asks that is less than a whole list; blank where it asks for one, or for nothing."""
        said = {name.lower(): value for name, value in parse_qsl(registered.partition("#")[0].partition("?")[2])}
        verb = said.get("verb", "")
        others = [name for name in sorted(said) if name in _NARROWER]
        return ", ".join([*([verb] if verb.lower() in _NO_LIST else []), *others])

    def about(self, verb: str) -> Request:
        """Asks something of the repository as a whole."""
        return self._request(verb=verb)

    def list(self, verb: Verb, since: str = "") -> Request:
        """The first page of a list; of what changed since a date, that included."""
        given = {"metadataPrefix": self.prefix, "from": since, "set": self.set}
        return self._request(verb=verb, **{name: value for name, value in given.items() if value})

    def next(self, verb: Verb, token: str) -> Request:
        """The page behind a resumption token."""
        return self._request(verb=verb, resumptionToken=token)

    def _request(self, **arguments: str) -> Request:
        query = urlencode(arguments, quote_via=quote, safe="")
        return Request(f"{self.url}{'&' if '?' in self.url else '?'}{query}")


@dataclass(frozen=True)
class Granularity:
    """How fine a repository's datestamps are.

    Attributes:
        seconds: to the second; else to the day.
    """

    seconds: bool

    @classmethod
    def of(cls, said: str) -> Granularity:
        """As Identify says it; to the day, which every repository takes, where it does not."""
        return cls("hh:mm:ss" in said.lower())

    def written(self, moment: dt.datetime) -> str:
        """A moment as an argument."""
        utc = moment.astimezone(dt.UTC)
        return utc.strftime("%Y-%m-%dT%H:%M:%SZ" if self.seconds else "%Y-%m-%d")

    def datestamp(self, text: str) -> str:
        """A record's datestamp as an argument; blank where it is none. Two of them compare as texts."""
        text = text.strip()
        if not _DATESTAMP.fullmatch(text):
            return ""
        if self.seconds:
            return text if len(text) > DAY else f"{text}T00:00:00Z"
        return text[:DAY]


def moment(text: str) -> dt.datetime | None:
    """A date that a repository or a log says; None where it is none."""
    try:
        said = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return said if said.tzinfo else said.replace(tzinfo=dt.UTC)
