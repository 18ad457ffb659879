"""What happened to one endpoint on one entry-date, and which rule decided it, in plain words and with the evidence.

Nothing is decided here: the sentences are read off the register copy of that day, the run files, the log, the store and
what is derived. What the log says stands in `explaining_log.py`, what readers made of it in `explaining_items.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from collect_assets.collecting.audit import LIES, conditions
from collect_assets.collecting.last_run import register_on
from collect_assets.collecting.log import Log, read_log, read_logs
from collect_assets.collecting.past import Past
from collect_assets.collecting.plan import Mode
from collect_assets.collecting.resource_rule import ResourceRule
from collect_assets.collecting.run_file import run_files
from collect_assets.collecting.window import Window
from collect_assets.collection import Collection
from collect_assets.csv_rows import read_rows
from collect_assets.errors import FutureDayError, RegisterError, SettingsError
from collect_assets.plugins.parameters import options_of
from collect_assets.registers import NEEDED, EndpointRegister, endpoint_id, read_sources
from collect_assets.tending.estate import id_in
from collect_assets.tending.explaining_items import of_records
from collect_assets.tending.explaining_log import Said, of_log

SHORTEST = 6


def explain(collection: Collection, name: str, entry_date: dt.date, *, now: dt.datetime) -> list[Said]:
    """Why things stand as they do for an endpoint on a day.

    Args:
        collection: whose endpoint.
        name: its id, the beginning of it, or its URL; it need not stand in the register any more.
        entry_date: the day.
        now: decides whether the register of the day is the present one, and what a run would do next.

    Raises:
        SettingsError: nobody of that name is in the register, a run file or a log of the day.
        RegisterError: the register cannot be read.
    """
    register = register_on(collection, entry_date, now.date())
    endpoint = _find(collection, register, name, entry_date)
    log, damaged = _log_of(collection, entry_date, endpoint)
    return [
        *_of_register(collection, register, endpoint, entry_date, now.date()),
        *_of_sources(collection, endpoint),
        *_of_runs(collection, endpoint, entry_date),
        *damaged,
        *(of_log(collection, log, entry_date) if log else [Said("outcome", f"There is no log of it on {entry_date}.")]),
        *(of_records(collection, log, entry_date) if log else ()),
        *_next(collection, endpoint, log, entry_date, now),
    ]


def _find(collection: Collection, register: EndpointRegister, name: str, entry_date: dt.date) -> str:
    named = _named(collection, register, entry_date)
    by_url = endpoint_id(name)
    exact = [endpoint for own, endpoint in named if own == by_url]
    beginning = [endpoint for own, endpoint in named if len(name) >= SHORTEST and own.startswith(name.lower())]
    found = set(exact or beginning)
    if len(found) != 1:
        more = "write more characters" if beginning else "name one by the id in its row"
        many = f"{len(found)} endpoints are called so; {more}" if found else "no endpoint of that day"
        raise SettingsError(f"{collection.name}, {entry_date}: {name!r}: {many}")
    return found.pop()


def _named(collection: Collection, register: EndpointRegister, entry_date: dt.date) -> set[tuple[str, str]]:
    """What the endpoints of a day can be called by, each with the id that it has on record.

    A row that was skipped for a wrong id is on record by that id; it is known by that of its URL too.
    """
    skips = {(skip.endpoint, skip.url) for skip in register.skips}
    for run in run_files(collection, entry_date):
        skips |= {(str(s.get("endpoint") or ""), str(s.get("endpoint-url") or "")) for s in run.get("skipped") or ()}
    known = {each.endpoint for each in register.endpoints} | {endpoint for endpoint, _ in skips if endpoint}
    known |= {log.endpoint for log in read_logs(collection, entry_date)[0]}
    by_url = {(endpoint_id(url), endpoint) for endpoint, url in skips if endpoint and url}
    return {(endpoint, endpoint) for endpoint in known} | {pair for pair in by_url if pair[0] not in known}


def _log_of(collection: Collection, entry_date: dt.date, endpoint: str) -> tuple[Log | None, list[Said]]:
    try:
        log = read_log(collection.log_path(entry_date, endpoint))
    except ValueError as error:
        return None, [Said("outcome", f"Its log is damaged and counts as none: {error}")]
    if log is None and collection.adopted(entry_date).is_file():
        log = next((each for each in read_logs(collection, entry_date)[0] if each.endpoint == endpoint), None)
    return log, []


def _of_register(
    collection: Collection, register: EndpointRegister, endpoint: str, day: dt.date, today: dt.date
) -> Iterator[Said]:
    copy = collection.register_copies.path(register.sha256 or "none")
    kept = day < today and copy.is_file()
    which = f"as the newest run of that day had it ({copy})" if kept else "as it stands now"
    yield Said("register", f"{register.path.name}, {which}:")
    rows = _rows(register, endpoint)
    if len(rows) > 1:
        numbers = ", ".join(map(str, rows))
        yield Said("register", f"Rows {numbers} are of this endpoint; it is asked once, by the one that ends last.")
    yield from _of_row(register, endpoint, day)


def _rows(register: EndpointRegister, endpoint: str) -> list[int]:
    rows = read_rows(register.path, register.content, needed=NEEDED) if register.content else ()
    return [row.number for row in rows if not row.skip and id_in(row) == endpoint]


def _of_row(register: EndpointRegister, endpoint: str, day: dt.date) -> Iterator[Said]:
    found = register.by_id().get(endpoint)
    skips = [skip for skip in register.skips if skip.endpoint == endpoint]
    if found is not None:
        plugin = f"harvested by the plugin {found.plugin}" if found.plugin else "harvested by a plain GET"
        yield Said("register", f"Row {found.row}: {found.url}, {plugin}.")
        if found.parameters:
            yield Said("register", f"Its parameters: {dict(found.parameters)}")
        if found.ended(day):
            ended = f"It had ended on {found.end_date}: on its end-date and after it, it is not collected."
            yield Said("register", ended)
        elif found.end_date:
            yield Said("register", f"It was active: its end-date {found.end_date} lay ahead.")
        else:
            yield Said("register", "It was active: it has no end-date. (A start-date is not looked at.)")
    for skip in skips:
        yield Said("register", f"Row {skip.row} cannot be collected ({skip.why}): {skip.reason}")
    if found is None and not skips:
        yield Said("register", "It does not have this endpoint.")


def _of_sources(collection: Collection, endpoint: str) -> Iterator[Said]:
    try:
        sources = [
            source for source in read_sources(collection.registers / "source.csv") if source.endpoint == endpoint
        ]
    except RegisterError:
        return
    for source in sources:
        yield Said("register", f"By source.csv it is {source.organisation}'s, for {source.datasets or 'no dataset'}.")
    if not sources:
        yield Said("register", "No row of source.csv names it: in resource.csv its organisations are blank.")


def _of_runs(collection: Collection, endpoint: str, day: dt.date) -> Iterator[Said]:
    runs = list(run_files(collection, day))
    if not runs:
        yield Said("run", "No run for that day is on record: nobody asked, or its logs were made by other software.")
    for run in reversed(runs):
        yield Said("run", f"Run {run.get('run')} ({_mode(run)}) {_in_run(run, endpoint)}.")


def _mode(run: dict[str, Any]) -> str:
    ended = "" if run.get("ended") else ", interrupted"
    return f"{run.get('mode', 'default')}, begun {str(run.get('started', '?'))[:16]}{ended}"


def _in_run(run: dict[str, Any], endpoint: str) -> str:
    if endpoint in (run.get("asked") or ()):
        return "asked it"
    for skip in run.get("skipped") or ():
        if skip.get("endpoint") == endpoint:
            return f"recorded {skip.get('outcome')}: {skip.get('reason')}"
    if run.get("only") is not None and endpoint not in run["only"]:
        return "was for other endpoints only"
    if run.get("mode") == Mode.FAILED:
        return "left it alone: that mode asks only those whose log of the day is without a resource"
    return "left it alone: it had its log of the day, or was not in the register that the run began with"


def _next(collection: Collection, endpoint: str, log: Log | None, day: dt.date, now: dt.datetime) -> Iterator[Said]:
    try:
        is_open = Window(day, dt.timedelta(hours=collection.settings.grace_hours)).is_open(now)
    except FutureDayError as error:
        yield Said("next", f"{error}.")
        return
    try:
        register = register_on(collection, now.date(), now.date())
    except RegisterError as error:
        yield Said("next", f"A run would fail: {error}")
        return
    active = any(each.endpoint == endpoint for each in register.active(day))
    asks = [mode.value for mode in Mode if mode.asks(log)]
    if not is_open:
        yield Said("next", f"{day} is over: it is not asked for that day any more; what is derived can be built again.")
    elif active:
        yield Said("next", f"Another run for {day} would ask it in the modes: {', '.join(asks) or 'none'}.")
    else:
        yield Said("next", f"Another run for {day} would not ask it: the register has no active row of it.")
    tomorrow = now.date() + dt.timedelta(days=1)
    then = _tomorrow(collection, register, endpoint, tomorrow)
    yield Said("next", f"The run for {tomorrow}, by the register as it stands now, {then}.")


def _tomorrow(collection: Collection, register: EndpointRegister, endpoint: str, day: dt.date) -> str:
    found = register.by_id().get(endpoint)
    skip = next((skip for skip in register.skips if skip.endpoint == endpoint), None)
    if found is None:
        return f"would record skipped:{skip.why}" if skip else "would not know it"
    if found.ended(day):
        return "would record skipped:ended"
    past = Past(collection, day)
    days = collection.settings.politeness.short_after_days
    short = ", in one short attempt since it failed for days" if days and past.failing(endpoint, days) else ""
    options = options_of(found.plugin, found.parameters)
    last = past.last_good(endpoint)
    sent = {} if found.plugin else conditions(last, ResourceRule.of(collection), options)
    if last is not None and last.audit == LIES and not sent:
        return f"would ask it for all of it, since the server says 304 to what has changed{short}"
    names = " and ".join(sent)
    return f"would ask it{f' whether it changed, by {names}' if sent else ' for all of it'}{short}"
