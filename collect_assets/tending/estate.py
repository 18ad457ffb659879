"""The registers of collections, read as they stand, for being checked together: what one cannot give stops no other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collect_assets.collection import BrokenCollection, Collection, find_collections
from collect_assets.csv_rows import Row
from collect_assets.errors import RegisterError, SettingsError
from collect_assets.plugins import plugins
from collect_assets.plugins.parameters import check_parameters
from collect_assets.registers import EndpointRegister, endpoint_id, parse_date, read_content, read_endpoints
from collect_assets.tending.findings import CODES, Finding, Fix
from collect_assets.tending.text import RegisterText

NEEDED = {
    "endpoint.csv": ("endpoint-url",),
    "source.csv": ("endpoint", "organisation"),
    "old-resource.csv": ("old-resource", "status"),
    "sensitive.csv": ("field", "value"),
}


@dataclass
class Registers:
    """The registers of one collection, and what was found in them so far.

    Attributes:
        texts: by file name; a register that is missing or cannot be read is not among them.
        endpoints: `endpoint.csv`, where it can be read.
    """

    name: str
    folder: Path
    texts: dict[str, RegisterText] = field(default_factory=dict)
    endpoints: EndpointRegister | None = None
    findings: list[Finding] = field(default_factory=list)
    _seen: set[tuple[str, int, str]] = field(default_factory=set)

    def rows(self, file: str) -> Iterator[Row]:
        """The rows of a register that have cells, without those that are bad as a whole."""
        return (row for row in (self.texts[file].rows if file in self.texts else ()) if not row.skip and not row.blank)

    def active(self, today: dt.date) -> dict[str, bool]:
        """Whether each endpoint of `endpoint.csv` goes on, by any of its rows; also of rows that are not collected."""
        known: dict[str, bool] = {}
        for row in self.rows("endpoint.csv"):
            name = id_in(row)
            known[name] = known.get(name, False) or not has_ended(row, today)
        return known

    def find(self, file: str, row: int, code: str, reason: str, *, ended: bool = False, fix: Fix | None = None) -> None:
        """Notes a finding; the same in a row counts once."""
        path = self.texts[file].path if file in self.texts else self.folder / file
        if (file, row, code) in self._seen:
            return
        self._seen.add((file, row, code))
        severity = CODES[code][0]
        found = Finding(self.name, path, row, code, severity.less if ended else severity, reason, fix)
        self.findings.append(found)


def open_registers(folders: Iterable[Path]) -> list[Registers]:
    """The registers in folders that are collections, or hold some.

    Raises:
        SettingsError: a folder is missing, or holds no collection.
    """
    return [_open(name, folder, broken) for path in folders for name, folder, broken in _places(path.absolute())]


def _places(folder: Path) -> Sequence[tuple[str, Path, str]]:
    """Name and folder of each collection, and what is wrong with its settings."""
    if (folder / "endpoint.csv").is_file():
        return [_place(_collection(folder))]
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder; name a collection, or a folder that holds some")
    places = [_place(collection) for collection in find_collections(folder)]
    without = {path.parent for file in ("source.csv", "old-resource.csv") for path in folder.glob(f"*/{file}")}
    places += [(path.name, path, "") for path in sorted(without - {place[1] for place in places})]
    if not places:
        raise SettingsError(f"{folder}: holds no collection; a collection is a folder with an endpoint.csv")
    return places


def _collection(folder: Path) -> Collection | BrokenCollection:
    try:
        return Collection.at(folder)
    except SettingsError as error:
        return BrokenCollection(folder.name, folder, str(error))


def _place(collection: Collection | BrokenCollection) -> tuple[str, Path, str]:
    if isinstance(collection, BrokenCollection):
        return collection.name, collection.folder, collection.reason
    return collection.name, collection.registers, ""


def _open(name: str, folder: Path, broken: str) -> Registers:
    registers = read_registers(name, folder)
    if broken:
        registers.find("collection.toml", 0, "settings", broken)
    return registers


def read_registers(name: str, folder: Path) -> Registers:
    """The registers of one collection; one that cannot be read is a finding."""
    registers = Registers(name, folder)
    for file, needed in NEEDED.items():
        path = folder / file
        if file != "endpoint.csv" and not path.exists():
            continue
        try:
            registers.texts[file] = RegisterText(path, read_content(path, needed), needed=needed)
            if file == "endpoint.csv":
                registers.endpoints = check_parameters(read_endpoints(path, plugins=plugins()))
        except RegisterError as error:
            registers.find(file, 0, "unreadable", str(error))
    return registers


def id_in(row: Row) -> str:
    """The id of the endpoint in a row of `endpoint.csv`, as it says or, where it does not, as it is."""
    return row.cells.get("endpoint", "").strip() or endpoint_id(row.cells["endpoint-url"])


def has_ended(row: Row, today: dt.date) -> bool:
    """Whether a row's end-date is reached; one that is no date has not."""
    end = date_in(row, "end-date")
    return end is not None and end <= today


def date_in(row: Row, column: str) -> dt.date | None:
    """The date in a cell; None where it is blank or none."""
    try:
        return parse_date(row.cells.get(column, ""))
    except ValueError:
        return None
