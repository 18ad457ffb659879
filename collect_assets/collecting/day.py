"""Collecting one entry-date of one collection: the only step with a network and a clock."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from collections.abc import Collection as Those
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from collect_assets.collecting.audit import LIES, Audit
from collect_assets.collecting.endpoint import Collector
from collect_assets.collecting.last_run import register_on
from collect_assets.collecting.log import Log, log_paths, read_log, read_logs
from collect_assets.collecting.past import Past
from collect_assets.collecting.pending import sweep_pending
from collect_assets.collecting.plan import Mode, Plan, make_plan
from collect_assets.collecting.record import Record
from collect_assets.collecting.resource_rule import ResourceRule
from collect_assets.collecting.run_file import RunFile, end_run, run_files, start_run
from collect_assets.collecting.window import Clock, Window, utc_now
from collect_assets.collection import Collection
from collect_assets.errors import NoLogsError
from collect_assets.network.addresses import AddressRules
from collect_assets.network.gate import Gate
from collect_assets.network.hosts import HostRegister, Hosts, read_hosts
from collect_assets.network.names import Resolver, resolve
from collect_assets.plugins import plugins
from collect_assets.plugins.parameters import check_parameters
from collect_assets.registers import EndpointRegister, Problem, read_endpoints
from collect_assets.store.local import file_lock, sweep
from collect_assets.version import __version__

Progress = Callable[[Log, int], None]
"""Called after each endpoint with its log and the number of endpoints that the run asks in all."""


@dataclass(frozen=True)
class DayReport:
    """What stands on record for an entry-date after a run, and what the run itself did.

    Attributes:
        logs: of the day, whoever wrote them, in order of endpoint.
        skips: endpoint to why it was not asked, as far as it has no log.
        never_asked: active endpoints without a log or a recorded skip.
        fetched: outcomes of this run; empty when it asked nobody.
        already: how many had their log before this run.
        open: whether the day could still be collected.
        problems: of the register and of damaged logs.
    """

    entry_date: dt.date
    logs: tuple[Log, ...]
    skips: Mapping[str, str]
    never_asked: tuple[str, ...]
    fetched: Mapping[str, int] = field(default_factory=dict)
    already: int = 0
    open: bool = True
    problems: tuple[Problem, ...] = ()

    @property
    def outcomes(self) -> dict[str, int]:
        """How often each outcome stands in the day's logs; logs of others count as `collected` or `failed`."""
        words = (log.outcome or ("collected" if log.good else "failed") for log in self.logs)
        return dict(sorted(Counter(words).items()))

    @property
    def resources(self) -> dict[str, str]:
        """The resource of each endpoint that has one."""
        return {log.endpoint: log.resource for log in self.logs if log.good}

    @property
    def lying(self) -> list[Log]:
        """The logs of servers that say 304 to what has changed, now or when the audit last looked."""
        return [log for log in self.logs if log.audit == LIES]

    @property
    def unverified(self) -> list[Log]:
        """The logs of endpoints that are excepted from checking certificates."""
        return [log for log in self.logs if log.ssl_verify is False]

    @property
    def failures(self) -> list[Log]:
        """The logs without a resource."""
        return [log for log in self.logs if not log.good]


def collect_day(
    collection: Collection,
    entry_date: dt.date,
    *,
    mode: Mode = Mode.DEFAULT,
    only: Those[str] | None = None,
    rules: AddressRules | None = None,
    now: Clock = utc_now,
    resolver: Resolver = resolve,
    progress: Progress | None = None,
) -> DayReport:
    """Collects what the day still lacks, or, when the day is over, says what stands on record for it.

    Runs for one collection take turns on a machine: the second waits, and then finds the logs of the first.

    Args:
        collection: what to collect.
        entry_date: the UTC day that it is collected for.
        mode: which endpoints are asked again on a day that has logs.
        only: ids of the endpoints to ask; all when left out.
        rules: which non-public addresses may be asked; none when left out.
        now: the clock.
        resolver: finds the addresses of a host; the system's when left out.
        progress: called after each endpoint, from the calling thread.

    Raises:
        FutureDayError: the day has not begun.
        NoLogsError: the day is over and nothing was collected on it.
        RegisterError: the register cannot be read.
        StorageError: the disk is full, or a folder cannot be written; what is there is as it was.
    """
    started = now()
    if not Window(entry_date, dt.timedelta(hours=collection.settings.grace_hours)).is_open(started):
        return _closed_day(collection, register_on(collection, entry_date, started.date()), entry_date)
    register = check_parameters(read_endpoints(collection.register, plugins=plugins()))
    with file_lock(collection.work / "collecting.lock"):
        sweep(collection.work)
        sweep_pending(collection, started)
        plan = make_plan(collection, register, entry_date, mode=mode, only=only)
        hosts = read_hosts(collection.registers / "host.csv")
        rule = ResourceRule.of(collection)
        run_file = start_run(collection, register, plan, hosts=hosts, entry_date=entry_date, mode=mode, only=only,
                             started=now(), resource_rule=rule.name)  # fmt: skip
        gate = _gate(collection, rules or AddressRules.none(), hosts, resolver)
        fetched, written = _run(collection, plan, entry_date, run_file, gate, rule, now, progress,
                                anew=mode is Mode.REFILL)  # fmt: skip
    report = _report(collection, register, entry_date, fetched=fetched, already=len(plan.already), written=written)
    return replace(report, problems=(*report.problems, *hosts.problems))


