"""Whether an endpoint has moved for good: the provider said so for days in a row (fault F39)."""

from __future__ import annotations

from urllib.parse import urljoin

from collect_assets.collecting.log import Log
from collect_assets.collecting.past import Past

PERMANENT = frozenset({301, 308})
DAYS = 7  # collected days in a row; a maintenance page that redirects for a weekend proposes nothing


def moved_to(log: Log) -> str:
    """Where the permanent redirects at the start of a log lead; blank where there are none."""
    target = ""
    for redirect in log.redirects:
        if redirect.get("status") not in PERMANENT:
            break
        try:
            target = urljoin(str(redirect.get("url", "")), str(redirect.get("location", "")))
        except ValueError:
            break
    return target


def move_proposed(log: Log, past: Past) -> str:
    """What to tell people about a move; blank where there is nothing to tell."""
    target = moved_to(log)
    if not target:
        return ""
    before = past.before(log.endpoint, DAYS - 1)
    if len(before) < DAYS - 1 or any(each is None or moved_to(each) != target for each in before):
        return ""
    return f"moved for good to {target} for {DAYS} days in a row; end the row and register that URL"
