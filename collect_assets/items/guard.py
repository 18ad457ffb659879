"""How much an endpoint may lose at once before a person is asked: the guard looks only at loss, never at growth.

The settings say it for an endpoint without a past. With one, its own past does: three times the largest share that it
ever lost in its last answers, which a person may have approved, but never less than a third of what the settings say,
nor more than twice that.
"""

from __future__ import annotations

from dataclasses import dataclass

PAST = 30  # answers
FACTOR, NARROWEST, WIDEST, ALMOST_ALL = 3.0, 1 / 3, 2.0, 0.95


@dataclass(frozen=True)
class Past:
    """What an endpoint did in its last complete answers, `PAST` at most.

    Attributes:
        answers: how many there were.
        largest: the largest share of its items that one of them took away.
    """

    answers: int = 0
    largest: float = 0.0


def allowed_share(share: float, past: Past, past_answers: int) -> float:
    """The share that passes.

    Args:
        share: what the settings say; 1 or more lets everything pass.
        past: of the endpoint.
        past_answers: so many answers make a past.
    """
    if share >= 1 or past.answers < past_answers:
        return share
    return min(max(FACTOR * past.largest, NARROWEST * share), max(NARROWEST * share, min(WIDEST * share, ALMOST_ALL)))


def narrowest(share: float) -> float:
    """What is no larger than this passes whatever the past is."""
    return share if share >= 1 else NARROWEST * share
