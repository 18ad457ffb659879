"""A check as lines for people: the same facts in the shell and in Dagster's pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from collect_assets.checking.report import Finding, GeometryCheck, IdCheck, UrlCheck, counted
from collect_assets.checking.typed import PLAIN

MARKS = {"error": "✗", "warning": "!", "note": "·"}
MOST_COLUMNS = 40


def facts(check: UrlCheck) -> Iterator[tuple[str, str]]:
    """What there is to say, each with the word for it; what is not known is left out."""
    yield "url", check.url
    if check.final_url and check.final_url != check.url:
        yield "final url", check.final_url
    for redirect in check.redirects:
        yield f"redirect {redirect.status}", f"{redirect.url} → {redirect.location}"
    yield "outcome", check.outcome if check.status is None else f"{check.outcome} (status {check.status})"
    if check.requests:
        yield "plugin", check.plugin or PLAIN
        yield "asked", f"{counted(check.requests, 'request')}, {check.elapsed:.1f} s in all"
    yield from _of_bytes(check)
    yield from _of_records(check)


def _of_bytes(check: UrlCheck) -> Iterator[tuple[str, str]]:
    served = f"served as {check.content_type}" if check.content_type else ""
    if types := ", ".join(filter(None, (check.format, check.mime_type, served))):
        yield "type", types
    if check.encoding:
        yield "encoding", check.encoding
    if check.bytes:
        yield "size", f"{check.bytes:,} bytes{'' if check.whole else ', not all of it'}"
    if check.member:
        yield "member", check.member


def _of_records(check: UrlCheck) -> Iterator[tuple[str, str]]:
    if not check.format:
        return
    of_all = f" of {check.declared_count:,} that the service counts" if check.declared_count is not None else ""
    rejected = f"; {counted(check.rejected, 'row')} could not be read" if check.rejected else ""
    yield "records", f"{check.records:,}{of_all}{rejected}"
    if check.columns:
        more = len(check.columns) - MOST_COLUMNS
        named = ", ".join(check.columns[:MOST_COLUMNS])
        yield counted(len(check.columns), "column"), f"{named}{f' and {more} more' if more > 0 else ''}"
    if check.ids is not None:
        yield "id", _ids(check.ids)
    if check.geometry is not None:
        yield "geometry", _geometry(check.geometry)


def _ids(ids: IdCheck) -> str:
    if not ids.fields:
        return "none; the hash of a record stands for it"
    duplicates = f"{ids.duplicates:,} occur again" if ids.duplicates else "no duplicates"
    return f"{' + '.join(ids.fields)}: filled in {ids.filled:.0%}, {duplicates}"


def _geometry(geometry: GeometryCheck) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in geometry.kinds.items())
    west, south, east, north = geometry.box
    return f"{kinds}; from {west:g} {south:g} to {east:g} {north:g}"


def sentences(finding: Finding) -> str:
    """A finding in one line."""
    return f"{finding.what} {finding.advice}".strip()


def cell(value: Any, longest: int) -> str:  # noqa: ANN401 - whatever JSON has
    """A value of a record as one short line without what would move a terminal's cursor."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain(text[: longest + 1] if len(text) <= longest else f"{text[: longest - 1]}…")


def plain(text: str) -> str:
    """Text of strangers without control characters, by which a terminal could be led astray."""
    return "".join(each if each.isprintable() else " " for each in text)
