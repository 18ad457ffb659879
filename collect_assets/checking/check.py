"""The check of one URL: what was typed is looked at, what it serves is looked at, and all of it is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from collect_assets.checking import findings, words
from collect_assets.checking.asking import CheckLimits
from collect_assets.checking.looking import Came, Wanted, look
from collect_assets.checking.records import Contents, read_contents, read_start_of
from collect_assets.checking.report import Finding, UrlCheck
from collect_assets.checking.scratch import scratch_collection
from collect_assets.checking.typed import PLAIN, check_parameters, check_plugin, check_typed, host_of_url
from collect_assets.checking.user_error import user_error
from collect_assets.collecting.window import Clock, utc_now
from collect_assets.collection import Collection, Settings
from collect_assets.errors import FetchError, RefusedError, StorageError, hide_url_secrets
from collect_assets.items.records import Reading
from collect_assets.network.addresses import AddressRules
from collect_assets.network.content import mime_type
from collect_assets.network.retries import asked_pause
from collect_assets.plugins import Harvest
from collect_assets.version import __version__

USER_AGENT = f"collect_assets/{__version__} (check of one URL)"
FIRST = 5


def check_url(
    url: str,
    *,
    plugin: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    limits: CheckLimits | None = None,
    first: int = FIRST,
    rules: AddressRules | None = None,
    user_agent: str = USER_AGENT,
    headers: Mapping[str, str] | None = None,
    now: Clock = utc_now,
) -> UrlCheck:
    """Whether a URL can be collected, and what would come. No collection is touched, and nothing is kept.

    Args:
        url: as somebody typed it.
        plugin: as a register would have it, `GET` or blank for the plain one; the one that fits when left out.
        parameters: as a register would have them.
        limits: of bytes, seconds, attempts and redirects.
        first: how many of the first records are reported.
        rules: which non-public addresses may be asked; none when left out.
        user_agent: who asks; a contact in it is good manners.
        headers: sent with every request, as a collection's settings have them.
        now: tells the time.

    Raises:
        SettingsError: there is no such plugin, or the parameters or limits cannot be used.
    """
    given = "" if plugin is not None and plugin.upper() == PLAIN else plugin
    limits, rules = limits or CheckLimits(), rules or AddressRules.none()
    wanted = Wanted(url, given, dict(parameters or {}), limits, rules, user_agent, headers or {})
    check = _checked(wanted, first)
    return check if check.collectable else replace(check, error=user_error(check, now()))


def _checked(wanted: Wanted, first: int) -> UrlCheck:
    check_plugin(wanted.plugin or "")
    check_parameters(wanted.plugin or "", wanted.parameters)
    reading = Reading.of(wanted.parameters)
    try:
        check_typed(wanted.url, wanted.rules)
        with scratch_collection(Settings()) as scratch:
            return _report(wanted, look(wanted, scratch), scratch, reading, first)
    except (RefusedError, StorageError) as error:
        found = Finding("error", str(error)) if isinstance(error, RefusedError) else None
        return _failed(_reached(wanted, Came(wanted.plugin or "")), error, [], found)


def _report(wanted: Wanted, came: Came, scratch: Collection, reading: Reading, first: int) -> UrlCheck:
    check, told = _reached(wanted, came), list[Finding]()
    harvest = came.harvest
    if harvest is not None and harvest.part is not None:
        check = replace(
            check, mime_type=mime_type(harvest.start), bytes=harvest.size, declared_count=harvest.declared_count
        )
        if came.error is None or came.error is harvest.incomplete:
            told += findings.of_answer(check, harvest)
            contents = _read(scratch, harvest, reading, first)
            check = _with_contents(check, harvest, contents)
            told = [*findings.of_size(check, harvest.answer), *told]
            told += findings.of_contents(contents)
    told = [*findings.of_address(check), *findings.of_plugin(wanted.plugin, check, came.kind), *told]
    if came.error is not None:
        return _failed(check, came.error, told)
    cut = harvest is not None and harvest.answer.cut
    return replace(check, collectable=True, outcome="first", summary=_summary(check, cut=cut), findings=tuple(told))


def _reached(wanted: Wanted, came: Came) -> UrlCheck:
    """What is known of how the URL was reached, well or not."""
    evidence, first = came.evidence, came.first or came.evidence
    headers = {name.lower(): value for name, value in evidence.response_headers.items()}
    landed = came.landed or (came.harvest.answer.url if came.harvest is not None else "")
    asked = first.attempts[-1].url if first.attempts else ""
    hidden = (replace(each, url=hide_url_secrets(each.url), location=hide_url_secrets(each.location))
              for each in first.redirects)  # fmt: skip
    return UrlCheck(
        url=wanted.url,
        plugin=came.plugin,
        parameters=wanted.parameters,
        final_url=hide_url_secrets(landed or asked),
        redirects=tuple(hidden),
        status=evidence.status,
        elapsed=round(wanted.elapsed, 3),
        requests=came.sent,
        mime_type=mime_type(came.start) if came.start else "",
        content_type=headers.get("content-type", ""),
        choices=came.choices,
    )


def _read(scratch: Collection, harvest: Harvest, reading: Reading, first: int) -> Contents:
    if harvest.part is None:
        raise AssertionError("only what came can be read")
    read = read_start_of if harvest.answer.cut else read_contents
    return read(scratch, harvest.part, reading, first)


def _with_contents(check: UrlCheck, harvest: Harvest, contents: Contents) -> UrlCheck:
    report = contents.report
    all_came = harvest.declared_count is not None and report.records >= harvest.declared_count
    return replace(
        check,
        whole=harvest.complete or all_came,
        format=report.format,
        encoding=report.encoding,
        member=report.member,
        columns=report.columns,
        records=report.records,
        first_records=contents.first,
        ids=contents.ids,
        geometry=contents.geometry,
        rejected=report.rejected,
        first_rejected=contents.rejected,
    )


def _failed(check: UrlCheck, error: Exception, told: list[Finding], found: Finding | None = None) -> UrlCheck:
    outcome = _outcome(error)
    why = _why(check, outcome)
    found = found or words.failure(why, check.status, host_of_url(check.url), hide_url_secrets(str(error)))
    exception = getattr(error, "exception", None) or ("" if check.status else type(error).__name__)
    every = [found, *_more(check, error, found), *told]
    return replace(check, outcome=outcome, exception=exception, summary=found.what, findings=tuple(every))


def _why(check: UrlCheck, outcome: str) -> str:
    """The why of an outcome; of a WFS that was not asked for features, whatever it said to that."""
    if check.plugin == "wfs" and check.choices and "getfeature" not in check.url.lower():
        return "not-features"
    return outcome.partition(":")[2]


def _outcome(error: Exception) -> str:
    if isinstance(error, FetchError):
        return error.outcome
    return "failed:storage" if isinstance(error, StorageError) else "failed:error"


def _more(check: UrlCheck, error: Exception, found: Finding) -> Iterator[Finding]:
    if check.choices:
        yield Finding("note", words.pick_one(check.choices))
    if isinstance(error, FetchError) and (pause := asked_pause(error.evidence)):
        yield Finding("note", f"It asks to be left alone for {pause:,.0f} s from now on.")
    said = hide_url_secrets(str(error) if isinstance(error, FetchError) else f"{type(error).__name__}: {error}")
    if said != found.what:
        yield Finding("note", f"In the words of a log: {said}")


def _summary(check: UrlCheck, *, cut: bool) -> str:
    how = f"the plugin {check.plugin}" if check.plugin else "a plain GET"
    if not check.format:
        return f"It can be collected with {how}, but its records cannot be read."
    many = f"{check.records:,}"
    if cut:
        many = f"the first {many}"
    elif not check.whole and check.declared_count is not None:
        many = f"{many} of {check.declared_count:,}"
    return f"It can be collected with {how}: {check.format}, {many} record{'s' if many != '1' else ''} looked at."
