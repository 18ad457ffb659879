"""How a check asks: through the gate, under limits that hold for all of its requests together.

What `parameters` say about limits may make them tighter, never wider: a check is for somebody who waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from collect_assets.collection import HOUR, Limits, Politeness
from collect_assets.errors import FailedError, SettingsError
from collect_assets.network.addresses import AddressRules
from collect_assets.network.endpoint_gate import EndpointGate
from collect_assets.network.gate import Gate
from collect_assets.network.messages import Answer, Request

_CLAMPED = ("connect_timeout", "read_timeout", "total_timeout", "max_bytes", "max_wire_bytes", "max_redirects",
            "attempts", "max_backoff")  # fmt: skip
_MOST_BYTES, _MOST_SECONDS = 1 << 30, 3600.0


@dataclass(frozen=True)
class CheckLimits:
    """What one check may take.

    Attributes:
        max_bytes: of one answer, decoded; of a longer one the start is read.
        seconds: for all requests together.
        attempts: of each request.
        max_redirects: of each request.
    """

    max_bytes: int = 10_000_000
    seconds: float = 30.0
    attempts: int = 2
    max_redirects: int = 5

    def __post_init__(self) -> None:
        within = (
            ("max_bytes", 1, _MOST_BYTES),
            ("seconds", 0.1, _MOST_SECONDS),
            ("attempts", 1, 10),
            ("max_redirects", 0, 30),
        )
        for name, least, most in within:
            value = getattr(self, name)
            if not least <= value <= most:
                raise SettingsError(f"{name} is {value}; it has to be from {least} to {most}")

    @property
    def of_the_gate(self) -> Limits:
        """The same in the gate's words; more may come on the wire, so that it is the decoded bytes that count.

        A pause that a host asks for is obeyed, however long: what does not fit into the time is not begun.
        """
        return Limits(
            connect_timeout=min(10.0, self.seconds),
            read_timeout=min(20.0, self.seconds),
            total_timeout=self.seconds,
            max_bytes=self.max_bytes,
            max_wire_bytes=2 * self.max_bytes + (1 << 16),
            max_redirects=self.max_redirects,
            attempts=self.attempts,
            backoff=0.5,
            max_backoff=HOUR,
        )


def open_gate(
    limits: CheckLimits, rules: AddressRules, user_agent: str, headers: Mapping[str, str], work: Path
) -> Gate:
    """A gate whose bodies lie in `work`. Its requests take turns with those of all processes of this machine.

    How long they wait for a turn is said for each of them (`Terms.ends`): `Asking` does.
    """
    return Gate(limits=limits.of_the_gate, politeness=Politeness(), user_agent=user_agent, headers=headers, rules=rules,
                work=work)  # fmt: skip


@dataclass
class Asking:
    """What plugins ask through: the gate of the endpoint, until the time of the check is over.

    Attributes:
        gate: of the endpoint, with the terms of the plugin that asks now.
        ends: when the time is over, by `clock`, which is the gate's; waiting for turns and between attempts included.
        sent: how many requests were sent.
    """

    gate: EndpointGate
    limits: CheckLimits
    ends: float
    clock: Callable[[], float] = time.monotonic
    sent: int = 0

    def __post_init__(self) -> None:
        self._known: tuple[Request, Answer] | None = None

    def remember(self, request: Request, answer: Answer) -> None:
        """Gives this answer to whoever asks the same next, so that nothing is asked twice."""
        self._known = request, answer

    def fetch(self, request: Request) -> Answer:
        """Asks for one thing, as `Gate.fetch` does.

        Raises:
            FetchError: also `deadline`, where the time of the check is over.
        """
        known, self._known = self._known, None
        if known is not None and known[0] == request:
            return known[1]
        left = self.ends - self.clock()
        if left <= 0:
            raise FailedError("deadline", f"{request.url}: not asked, since the {self.limits.seconds:g} s of the check "
                              "are over", exception="Timeout")  # fmt: skip
        self.sent += 1
        return self._within(left).fetch(request)

    def _within(self, seconds: float) -> EndpointGate:
        ceiling = self.limits.of_the_gate.model_copy(update={"total_timeout": seconds})
        terms = self.gate.terms
        least = {name: min(getattr(terms.limits, name), getattr(ceiling, name)) for name in _CLAMPED}
        limits = terms.limits.model_copy(update=least)
        return replace(self.gate, terms=replace(terms, limits=limits, ends=self.ends))
