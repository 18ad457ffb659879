"""What the files of past runs say: which register they were started with."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace

from collect_assets.collecting.plan import Mode
from collect_assets.collecting.run_file import run_files
from collect_assets.collection import DATE_PATTERN, Collection
from collect_assets.errors import RegisterError
from collect_assets.plugins import plugins
from collect_assets.plugins.parameters import check_parameters
from collect_assets.registers import EndpointRegister, read_endpoints


@dataclass(frozen=True)
class LastRun:
    """The newest run that asked whatever was new: its id, and the hash of the register that it was started with."""

    run: str
    register: str


def last_run(collection: Collection) -> LastRun | None:
    """The newest run, whatever day it was for; one in mode `failed` asks nothing new and is passed over."""
    newest: LastRun | None = None
    days_seen = 0
    for folder in sorted((collection.folder / "run").glob(DATE_PATTERN), reverse=True):
        found = _newest_of(collection, folder.name)
        if found and (newest is None or found.run > newest.run):
            newest = found
        days_seen += found is not None
        if days_seen == 2:  # after midnight, in its hours of grace, the day before may have the newer run
            break
    return newest


def _newest_of(collection: Collection, day: str) -> LastRun | None:
    try:
        entry_date = dt.date.fromisoformat(day)
    except ValueError:
        return None
    for run in run_files(collection, entry_date):
        register = _register_hash(collection, run)
        if register and run.get("mode") != Mode.FAILED and run.get("only") is None:
            return LastRun(str(run.get("run", "")), register)
    return None


def _register_hash(collection: Collection, run: dict[str, object]) -> str:
    registers = run.get("registers")
    return str(registers.get(collection.register.name, "")) if isinstance(registers, dict) else ""


def register_hash(collection: Collection) -> str:
    """The sha256 of the register's bytes as they stand now.

    Raises:
        RegisterError: it cannot be read.
    """
    try:
        return hashlib.sha256(collection.register.read_bytes()).hexdigest()
    except OSError as error:
        raise RegisterError(f"{collection.register}: cannot be read: {error.strerror or error}") from error


def register_on(collection: Collection, entry_date: dt.date, today: dt.date) -> EndpointRegister:
    """The register of endpoints as a day had it: for a past day the copy that its newest run was started with.

    Where there is no such copy, and for today, it is the register as it stands now. A collection that is only read
    needs no register: its past days then have an empty one.

    Raises:
        RegisterError: it cannot be read.
    """
    if entry_date < today:
        for run in run_files(collection, entry_date):
            copy = collection.register_copies.path(_register_hash(collection, run) or "none")
            if copy.is_file():
                return replace(check_parameters(read_endpoints(copy, plugins=plugins())), path=collection.register)
        if not collection.register.exists():
            return EndpointRegister(collection.register, "", b"", (), (), ())
    return check_parameters(read_endpoints(collection.register, plugins=plugins()))
