"""Which reader reads a file: modules of this package that have a `FORMAT` are asked in the order of their `PRIORITY`.

A format is added by adding its module; nothing here changes.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Protocol, cast

import collect_assets.readers as package
from collect_assets.errors import UnreadableError
from collect_assets.readers.source import Source, Stream, Table


class Reader(Protocol):
    """What the module of a format has.

    Attributes:
        FORMAT: its name, as reports say it.
        VERSION: goes up when the same bytes give other records.
        PRIORITY: the lower is asked first; the surer a format is by its first bytes, the lower.
    """

    FORMAT: str
    VERSION: int
    PRIORITY: int

    def matches(self, source: Source) -> bool:
        """Whether the first bytes look like this format."""
        ...

    def open_source(self, source: Source) -> Table | Stream:
        """Opens it.

        Raises:
            UnreadableError: it is damaged, or not of this format after all.
        """
        ...


@cache
def readers() -> tuple[Reader, ...]:
    """Every reader there is, in the order in which they are asked."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    found = [cast("Reader", module) for module in modules if hasattr(module, "FORMAT")]
    return tuple(sorted(found, key=lambda reader: (reader.PRIORITY, reader.FORMAT)))


def open_source(source: Source) -> Table | Stream:
    """What the first reader that knows the format makes of a file.

    Raises:
        UnreadableError: no reader knows it, or the one that does cannot read it.
    """
    if not source.start:
        raise UnreadableError("the file is empty")
    for reader in readers():
        if reader.matches(source):
            return reader.open_source(source)
    raise UnreadableError(
        "not a format that is read: neither a table (CSV, TSV), JSON, GeoJSON nor a Darwin Core Archive"
    )
