"""Many small files from many hosts without any latency: what a request costs here, and in a plain loop.

Latency is what running hosts side by side wins; without it only the cost of the program is left to be seen.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Place
from benchmarks.laid import lay_register
from benchmarks.processes import BenchmarkError, python, serving


def measure(place: Place) -> list[Figure]:
    """Ours, plain, ours, plain, … in turn; the ratio of the medians."""
    files, hosts, rounds = (200, 40, 1) if place.quick else (2000, 400, 3)
    folder = place.folder / "throughput"
    ours, plain = list[dict[str, float]](), list[dict[str, float]]()
    with serving([sys.executable, "-m", "benchmarks.provider"]) as ready:
        urls = [
            f"http://127.20.{n % hosts // 200}.{n % hosts % 200 + 1}:{ready.split()[1]}/small/{n}" for n in range(files)
        ]
        for turn in range(rounds):
            ours.append(_ours(folder / f"ours-{turn}", urls))
            plain.append(_plain(folder / f"plain-{turn}", urls))
        _ours(folder / "profiled", urls, place.results / "profile.txt")
    shutil.rmtree(folder)
    rates = [files / median(run["seconds"] for run in runs) for runs in (ours, plain)]
    cpu = [1000 * median(run["cpu"] for run in runs) / files for runs in (ours, plain)]
    says = (
        f"{files} files of 2 kB on {hosts} hosts without latency: collect_day {rates[0]:.0f} requests/s, "
        f"plain requests loop {rates[1]:.0f} requests/s, ratio {rates[0] / rates[1]:.2f}; processor time of a request "
        f"{cpu[0]:.2f} and {cpu[1]:.2f} ms"
    )
    values: dict[str, float | int | str | list[float]] = {
        "ratio": rates[0] / rates[1],
        "ours": rates[0],
        "plain": rates[1],
        "ours-seconds": [run["seconds"] for run in ours],
        "plain-seconds": [run["seconds"] for run in plain],
        "ours-cpu-ms": cpu[0],
        "plain-cpu-ms": cpu[1],
        "files": files,
    }
    return [Figure("throughput", says, values)]


def _ours(folder: Path, urls: list[str], profile: Path | None = None) -> dict[str, float]:
    lay_register(folder, urls)
    answer = python("benchmarks.collect_once", folder, *([profile] if profile else [])).answer()
    return _checked(answer, len(urls))


def _plain(folder: Path, urls: list[str]) -> dict[str, float]:
    listing = folder.with_suffix(".txt")
    listing.write_text("\n".join(urls))
    return _checked(python("benchmarks.plain_loop", listing, folder).answer(), len(urls))


def _checked(answer: dict[str, float], expected: int) -> dict[str, float]:
    if answer["kept"] != expected:
        raise BenchmarkError(f"{answer['kept']} of {expected} files came")
    return answer
