"""A real day served again on loopback, collected by the shell command and by a plain loop over the same URLs.

The record lies outside of this repository: `COLLECT_ASSETS_CORPUS` names the folder. Beside it stands the provider that
serves it, where every host of that day has an address of its own and answers after its own latency (scaled). Without it
the small made day of the tests is served, which shows that the benchmark works and little more.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collect_assets_tests.recorded_day import recorded, served

from benchmarks.figures import Figure, Place
from benchmarks.laid import lay_register
from benchmarks.plain_loop import TIMEOUTS
from benchmarks.processes import Finished, python, run, serving

COMMAND = Path(sys.executable).with_name("collect-assets")
COLLECTION, DATE, SCALE = "brownfield-land", "2024-03-07", "0.1"
QUICK_ENDPOINTS = 60


@dataclass(frozen=True)
class Served:
    """A day that is being served: what it is called, its URLs, and what it measured of its most crowded host."""

    name: str
    urls: list[str]
    most_open: Callable[[], int]


def measure(place: Place) -> list[Figure]:
    """Ours first, then the plain loop, each from an empty folder."""
    folder = place.folder / "replay"
    folder.mkdir()
    named = os.environ.get("COLLECT_ASSETS_CORPUS")
    with _real_day(Path(named), folder) if named else _made_day() as day:
        urls = day.urls[:QUICK_ENDPOINTS] if place.quick else day.urls
        lay_register(folder / "ours", urls)
        ours = run([COMMAND, "collect", "-c", folder / "ours", "--allow-private-addresses", "--json"])
        most_open = day.most_open()
        listing = folder / "urls.txt"
        listing.write_text("\n".join(urls))
        plain = python("benchmarks.plain_loop", listing, folder / "plain")
    shutil.rmtree(folder)
    return [_figure(day.name, len(urls), ours, plain, most_open)]


@contextmanager
def _real_day(corpus: Path, folder: Path) -> Iterator[Served]:
    port, register = _free_port(), folder / "endpoint.csv"
    with serving(_provider(corpus, port, register)):
        urls = [line.split(",")[1] for line in register.read_text().splitlines()[1:]]
        yield Served(
            f"{DATE} ({COLLECTION}, latency x {SCALE})", urls, lambda: int(_stats(port)["most-open-on-one-host"])
        )


@contextmanager
def _made_day() -> Iterator[Served]:
    with served(recorded()) as day:
        yield Served("a made day", day.urls, lambda: max(day.most_open.values()))


def _figure(day: str, count: int, ours: Finished, plain: Finished, most_open: int) -> Figure:
    came, loop = json.loads(ours.output), plain.answer()
    says = (
        f"{count} endpoints of {day}: collect-assets collect {ours.seconds:.0f} s "
        f"({came['with-resource']} resources, never more than {most_open} request at a time to one host), plain loop "
        f"{plain.seconds:.0f} s ({loop['kept']} files, timeouts {TIMEOUTS[0]} s to connect, {TIMEOUTS[1]} s to read, "
        f"one attempt each): {plain.seconds / ours.seconds:.1f} times as long"
    )
    values: dict[str, float | int | str | list[float]] = {
        "day": day,
        "endpoints": count,
        "most-open-on-one-host": most_open,
        "ours-seconds": ours.seconds,
        "plain-seconds": plain.seconds,
        "ratio": plain.seconds / ours.seconds,
        "ours-resources": came["with-resource"],
        "plain-files": loop["kept"],
    }
    return Figure("replay", says, values)


def _provider(corpus: Path, port: int, register: Path) -> list[str | Path]:
    derived = corpus / "digital-land" / "derived"
    return [
        *(sys.executable, corpus.parent / "tools" / "replay_provider.py", "--collection", COLLECTION, "--date", DATE),
        *("--history", next(derived.glob("fetch-history*.csv")), "--urls", derived / f"endpoint-url-{DATE}.csv"),
        *("--port", str(port), "--scale", SCALE, "--register", register),
    ]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _stats(port: int) -> dict[str, int | str]:
    """Asks the provider for what it served, on an address that answers."""
    with urllib.request.urlopen(f"http://127.1.0.1:{port}/__stats", timeout=10) as answer:
        return dict(json.load(answer))
