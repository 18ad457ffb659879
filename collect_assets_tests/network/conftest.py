"""Gates with small limits, whose bodies and locks lie in the test's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collect_assets.collection import Limits, Politeness
from collect_assets.errors import FetchError
from collect_assets.network.addresses import AddressRules
from collect_assets.network.gate import Gate, Request

MakeGate = Callable[..., Gate]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def make_gate(tmp_path: Path, work: Path) -> Iterator[MakeGate]:
    gates: list[Gate] = []

    def make(**settings: Any) -> Gate:
        fields = {name: settings.pop(name) for name in list(settings) if name in Limits.model_fields}
        polite = {name: settings.pop(name) for name in list(settings) if name in Politeness.model_fields}
        limits = {"backoff": 0.01, "total_timeout": 5, "connect_timeout": 1, "read_timeout": 2} | fields
        defaults = {"rules": AddressRules.parse("127.0.0.0/8"), "user_agent": "tests (me@example.org)", "work": work,
                    "locks": tmp_path / "locks"}  # fmt: skip
        politeness = {"pause_share": 0.0} | polite
        gates.append(Gate(limits=Limits(**limits), politeness=Politeness(**politeness), **(defaults | settings)))
        return gates[-1]

    yield make
    for gate in gates:
        gate.close()


@pytest.fixture
def failing(work: Path) -> Callable[[Gate, str], FetchError]:
    """Fetches what must fail; whatever happened, no part may be left."""

    def fetch(gate: Gate, url: str, **request: Any) -> FetchError:
        with pytest.raises(FetchError) as caught:
            gate.fetch(Request(url, **request))
        assert not work.exists() or list(work.iterdir()) == []
        return caught.value

    return fetch
