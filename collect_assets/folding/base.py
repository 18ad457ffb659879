"""What the next index is built on: the published one, unless it is damaged, of another version, or of other rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import IndexUnavailableError
from collect_assets.index.publish import published, reading
from collect_assets.index.schema import INDEX_VERSION, read_meta


@dataclass(frozen=True)
class Base:
    """What is published already, and can be built on.

    Attributes:
        horizon: the newest entry-date that has to be in the next index, so that none goes that was in this one.
        path: the file to build on; None where the index has to be built from nothing.
        meta: what it says of itself.
        rebuilt: why it has to be built from nothing.
    """

    horizon: dt.date
    path: Path | None = None
    meta: dict[str, str] = field(default_factory=dict)
    rebuilt: str = ""


def published_base(collection: Collection, upto: dt.date) -> Base:
    """The published index, or why it has to be built from nothing to speak of a day."""
    path = published(collection)
    if path is None:
        return Base(upto)
    newest = max([upto, *collection.entry_dates()])
    try:
        with reading(collection) as connection:
            meta = read_meta(connection)
        horizon = dt.date.fromisoformat(meta["horizon"])
    except IndexUnavailableError as error:
        return Base(newest, rebuilt=str(error))
    except (duckdb.Error, KeyError, ValueError) as error:
        return Base(newest, rebuilt=f"{path}: is not an item index: {first_line(error)}")
    if meta.get("version") != str(INDEX_VERSION):
        reason = f"{path}: has version {meta.get('version')}, this software writes {INDEX_VERSION}"
        return Base(horizon, rebuilt=reason)
    if meta.get("rules") != collection.settings.items.model_dump_json():
        return Base(horizon, rebuilt="the collection's rules of the item life cycle changed")
    return Base(horizon, path, meta)


def first_line(error: Exception) -> str:
    """What an error of DuckDB says, without its details."""
    return str(error).split("\n", 1)[0]
