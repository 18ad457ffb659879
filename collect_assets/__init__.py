"""Collects what others publish, keeps exactly what was served, follows every record, and answers for any day.

The public API: `collect` a day of a collection, `fetch` one URL through the gate, `check_url` whether one can be
collected, `fold` days into the item index, and `search` it. The Dagster assets and the shell command call the same
functions.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from collect_assets.version import __version__

if TYPE_CHECKING:
    from collect_assets.checking.check import check_url
    from collect_assets.collecting.day import collect_day as collect
    from collect_assets.collection import Collection
    from collect_assets.folding.fold import fold
    from collect_assets.network.fetch import fetch
    from collect_assets.searching.search import search

_HOMES = {
    "Collection": ("collect_assets.collection", "Collection"),
    "check_url": ("collect_assets.checking.check", "check_url"),
    "collect": ("collect_assets.collecting.day", "collect_day"),
    "fetch": ("collect_assets.network.fetch", "fetch"),
    "fold": ("collect_assets.folding.fold", "fold"),
    "search": ("collect_assets.searching.search", "search"),
}

__all__ = ["Collection", "__version__", "check_url", "collect", "fetch", "fold", "search"]


def __getattr__(name: str) -> object:
    """Imports on first use, so that `collect-assets --help` does not pay for DuckDB and requests."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
