"""When a fetch is tried again, and after how long.

Nothing here waits or asks; the gate does.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from collect_assets.collection import Limits
from collect_assets.errors import Evidence, FetchError

STATUSES = frozenset({429, 500, 502, 503, 504})
_COOLING = frozenset({429, 503})
DNS_ATTEMPTS = 2


@dataclass(frozen=True)
class Retries:
    """The rules for one fetch."""

    limits: Limits

    def after_error(self, error: FetchError, attempts: int) -> float | None:
        """The seconds until the next attempt, or None where there is none."""
        if error.why == "host-given-up":  # transient for the day, final for the run
            return None
        most = min(self.limits.attempts, DNS_ATTEMPTS) if error.why.startswith("dns") else self.limits.attempts
        return self._backoff(attempts) if error.transient and attempts < most else None

    def after_status(self, status: int, cooling: float, attempts: int) -> float | None:
        """The same, after an answer."""
        if status not in STATUSES or attempts >= self.limits.attempts:
            return None
        return max(cooling, self._backoff(attempts))

    def cooling(self, status: int, headers: Mapping[str, str]) -> float:
        """For how long the host asked to be left alone, up to the longest that we wait; 0 where it did not ask."""
        return min(_asked(headers), self.limits.max_backoff) if status in _COOLING else 0.0

    def _backoff(self, attempts: int) -> float:
        jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, hides nothing
        return float(min(self.limits.backoff * 2 ** min(attempts - 1, 30) * jitter, self.limits.max_backoff))


def asked_pause(evidence: Evidence) -> float:
    """For how many seconds the last answer asks to be left alone, however long; 0 where it does not ask."""
    return _asked(evidence.response_headers) if evidence.status in _COOLING else 0.0


def _asked(headers: Mapping[str, str]) -> float:
    lower = {name.lower(): value for name, value in headers.items()}
    return seconds_of(lower.get("retry-after", ""), lower.get("date", ""))


def seconds_of(retry_after: str, date: str = "") -> float:
    """What a Retry-After asks for: seconds, or a date (counted from the server's own Date); 0 where it is nonsense."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:12])
    until = _timestamp(text)
    if until is None:
        return 0.0
    now = _timestamp(date)
    return max(until - (time.time() if now is None else now), 0.0)


def _timestamp(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
