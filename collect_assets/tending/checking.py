"""Checking the registers of a collection or an estate, for people and for the CI of a configuration repository."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collect_assets.tending.check_endpoints import check_across, check_endpoints
from collect_assets.tending.check_hosts import check_hosts
from collect_assets.tending.check_old_resources import check_old_resources
from collect_assets.tending.check_rows import check_rows
from collect_assets.tending.check_sensitive import check_sensitive
from collect_assets.tending.check_sources import check_sources
from collect_assets.tending.estate import Registers, has_ended, open_registers
from collect_assets.tending.findings import Finding, Severity


@dataclass(frozen=True)
class Checked:
    """One collection's registers: how much stands in them, and what was found."""

    name: str
    folder: Path
    endpoints: int
    active: int
    sources: int
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings are that bad."""
        return sum(finding.severity == severity for finding in self.findings)


@dataclass(frozen=True)
class Report:
    """What was found in all of them, in order of file and row."""

    collections: tuple[Checked, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return tuple(finding for checked in self.collections for finding in checked.findings)

    @property
    def codes(self) -> Counter[str]:
        """How often each code was found."""
        return Counter(finding.code for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings are that bad."""
        return sum(checked.count(severity) for checked in self.collections)


def check_registers(folders: Iterable[Path], *, today: dt.date) -> Report:
    """Reads and checks `endpoint.csv`, `source.csv`, `old-resource.csv`, `host.csv` and `sensitive.csv` of collections.

    Changes nothing.

    Args:
        folders: collections, or folders that hold some.
        today: the day that decides what has ended.

    Raises:
        SettingsError: a folder is missing or holds no collection.
    """
    estate = open_registers(folders)
    elsewhere = {name: registers.name for registers in estate for name in registers.active(today)}
    for registers in estate:
        check_collection(registers, elsewhere, today)
    check_across(estate, today)
    return Report(tuple(_checked(registers, today) for registers in estate))


def check_collection(registers: Registers, elsewhere: Mapping[str, str], today: dt.date) -> None:
    """Looks at all registers of one collection; `elsewhere` names the collection of each endpoint of the estate."""
    for file in registers.texts:
        check_rows(registers, file, today)
    check_endpoints(registers, today)
    check_sources(registers, elsewhere, today)
    check_old_resources(registers)
    check_hosts(registers)
    check_sensitive(registers)


def _checked(registers: Registers, today: dt.date) -> Checked:
    rows = list(registers.rows("endpoint.csv"))
    active = sum(not has_ended(row, today) for row in rows)
    sources = sum(1 for _ in registers.rows("source.csv"))
    return Checked(registers.name, registers.folder, len(rows), active, sources, _in_order(registers.findings))


def _in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.file.name, finding.row, finding.code)))
