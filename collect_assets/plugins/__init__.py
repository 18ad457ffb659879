"""How an endpoint is harvested: one module per plugin, found by being here.

A plugin is a module with `NAME`, as the register's `plugin` column has it, and `harvest(request, gate)`; where it takes
parameters, also `PARAMETERS`, which checks them. It asks through the gate, opens no connection of its own, and knows
nothing of logs, days or stores. The modules without a `NAME` are what plugins share.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal

from collect_assets.collection import Harvesting, ResourceRuleName, Section
from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer, Fetcher

Coverage = Literal["full", "changes", "identifiers"]


@dataclass(frozen=True)
class HarvestRequest:
    """What a plugin is asked for.

    Attributes:
        url: as registered.
        parameters: of the register's row.
        validators: `If-None-Match` and `If-Modified-Since` of the last good log, where its resource is at hand.
        work: for files in the making, on the file system of the resources.
        pending: where the finished tasks of a harvest of many pages are kept until it is finished.
        registers: the folder of the registers, for files that a URL names.
        rules: of the collection, for harvests of many pages.
        attempts: how often a request is sent whose answers say that they are a passing failure.
        backoff: seconds before the second of them.
        first: whether there is no good log of the endpoint yet.
        resource_rule: whose answers are kept; `digital-land` takes what digital-land-python took, and says so.
        look: a look will do: the first page with records, or the start of a body over the byte limit.
        entry_date: the day that is collected.
        last: `harvested` of the last good log of an earlier day, for harvests that go on from there; empty where there
            is none, its resource is not at hand, or everything is wanted again.
    """

    url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    validators: Mapping[str, str] = field(default_factory=dict)
    work: Path = Path("work")
    pending: Path = Path("work/pending")
    registers: Path = Path()
    rules: Harvesting = field(default_factory=Harvesting)
    attempts: int = 3
    backoff: float = 1.0
    first: bool = False
    resource_rule: ResourceRuleName = "raw"
    look: bool = False
    entry_date: dt.date = dt.date.min
    last: Mapping[str, Any] = field(default_factory=dict)


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
        incomplete: why the bytes are only a part of what the endpoint has; they are then no resource.
        tasks: of a harvest of many pages, as they stand in the log.
        resumable: whether another run of the day may go on from the tasks that are finished.
        declared_count: how many records the provider says that it has, where it says so; of a list of changes alone it
            does not.
        harvested: what the log keeps for the next harvest, which gets it as `last`.
    """

    answer: Answer
    part: Path | None
    sha256: str = ""
    size: int = 0
    start: bytes = b""
    complete: bool = True
    coverage: Coverage = "full"
    note: str = ""
    incomplete: FailedError | None = None
    tasks: tuple[Mapping[str, Any], ...] = ()
    resumable: bool = False
    declared_count: int | None = None
    harvested: Mapping[str, Any] = field(default_factory=dict)

    @property
    def not_modified(self) -> bool:
        """Whether what we have is still what the provider serves."""
        return self.part is None


Plugin = Callable[[HarvestRequest, Fetcher], Harvest]


@cache
def plugins() -> Mapping[str, Plugin]:
    """All plugins by name; the blank name is the plain GET."""
    return {name: module.harvest for name, module in _modules().items()}


@cache
def plugin_parameters() -> Mapping[str, type[Section]]:
    """What checks the parameters of a plugin, by its name; plugins without any are left out."""
    modules = _modules().items()
    return {name: module.PARAMETERS for name, module in modules if hasattr(module, "PARAMETERS")}


@cache
def _modules() -> Mapping[str, Any]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return {module.NAME: module for module in modules if hasattr(module, "NAME")}
