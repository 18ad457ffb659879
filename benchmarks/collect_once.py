"""Collects one day of a collection in this process and says how long `collect_day` took; on request with a profile.

Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from collect_assets.collecting.day import DayReport, collect_day
from collect_assets.collecting.window import utc_now
from collect_assets.collection import Collection
from collect_assets.network.addresses import AddressRules

SHOWN = 45


def collect(folder: Path) -> DayReport:
    """Collects today, with private addresses allowed."""
    return collect_day(Collection.at(folder), utc_now().date(), rules=AddressRules.everything_private())


def profiled(work: Callable[[], DayReport], output: Path) -> DayReport:
    """Runs work with every thread under a profiler, and writes which functions took the time."""
    profiles: list[cProfile.Profile] = []
    run = threading.Thread.run

    def run_profiled(thread: threading.Thread) -> None:
        profiles.append(cProfile.Profile())
        profiles[-1].runcall(run, thread)

    threading.Thread.run = run_profiled  # type: ignore[method-assign, assignment]
    try:
        profiles.append(cProfile.Profile())
        report = profiles[-1].runcall(work)
    finally:
        threading.Thread.run = run  # type: ignore[method-assign]
    with output.open("w") as text:
        stats = pstats.Stats(profiles[0], stream=text)
        for profile in profiles[1:]:
            stats.add(profile)
        stats.sort_stats("tottime").print_stats(SHOWN)
    return report


def main() -> None:
    """`<collection> [<profile>]`."""
    folder = Path(sys.argv[1])
    begun, used = time.monotonic(), time.process_time()
    report = profiled(lambda: collect(folder), Path(sys.argv[2])) if len(sys.argv) > 2 else collect(folder)
    seconds, cpu = time.monotonic() - begun, time.process_time() - used
    print(
        json.dumps(
            {"seconds": seconds, "cpu": cpu, "logs": len(report.logs), "kept": len(report.resources), **report.fetched}
        )
    )


if __name__ == "__main__":
    main()
