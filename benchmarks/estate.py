"""A whole estate of registers as assets: the load time of the definitions, and of `dagster dev` until it answers."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

from collect_assets.cli.ui import end_group
from collect_assets.orchestration.home import prepare_home

from benchmarks.figures import MB, Figure, Place
from benchmarks.laid import lay_register
from benchmarks.processes import BenchmarkError, Finished, python

COLLECTIONS, ENDPOINTS, DAYS = 55, 85, 365  # as many collections and rows as the real estate has
FIRST_DAY = dt.date(2025, 1, 1)
ROUNDS = 5
PATIENCE = 120.0
QUERY = "{ repositoriesOrError { ... on RepositoryConnection { nodes { assetGroups { groupName } } } } }"


def measure(place: Place) -> list[Figure]:
    """Definitions of none, of two and of all collections; `dagster dev` of two and of all."""
    folder = place.folder / "estate"
    whole, few, none = folder / "whole", folder / "few", folder / "none"
    real = _lay(whole, few, none, quick=place.quick)
    names = len(list(whole.iterdir()))
    once = {root: _loaded(root, 1 if place.quick else ROUNDS) for root in (none, few, whole)}
    dev = {root: _dev(root, folder / f"home-{root.name}", len(list(root.iterdir()))) for root in (few, whole)}
    shutil.rmtree(folder)
    loading = _figure_of_loading(once[none], once[few], once[whole], names, real=real)
    return [loading, _figure_of_dev(dev[few], dev[whole], names)]


def _lay(whole: Path, few: Path, none: Path, *, quick: bool) -> bool:
    """The real registers where they are at hand, else as many rows; each with a year of days. Says which it was."""
    corpus = Path(os.environ.get("COLLECT_ASSETS_CORPUS", "")) / "digital-land" / "config-collection"
    real = "COLLECT_ASSETS_CORPUS" in os.environ and corpus.is_dir()
    names = (
        [path.name for path in sorted(corpus.iterdir())] if real else [f"collection-{n}" for n in range(COLLECTIONS)]
    )
    for root, taken in ((whole, names), (few, names[:2]), (none, [])):
        root.mkdir(parents=True)
        for name in taken:
            if real:
                (root / name).mkdir()
                for register in (corpus / name).glob("*.csv"):
                    shutil.copyfile(register, root / name / register.name)
            else:
                lay_register(root / name, [f"https://{name}.example.org/{n}.csv" for n in range(ENDPOINTS)])
            for day in range(3 if quick else DAYS):
                (root / name / "log" / time.strftime("%Y-%m-%d", time.gmtime(86_400 * (20_000 + day)))).mkdir(
                    parents=True
                )
    return real


def _loaded(root: Path, rounds: int) -> list[tuple[Finished, Any]]:
    runs = [python("benchmarks.estate_once", root) for _ in range(rounds)]
    return [(done, done.answer()) for done in runs]


def _figure_of_loading(none: list[Any], few: list[Any], whole: list[Any], names: int, *, real: bool) -> Figure:
    seconds = {name: median(said["build-seconds"] for _, said in runs) for name, runs in
               (("none", none), ("few", few), ("whole", whole))}  # fmt: skip
    imports = median(said["dagster-seconds"] + said["import-seconds"] for _, said in whole)
    peak, least = (median(done.peak_bytes for done, _ in runs) for runs in (whole, none))
    said = whole[0][1]
    each = (seconds["whole"] - seconds["none"]) / names
    says = (
        f"definitions of {names} {'real ' if real else ''}collections ({said['assets']} assets, {said['jobs']} jobs): "
        f"{seconds['whole']:.2f} s, {each * 1000:.0f} ms for each, after {imports:.2f} s of imports; "
        f"{peak / MB:.0f} MB, {(peak - least) / MB:.0f} MB of it for them"
    )
    values = {f"build-seconds-{name}": value for name, value in seconds.items()}
    more = {"import-seconds": imports, "peak-bytes": peak, "peak-bytes-none": least}
    return Figure("estate-definitions", says, {**values, **more, "assets": said["assets"]})


def _figure_of_dev(few: tuple[float, int], whole: tuple[float, int], names: int) -> Figure:
    says = (
        f"dagster dev until it answers with {names} collections: {whole[0]:.1f} s, {whole[1] / MB:.0f} MB in all its "
        f"processes; with 2 collections {few[0]:.1f} s, {few[1] / MB:.0f} MB"
    )
    values = {"seconds": whole[0], "seconds-few": few[0], "bytes": whole[1], "bytes-few": few[1]}
    return Figure("estate-dagster-dev", says, values)


def _dev(root: Path, home: Path, groups: int) -> tuple[float, int]:
    """Seconds from the start of `dagster dev` until its pages list every collection, and what it holds then."""
    prepare_home(home)
    begun = time.monotonic()
    with _running(root, home) as (process, port):
        while _groups(port) != groups:
            if process.poll() is not None or time.monotonic() - begun > PATIENCE:
                raise BenchmarkError(f"dagster dev of {root} did not list {groups} collections: {_groups(port)}")
            time.sleep(0.1)
        return time.monotonic() - begun, _memory(process.pid)


@contextmanager
def _running(root: Path, home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dagster", "dev", "-m", "collect_assets.definitions", "-h", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "-p", str(port), "--log-level", "warning"],
        env={**os.environ, "COLLECTIONS": str(root), "DAGSTER_HOME": str(home), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process, port
    finally:
        end_group(process)


def _groups(port: int) -> int | None:
    """How many groups of assets the pages know; None while they do not answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": QUERY}).encode(),
        {"Content-Type": "application/json"},
    )
    with suppress(OSError, ValueError, KeyError, IndexError, TypeError):
        with urllib.request.urlopen(request, timeout=30) as answer:
            nodes = json.load(answer)["data"]["repositoriesOrError"]["nodes"]
        return len({group["groupName"] for node in nodes for group in node["assetGroups"]})
    return None


def _memory(leader: int) -> int:
    """What all processes of a session hold, what they share counted once."""
    held = 0
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            if int((place / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                rollup = (place / "smaps_rollup").read_text()
                held += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
    return held
