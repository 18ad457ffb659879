"""The audit of 304: a small share is fetched in full although the server would be believed, to find servers that lie.

What counts as a lie needs no memory of this process and no trust in validators: the server sends other bytes than we
have, and right after answers 304 to the validators of the bytes that we have. The verdict stands in the log, and each
later log of the endpoint takes it over; so what is on record decides, and asking stays unconditional.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Mapping

from collect_assets.collecting.log import Log
from collect_assets.collecting.past import validators
from collect_assets.collecting.resource_rule import ResourceRule
from collect_assets.errors import FetchError
from collect_assets.network.endpoint_gate import EndpointGate
from collect_assets.network.messages import Request
from collect_assets.network.options import EndpointOptions

AGREES, LIES = "agrees", "lies"
ODDS = 5  # times as many as the share are drawn, since the large ones among them do not fit into the budget
MESSAGE = (
    "the server says 304, not modified, to what it served before, and serves other bytes; it is asked for all of it "
    'from now on ("conditional": true in parameters goes back)'
)


class Audit:
    """Draws endpoints for an entry-date, within a budget of bytes; threads share it.

    The budget is a share of the sizes that the run has met so far. What is larger than that, as every resource of a
    small collection is, has its turn once in as many days as the share allows: over the days it is the same share of
    the bytes.
    """

    def __init__(self, share: float, entry_date: dt.date) -> None:
        self._share = share
        self._entry_date = entry_date
        self._known = 0
        self._spent = 0
        self._lock = threading.Lock()

    def draws(self, endpoint: str, size: int) -> bool:
        """Whether an endpoint, whose resource has this size, is fetched in full today."""
        luck = self._luck(endpoint)
        with self._lock:
            self._known += size
            budget = self._share * self._known
            share = self._share if size > budget else ODDS * self._share if self._spent + size <= budget else 0.0
            if luck >= share:
                return False
            self._spent += size
            return True

    def _luck(self, endpoint: str) -> float:
        """The same number in [0, 1) for an endpoint all day, and another one the next day."""
        digest = hashlib.sha256(f"{endpoint} {self._entry_date}".encode()).digest()
        return int.from_bytes(digest[:4]) / 2**32


def conditions(last: Log | None, rule: ResourceRule, options: EndpointOptions) -> dict[str, str]:
    """The validators that an endpoint is asked with: those of its last good log; none where a server lies about them.

    Args:
        last: that log.
        rule: of the run; what was kept by another one is asked for in full.
        options: of the endpoint, which may say that it is to be believed all the same, or never.
    """
    if last is None or not rule.goes_on_from(last):
        return {}
    believed = last.audit != LIES
    conditional = believed if options.conditional is None else options.conditional
    return validators(last, rule.collection) if conditional else {}


def verdict(log: Log, last: Log, validators: Mapping[str, str], gate: EndpointGate) -> str:
    """What an audit shows, given what came in full now and the log of what we had; blank where it shows nothing."""
    if log.resource == last.resource or (log.canonical_hash and log.canonical_hash == last.canonical_hash):
        return AGREES
    try:
        answer = gate.fetch(Request(log.endpoint_url, validators))
    except FetchError:
        return ""
    if answer.part is not None:
        answer.part.unlink(missing_ok=True)
    return LIES if answer.status == 304 else AGREES
