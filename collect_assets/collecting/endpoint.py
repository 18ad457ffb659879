"""Collecting one endpoint: harvest it, and say in a log what came. Whatever goes wrong ends in the log too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collect_assets.collecting.audit import LIES, MESSAGE, Audit, conditions, verdict
from collect_assets.collecting.log import Log
from collect_assets.collecting.moved import move_proposed
from collect_assets.collecting.past import Past
from collect_assets.collecting.pending import discard_finished, pending_folder
from collect_assets.collecting.record import Collected
from collect_assets.collecting.resource_rule import ResourceRule
from collect_assets.collecting.window import Clock
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError, Evidence, FetchError, StorageError, hide_url_secrets
from collect_assets.network.content import mime_type
from collect_assets.network.credentials import Credential
from collect_assets.network.endpoint_gate import EndpointGate
from collect_assets.network.gate import Gate
from collect_assets.network.messages import without_secrets
from collect_assets.network.options import EndpointOptions
from collect_assets.plugins import Harvest, HarvestRequest, plugins
from collect_assets.plugins.parameters import options_of
from collect_assets.registers import Endpoint
from collect_assets.store.canonical import canonical_hash

OF_THE_STORED_BODY = frozenset({"content-length", "content-encoding", "content-type", "content-range"})


@dataclass(frozen=True)
class Collector:
    """What all endpoints of a run share.

    Attributes:
        anew: harvests that could go on from the last one ask for everything.
    """

    collection: Collection
    entry_date: dt.date
    stamp: str
    run: str
    gate: Gate
    past: Past
    now: Clock
    audit: Audit
    rule: ResourceRule
    anew: bool = False

    def collect(self, endpoint: Endpoint) -> Collected:
        """Collects one endpoint; what came is still to be put on record."""
        pending = pending_folder(self.collection, self.entry_date, endpoint.endpoint)
        stands = self._has_good_log(endpoint)
        many = bool(endpoint.plugin)  # a plain GET is one task and leaves nothing pending
        if many and stands and pending.is_dir():
            discard_finished(pending, self.collection.log_path(self.entry_date, endpoint.endpoint))
        came = self._harvest(endpoint, pending)
        return replace(came, stands=stands, tasks=pending if many and pending.is_dir() else None)

    def _has_good_log(self, endpoint: Endpoint) -> bool:
        log = self.past.of_day(endpoint.endpoint)
        return log is not None and log.good

    def _harvest(self, endpoint: Endpoint, pending: Path) -> Collected:
        log = Log(
            endpoint=endpoint.endpoint,
            endpoint_url=endpoint.url,
            entry_date=self.stamp,
            plugin=endpoint.plugin,
            parameters=endpoint.parameters,
            fetched_at=self.now().isoformat(timespec="milliseconds"),
            run=self.run,
        )
        try:
            gate = self.gate.for_endpoint(endpoint.url, self._options(endpoint))
        except FetchError as error:
            return Collected(_failed(log, error, error.outcome), resumable=True)
        came = self._asked(log, endpoint, gate, pending)
        return replace(came, log=_without_secrets(_advised(came.log, self.past), gate.credential))

    def _options(self, endpoint: Endpoint) -> EndpointOptions:
        """What the row says; of what failed for days, the setting may want only one short attempt."""
        options = options_of(endpoint.plugin, endpoint.parameters)
        days = self.collection.settings.politeness.short_after_days
        if days and self.past.failing(endpoint.endpoint, days):
            return options.short(self.collection.settings.limits)
        return options

    def _asked(self, log: Log, endpoint: Endpoint, gate: EndpointGate, pending: Path) -> Collected:
        try:
            return self._harvested(log, endpoint, gate, pending)
        except FetchError as error:
            log = _with_evidence(log, error.evidence, error.tasks)
            return Collected(_failed(log, error, error.outcome), resumable=True)
        except StorageError as error:
            return Collected(_failed(log, error, "failed:storage"), resumable=True)
        except Exception as error:  # noqa: BLE001 - the outermost edge of one endpoint: the others go on
            message = hide_url_secrets(f"{type(error).__name__}: {error}")
            return Collected(replace(_failed(log, error, "failed:error"), message=message))

    def _harvested(self, log: Log, endpoint: Endpoint, gate: EndpointGate, pending: Path) -> Collected:
        last = self.past.last_good(endpoint.endpoint)
        sent = conditions(last, self.rule, gate.terms.options)
        audited = last is not None and bool(sent) and self.audit.draws(endpoint.endpoint, self._size(last))
        harvest = self._ask(endpoint, gate, last, {} if audited else sent, pending)
        log = _with_evidence(log, harvest.answer.evidence, harvest.tasks)
        try:
            came = self._kept(log, self.rule.kept(harvest, endpoint.plugin), last)
        except StorageError as error:  # here, so that the log says what was answered
            return Collected(_failed(log, error, "failed:storage"), resumable=True)
        if last is None or not came.log.good:
            return came
        if audited:
            return replace(came, log=_audited(came.log, verdict(came.log, last, sent, gate)))
        lied = last.audit == LIES and gate.terms.options.conditional is not True
        return replace(came, log=replace(came.log, audit=LIES)) if lied else came

    def _size(self, last: Log) -> int:
        """Of the last resource, which is at hand; logs of other software do not tell."""
        return self.collection.resources.path(last.resource).stat().st_size if last.size is None else last.size

    def _ask(
        self, endpoint: Endpoint, gate: EndpointGate, last: Log | None, sent: Mapping[str, str], pending: Path
    ) -> Harvest:
        """Asks for what changed; and for all of it, where what we have turns out to be damaged (promise 1)."""
        plugin = plugins()[endpoint.plugin]
        request = HarvestRequest(
            endpoint.url,
            endpoint.parameters,
            sent,
            work=self.collection.work,
            pending=pending,
            registers=self.collection.register.parent,
            rules=self.collection.settings.harvesting,
            attempts=gate.terms.limits.attempts,
            backoff=gate.terms.limits.backoff,
            first=last is None,
            resource_rule=self.rule.name,
            entry_date=self.entry_date,
            last={} if self.anew else self.past.harvested(endpoint.endpoint, endpoint.plugin),
        )
        harvest = plugin(request, gate)
        if harvest.part is None and last is not None:
            try:
                self.collection.resources.check(last.resource)
            except DamagedFileError:
                return plugin(replace(request, validators={}), gate)
        return harvest

    def _kept(self, log: Log, harvest: Harvest, last: Log | None) -> Collected:
        if harvest.part is None:
            if last is None:
                raise AssertionError("a harvest without bytes needs a good log before it")
            log = _not_modified(log, last, self.collection.resources.path(last.resource))
            return Collected(log, resumable=harvest.resumable)
        try:
            canonical = canonical_hash(harvest.part, harvest.sha256, harvest.start)
            new = not self.collection.resources.path(harvest.sha256).exists()
            damaged = None if new else self.collection.resources.add(harvest.part, harvest.sha256)
        except BaseException:
            harvest.part.unlink(missing_ok=True)
            raise
        bad = harvest.incomplete
        log = replace(
            log,
            outcome="" if bad else self.past.outcome(log.endpoint, harvest.sha256, canonical),
            resource="" if bad else harvest.sha256,
            partial_resource=harvest.sha256 if bad else "",
            harvested={} if bad else harvest.harvested,
            canonical_hash=canonical,
            bytes=harvest.size,
            mime_type=mime_type(harvest.start),
            complete=harvest.complete,
            coverage=harvest.coverage,
            declared_count=harvest.declared_count,
            message=f"the file of this resource was damaged; it is kept as {damaged.name}" if damaged else harvest.note,
        )
        return Collected(_failed(log, bad, bad.outcome) if bad else log, harvest.part if new else None,
                         resumable=harvest.resumable)  # fmt: skip


def _not_modified(log: Log, last: Log, resource: Path) -> Log:
    """What the cache serves for a 304: the stored answer, with the headers that came now over it (RFC 9111, 3.2).

    The last log may be another software's: with cookies in its headers, the size on the wire, no canonical hash.
    """
    fresh = {name: value for name, value in log.response_headers.items() if name.lower() not in OF_THE_STORED_BODY}
    renewed = {name.lower() for name in fresh}
    stored = {name: value for name, value in last.response_headers.items() if name.lower() not in renewed}
    return replace(
        log,
        outcome="not-modified",
        status="200",
        wire_status="304",
        response_headers={**without_secrets(stored), **fresh},
        content_type=last.content_type,
        resource=last.resource,
        canonical_hash=last.canonical_hash or canonical_hash(resource, last.resource),
        bytes=resource.stat().st_size,
        mime_type=last.mime_type,
        complete=True if last.complete is None else last.complete,
        coverage=last.coverage or "full",
        declared_count=last.declared_count,
        harvested=last.harvested,
    )


SHOWING = (
    "message",
    "exception",
    "content_type",
    "request_headers",
    "response_headers",
    "attempts",
    "redirects",
    "tasks",
)


def _without_secrets(log: Log, credential: Credential) -> Log:
    """What a server, a plugin or an exception may have repeated of a credential is hidden, wherever it stands."""
    if not credential.secrets:
        return log
    return replace(log, **{name: credential.hide(getattr(log, name)) for name in SHOWING})


def _audited(log: Log, audit: str) -> Log:
    return replace(log, audit=audit, message=MESSAGE if audit == LIES else log.message)


def _advised(log: Log, past: Past) -> Log:
    """Adds to the message what people should do about a move."""
    advice = move_proposed(log, past) if log.redirects else ""
    return replace(log, message="; ".join(filter(None, (log.message, hide_url_secrets(advice))))) if advice else log


def _failed(log: Log, error: Exception, outcome: str) -> Log:
    exception = getattr(error, "exception", None) or ("" if log.status else type(error).__name__)
    return replace(log, outcome=outcome, exception=exception, message=str(error))


def _with_evidence(log: Log, evidence: Evidence, tasks: tuple[Mapping[str, Any], ...]) -> Log:
    """What the gate saw, in the log's words."""
    headers = {name.lower(): value for name, value in evidence.response_headers.items()}
    attempts = tuple(
        {key: _rounded(value) for key, value in vars(attempt).items() if value is not None}
        for attempt in evidence.attempts
    )
    return replace(
        log,
        elapsed=f"{evidence.elapsed:.3f}",
        status=str(evidence.status or ""),
        ssl_verify=evidence.ssl_verify,
        request_headers=evidence.request_headers,
        response_headers=evidence.response_headers,
        content_type=headers.get("content-type", ""),
        attempts=attempts,
        redirects=tuple(vars(redirect) for redirect in evidence.redirects),
        tasks=tasks,
    )


def _rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value
