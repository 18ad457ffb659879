"""What was found at a provider, in the words of a register; and how an endpoint is told apart from others beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from collect_assets.plugins.provider_parts import access_point

_PARTS_IN_QUERY = ("r", "dsa", "set")
_PARTS_IN_PARAMETERS = ("resource", "dataset", "set")
_NO_PART = frozenset({"verb", "metadataPrefix"})  # of a request in OAI-PMH: how it is asked, not what
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Found:
    """One endpoint that a provider offers.

    Attributes:
        url: as a register has it.
        title: what it is.
        version: whatever the provider says that changes with the content: a guid, a version, a date.
        documentation_url: the page, or the EML, that describes it.
        declared_count: how many records it has, as the provider says.
        note: what people should know.
    """

    url: str
    plugin: str = ""
    title: str = ""
    version: str = ""
    documentation_url: str = ""
    declared_count: int | None = None
    note: str = ""

    @property
    def identity(self) -> Identity:
        """Where it is, and which part of that."""
        return Identity.of(self.url, self.plugin, {})


@dataclass(frozen=True)
class Discovery:
    """What is at a URL.

    Attributes:
        kind: of what answered: `ipt`, `symbiota`, `rss`, `digir`, `biocase`, `tapir`, `oai-pmh`, `list`, `page`.
        problems: what was named there and cannot be collected, and what did not answer.
    """

    url: str
    kind: str
    title: str = ""
    found: tuple[Found, ...] = ()
    problems: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Identity:
    """What stays of an endpoint when its URL is written otherwise.

    Attributes:
        place: the host and the path of the provider, whatever the scheme.
        part: which of its resources, datasets or sets.
    """

    plugin: str
    host: str
    place: str
    part: str

    @classmethod
    def of(cls, url: str, plugin: str, parameters: Mapping[str, Any]) -> Identity:
        """Of a registered or found endpoint; a URL that cannot be one stands for itself."""
        try:
            address, part = access_point(url)
            split = urlsplit(address)
            port = split.port if split.port and split.port != _PORTS.get(split.scheme) else None
        except ValueError:
            return cls(plugin, "", url, "")
        host = (split.hostname or "") + (f":{port}" if port else "")
        pairs = [pair for pair in parse_qsl(split.query, keep_blank_values=True) if pair[0] not in _NO_PART]
        part = part or next((str(parameters[name]) for name in _PARTS_IN_PARAMETERS if parameters.get(name)), "")
        if not part:
            part = next((value for name, value in pairs if name in _PARTS_IN_QUERY), "")
            pairs = [pair for pair in pairs if pair[0] not in _PARTS_IN_QUERY]
        path = split.path
        if not part and not pairs:
            path, _, part = path.rpartition("/")
        query = urlencode(pairs)
        return cls(plugin, host.lower(), f"{path}?{query}" if query else path, part)


def absolute(base: str, reference: str) -> str:
    """A URL out of a document that lies at `base`.

    Raises:
        ValueError: it cannot be one, as with an address or a port that there is not.
    """
    url = urljoin(base, reference)
    _ = urlsplit(url).port
    return url


def row_of(found: Found, endpoint: str, today: str) -> dict[str, str]:
    """The cells of endpoint.csv."""
    return {"endpoint": endpoint, "endpoint-url": found.url, "parameters": "", "plugin": found.plugin,
            "entry-date": today, "start-date": "", "end-date": ""}  # fmt: skip


def parameters_of(text: str) -> dict[str, Any]:
    """The parameters of a register's row; none where they cannot be read."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
