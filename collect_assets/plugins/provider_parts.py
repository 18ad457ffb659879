"""Which part of a provider an endpoint is, where one access point has several: a resource, a dataset, a set.

An endpoint is known by its URL, so two parts of one access point need two URLs: the part stands behind `#`, which is
never sent (RFC 3986, 3.5). A parameter may name it too.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

ROWS = "`collect-assets discover` makes a row for each"  # advice for whoever registered the access point alone


def access_point(url: str) -> tuple[str, str]:
    """The access point of a registered URL, and the part behind `#`; blank where there is none."""
    address, _, part = url.partition("#")
    return address, unquote(part).strip()


def part_url(address: str, part: str) -> str:
    """The URL of a part, as a register has it."""
    return f"{address.partition('#')[0]}#{quote(part, safe='/:@!$&()*+,;=?~.-_')}"
