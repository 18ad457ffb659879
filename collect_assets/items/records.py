"""From a resource to its records: one Parquet file with a report beside it, by canonical hash.

A pure function of the bytes, the versions of the rules, and the options that a register gives (`Reading`): no clock, no
network, no other day. How one format is read stands in `readers/`; what the records mean over time, in the fold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError, SettingsError, StorageError, UnreadableError
from collect_assets.items.canonical import CANONICAL_VERSION
from collect_assets.items.identity import AS_WRITTEN, CASES, IdRule
from collect_assets.items.writing import Written, write_records
from collect_assets.readers.encodings import codec_name
from collect_assets.readers.formats import open_source, readers
from collect_assets.readers.source import Source, Stream, Table, read_start, scratch_files
from collect_assets.store.database import MemoryDatabase
from collect_assets.store.local import publish, storage_errors, write_atomically

RULES_VERSION = 4  # goes up when what is between reader and Parquet changes: ids, geometry, columns
_DELIMITER_NAMES = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True)
class Reading:
    """All that decides, besides its bytes, which records a resource gives. Blank means: find out."""

    id_fields: tuple[str, ...] = ()
    separator: str = "|"
    encoding: str = ""
    delimiter: str = ""
    id_case: str = AS_WRITTEN

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Reading:
        """What the parameters of an endpoint say to the reader.

        These are `id`, `id-separator`, `id-case`, `encoding` and `delimiter`; keys of plugins are passed over.

        Raises:
            SettingsError: one of them has a value that cannot be used.
        """
        delimiter = _text(parameters, "delimiter", "")
        delimiter = _DELIMITER_NAMES.get(delimiter, delimiter)
        if len(delimiter) > 1 or delimiter in {"\n", "\r", '"'}:
            raise SettingsError(f"parameters: delimiter is {delimiter!r}, expected one character, such as ; or \\t")
        encoding = _text(parameters, "encoding", "")
        try:
            encoding = codec_name(encoding) if encoding else ""
        except UnreadableError as error:
            raise SettingsError(f"parameters: {error}") from None
        case = _text(parameters, "id-case", AS_WRITTEN)
        if case not in CASES:
            raise SettingsError(f"parameters: id-case is {case!r}, expected one of {', '.join(CASES)}")
        separator = _text(parameters, "id-separator", "|")
        return cls(_id_fields(parameters.get("id")), separator, encoding, delimiter, case)

    @property
    def name(self) -> str:
        """The name of its folder: `r<version>`, and eight digits of the options where they are not the defaults."""
        version = f"r{reading_version()}"
        if self == Reading():
            return version
        given = {name: value for name, value in asdict(self).items() if name != "id_case" or value != AS_WRITTEN}
        options = json.dumps(given, sort_keys=True).encode()
        return f"{version}-{hashlib.sha256(options).hexdigest()[:8]}"


def reading_version() -> int:
    """Goes up whenever a rule or a reader does, or a reader is added: what was unreadable may then be readable."""
    return RULES_VERSION - 1 + CANONICAL_VERSION + sum(reader.VERSION for reader in readers())


def _text(parameters: Mapping[str, Any], key: str, default: str) -> str:
    value = parameters.get(key, default)
    if not isinstance(value, str):
        raise SettingsError(f"parameters: {key} is {value!r}, expected text")
    return value


def _id_fields(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value if value is not None else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(
            f'parameters: id is {value!r}, expected the name of a field or a list of names, such as ["reference"]'
        )
    return tuple(name.strip() for name in names if name.strip())


@dataclass(frozen=True)
class RecordReport:
    """What reading a resource came to. It is written last: while it is not there, the reading is not finished.

    Attributes:
        format: of the reader that read it.
        encoding: of its text.
        member: the file inside an archive that the records come from; blank for several, or no archive.
        columns: the fields of the records; those of a stream sorted.
        id_rule: the fields that made the ids; empty when the hash of the record is its id.
        records: rows in the Parquet file.
        without_id: records whose id is blank; never taken for absent ones.
        rejected: entries that could not be read; they stand in `<canonical-hash>.rejects.parquet`.
        duplicates: records whose id had already occurred.
        conflicts: those of them that differ from the first record of their id.
        problem: why nothing could be read, for people; blank when it could.
        notes: what people should know of how it was read.
        about: what describes the dataset, as far as the resource says it (`readers/source.py`, `Description`).
    """

    format: str = ""
    encoding: str = ""
    member: str = ""
    columns: tuple[str, ...] = ()
    id_rule: tuple[str, ...] = ()
    records: int = 0
    without_id: int = 0
    rejected: int = 0
    duplicates: int = 0
    conflicts: int = 0
    problem: str = ""
    notes: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def proves_absence(self) -> bool:
        """Whether what is not among the records is not in the resource: all of it was readable and has an id."""
        return not (self.problem or self.rejected or self.without_id)

    def to_json(self) -> bytes:
        """The report as it is stored: canonical JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> RecordReport:
        """The report as it was stored.

        Raises:
            ValueError: it is not a report.
        """
        values: Any = json.loads(content)
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != known:
            raise ValueError(f"not a report: expected an object with {', '.join(sorted(known))}")
        stored: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in values.items()}
        return cls(**stored)


