"""The file of a run: what it asked and skipped, and why; its settings, software and registers."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Collection as Those
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from collect_assets.collecting.log import canonical_json
from collect_assets.collecting.plan import Mode, Plan
from collect_assets.collection import Collection, ResourceRuleName
from collect_assets.network.hosts import HostRegister
from collect_assets.registers import EndpointRegister
from collect_assets.store.canonical import CANONICAL_RULES
from collect_assets.store.local import write_atomically
from collect_assets.version import __version__


@dataclass(frozen=True)
class RunFile:
    """One run's file, written when the run starts and again when it ends."""

    path: Path
    content: dict[str, Any]

    @property
    def run(self) -> str:
        """The id of the run, which its logs carry."""
        return self.path.stem


def start_run(
    collection: Collection,
    register: EndpointRegister,
    plan: Plan,
    *,
    entry_date: dt.date,
    mode: Mode,
    only: Those[str] | None = None,
    started: dt.datetime,
    hosts: HostRegister | None = None,
    resource_rule: ResourceRuleName = "raw",
) -> RunFile:
    """Keeps copies of the registers and writes down what the run is about to do.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    kept: list[EndpointRegister | HostRegister] = [register, *([hosts] if hosts and hosts.sha256 else [])]
    for each in kept:
        keep_register(collection, each)
    run = f"{started:%Y%m%dT%H%M%S%f}Z-{uuid4().hex[:8]}"
    content = {
        "run": run,
        "entry-date": entry_date.isoformat(),
        "started": started.isoformat(),
        "mode": mode.value,
        "only": None if only is None else sorted(only),
        "asked": [endpoint.endpoint for endpoint in plan.asked],
        "already": len(plan.already),
        "skipped": [
            {
                "endpoint": s.endpoint,
                "endpoint-url": s.url,
                "outcome": f"skipped:{s.why}",
                "row": s.row,
                "reason": s.reason,
            }
            for s in plan.skips
        ],
        "problems": [asdict(problem) for problem in (*register.problems, *(hosts.problems if hosts else ()))],
        "registers": {each.path.name: each.sha256 for each in kept},
        "resource-rule": resource_rule,
        "settings": collection.settings.model_dump(mode="json", by_alias=True),
        "software": {
            "collect_assets": __version__,
            "canonical-rules": CANONICAL_RULES,
            "python": platform.python_version(),
            "requests": version("requests"),
            "urllib3": version("urllib3"),
        },
    }
    run_file = RunFile(collection.runs(entry_date) / f"{run}.json", content)
    write_atomically(run_file.path, canonical_json(content), collection.work)
    return run_file


def end_run(
    collection: Collection,
    run_file: RunFile,
    *,
    ended: dt.datetime,
    outcomes: dict[str, int],
    audited: Mapping[str, str],
) -> None:
    """Adds when the run ended, how often each outcome came, and what the audit found.

    A run file without this was interrupted.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    content = {**run_file.content, "ended": ended.isoformat(), "outcomes": outcomes, "audit": dict(audited)}
    write_atomically(run_file.path, canonical_json(content), collection.work)


def keep_register(collection: Collection, register: EndpointRegister | HostRegister) -> None:
    """Keeps the register's bytes under their hash, as they stood when the run started.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    path = collection.register_copies.path(register.sha256)
    if not path.exists() or path.read_bytes() != register.content:
        write_atomically(path, register.content, collection.work)


def read_run_file(collection: Collection, entry_date: dt.date, run: str) -> dict[str, Any]:
    """The content of one run's file; empty where it is missing or damaged."""
    return _content(collection.runs(entry_date) / f"{run}.json")


def run_files(collection: Collection, entry_date: dt.date) -> Iterator[dict[str, Any]]:
    """The contents of the run files of an entry-date, newest first; damaged ones are passed over."""
    for path in sorted(collection.runs(entry_date).glob("*.json"), reverse=True):
        if content := _content(path):
            yield content


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, OSError):
        return {}
    return content if isinstance(content, dict) else {}
