"""What the log of one endpoint and day says, in sentences: what was sent and answered, why the outcome is that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from collect_assets.collecting.audit import AGREES, LIES
from collect_assets.collecting.log import Log, read_log, read_logs
from collect_assets.collecting.resource_rule import rule_of_log
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError

FAR = 400  # collected days that are looked through for where a resource was seen before
VALIDATORS = {"if-none-match": "etag", "if-modified-since": "last-modified"}


@dataclass(frozen=True)
class Said:
    """One sentence, and what it is about: register, run, request, answer, outcome, resource, records, items, next."""

    about: str
    text: str


def of_log(collection: Collection, log: Log, day: dt.date) -> Iterator[Said]:
    """What the log says, beside the good logs of earlier days."""
    earlier = list(_good_before(collection, log.endpoint, day))
    yield from _of_request(collection, log, earlier)
    yield from _of_answer(log)
    yield from _of_outcome(log, earlier)
    yield from _of_resource(collection, log)


def _good_before(collection: Collection, endpoint: str, day: dt.date) -> Iterator[tuple[dt.date, Log]]:
    for earlier in [each for each in reversed(collection.entry_dates()) if each < day][:FAR]:
        try:
            log = read_log(collection.log_path(earlier, endpoint))
        except ValueError:
            continue
        if log is None and collection.adopted(earlier).is_file():
            log = next((each for each in read_logs(collection, earlier)[0] if each.endpoint == endpoint), None)
        if log is not None and log.good:
            yield earlier, log


def _of_request(collection: Collection, log: Log, earlier: list[tuple[dt.date, Log]]) -> Iterator[Said]:
    if log.fetched_at:
        yield Said("request", f"It was asked at {log.fetched_at}.")
    if log.attempts and not log.tasks and not log.plugin:
        yield Said("request", _condition(collection, log, earlier))
    if log.ssl_verify is False:
        yield Said("request", "Its certificate was not checked: its parameters say so.")
    for number, attempt in enumerate(log.attempts, 1):
        what = f"status {attempt['status']}" if attempt.get("status") else attempt.get("exception") or "no answer"
        place = f" from {attempt['address']}" if attempt.get("address") else ""
        yield Said("request", f"Attempt {number}: {what}{place} after {attempt.get('elapsed', 0)} s.")
    for redirect in log.redirects:
        led = f"{redirect.get('url')} led to {redirect.get('location')}"
        yield Said("request", f"Redirect {redirect.get('status')}: {led}.")
    if log.tasks:
        failed = [task for task in log.tasks if task.get("state") == "failed"]
        yield Said("request", f"A harvest of {len(log.tasks)} tasks, {len(failed)} of which failed.")
        for task in failed:
            yield Said("request", f"Task {task.get('key')} failed: {task.get('message') or 'without a message'}")


def _condition(collection: Collection, log: Log, earlier: list[tuple[dt.date, Log]]) -> str:
    """Whether it was asked conditionally, or why it was not."""
    sent = {name.lower(): value for name, value in log.request_headers.items()}
    if asked := [f"{name} {sent[name]}" for name in VALIDATORS if name in sent]:
        return f"It was asked whether it changed, by {' and '.join(asked)} of its last good log."
    why = "its parameters, or the file that should have been there, asked for all of it"
    if not earlier:
        why = "no earlier day has a resource of it"
    elif log.audit == LIES and earlier[0][1].audit == LIES:
        why = "its server was found to say 304 to what has changed"
    elif log.audit:
        why = "it was drawn for the audit of servers that say 304"
    elif not any(name.lower() in VALIDATORS.values() for name in earlier[0][1].response_headers):
        why = f"the server gave neither ETag nor Last-Modified on {earlier[0][0]}"
    elif rule_of_log(collection, earlier[0][1]) != (rule := rule_of_log(collection, log)):
        why = f"the resource of {earlier[0][0]} was not kept by the rule `{rule}`, so no 304 could stand for it"
    return f"It was asked for all of it: {why}."


def _of_answer(log: Log) -> Iterator[Said]:
    if log.wire_status == "304":
        yield Said("answer", "The server said 304: nothing changed. What is kept stands for it, so status is 200 here.")
    elif log.status:
        said = f", and says it is {log.content_type}" if log.content_type else ""
        looks = f"; by its first bytes it is {log.mime_type}" if log.mime_type else ""
        yield Said("answer", f"The server answered with status {log.status}{said}{looks}.")
    if log.exception:
        yield Said("answer", f"No usable answer came: {log.exception}.")
    if log.audit == AGREES:
        yield Said("answer", "The audit: what it says of itself agrees with what it serves.")
    elif log.audit == LIES:
        yield Said("answer", "The audit: the server says 304 and serves other bytes; it is not believed any more.")


def _of_outcome(log: Log, earlier: list[tuple[dt.date, Log]]) -> Iterator[Said]:
    yield Said("outcome", f"Outcome: {log.outcome or 'none recorded; other software wrote this log'}.")
    if log.message:
        yield Said("outcome", log.message)
    if log.good:
        yield from _of_good(log, earlier)
        return
    if log.transient:
        yield Said("outcome", "Such a failure may pass: a run in the default mode asks again on the same day.")
    else:
        yield Said(
            "outcome", "Such an answer stays what it is: only modes failed and refill ask again on the same day."
        )
    if earlier:
        kept = f"The resource of {earlier[0][0]} stays as it is, and so do its items: a failure proves nothing."
        yield Said("outcome", kept)


def _of_good(log: Log, earlier: list[tuple[dt.date, Log]]) -> Iterator[Said]:
    if not earlier:
        yield Said("outcome", "`first`: no earlier day has a resource of it.")
        return
    when, last = earlier[0]
    yield Said("outcome", f"The last resource before it is of {when}: {_likeness(log, last)}.")
    seen = next((day for day, each in earlier[1:] if each.resource == log.resource), None)
    if log.outcome == "returned" and seen:
        yield Said("outcome", f"`returned`: the same bytes were served on {seen}, and then others.")
    if log.complete is False:
        yield Said("outcome", "It is not complete, so what is missing in it is not taken for gone.")


def _likeness(log: Log, last: Log) -> str:
    if log.resource == last.resource:
        return "the same bytes, by their sha256"
    if log.canonical_hash and log.canonical_hash == last.canonical_hash:
        short = log.canonical_hash[:12]
        return (
            f"other bytes with the same content, by their canonical hash {short} (generated time stamps do not count)"
        )
    return "other content, by both hashes"


def _of_resource(collection: Collection, log: Log) -> Iterator[Said]:
    if log.resource and log.run and rule_of_log(collection, log) == "digital-land":
        kept = "what that takes out of JSON, XML and WFS is not in the resource"
        yield Said("resource", f"Bytes were kept as digital-land-python keeps them (resource-rule): {kept}.")
    kinds = ((log.resource, "Resource"), (log.partial_resource, "Part of a resource, which proves no absence"))
    for name, what in kinds:
        if name:
            try:
                collection.resources.check(name, size=log.size)
                state = f"is there and whole, {collection.resources.path(name).stat().st_size:,} bytes"
            except DamagedFileError as error:
                state = error.reason
            yield Said("resource", f"{what}: {collection.resources.path(name)} {state}.")
