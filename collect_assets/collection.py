"""A collection: where its files lie, and its settings.

Nothing here reads a register, a log or the network. The layout is that of the architecture, which for `log/` and
`resource/` is the one that digital-land-python reads and writes.
"""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from collect_assets.errors import SettingsError
from collect_assets.store.local import ContentStore

_REASONS = {
    "extra_forbidden": "no such setting; docs/running.md lists them",
    "string_pattern_mismatch": "has to be one line of ASCII, without space at its ends: it is sent in a header",
}
HEADER = r"^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$"
HOUR, DAY, WEEK = 3600, 86_400, 168  # seconds, seconds, hours
MOST_BYTES = 1 << 50
CREDENTIAL_HEADERS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"}
)
# Headers that say how a message is framed and where it goes: whoever sets them breaks the connection or leads astray.
_OF_THE_CONNECTION = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect"}
)
ResourceRuleName = Literal["raw", "digital-land"]
DATE_PATTERN = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Section(BaseModel):
    """A table of `collection.toml`: keys with hyphens, unknown ones are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab, populate_by_name=True)


def _may_be_set(headers: dict[str, str]) -> dict[str, str]:
    """Refuses secrets, which stand in files that everyone reads, and what the connection needs for itself."""
    for name in map(str.lower, headers):
        if name in CREDENTIAL_HEADERS:
            raise ValueError(f"{name} is a secret; name it as a `credential` of the endpoint (docs/running.md)")
        if name in _OF_THE_CONNECTION:
            raise ValueError(f"{name} belongs to the connection and cannot be set")
    return headers


HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=HEADER)]
Headers = Annotated[dict[HeaderName, HeaderValue], AfterValidator(_may_be_set)]


class Limits(Section):
    """What one fetch may take. Seconds and bytes.

    Attributes:
        max_bytes: of a body, decoded.
        max_wire_bytes: of a body, as it is sent.
        max_ratio: of decoded to sent bytes, from some size on.
        min_rate: bytes per second on the wire, over `rate_window` seconds.
    """

    connect_timeout: float = Field(10.0, gt=0, le=DAY)
    read_timeout: float = Field(60.0, gt=0, le=DAY)
    total_timeout: float = Field(600.0, gt=0, le=DAY)
    max_bytes: int = Field(4 << 30, gt=0, le=MOST_BYTES)
    max_wire_bytes: int = Field(4 << 30, gt=0, le=MOST_BYTES)
    max_ratio: float = Field(300.0, ge=1, le=1e9)
    min_rate: float = Field(100.0, ge=0, le=MOST_BYTES)
    rate_window: float = Field(60.0, gt=0, le=DAY)
    max_redirects: int = Field(5, ge=0, le=100)
    attempts: int = Field(3, ge=1, le=100)
    backoff: float = Field(1.0, ge=0, le=HOUR)
    max_backoff: float = Field(30.0, ge=0, le=DAY)


class Politeness(Section):
    """How a host is treated: one request at a time, and between two of them a share of the time that the last took.

    Attributes:
        short_after_days: failed days in a row after which an endpoint gets one short attempt a day; 0 means never.
        remember_unreachable: seconds for which the failed attempts of other runs on this machine count.
        slow_down: what the pause is multiplied with after each answer 429 or 503.
    """

    min_pause: float = Field(0.0, ge=0, le=HOUR)
    max_pause: float = Field(5.0, ge=0, le=HOUR)
    pause_share: float = Field(0.5, ge=0, le=1000)
    slow_down: float = Field(2.0, ge=1, le=100)
    hosts_at_once: int = Field(64, ge=1, le=1024)
    give_up_host_after: int = Field(3, ge=1, le=1_000_000)
    remember_unreachable: float = Field(600.0, ge=0, le=DAY)
    short_after_days: int = Field(0, ge=0, le=365)


class Conditional(Section):
    """Asking only for what changed.

    Attributes:
        audit_share: of the bytes, what is fetched in full all the same to find servers that lie.
    """

    audit_share: float = Field(0.01, ge=0, le=1)


class Schedule(Section):
    """When the collection is collected by itself: a cron line in a time zone; `cron = ""` means never."""

    cron: str = "30 0 * * *"
    timezone: str = "UTC"
    priority: int = Field(0, ge=-1_000_000, le=1_000_000)


class Guard(Section):
    """How much an endpoint may lose in one day before a person is asked. Growth is never held.

    Attributes:
        loss: the share of its items.
        ids: the share of ids that are new, while as many others are missing.
        items: losses and changes of so few items are never held.
        past_answers: from so many complete answers on, the endpoint's own past widens or narrows both shares.
    """

    loss: float = Field(0.3, ge=0, le=1)
    ids: float = Field(0.5, ge=0, le=1)
    items: int = Field(20, ge=0, le=1_000_000_000)
    past_answers: int = Field(8, ge=1, le=10_000)


class Items(Section):
    """The rules of the item life cycle.

    Attributes:
        scope: within what ids are unique: each endpoint, or all endpoints of one organisation and dataset.
        retired: what becomes of the items of an endpoint on its end-date.
    """

    absences_before_deletion: int = Field(2, ge=1, le=10_000)
    scope: Literal["endpoint", "organisation-dataset"] = "endpoint"
    retired: Literal["keep", "drop"] = "keep"
    guard: Guard = Guard()


class Harvesting(Section):
    """The rules of harvests of many pages.

    Attributes:
        count_tolerance: share of the records that a provider declares which may be missing from a complete harvest.
        most_pages: of one harvest; a provider that has more is taken for one that never ends.
    """

    count_tolerance: float = Field(0.0, ge=0, le=1)
    most_pages: int = Field(20_000, ge=1, le=99_999)


FieldKind = Literal["text", "keyword", "number", "date", "place"]


class IndexSettings(Section):
    """What the index makes of the fields of records, beside what it knows of Darwin Core and planning data.

    Attributes:
        fields: the kind of a field, by its name.
    """

    fields: dict[str, FieldKind] = Field(default_factory=dict)


class Settings(Section):
    """Every setting of a collection, as `collection.toml` may give it.

    Attributes:
        resource_rule: which bytes of an answer are kept; None to go on as the collection's logs have it.
    """

    title: str = ""
    description: str = ""
    owners: tuple[str, ...] = ()
    user_agent: str = Field("", pattern=HEADER)
    contact: str = Field("", pattern=HEADER)
    resource_rule: ResourceRuleName | None = None
    grace_hours: float = Field(6.0, ge=0, le=WEEK)
    start_date: dt.date | None = Field(None, ge=dt.date(1990, 1, 1), le=dt.date(2999, 12, 31))
    headers: Headers = Field(default_factory=dict)
    limits: Limits = Limits()
    politeness: Politeness = Politeness()
    conditional: Conditional = Conditional()
    schedule: Schedule = Schedule()
    items: Items = Items()
    harvesting: Harvesting = Harvesting()
    index: IndexSettings = IndexSettings()


def read_settings(path: Path) -> Settings:
    """The settings in a `collection.toml`; the defaults where there is no such file.

    Raises:
        SettingsError: it is not TOML, has an unknown key or a value out of range; names file, key and reason.
    """
    try:
        return Settings.model_validate(_read_toml(path))
    except ValidationError as error:
        raise SettingsError(f"{path}: {reasons(error)}") from error


def reasons(error: ValidationError) -> str:
    """What is wrong with settings, for people: each key with its reason."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {_REASONS.get(e['type'], e['msg'])}" for e in error.errors())


