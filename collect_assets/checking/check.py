"""Checking one URL: harvest it into a scratch folder under tight limits, read it, and say what was found."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collect_assets.checking.report import UrlReport, error_of
from collect_assets.checking.services import error_in, feature_types, plugin_of, root_of
from collect_assets.checking.words import of_error, of_typing
from collect_assets.collecting.window import Clock, utc_now
from collect_assets.collection import Collection, Limits, Politeness
from collect_assets.errors import FailedError, FetchError, SettingsError
from collect_assets.items.records import Reading, RecordReport, reading_database, record_file, try_derive
from collect_assets.network.addresses import AddressRules
from collect_assets.network.content import mime_type
from collect_assets.network.gate import Answer, Fetcher, Gate, Request
from collect_assets.plugins import Harvest, HarvestRequest, plugins
from collect_assets.plugins.parameters import options_of
from collect_assets.store.canonical import canonical_hash
from collect_assets.store.database import database
from collect_assets.version import __version__

TIGHT = Limits(connect_timeout=10, read_timeout=20, total_timeout=60, max_bytes=50_000_000, attempts=2)
MOST_REQUESTS = 5  # of one harvest: a layer is described, counted, and its first pages fetched
SHOWN = 5

_FIRST = "SELECT record FROM read_parquet($file, file_row_number = true) ORDER BY file_row_number LIMIT $limit"
_GEOMETRY = """
SELECT ST_GeometryType(g)::VARCHAR, count(*), min(ST_XMin(g)), min(ST_YMin(g)), max(ST_XMax(g)), max(ST_YMax(g))
FROM (SELECT ST_GeomFromWKB(geometry) AS g FROM read_parquet($file) WHERE geometry IS NOT NULL)
GROUP BY 1 ORDER BY 2 DESC
"""


def check_url(
    url: str,
    *,
    plugin: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    limits: Limits = TIGHT,
    rules: AddressRules | None = None,
    now: Clock = utc_now,
) -> UrlReport:
    """Whether a URL can be collected, and what its data look like. Nothing of a collection is read or written.

    Args:
        url: as somebody typed it.
        plugin: as the register would have it; found by what answers when left out.
        parameters: as the register would have them.
        limits: of bytes and seconds; tight ones when left out.
        rules: which non-public addresses may be asked; none when left out.
        now: the clock, for the time of an error.

    Raises:
        SettingsError: there is no such plugin, or a parameter cannot be used.
        StorageError: there is no room for temporary files.
    """
    if plugin is not None and plugin not in plugins():
        known = ", ".join(sorted(name for name in plugins() if name))
        raise SettingsError(f"there is no plugin {plugin!r}; known: {known}, and blank for a plain GET")
    if wrong := of_typing(url):
        refused = UrlReport(url, collectable=False, outcome="refused:url", plugin=plugin or "", problems=(wrong,))
        return _with_error(refused, FailedError("url", wrong, exception="InvalidURL"), now())
    with tempfile.TemporaryDirectory(prefix="check-url-") as folder:
        scratch = _Scratch(Collection.at(Path(folder)), url, parameters or {}, limits, rules or AddressRules.none())
        return scratch.check(plugin, now)


class _Few:
    """A gate that answers a few times and then no more; it remembers how the last answer began."""

    def __init__(self, gate: Fetcher) -> None:
        self._gate = gate
        self._left = MOST_REQUESTS
        self.stopped = False
        self.start = b""

    def fetch(self, request: Request) -> Answer:
        """Asks, as long as a check may."""
        if not self._left:
            self.stopped = True
            raise FailedError("checked", "a check asks for the first pages only")
        self._left -= 1
        answer = self._gate.fetch(request)
        self.start = answer.start
        return answer


@dataclass(frozen=True)
class _Scratch:
    """One check: what is asked, and the folder that is thrown away afterwards."""

    collection: Collection
    url: str
    parameters: Mapping[str, Any]
    limits: Limits
    rules: AddressRules

    def check(self, plugin: str | None, now: Clock) -> UrlReport:
        """Asks as a plain GET first, and again where the answer shows that a plugin fits better."""
        report, error, start = self._try(plugin or "")
        if plugin is None and (better := plugin_of(report.final_url or self.url, start)):
            if better == "wfs":  # the answer is the same; the plugin only takes noise out of it, and pages
                report = replace(report, plugin=better)
            else:
                report, error, start = self._try(better)
        if error is None:
            return self._described(report, start)
        return _with_error(report, error, now())

    def _try(self, plugin: str) -> tuple[UrlReport, FetchError | None, bytes]:
        options = options_of(plugin, self.parameters)
        with Gate(
            limits=self.limits,
            politeness=Politeness(),
            user_agent=f"collect_assets/{__version__} (check of one URL)",
            rules=self.rules,
            work=self.collection.work,
        ) as gate:
            few = _Few(gate.for_endpoint(self.url, options))
            work = self.collection.work
            request = HarvestRequest(self.url, self.parameters, work=work, pending=work / "pending", registers=work)
            try:
                harvest = plugins()[plugin](request, few)
            except FetchError as error:
                return _failed(self.url, plugin, error), error, few.start
            return self._kept(plugin, harvest, few), None if few.stopped else harvest.incomplete, few.start

    def _kept(self, plugin: str, harvest: Harvest, few: _Few) -> UrlReport:
        """What came, and what it reads as."""
        if harvest.part is None:
            raise AssertionError("without validators, bytes come or an error")
        self.collection.resources.add(harvest.part, harvest.sha256)
        path = self.collection.resources.path(harvest.sha256)
        canonical = canonical_hash(path, harvest.sha256)
        reading = Reading.of(self.parameters)
        with reading_database(self.collection) as memory:
            records, _ = try_derive(self.collection, path, reading, canonical, memory)
        answer = harvest.answer
        report = UrlReport(
            self.url,
            collectable=harvest.incomplete is None or few.stopped,
            outcome="collected",
            plugin=plugin,
            status=answer.status,
            final_url=answer.url,
            redirects=tuple((each.status, each.url) for each in answer.redirects),
            content_type=answer.header("content-type"),
            mime_type=mime_type(harvest.start),
            size=harvest.size,
            whole=not few.stopped,
            declared=self._declared(),
            elapsed=round(answer.elapsed, 3),
            notes=(harvest.note,) if harvest.note else (),
        )
        return _with_records(report, records, record_file(self.collection, reading, canonical))

    def _declared(self) -> int | None:
        """What an ArcGIS server counted, among the pages of its harvest."""
        try:
            counted = json.loads((self.collection.work / "pending" / "count").read_bytes())
        except (OSError, ValueError):
            return None
        return counted.get("count") if isinstance(counted, dict) else None

    def _described(self, report: UrlReport, start: bytes) -> UrlReport:
        """The description of a service is no data: which feature types it has, and how they are asked for."""
        root = root_of(start)
        if root == "WFS_Capabilities":
            resource = next(self.collection.resources.folder.iterdir())
            types = feature_types(resource)
            problem = "This is the description of a WFS, not its data. Ask for one of its feature types: " + (
                ", ".join(types) or "it names none")  # fmt: skip
            return replace(report, collectable=False, outcome="refused:description", problems=(problem,))
        if message := error_in(start):
            problem = f"The service answers with an error of its own, in place of data: {message}"
            return replace(report, collectable=False, outcome="failed:service-error", problems=(problem,))
        return report


def _failed(url: str, plugin: str, error: FetchError) -> UrlReport:
    evidence = error.evidence
    headers = {name.lower(): value for name, value in evidence.response_headers.items()}
    last = evidence.attempts[-1].url if evidence.attempts else ""
    return UrlReport(
        url,
        collectable=False,
        outcome=error.outcome,
        plugin=plugin,
        problems=tuple(dict.fromkeys((of_error(error, evidence.status), str(error)))),
        status=evidence.status,
        final_url=last,
        redirects=tuple((each.status, each.url) for each in evidence.redirects),
        content_type=headers.get("content-type", ""),
        elapsed=round(evidence.elapsed, 3),
    )


def _with_error(report: UrlReport, error: FetchError, now: dt.datetime) -> UrlReport:
    error_keys = error_of(report, why=error.why, detail=str(error), exception=error.exception or "",
                          entry_date=now.date().isoformat(), time=now.isoformat(timespec="seconds"))  # fmt: skip
    problems = report.problems or (of_error(error, report.status),)
    return replace(report, collectable=False, outcome=error.outcome, problems=problems, error=error_keys)


def _with_records(report: UrlReport, records: RecordReport, file: Path) -> UrlReport:
    """The report with what was read; what could not be read is a problem, though it can be collected."""
    problems = [f"It can be collected, but not read into records: {records.problem}"] if records.problem else []
    if records.rejected:
        problems.append(
            f"{records.rejected} of its rows cannot be read; they are kept, and no item is deleted for them."
        )
    if records.without_id:
        problems.append(f"{records.without_id} records have no {' + '.join(records.id_rule)}, which is their id.")
    if records.conflicts:
        problems.append(f"{records.conflicts} records have the id of another one and differ from it.")
    report = replace(
        report,
        problems=tuple(problems),
        format=records.format,
        encoding=records.encoding,
        columns=records.columns,
        records=records.records,
        rejected=records.rejected,
        without_id=records.without_id,
        duplicates=records.duplicates,
        id_rule=records.id_rule,
        notes=(*report.notes, *records.notes),
    )
    return report if records.problem or not records.records else _with_first(report, file)


def _with_first(report: UrlReport, file: Path) -> UrlReport:
    with database(spatial=True) as connection:
        first = connection.execute(_FIRST, {"file": str(file), "limit": SHOWN}).fetchall()
        kinds = connection.execute(_GEOMETRY, {"file": str(file)}).fetchall()
    box = (
        tuple(pick(kind[place] for kind in kinds) for place, pick in enumerate((min, min, max, max), 2))
        if kinds
        else None
    )
    return replace(
        report,
        first_records=tuple(json.loads(record) for (record,) in first),
        geometry=tuple((kind[0], kind[1]) for kind in kinds),
        box=(box[0], box[1], box[2], box[3]) if box else None,
    )
