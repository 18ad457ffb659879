"""How much memory the shell command holds while it collects one large resource."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.figures import MB, Figure, Place
from benchmarks.laid import lay_register
from benchmarks.processes import BenchmarkError, run, serving

COMMAND = Path(sys.executable).with_name("collect-assets")


def measure(place: Place) -> list[Figure]:
    """The peak of the whole process, with the interpreter and its libraries."""
    size = 50 * MB if place.quick else 1000 * MB
    folder = place.folder / "memory"
    with serving([sys.executable, "-m", "benchmarks.provider"]) as ready:
        lay_register(folder, [f"http://127.0.0.1:{ready.split()[1]}/large/{size}"])
        done = run([COMMAND, "collect", "--collection-dir", folder, "--allow-private-addresses", "--json"])
    kept = sum(path.stat().st_size for path in (folder / "resource").iterdir())
    if kept != size:
        raise BenchmarkError(f"{kept} bytes were kept of {size}")
    shutil.rmtree(folder)
    says = (
        f"collect-assets collect of one resource of {size // MB} MB: at most {done.peak_bytes / MB:.0f} MB of memory, "
        f"{done.seconds:.1f} s, {size / MB / done.seconds:.0f} MB/s with hashing and writing"
    )
    return [Figure("memory", says, {"peak-bytes": done.peak_bytes, "resource-bytes": size, "seconds": done.seconds})]
