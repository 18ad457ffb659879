"""The descriptor of a data package, `datapackage.json` (Frictionless, version 1), as far as its tables go.

Schemas at other addresses are not fetched: names and keys are then told by the tables themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import plain_name

_TABLES = (".csv", ".tsv", ".tab", ".txt", ".parquet")
_NAME = "datapackage.json"


@dataclass(frozen=True)
class PackageTable:
    """A table as described.

    Attributes:
        paths: its files, read one after the other.
        key: the column that tells its rows apart, as said; blank where nobody says it.
        fields: the names of its columns, as said; empty where nobody says them.
        header: whether the first row of its files names the columns.
    """

    name: str
    paths: tuple[str, ...]
    key: str
    fields: tuple[str, ...]
    delimiter: str
    quote: str
    header: bool
    encoding: str


def parse_package(content: bytes) -> tuple[list[PackageTable], list[str]]:
    """The tables of a package, and what to say of those that are left out.

    Raises:
        UnreadableError: it is not such a descriptor.
    """
    try:
        described = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{_NAME}: not JSON: {error}") from None
    resources = described.get("resources") if isinstance(described, dict) else None
    if not isinstance(resources, list) or not all(isinstance(resource, dict) for resource in resources):
        raise UnreadableError(f"{_NAME}: expected an object with a list of resources")
    tables, notes = [], []
    for number, resource in enumerate(resources, 1):
        name = str(resource.get("name") or f"resource {number}")
        if why := _left_out(resource):
            notes.append(f"{_NAME}: {name} {why}; it is left out")
        elif _paths(resource)[0].lower().endswith(_TABLES):
            tables.append(_table(name, resource))
    return tables, notes


def _paths(resource: Mapping[str, Any]) -> list[str]:
    path = resource.get("path")
    return [str(part) for part in path] if isinstance(path, list) else [str(path or "")]


def _left_out(resource: Mapping[str, Any]) -> str:
    paths = _paths(resource)
    if "data" in resource:
        return "stands in the descriptor itself"
    if not paths or not all(paths):
        return "names no file"
    return "is at another address" if any("://" in path for path in paths) else ""


def _table(name: str, resource: Mapping[str, Any]) -> PackageTable:
    schema, dialect = _object(resource.get("schema")), _object(resource.get("dialect"))
    paths = tuple(plain_name(path) for path in _paths(resource))
    key = schema.get("primaryKey")
    key = key[0] if isinstance(key, list) and len(key) == 1 else key
    fields = schema.get("fields")
    names = (
        [str(field.get("name", "")) for field in fields if isinstance(field, dict)] if isinstance(fields, list) else []
    )
    comma = "\t" if paths[0].lower().endswith((".tsv", ".tab")) or resource.get("format") == "tsv" else ","
    return PackageTable(
        name,
        paths,
        key if isinstance(key, str) else "",
        tuple(names),
        _character(dialect, "delimiter", comma),
        _character(dialect, "quoteChar", '"'),
        dialect.get("header") is not False,
        str(resource.get("encoding") or ""),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _character(dialect: Mapping[str, Any], key: str, default: str) -> str:
    value = dialect.get(key, default)
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= 4 or value in {"\n", "\r"}:
        raise UnreadableError(f"{_NAME}: {key} is {value!r}, expected one character")
    return value
