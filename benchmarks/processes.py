"""Starting the programs that are measured: each in a process of its own, whose time and memory the kernel counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BenchmarkError(Exception):
    """A program that is measured did not do what it should."""


@dataclass(frozen=True)
class Finished:
    """A program that ended well: what it printed, its wall time, its processor time and the most memory that it held.

    The kernel counts what a program's parent held at the start into the program's peak, so the parent is kept small.
    """

    output: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    def answer(self) -> Any:  # noqa: ANN401 - any JSON value
        """The last line that was printed, as JSON."""
        return json.loads(self.output.strip().splitlines()[-1])


def run(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Finished:
    """Runs a program to its end.

    Raises:
        BenchmarkError: it ended with another code than 0.
    """
    with tempfile.TemporaryFile() as output:
        begun = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if process.returncode:
        raise BenchmarkError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{text[-2000:]}")
    return Finished(text, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def python(module: str, *arguments: str | Path | int) -> Finished:
    """Runs a module of ours in a Python of its own.

    Raises:
        BenchmarkError: it ended with another code than 0.
    """
    return run([sys.executable, "-m", module, *map(str, arguments)])


@contextmanager
def serving(command: Sequence[str | Path]) -> Iterator[str]:
    """A server that runs for the time of the `with`; gives the line with which it says that it is ready.

    Raises:
        BenchmarkError: it ended before it was ready.
    """
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline() if process.stdout else ""
        if not ready.startswith("ready"):
            raise BenchmarkError(f"{' '.join(map(str, command))} did not get ready: {ready!r}")
        yield ready.strip()
    finally:
        process.terminate()
        process.wait()
