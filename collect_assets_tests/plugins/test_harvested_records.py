"""What the record protocols' plugins harvest is read whole: no page of an archive is a reject, no record is lost."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from collect_assets.items.records import Reading, RecordReport, reading_database, record_file, try_derive
from collect_assets.store.database import database
from collect_assets_tests.collecting.kit import DAY, NOON, Folder
from collect_assets_tests.plugins import biocase_provider, digir_provider, oai_repository, tapir_provider
from collect_assets_tests.plugins.served import Served

CASES: dict[str, tuple[Callable[[], Any], str, int]] = {
    "oai-pmh": (lambda: oai_repository.Repository(oai_repository.trees(8)), oai_repository.PATH, 8),
    "biocase": (lambda: biocase_provider.Provider(biocase_provider.units(8), limit=3), biocase_provider.PATH, 8),
    "digir": (lambda: digir_provider.DigirProvider(digir_provider.plants(8), most=3), digir_provider.PATH, 8),
    "tapir": (lambda: tapir_provider.TapirProvider(digir_provider.plants(8), most=3), tapir_provider.PATH, 8),
}


def read(folder: Folder, log: Any) -> tuple[RecordReport, list[tuple[str, bool]]]:
    """How the resource of a log reads, and its records: id, and whether it is deleted."""
    reading = Reading.of(log.parameters)
    path = folder.collection.resources.path(log.resource)
    with reading_database(folder.collection) as memory:
        report, _ = try_derive(folder.collection, path, reading, log.canonical_hash, memory)
        file = record_file(folder.collection, reading, log.canonical_hash)
    with database() as connection:
        rows = connection.execute(
            "SELECT item_id, deleted FROM read_parquet(?) ORDER BY item_id", [str(file)]
        ).fetchall()
    return report, rows


@pytest.mark.parametrize("plugin", CASES)
def test_every_page_of_a_harvest_is_read(register: Callable[..., Served], folder: Folder, plugin: str) -> None:
    provider, path, count = CASES[plugin]
    log = register(provider(), plugin, path).collect()
    report, rows = read(folder, log)
    assert (report.problem, report.rejected, report.records, len(rows)) == ("", 0, count, count)


def test_a_harvest_of_changes_has_deletions_and_one_without_changes_has_no_records(
    register: Callable[..., Served], folder: Folder
) -> None:
    repository = oai_repository.Repository(oai_repository.trees(3))
    served = register(repository, "oai-pmh", oai_repository.PATH)
    served.collect()
    repository.now = "2026-03-02T10:00:00Z"
    counts = []
    for day, items in enumerate(([], [oai_repository.Item(1, "2026-03-02T09:00:00Z", deleted=True)]), 1):
        repository.items[: len(items)] = items
        folder.now = NOON + dt.timedelta(days=day)
        folder.collect(DAY + dt.timedelta(days=day))
        report, rows = read(folder, folder.log(served.url, DAY + dt.timedelta(days=day)))
        counts.append((report.problem, report.rejected, json.loads(json.dumps(rows))))
    assert counts == [("", 0, []), ("", 0, [["oai:repository.test:1", True]])]
