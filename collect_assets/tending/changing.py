"""Adding an endpoint to the registers of a collection, and ending one: all other lines stay as they are."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Collection as Those
from collections.abc import Mapping, Sequence
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.csv_rows import Row
from collect_assets.errors import RegisterError
from collect_assets.registers import endpoint_id
from collect_assets.tending.check_sources import source_id
from collect_assets.tending.checking import check_collection
from collect_assets.tending.estate import NEEDED, date_in, id_in, read_registers
from collect_assets.tending.findings import Finding
from collect_assets.tending.patch import FileChange
from collect_assets.tending.text import RegisterText

ENDPOINT_HEADER = b"endpoint,endpoint-url,parameters,plugin,entry-date,start-date,end-date\r\n"
SOURCE_HEADER = (
    b"source,attribution,collection,documentation-url,endpoint,licence,organisation,pipelines,entry-date,start-date,"
    b"end-date\r\n"
)


def added(
    collection: Collection,
    url: str,
    *,
    organisation: str,
    datasets: Sequence[str],
    today: dt.date,
    endpoint_cells: Mapping[str, str] | None = None,
    source_cells: Mapping[str, str] | None = None,
) -> list[FileChange]:
    """The registers with one endpoint and its source more; with the source only, where the endpoint is there already.

    Nothing is written yet.

    Args:
        collection: whose registers; they are begun where they are missing.
        url: exactly as it is to be registered.
        organisation: who publishes it.
        datasets: what it feeds.
        today: the entry-date of both rows.
        endpoint_cells: further cells of endpoint.csv: plugin, parameters, start-date.
        source_cells: further cells of source.csv: documentation-url, licence, attribution, start-date.

    Raises:
        RegisterError: the URL is registered already for that organisation, or has ended, and the message says in which
            row; or the rows would not pass the check of registers.
    """
    endpoints, sources = _text(collection.register, ENDPOINT_HEADER), _text(_sources(collection), SOURCE_HEADER)
    endpoint = endpoint_id(url)
    entered = {"endpoint": endpoint, "entry-date": today.isoformat()}
    if not _is_registered(endpoints, sources, endpoint, organisation):
        endpoints.append({**(endpoint_cells or {}), **_known(endpoints, entered), "endpoint-url": url})
    made = {
        **entered,
        "source": source_id(collection.name, organisation, endpoint),
        "collection": collection.name,
        "organisation": organisation,
        **dict.fromkeys(("datasets", "pipelines"), ";".join(datasets)),
    }
    sources.append({**(source_cells or {}), **_known(sources, made)})
    changes = [_change(endpoints), _change(sources)]
    if wrong := [finding for finding in found_in_added(collection.name, changes, today) if finding.severity == "error"]:
        raise RegisterError(f"{url} was not added: {'; '.join(finding.reason for finding in wrong)}")
    return changes


def _known(text: RegisterText, cells: Mapping[str, str]) -> dict[str, str]:
    """Those for which the register has a column; what nobody asked for need not have one."""
    return {name: value for name, value in cells.items() if name in text.header}


def found_in_added(name: str, changes: Sequence[FileChange], today: dt.date) -> list[Finding]:
    """What the check of registers says of the rows that were added to endpoint.csv and source.csv."""
    with tempfile.TemporaryDirectory() as folder:
        for file, change in zip(("endpoint.csv", "source.csv"), changes, strict=True):
            (Path(folder) / file).write_bytes(change.after)
        registers = read_registers(name, Path(folder))
        check_collection(registers, {}, today)
        changed = {change.path.name for change in changes if change.before != change.after}
        last = {file: text.rows[-1].number for file, text in registers.texts.items() if file in changed}
        return [finding for finding in registers.findings if finding.row in {0, last.get(finding.file.name)}]


def _sources(collection: Collection) -> Path:
    return collection.registers / "source.csv"


def _text(path: Path, header: bytes) -> RegisterText:
    content = path.read_bytes() if path.is_file() else b""
    return RegisterText(
        path, content or header, needed=NEEDED["source.csv" if path.name == "source.csv" else "endpoint.csv"]
    )


def _change(text: RegisterText) -> FileChange:
    return FileChange(text.path, text.path.read_bytes() if text.path.is_file() else None, text.content)


def _is_registered(endpoints: RegisterText, sources: RegisterText, endpoint: str, organisation: str) -> bool:
    """Whether there is a row for the endpoint, to which another source may be added."""
    known = next((row for row in endpoints.rows if not row.blank and not row.skip and id_in(row) == endpoint), None)
    if known is None:
        return False
    place = f"{endpoints.path}, row {known.number}: this URL is registered already"
    if end := known.cells.get("end-date", "").strip():
        raise RegisterError(f"{place}, and ended on {end}; take that end-date away, and that of its source")
    for row in sources.rows:
        cells = {name: cell.strip() for name, cell in row.cells.items()}
        if not row.skip and (cells.get("endpoint"), cells.get("organisation")) == (endpoint, organisation):
            raise RegisterError(f"{place}, and {sources.path.name}, row {row.number} has it for {organisation}")
    return True


def retired(collection: Collection, endpoints: Those[str], date: dt.date) -> list[FileChange]:
    """The registers with an end-date for endpoints and their sources, where they do not end before it anyway.

    Args:
        collection: whose registers.
        endpoints: ids.
        date: on this day and after it they are not collected.

    Raises:
        RegisterError: a register cannot be read, or a row in it cannot be changed; nothing is written yet.
    """
    register, sources = _text(collection.register, ENDPOINT_HEADER), _text(_sources(collection), SOURCE_HEADER)
    for row in register.rows:
        if not row.blank and not row.skip and id_in(row) in endpoints:
            _end(register, row, date)
    for row in sources.rows:
        if not row.skip and row.cells["endpoint"].strip() in endpoints:
            _end(sources, row, date)
    return [_change(text) for text in (register, sources) if text.content != text.before]


def _end(text: RegisterText, row: Row, date: dt.date) -> None:
    end, said = date_in(row, "end-date"), row.cells.get("end-date", "").strip()
    if said and end is None:
        raise RegisterError(f"{text.path}, row {row.number}: end-date {said!r} is not a date; correct it first")
    if end is None or end > date:
        text.set(row, "end-date", date.isoformat())
