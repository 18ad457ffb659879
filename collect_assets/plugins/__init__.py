"""How an endpoint is harvested: one module per plugin, found by being here.

A plugin is a module with `NAME`, as the register's `plugin` column has it, and `harvest(request, gate)`. It asks
through the gate, opens no connection of its own, and knows nothing of logs, days or stores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal

from collect_assets.network.gate import Answer, Fetcher

Coverage = Literal["full", "changes", "identifiers"]


@dataclass(frozen=True)
class HarvestRequest:
    """What a plugin is asked for.

    Attributes:
        url: as registered.
        parameters: of the register's row.
        validators: `If-None-Match` and `If-Modified-Since` of the last good log, where its resource is at hand.
    """

    url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    validators: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Harvest:
    """What a harvest brought. The caller owns `part` and moves or deletes it.

    Attributes:
        answer: the last answer, for the log.
        part: a file with the resource's bytes; None when the provider said that nothing changed.
        sha256: of those bytes.
        size: of those bytes.
        start: the first bytes, for telling what it is.
        complete: every task succeeded and the counts agree.
        coverage: what the harvest speaks of.
        note: what people should know about it, for the log's message.
    """

    answer: Answer
    part: Path | None
    sha256: str = ""
    size: int = 0
    start: bytes = b""
    complete: bool = True
    coverage: Coverage = "full"
    note: str = ""

    @property
    def not_modified(self) -> bool:
        """Whether what we have is still what the provider serves."""
        return self.part is None


Plugin = Callable[[HarvestRequest, Fetcher], Harvest]


@cache
def plugins() -> Mapping[str, Plugin]:
    """All plugins by name; the blank name is the plain GET."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {module.NAME: module.harvest for module in modules}
