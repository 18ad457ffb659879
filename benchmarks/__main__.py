"""`python -m benchmarks [NAME …] [--quick]`: runs benchmarks, prints a line for each figure, writes them as JSON."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmarks.figures import Figure, Place, write_figures

NAMES = (
    "replay", "throughput", "memory", "archive", "index", "unchanged", "small", "tables", "estate", "documents",
    "items", "year", "search", "export", "paging"
)  # fmt: skip


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(NAMES)}; all when left out")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--items", type=int, default=0, help="how many items the benchmarks of the index have")
    parser.add_argument("--results", type=Path, default=Path("bench"), help="folder of figures.json and profile.txt")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    options.results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder), options.results, options.quick, options.items)
        for name in options.names or NAMES:
            measure: Callable[[Place], list[Figure]] = import_module(f"benchmarks.{name}").measure
            figures = measure(place)
            for figure in figures:
                print(f"{figure.name}: {figure.says}", flush=True)
            write_figures(options.results / "figures.json", figures, quick=options.quick)


if __name__ == "__main__":
    main()
