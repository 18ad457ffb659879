"""The oldest day that tables of others speak of, before they are adopted: the partitions of a collection begin there.

Looked up whenever definitions are loaded, so little is read: upstream appends to log.csv, whose first row is its
oldest; resource.csv has a row for each resource. What is wrong with a table is said when it is adopted.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.tables.adopting import is_adopted

EARLIEST = dt.date(1990, 1, 1)  # nobody collected before; a slip of the pen would make 700,000 partitions


def oldest_to_adopt(collection: Collection) -> dt.date | None:
    """The oldest day in a log.csv or resource.csv that will be adopted; None where there is nothing to adopt."""
    if is_adopted(collection):
        return None
    days = [
        *islice(_days(collection.log_csv, "entry-date"), 1),
        *_days(collection.resource_csv, "start-date"),
    ]
    return min(days, default=None)


def _days(table: Path, column: str) -> Iterator[dt.date]:
    """The days in a column, as far as the table can be read."""
    with suppress(OSError, UnicodeDecodeError, csv.Error), table.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            with suppress(ValueError):
                day = dt.date.fromisoformat((row.get(column) or "")[:10])
                if day >= EARLIEST:
                    yield day