def record_file(collection: Collection, reading: Reading, canonical_hash: str) -> Path:
    """Where the records of a resource are, read in this way."""
    return collection.derived / "record" / reading.name / f"{canonical_hash}.parquet"


def rejects_file(records: Path) -> Path:
    """Where the entries are that could not be read, beside the records; there only when there are some."""
    return records.with_suffix(".rejects.parquet")


def read_report(records: Path) -> RecordReport | None:
    """The report beside a file of records; None when the reading was never finished, or was damaged since."""
    try:
        report = RecordReport.from_json(records.with_suffix(".json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    there = records.is_file() and (report.rejected == 0 or rejects_file(records).is_file())
    return report if report.problem or there else None


@contextmanager
def reading_database(collection: Collection) -> Iterator[MemoryDatabase]:
    """What reads resources, for the time of the `with`; many small ones are read several times faster by one."""
    with scratch_files(collection.work) as scratch, closing(MemoryDatabase(scratch.folder())) as memory:
        yield memory


def derive_records(
    collection: Collection, resource: Path, reading: Reading, canonical_hash: str, memory: MemoryDatabase | None = None
) -> RecordReport:
    """The records of a resource, read now or before.

    What cannot be read is kept as such (`problem`): the same bytes will never read differently by the same rules.

    Args:
        collection: whose resource.
        resource: the file.
        reading: how it is read.
        canonical_hash: of the resource; the name of what is kept.
        memory: of `reading_database`; one for this resource alone when left out.

    Raises:
        DamagedFileError: the resource is missing, or its bytes are not those that its name says.
        StorageError: the disk is full, or a folder cannot be read or written; nothing is kept of the attempt.
        duckdb.Error: it takes more memory than there is, or DuckDB fails in itself; nothing is kept either.
    """
    final = record_file(collection, reading, canonical_hash)
    with storage_errors(final):
        finished = read_report(final)
    if finished is not None:
        return finished
    collection.resources.check(resource.name, whole=False)
    try:
        opening = nullcontext(memory) if memory else reading_database(collection)
        with opening as shared, _checking(collection, resource.name) as checked:
            report = _derive(collection, resource, reading, final, shared, checked)
    except UnreadableError as error:
        report = RecordReport(problem=str(error))
    write_atomically(final.with_suffix(".json"), report.to_json(), collection.work)
    return report


@contextmanager
def _checking(collection: Collection, sha256: str) -> Iterator[Callable[[], None]]:
    """Hashes a resource beside its reading, which leaves a core idle while it unpacks; gives what waits for the answer.

    What is read is what was served, or nothing of it is kept, whatever the reading came to.
    """
    with ThreadPoolExecutor(1) as other:
        hashing = other.submit(collection.resources.check, sha256)
        try:
            yield hashing.result
        except Exception:
            hashing.result()
            raise
        hashing.result()


def try_derive(
    collection: Collection, resource: Path, reading: Reading, canonical_hash: str, memory: MemoryDatabase
) -> tuple[RecordReport, bool]:
    """The records of a resource as `derive_records` gives them, so that one odd resource stops no other.

    Returns:
        The report, and whether its problem is passing: nothing is then kept, and the next time it is read anew.

    Raises:
        StorageError: the disk is full, or a folder cannot be read or written.
    """
    try:
        return derive_records(collection, resource, reading, canonical_hash, memory), False
    except DamagedFileError as error:  # without its folder: the same files give the same report wherever they are
        return RecordReport(problem=f"{error.path.name} {error.reason}"), True
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost edge of one resource: the others are read
        return RecordReport(problem=f"cannot be read: {type(error).__name__}: {error}"), True


def _derive(
    collection: Collection,
    resource: Path,
    reading: Reading,
    final: Path,
    memory: MemoryDatabase,
    checked: Callable[[], None],
) -> RecordReport:
    with scratch_files(collection.work) as scratch:
        source = Source(resource, read_start(resource), scratch, "", reading.encoding, reading.delimiter)
        opened = open_source(source)
        parquet, rejects = scratch.file(), scratch.file()
        try:
            rule = IdRule(reading.id_fields, reading.separator, reading.id_case)
            written = write_records(opened, rule, parquet, rejects, scratch, memory)
        except (duckdb.InternalException, duckdb.OutOfMemoryException):
            raise  # one resource was too much for DuckDB: no fault of the disk, nor a lasting verdict on its bytes
        except duckdb.IOException as error:
            raise StorageError(f"{resource}: DuckDB could not read or write: {error}; free disk") from error
        except duckdb.Error as error:
            raise UnreadableError(f"{opened.format}: {_first_line(error)}") from error
        checked()
        publish(parquet, final)
        if written.rejected:
            publish(rejects, rejects_file(final))
        return _report(opened, written)


def _first_line(error: Exception) -> str:
    """What DuckDB says without the places of our temporary files, which differ each time."""
    return str(error).split("\n", 1)[0].strip()


def _report(opened: Table | Stream, written: Written) -> RecordReport:
    return RecordReport(
        format=opened.format,
        encoding=opened.encoding,
        member=opened.member,
        columns=written.columns,
        id_rule=written.id_rule,
        records=written.records,
        without_id=written.without_id,
        rejected=written.rejected,
        duplicates=written.duplicates,
        conflicts=written.conflicts,
        notes=(*opened.notes, *written.notes),
        about={name: said for name, said in asdict(opened.about.with_more(written.about)).items() if said},
    )