def _read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says; nothing where there is no such file.

    Raises:
        SettingsError: it is there and cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not a TOML file: {error}") from error


@dataclass(frozen=True)
class Collection:
    """The places of one collection. Registers, data and derived files are one folder unless said otherwise.

    Attributes:
        name: as people call it; the folder's name by default.
        registers: the folder of `endpoint.csv` and its companions.
        folder: the folder of `log/`, `resource/`, `run/` and `derived/`.
        endpoint_csv: the register of endpoints, where it is not `endpoint.csv` in `registers`.
    """

    name: str
    folder: Path
    registers: Path
    settings: Settings = field(default_factory=Settings)
    endpoint_csv: Path | None = None
    log_folder: Path | None = None
    resource_folder: Path | None = None

    @classmethod
    def at(cls, folder: Path, *, name: str | None = None, registers: Path | None = None) -> Collection:
        """The collection in a folder, with the settings of its `collection.toml`.

        Raises:
            SettingsError: the settings cannot be used.
        """
        folder = folder.absolute()
        if patterns := sorted(set(str(folder)) & set("*?[")):
            raise SettingsError(
                f"{folder}: has {' '.join(patterns)} in its path, which DuckDB takes for a pattern; rename it"
            )
        registers = (registers or folder).absolute()
        return cls(name or folder.name, folder, registers, read_settings(registers / "collection.toml"))

    @property
    def register(self) -> Path:
        """The register of endpoints."""
        return self.endpoint_csv or self.registers / "endpoint.csv"

    @cached_property  # as `work` and `resources`: each request asks for them, and making a path takes microseconds
    def log(self) -> Path:
        """The folder with a folder of logs for each entry-date."""
        return self.log_folder or self.folder / "log"

    @cached_property
    def work(self) -> Path:
        """Unfinished files, on the same file system as the finished ones."""
        return self.folder / "work"

    @cached_property
    def resources(self) -> ContentStore:
        """What was served, by sha256."""
        return ContentStore(self.resource_folder or self.folder / "resource", self.work)

    @property
    def register_copies(self) -> ContentStore:
        """The registers that runs were started with, by sha256."""
        return ContentStore(self.folder / "register", self.work)

    @property
    def derived(self) -> Path:
        """What can be deleted, and is built again."""
        return self.folder / "derived"

    @property
    def index(self) -> Path:
        """The stable name of the published item index."""
        return self.derived / "index.duckdb"

    def log_path(self, entry_date: dt.date, endpoint: str) -> Path:
        """Where the log of an endpoint on an entry-date is."""
        return self.log.joinpath(entry_date.isoformat(), f"{endpoint}.json")

    @property
    def decisions(self) -> Path:
        """What people decided, one file each; files are added and never changed."""
        return self.registers / "decision"

    @property
    def log_csv(self) -> Path:
        """The logs as a table for readers of their own."""
        return self.folder / "log.csv"

    @property
    def resource_csv(self) -> Path:
        """The resources as a table for readers of their own."""
        return self.folder / "resource.csv"

    def adopted(self, entry_date: dt.date) -> Path:
        """The logs of an entry-date that were found as rows of a log.csv only, one in a line."""
        return self.folder / "adopted" / f"{entry_date.isoformat()}.jsonl"

    def runs(self, entry_date: dt.date) -> Path:
        """The folder of the run files of an entry-date."""
        return self.folder / "run" / entry_date.isoformat()

    def day_file(self, entry_date: dt.date) -> Path:
        """The logs and skips of an entry-date in one file."""
        return self.derived / "day" / f"{entry_date.isoformat()}.parquet"

    def entry_dates(self) -> list[dt.date]:
        """The entry-dates that have a folder of logs, or logs that were adopted, oldest first."""
        logs = {day for each in _listed(self.log) if (day := _date_of(each.name)) and each.is_dir()}
        adopted = (each.name for each in _listed(self.folder / "adopted") if each.name.endswith(".jsonl"))
        return sorted(logs | {day for name in adopted if (day := _date_of(name.removesuffix(".jsonl")))})


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, with what each thing is: a `glob` asks for that again, of ten years 3,650 times."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _date_of(name: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        return None
    return day if day.isoformat() == name else None  # `2024-W01-1` is a date too, and `20240101`


