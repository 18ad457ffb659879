"""Reading real files in a collection of a temporary folder."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collect_assets.collection import Collection
from collect_assets.items.records import Reading, RecordReport, derive_records, record_file, rejects_file


@dataclass(frozen=True)
class Read:
    """What reading a file gave."""

    report: RecordReport
    file: Path
    rows: list[tuple[Any, ...]]
    rejects: list[tuple[Any, ...]]

    @property
    def ids(self) -> list[str | None]:
        return [row[0] for row in self.rows]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(row[2]) for row in self.rows]


def _rows(path: Path) -> list[tuple[Any, ...]]:
    if not path.is_file():
        return []
    with duckdb.connect() as connection:
        return connection.execute("SELECT * FROM read_parquet($path)", {"path": str(path)}).fetchall()


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    folder = tmp_path / "collection"
    folder.mkdir()
    return Collection.at(folder)


@pytest.fixture
def read(collection: Collection) -> Callable[..., Read]:
    def reading(content: bytes, **parameters: object) -> Read:
        name = hashlib.sha256(content).hexdigest()
        resource = collection.resources.path(name)
        resource.parent.mkdir(exist_ok=True)
        resource.write_bytes(content)
        how = Reading.of({key.replace("_", "-"): value for key, value in parameters.items()})
        report = derive_records(collection, resource, how, name)
        assert resource.read_bytes() == content
        assert not collection.work.is_dir() or list(collection.work.iterdir()) == []
        file = record_file(collection, how, name)
        return Read(report, file, _rows(file), _rows(rejects_file(file)))

    return reading


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], bytes]:
    def packing(members: Mapping[str, str | bytes]) -> bytes:
        path = tmp_path / "packed.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return path.read_bytes()

    return packing
