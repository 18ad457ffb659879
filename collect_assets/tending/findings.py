"""What is wrong, or looks wrong, in the registers of one collection or of many.

What stops a row from being collected is decided in `registers.py` and `plugins/parameters.py`; here it gets a code and
a severity, and what people should know beside it: sources without endpoints, duplicates, secrets.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collect_assets.csv_rows import Row, read_rows, short
from collect_assets.errors import RegisterError
from collect_assets.network.hosts import read_hosts
from collect_assets.plugins import plugins
from collect_assets.plugins.parameters import check_parameters
from collect_assets.registers import Endpoint, EndpointRegister, read_endpoints, secret_in

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
REGISTERS = ("endpoint.csv", "source.csv", "old-resource.csv", "host.csv")
_STOPPING: dict[str, Severity] = {"no-url": "warning"}  # such rows are kept for people; the others are mistakes


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        collection: the name of the folder.
        row: the line in the file, 0 where it is of the whole file.
        code: a short word, the same for the same kind of thing.
    """

    collection: str
    file: str
    row: int
    code: str
    severity: Severity
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason}" if self.row else f"{self.file}: {self.reason}"


def check_registers(folders: Sequence[Path]) -> list[Finding]:
    """Everything that is found in the registers of some collections, in order of folder, file and row.

    Args:
        folders: each with an endpoint.csv; its companions are checked where they are there.
    """
    findings: list[Finding] = []
    places: dict[str, list[tuple[Path, int]]] = {}
    for folder in folders:
        own = _Folder(folder)
        findings += own.findings()
        for endpoint, row in own.rows.items():
            places.setdefault(endpoint, []).append((folder, row))
    for endpoint, found in places.items():
        if len(found) > 1:
            for folder, row in found:
                others = ", ".join(other.name for other, _ in found if other != folder)
                reason = f"endpoint {endpoint[:12]} is registered in {others} too"
                findings.append(Finding(folder.name, "endpoint.csv", row, "in-two-collections", "note", reason))
    return sorted(findings, key=lambda f: (f.collection, REGISTERS.index(f.file), f.row, f.code))


def collections_in(folder: Path) -> list[Path]:
    """The folders with an endpoint.csv: the one that is named, or those in it."""
    return [folder] if (folder / "endpoint.csv").is_file() else sorted(p.parent for p in folder.glob("*/endpoint.csv"))


def source_id(collection: str, organisation: str, endpoint: str) -> str:
    """The id of a row of source.csv, as digital-land makes it."""
    return hashlib.md5(f"{collection}|{organisation}|{endpoint}".encode(), usedforsecurity=False).hexdigest()