@dataclass(frozen=True)
class BrokenCollection:
    """A collection that was found and cannot be used, and why; the others are not affected."""

    name: str
    folder: Path
    reason: str


def find_collections(root: Path) -> list[Collection | BrokenCollection]:
    """The collections below a root folder, sorted by name.

    `collections.toml` in the root lists them, as `[<name>]` tables with `folder` and, where it differs, `registers`
    (relative to the root). Without it every folder with an `endpoint.csv` is a collection. Only folders are listed and
    settings read, so that this stays quick for hundreds of them.

    Raises:
        SettingsError: the root is not a folder, or `collections.toml` is unreadable.
    """
    if not root.is_dir():
        raise SettingsError(f"{root}: no such folder; set COLLECTIONS to the folder that holds your collections")
    listing = root / "collections.toml"
    entries = _read_toml(listing)
    if not listing.is_file():
        folders = sorted(path.parent for path in root.glob("*/endpoint.csv"))
        return [_open(folder.name, folder, folder) for folder in folders]
    return [_open_listed(root, listing, name, entry) for name, entry in sorted(entries.items())]


def _open_listed(root: Path, listing: Path, name: str, entry: object) -> Collection | BrokenCollection:
    places = entry if isinstance(entry, dict) and all(isinstance(place, str) for place in entry.values()) else {}
    if "folder" not in places or set(places) - {"folder", "registers"}:
        return BrokenCollection(name, root, f"{listing}: [{name}] needs a `folder`, may have `registers`, and no more")
    folder: str = places["folder"]
    return _open(name, root / folder, root / str(places.get("registers", folder)))


def _open(name: str, folder: Path, registers: Path) -> Collection | BrokenCollection:
    try:
        return Collection.at(folder, name=name, registers=registers)
    except SettingsError as error:
        return BrokenCollection(name, folder, str(error))


def collections_root() -> Path:
    """The folder with all collections: `COLLECTIONS` in the environment, else `collections` in the working folder."""
    return Path(os.environ.get("COLLECTIONS") or "collections").absolute()
