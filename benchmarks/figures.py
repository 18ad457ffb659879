"""What a benchmark gives: figures, as a line for people and as JSON. What is measured stands in the other modules."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

MB = 1_000_000


@dataclass(frozen=True)
class Figure:
    """One result.

    Attributes:
        name: of the benchmark, and what of it.
        says: the result as a line that people can read.
        values: the numbers in it, and those behind it.
    """

    name: str
    says: str
    values: dict[str, float | int | str | list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a run of the benchmarks works, and at which size.

    Attributes:
        folder: a temporary folder of its own, removed at the end.
        results: where figures and profiles are kept.
        quick: small sizes, to see that everything works; the figures mean little.
        items: how many items, where somebody says so; 0 leaves it to the benchmark.
    """

    folder: Path
    results: Path
    quick: bool = False
    items: int = 0


def machine() -> dict[str, str | int]:
    """In general words what the figures were measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.system(),
        "python": platform.python_version(),
        "duckdb": version("duckdb"),
        "requests": version("requests"),
        "urllib3": version("urllib3"),
    }


def write_figures(path: Path, figures: Sequence[Figure], *, quick: bool) -> None:
    """Writes all figures as JSON; those of other names that stand there from an earlier run are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    held = json.loads(path.read_text())["figures"] if path.is_file() else {}
    measured = time.strftime("%Y-%m-%d", time.gmtime())
    for figure in figures:
        held[figure.name] = {**asdict(figure), "measured": measured, "quick": quick}
    path.write_text(json.dumps({"machine": machine(), "figures": held}, indent=2, ensure_ascii=False) + "\n")
