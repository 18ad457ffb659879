"""What happened to one endpoint on one entry-date, and which rule decided it, in plain words and with the evidence.

Nothing is decided here: the sentences are read off the register copy of that day, the run files, the log and the store.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from collect_assets.collecting.last_run import register_on
from collect_assets.collecting.log import Log, read_log, read_logs
from collect_assets.collecting.plan import Mode
from collect_assets.collecting.run_file import run_files
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError, SettingsError
from collect_assets.registers import EndpointRegister, endpoint_id

SHORTEST = 6
FAR = 400  # collected days that are looked through for where a resource was seen before


@dataclass(frozen=True)
class Said:
    """One sentence, and what it is about: register, run, request, answer, outcome, resource, next."""

    about: str
    text: str


def explain(collection: Collection, name: str, entry_date: dt.date, *, today: dt.date) -> list[Said]:
    """Why things stand as they do for an endpoint on a day.

    Args:
        collection: whose endpoint.
        name: its id, the beginning of it, or its URL; it need not stand in the register any more.
        entry_date: the day.
        today: decides whether the register of the day is the present one.

    Raises:
        SettingsError: nobody of that name is in the register, a run file or a log of the day.
        RegisterError: the register cannot be read.
    """
    register = register_on(collection, entry_date, today)
    endpoint = _find(collection, register, name, entry_date)
    log, damaged = _log_of(collection, entry_date, endpoint)
    said = [
        *_of_register(register, endpoint, entry_date),
        *_of_runs(collection, endpoint, entry_date),
        *damaged,
    ]
    if log is None:
        return [*said, Said("outcome", f"There is no log of it on {entry_date}."), _next(None)]
    return [*said, *_of_request(log), *_of_answer(log), *_of_outcome(collection, log, entry_date),
            *_of_resource(collection, log), _next(log)]  # fmt: skip


def _find(collection: Collection, register: EndpointRegister, name: str, entry_date: dt.date) -> str:
    known = {e.endpoint for e in register.endpoints} | {s.endpoint for s in register.skips if s.endpoint}
    known |= {log.endpoint for log in read_logs(collection, entry_date)[0]}
    for run in run_files(collection, entry_date):
        known |= {str(skip.get("endpoint") or "") for skip in run.get("skipped") or ()}
    if (by_url := endpoint_id(name)) in known:
        return by_url
    found = {endpoint for endpoint in known if len(name) >= SHORTEST and endpoint.startswith(name.lower())}
    if len(found) != 1:
        many = f"{len(found)} endpoints begin so; write more characters" if found else "no endpoint of that day"
        raise SettingsError(f"{collection.name}, {entry_date}: {name!r}: {many}")
    return found.pop()


def _log_of(collection: Collection, entry_date: dt.date, endpoint: str) -> tuple[Log | None, list[Said]]:
    try:
        log = read_log(collection.log_path(entry_date, endpoint))
    except ValueError as error:
        return None, [Said("outcome", f"Its log is damaged: {error}")]
    if log is None and collection.adopted(entry_date).is_file():
        log = next((each for each in read_logs(collection, entry_date)[0] if each.endpoint == endpoint), None)
    return log, []


def _of_register(register: EndpointRegister, endpoint: str, day: dt.date) -> Iterator[Said]:
    found = register.by_id().get(endpoint)
    if found is not None:
        plugin = f"harvested by the plugin {found.plugin}" if found.plugin else "harvested by a plain GET"
        yield Said("register", f"Row {found.row} of {register.path.name}: {found.url}, {plugin}.")
        if found.parameters:
            yield Said("register", f"Its parameters: {dict(found.parameters)}")
        if found.ended(day):
            yield Said(
                "register", f"It had ended on {found.end_date}: on its end-date and after it, it is not collected."
            )
        elif found.end_date:
            yield Said("register", f"It was active: its end-date {found.end_date} lay ahead.")
        else:
            yield Said(
                "register", "It was active: it has no end-date. (A start-date is not looked at, as upstream has it.)"
            )
    for skip in register.skips:
        if skip.endpoint == endpoint:
            yield Said("register", f"Row {skip.row} cannot be collected ({skip.why}): {skip.reason}")
    if found is None and all(skip.endpoint != endpoint for skip in register.skips):
        yield Said("register", f"{register.path.name} of that day does not have it.")


def _of_runs(collection: Collection, endpoint: str, day: dt.date) -> Iterator[Said]:
    runs = list(run_files(collection, day))
    if not runs:
        yield Said("run", "No run for that day is on record; its logs were made by other software, or adopted.")
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
    return "left it alone: it had its log of the day, and the mode does not ask such endpoints again"


def _of_request(log: Log) -> Iterator[Said]:
    sent = {name.lower(): value for name, value in log.request_headers.items()}
    for name in ("if-none-match", "if-modified-since"):
        if name in sent:
            yield Said("request", f"It was asked conditionally: {name} {sent[name]}, from its last good log.")
    if log.ssl_verify is False:
        yield Said("request", "Its certificate was not checked: its parameters say so.")
    for number, attempt in enumerate(log.attempts, 1):
        what = f"status {attempt['status']}" if attempt.get("status") else attempt.get("exception") or "no answer"
        place = f" from {attempt['address']}" if attempt.get("address") else ""
        yield Said("request", f"Attempt {number}: {what}{place} after {attempt.get('elapsed', 0)} s.")
    for redirect in log.redirects:
        yield Said(
            "request", f"Redirect {redirect.get('status')}: {redirect.get('url')} led to {redirect.get('location')}."
        )
    failed = [task for task in log.tasks if task.get("state") == "failed"]
    if log.tasks:
        yield Said("request", f"A harvest of {len(log.tasks)} tasks, {len(failed)} of which failed.")


def _of_answer(log: Log) -> Iterator[Said]:
    if log.wire_status == "304":
        yield Said("answer", "The server said 304: nothing changed. What is kept stands for it, so status is 200 here.")
    elif log.status:
        said = f", and says it is {log.content_type}" if log.content_type else ""
        looks = f"; by its first bytes it is {log.mime_type}" if log.mime_type else ""
        yield Said("answer", f"The server answered with status {log.status}{said}{looks}.")
    if log.exception:
        yield Said("answer", f"No usable answer came: {log.exception}.")


def _of_outcome(collection: Collection, log: Log, day: dt.date) -> Iterator[Said]:
    yield Said("outcome", f"Outcome: {log.outcome or 'none recorded; other software wrote this log'}.")
    if log.message:
        yield Said("outcome", log.message)
    before = _last_good(collection, log.endpoint, day)
    if log.outcome == "first":
        yield Said("outcome", "`first`: no earlier day has a resource of it.")
    elif log.good and before is not None:
        when, last = before
        yield Said("outcome", f"The last resource before it is of {when}: {_likeness(log, last)}.")
    elif not log.good and before is not None:
        yield Said(
            "outcome", f"The resource of {before[0]} stays as it is, and so do its items: a failure proves nothing."
        )


def _likeness(log: Log, last: Log) -> str:
    if log.resource == last.resource:
        return "the same bytes, by their sha256"
    if log.canonical_hash and log.canonical_hash == last.canonical_hash:
        return "other bytes with the same content, by their canonical hash (generated time stamps do not count)"
    return "other content, by both hashes"


def _last_good(collection: Collection, endpoint: str, day: dt.date) -> tuple[dt.date, Log] | None:
    earlier = [each for each in reversed(collection.entry_dates()) if each < day][:FAR]
    for each in earlier:
        log, _ = _log_of(collection, each, endpoint)
        if log is not None and log.good:
            return each, log
    return None


def _of_resource(collection: Collection, log: Log) -> Iterator[Said]:
    for name, what in (
        (log.resource, "Resource"),
        (log.partial_resource, "Part of a resource, which proves no absence"),
    ):
        if name:
            try:
                collection.resources.check(name, size=log.size)
                state = "is there and whole"
            except DamagedFileError as error:
                state = error.reason
            yield Said("resource", f"{what}: {collection.resources.path(name)} {state}.")


def _next(log: Log | None) -> Said:
    asks = [mode.value for mode in Mode if mode.asks(log)]
    return Said("next", f"Another run for the same day would ask it in the modes: {', '.join(asks) or 'none'}.")
