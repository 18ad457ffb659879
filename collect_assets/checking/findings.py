"""What the person who typed a URL should know of what came, though it can be collected."""

from __future__ import annotations

from collections.abc import Iterator

from collect_assets.checking.kinds import ARCGIS, WFS, Kind
from collect_assets.checking.records import Contents
from collect_assets.checking.report import Finding, UrlCheck, counted
from collect_assets.collection import Limits
from collect_assets.items.records import RecordReport
from collect_assets.network.messages import Answer
from collect_assets.plugins import Harvest
from collect_assets.plugins.parameters import known_parameters
from collect_assets.plugins.partly import names_next_page, said_of_the_rest
from collect_assets.registers import secret_in

_PERMANENT = frozenset({301, 308})


def of_address(check: UrlCheck) -> Iterator[Finding]:
    """Of the URL and how it was reached."""
    if secret := secret_in(check.url):
        yield Finding("warning", f"The URL has {secret}, which looks like a secret; registers are public.",
                      "Ask for a URL without it.")  # fmt: skip
    if check.redirects and all(redirect.status in _PERMANENT for redirect in check.redirects):
        yield Finding("note", f"The server says that it moved for good, to {check.final_url}", "Register that URL.")
    if check.parameters.get("ssl-verify") is False:
        yield Finding("warning", "The certificate of the server was not checked, as the parameters say.")


def of_plugin(given: str | None, check: UrlCheck, kind: Kind) -> Iterator[Finding]:
    """Of a plugin that was given although another one fits, and of parameters that it does not know."""
    fits = "arcgis" if kind in ARCGIS else "wfs" if kind in WFS else ""
    if given is not None and fits and given != fits:
        yield Finding("warning", f"The server is one for the plugin {fits}.", f"Check it with the plugin {fits}.")
    for key in sorted(set(check.parameters) - known_parameters(check.plugin)):
        yield Finding("warning", f"The parameters have an unknown key {key!r}, which is ignored.",
                      f"Keys are: {', '.join(sorted(known_parameters(check.plugin)))}.")  # fmt: skip


def of_size(check: UrlCheck, answer: Answer) -> Iterator[Finding]:
    """Of what was not looked at; how long a body is only its server knows, and it may have no end at all."""
    if answer.cut:
        yield Finding("warning", f"It is too large to check whole: only the first {check.bytes:,} bytes were looked "
                      "at, and what is said of records is said of these.", _how_long(answer))  # fmt: skip
    elif not check.whole and check.declared_count is not None:
        yield Finding(
            "note", f"The service counts {check.declared_count:,} records; a check asks for the first page only."
        )


def _how_long(answer: Answer) -> str:
    most = Limits().max_bytes
    length = answer.header("content-length").strip()
    if not length.isascii() or not length.isdecimal():
        return (f"The server does not say how long it is. A collection takes up to {most:,} bytes (max-bytes) and "
                "refuses what is longer.")  # fmt: skip
    size = int(length[:20])
    if size > most:
        return f"The server says {size:,} bytes; a collection takes {most:,} at most, unless max-bytes says more."
    return f"The server says that {size:,} bytes are sent, which a collection takes."


def of_answer(check: UrlCheck, harvest: Harvest) -> Iterator[Finding]:
    """Of the bytes, beside the records in them."""
    if harvest.answer.encoded:
        yield Finding("warning", "It came in a compression that was not asked for and is not undone.",
                      "Tell the people who run the server.")  # fmt: skip
    if harvest.part and (rest := said_of_the_rest(harvest.part, harvest.start)):
        said, _, advice = rest.partition("; ")
        yield Finding("warning", f"{said[:1].upper()}{said[1:]}.", f"{advice[:1].upper()}{advice[1:]}.")
    elif (
        harvest.part
        and not check.plugin
        and names_next_page(harvest.part, harvest.start, harvest.answer.header("link"))
    ):
        yield Finding("warning", "It names a next page, so this may be only the first part of what there is.",
                      "Only this page is collected. Look for a URL that gives all at once: a download, or one with a "
                      "larger limit.")  # fmt: skip
    if "text/html" in check.content_type.lower():
        yield Finding("note", "The server calls it a web page (text/html), though it is none.")


def of_contents(contents: Contents) -> Iterator[Finding]:
    """Of the records."""
    report = contents.report
    if report.problem:
        yield Finding("warning", f"It can be kept, but its records cannot be read: {report.problem}.",
                      "Publish it as CSV, GeoJSON or JSON, if it is yours.")  # fmt: skip
        return
    if not report.records:
        yield Finding("warning", "There is not one record in it.", "Check that the file was published whole.")
    yield from _of_columns(report)
    yield from _of_rows(report)
    yield from _of_ids(report)
    yield from (Finding("note", f"{note[:1].upper()}{note[1:]}.") for note in report.notes)


def _of_columns(report: RecordReport) -> Iterator[Finding]:
    """Of a first row that is no names: mostly a title stands above them."""
    nameless = [name for number, name in enumerate(report.columns, 1) if name == f"column_{number}"]
    if len(report.columns) > 1 and 2 * len(nameless) >= len(report.columns):
        yield Finding("warning", f"Of its {len(report.columns)} columns {len(nameless)} have no name in the first row.",
                      "The first row has to name them: take away what stands above it, such as a title.")  # fmt: skip


def _of_rows(report: RecordReport) -> Iterator[Finding]:
    if report.rejected:
        advice = "They are left out, and nothing counts as deleted while there are any; correct them."
        yield Finding("warning", f"{counted(report.rejected, 'row')} could not be read.", advice)


def _of_ids(report: RecordReport) -> Iterator[Finding]:
    name = " and ".join(report.id_rule)
    if report.id_rule and report.without_id:
        yield Finding("warning", f"{report.without_id:,} of {report.records:,} records have no {name}, which is their "
                      "id.", "They cannot be followed from day to day. Fill it in.")  # fmt: skip
    if report.id_rule and report.conflicts:
        have = f"{counted(report.conflicts, 'record')} {'has' if report.conflicts == 1 else 'have'}"
        yield Finding("warning", f"{have} the same {name} as another one, with something else in it.",
                      'Give each its own, or name other fields by "id" in the parameters.')  # fmt: skip
