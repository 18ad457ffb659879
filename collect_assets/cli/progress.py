"""Progress for people: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY = 10.0  # seconds between plain lines


class Bar:
    """Counts steps on stderr; what is printed on stdout stays clean for pipes."""

    def __init__(self, what: str, *, quiet: bool = False) -> None:
        self.what = what
        self.done = 0
        self._quiet = quiet
        self._bar: Progress | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> Bar:
        """Shows the bar, where there is a terminal."""
        if sys.stderr.isatty() and not self._quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(
                *columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True
            )
            self._task = self._bar.add_task(self.what, total=None, note="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def step(self, total: int, note: str = "") -> None:
        """One more is done, of so many."""
        self.done += 1
        if self._bar is not None:
            room = max(0, self._bar.console.width - 70)  # or the counts would be squeezed out
            self._bar.update(self._task, completed=self.done, total=total, note=note[:room])
        elif not self._quiet and time.monotonic() - self._last_line >= EVERY:
            self._last_line = time.monotonic()
            click.echo(f"{self.what}: {self.done} of {total}", err=True)