class _Folder:
    """The registers of one collection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._register: EndpointRegister | None = None
        self.rows: dict[str, int] = {}

    def findings(self) -> list[Finding]:
        return [*self._endpoints(), *self._sources(), *self._old_resources(), *self._hosts()]

    def _finding(self, file: str, row: int, code: str, severity: Severity, reason: str) -> Finding:
        return Finding(self._folder.name, file, row, code, severity, reason)

    def _rows(self, file: str, needed: tuple[str, ...]) -> list[Row]:
        path = self._folder / file
        return list(read_rows(path, path.read_bytes(), needed=needed))

    def _endpoints(self) -> Iterator[Finding]:
        file = "endpoint.csv"
        try:
            self._register = check_parameters(read_endpoints(self._folder / file, plugins=plugins()))
            rows = self._rows(file, ("endpoint-url",))
        except (RegisterError, OSError) as error:
            yield self._finding(file, 0, "unreadable", "error", str(error))
            return
        for problem in self._register.problems:
            if problem.skip:
                severity = _STOPPING.get(problem.skip, "error")
                yield self._finding(file, problem.row, problem.skip, severity, problem.reason)
            elif "parameters" in problem.reason:
                yield self._finding(file, problem.row, "unknown-parameter", "warning", problem.reason)
        first: dict[str, int] = {}
        for row in rows:
            yield from self._of_url(file, row)
            key = row.cells.get("endpoint", "") or row.cells["endpoint-url"]
            if key and key in first:
                reason = f"the same endpoint as row {first[key]}; it is collected once"
                yield self._finding(file, row.number, "duplicate", "warning", reason)
            elif key:
                first[key] = row.number
        self.rows = {key: number for key, number in first.items() if len(key) == 64}

    def _of_url(self, file: str, row: Row) -> Iterator[Finding]:
        url = row.cells["endpoint-url"]
        if secret := secret_in(url):
            yield self._finding(
                file, row.number, "secret", "warning", f"endpoint-url has {secret}; registers are public"
            )
        if url != url.strip():
            reason = f"endpoint-url {short(url)} has a space at its end; it counts for the hash"
            yield self._finding(file, row.number, "space", "warning", reason)
        elif " " in url:
            yield self._finding(file, row.number, "space", "note", f"endpoint-url {short(url)} has a space in it")

    def _sources(self) -> Iterator[Finding]:
        file = "source.csv"
        if not (self._folder / file).is_file():
            return
        try:
            rows = self._rows(file, ("endpoint", "organisation"))
        except RegisterError as error:
            yield self._finding(file, 0, "unreadable", "error", str(error))
            return
        ended = {e.endpoint: bool(e.end_date) for e in self._register.endpoints} if self._register else {}
        skipped = {skip.endpoint for skip in self._register.skips} if self._register else set()
        active: Counter[str] = Counter()
        any_: set[str] = set()
        for row in rows:
            cell = row.cells.get
            endpoint = cell("endpoint", "").strip()
            if not endpoint:  # what somebody should publish; such rows have ids of another making
                continue
            wanted = source_id(cell("collection", ""), cell("organisation", ""), endpoint)
            if cell("source", "") and cell("source", "") != wanted:
                reason = f"source is not the md5 of collection|organisation|endpoint, which is {wanted}"
                yield self._finding(file, row.number, "source-hash", "error", reason)
            any_.add(endpoint)
            if cell("end-date", "").strip():
                continue
            active[endpoint] += 1
            if endpoint not in ended and endpoint not in skipped:
                reason = f"its endpoint {endpoint[:12]} is not in endpoint.csv"
                yield self._finding(file, row.number, "no-endpoint", "error", reason)
            elif ended.get(endpoint):
                reason = f"its endpoint {endpoint[:12]} has ended, and this source has not"
                yield self._finding(file, row.number, "ended-endpoint", "warning", reason)
        yield from self._without_source(any_, active)

    def _without_source(self, any_: set[str], active: Counter[str]) -> Iterator[Finding]:
        endpoints: tuple[Endpoint, ...] = self._register.endpoints if self._register else ()
        for endpoint in endpoints:
            if endpoint.endpoint not in any_:
                severity: Severity = "note" if endpoint.end_date else "warning"
                reason = "no row of source.csv names it; its organisations stay blank"
                yield self._finding("endpoint.csv", endpoint.row, "no-source", severity, reason)
            elif not endpoint.end_date and not active[endpoint.endpoint]:
                reason = "it is active, and all its sources have ended"
                yield self._finding("endpoint.csv", endpoint.row, "only-ended-sources", "warning", reason)

    def _old_resources(self) -> Iterator[Finding]:
        file = "old-resource.csv"
        if not (self._folder / file).is_file():
            return
        try:
            rows = self._rows(file, ("old-resource",))
        except RegisterError as error:
            yield self._finding(file, 0, "unreadable", "error", str(error))
            return
        first: dict[str, int] = {}
        for row in rows:
            old, status = row.cells["old-resource"], row.cells.get("status", "")
            if status not in {"301", "410"}:
                reason = f"status is {short(status)}, expected 301 (use another) or 410 (gone)"
                yield self._finding(file, row.number, "bad-status", "error", reason)
            if status == "301" and not row.cells.get("resource", ""):
                yield self._finding(file, row.number, "no-resource", "error", "301 needs the resource to use instead")
            if first.setdefault(old, row.number) != row.number:
                reason = f"the same old-resource as row {first[old]}"
                yield self._finding(file, row.number, "duplicate", "warning", reason)

    def _hosts(self) -> Iterator[Finding]:
        for problem in read_hosts(self._folder / "host.csv").problems:
            yield self._finding("host.csv", problem.row, "bad-host", "error", problem.reason)
