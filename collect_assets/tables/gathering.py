"""The logs of many days as a few texts, a line for each log, so that DuckDB opens a few files and not 100,000.

Opening and reading a small file takes DuckDB 28 microseconds and the system 6: of 100,000 logs that was more than all
parsing. Threads make it slower, since each call of the system hands the interpreter's lock on. What cannot be one line
(a log over several lines, or not UTF-8, or larger than any log of ours) is left out, for `read_log` to read.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.store.local import temporary

SEPARATOR = "\x1f"  # no JSON holds it as it is
LONGEST = 1 << 20  # bytes of a log in one of these texts
USUAL = 1 << 16  # with a request for a megabyte, a read takes four times as long, for the memory that is mapped for it

Names = dict[dt.date, list[str]]


@contextmanager
def gathered(collection: Collection, days: Sequence[dt.date]) -> Iterator[tuple[Names, list[Path]]]:
    """The names of all logs of some days, and temporary files with their content: `<day> <endpoint> <log>` a line.

    Raises:
        OSError: the files cannot be written.
    """
    parts = {day: temporary(collection.work) for day in days}
    try:
        names = {day: _gather(collection.log / str(day), str(day), part) for day, part in parts.items()}
        yield names, [part for part in parts.values() if part.is_file()]
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _gather(folder: Path, day: str, part: Path) -> list[str]:
    """Writes what is in one line each; returns the names of all logs."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return []
    try:
        with os.scandir(place) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(".json")]
        if names:
            with part.open("xb") as text:
                text.writelines(line for name in names if (line := _line(place, day, name)))
    finally:
        os.close(place)
    return names


def _line(folder: int, day: str, name: str) -> bytes | None:
    with suppress(OSError, UnicodeError):
        log = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
        try:
            content = os.read(log, USUAL)
            if len(content) == USUAL:
                content += os.read(log, LONGEST)
        finally:
            os.close(log)
        line = SEPARATOR.join((day, name.removesuffix(".json"), content.decode().rstrip()))
        if len(content) < LONGEST and line.count(SEPARATOR) == 2 and "\n" not in line and "\r" not in line:
            return line.encode() + b"\n"
    return None
