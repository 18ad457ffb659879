"""Checking what is kept against its names: every log readable, every resource there and with its hash (promise 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collect_assets.collecting.log import read_logs
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError


@dataclass(frozen=True)
class VerifyReport:
    """What was checked, and what is wrong, in words that name the file.

    Attributes:
        unnamed: resources that no log names, such as one whose log an interruption prevented; harmless.
    """

    logs: int
    resources: int
    unnamed: int
    problems: tuple[str, ...]


def verify(collection: Collection, *, progress: Callable[[int], None] | None = None) -> VerifyReport:
    """Reads every log and every resource of a collection. Changes nothing.

    Args:
        collection: what to check.
        progress: called after each resource with the number of resources.
    """
    problems: list[str] = []
    sizes: dict[str, int | None] = {}
    logs = 0
    for day in collection.entry_dates():
        found, damaged = read_logs(collection, day)
        logs += len(found)
        problems += [problem.reason for problem in damaged]
        for log in found:
            for name in filter(None, (log.resource, log.partial_resource)):
                sizes[name] = log.size or sizes.get(name)
    named, present = set(sizes), set(collection.resources.names())
    for name in sorted(named | present):
        try:
            collection.resources.check(name, size=sizes.get(name))
        except DamagedFileError as error:
            problems.append(str(error))
        if progress is not None:
            progress(len(named | present))
    return VerifyReport(logs, len(named | present), len(present - named), tuple(problems))