def _closed_day(collection: Collection, register: EndpointRegister, entry_date: dt.date) -> DayReport:
    if next(log_paths(collection, entry_date), None) is None and not collection.adopted(entry_date).is_file():
        raise NoLogsError(
            f"{collection.name}: {entry_date} is over and nothing was collected on it; a past day can only be read "
            f"from its logs, and {collection.log / entry_date.isoformat()} has none"
        )
    return _report(collection, register, entry_date, open_=False)


def _gate(collection: Collection, rules: AddressRules, hosts: HostRegister, resolver: Resolver) -> Gate:
    return Gate(
        limits=collection.settings.limits,
        politeness=collection.settings.politeness,
        user_agent=user_agent(collection),
        headers=collection.settings.headers,
        rules=rules,
        work=collection.work,
        hosts=Hosts(hosts.places),
        resolver=resolver,
    )


def _run(
    collection: Collection,
    plan: Plan,
    entry_date: dt.date,
    run_file: RunFile,
    gate: Gate,
    rule: ResourceRule,
    now: Clock,
    progress: Progress | None,
    *,
    anew: bool,
) -> tuple[dict[str, int], dict[str, Log]]:
    """How often each outcome came, and the logs that were written."""
    audit = Audit(collection.settings.conditional.audit_share, entry_date)
    past = Past(collection, entry_date)
    stamp = day_stamp(collection, entry_date)
    collector = Collector(collection, entry_date, stamp, run_file.run, gate, past, now, audit, rule, anew)
    record = Record(collection, entry_date)
    outcomes: Counter[str] = Counter()
    audited: dict[str, str] = {}
    for done in gate.each(plan.asked, url=lambda endpoint: endpoint.url, work=collector.collect):
        for log in record.put([came for _, came in done]):
            outcomes[log.outcome] += 1
            if log.audit:
                audited[log.endpoint] = log.audit
            if progress is not None:
                progress(log, len(plan.asked))
    record.sync()
    end_run(collection, run_file, ended=now(), outcomes=dict(sorted(outcomes.items())), audited=audited)
    return dict(sorted(outcomes.items())), record.written


def day_stamp(collection: Collection, entry_date: dt.date) -> str:
    """The `entry-date` that all logs of a day carry: that of the logs it has, else the day's first moment.

    Upstream's readers take the newest time stamp as the mark up to which they have read (reference: one time per run).
    """
    for path in log_paths(collection, entry_date):
        try:
            if (log := read_log(path)) and log.entry_date:
                return log.entry_date
        except ValueError:
            continue
    return dt.datetime.combine(entry_date, dt.time()).isoformat(timespec="microseconds")


def user_agent(collection: Collection) -> str:
    """Who we say we are: the setting, else this project with the collection's name and contact."""
    settings = collection.settings
    contact = f"; {settings.contact}" if settings.contact else ""
    return settings.user_agent or f"collect_assets/{__version__} (collection {_in_header(collection.name)}{contact})"


def _in_header(name: str) -> str:
    return quote(name, safe=" !#$&'*+,/:;=?@^`{|}", errors="surrogateescape")


def day_skips(collection: Collection, entry_date: dt.date) -> dict[str, str]:
    """Why endpoints were not asked on an entry-date, by the newest run that says so."""
    skips: dict[str, str] = {}
    for run in run_files(collection, entry_date):
        for skip in run.get("skipped") or ():
            if isinstance(skip, dict) and (name := skip.get("endpoint") or skip.get("endpoint-url")):
                skips.setdefault(str(name), str(skip.get("outcome", "skipped")))
    return skips


def _report(
    collection: Collection,
    register: EndpointRegister,
    entry_date: dt.date,
    *,
    fetched: Mapping[str, int] | None = None,
    already: int = 0,
    open_: bool = True,
    written: Mapping[str, Log] | None = None,
) -> DayReport:
    logs, damaged = read_logs(collection, entry_date, written)
    have = {log.endpoint for log in logs}
    skips = {endpoint: why for endpoint, why in day_skips(collection, entry_date).items() if endpoint not in have}
    never_asked = [
        e.endpoint for e in register.active(entry_date) if e.endpoint not in have and e.endpoint not in skips
    ]
    return DayReport(
        entry_date=entry_date,
        logs=tuple(logs),
        skips=skips,
        never_asked=tuple(never_asked),
        fetched=fetched or {},
        already=already,
        open=open_,
        problems=(*register.problems, *damaged),
    )
