"""The plain GET: one document at one URL, kept as it is served. The blank `plugin` of a register."""

from __future__ import annotations

from pathlib import Path

from collect_assets.errors import FailedError
from collect_assets.network.cut import cut_short
from collect_assets.network.gate import Answer, Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.answers import KEPT, body_of, says_page, shows_page
from collect_assets.plugins.partly import said_of_the_rest

NAME = ""


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches the document, conditionally where validators are known.

    Raises:
        FetchError: nothing came that can be kept: another status than 200, no body, a web page in place of data.
        StorageError: the disk is full.
    """
    answer = gate.fetch(Request(request.url, request.validators, start_will_do=request.look))
    if answer.status == 304 and request.validators:
        return Harvest(answer, None)
    if answer.status == 304:  # fault F29: some cache on the way takes us for somebody who has a copy
        answer = gate.fetch(Request(request.url, {"Cache-Control": "no-cache"}))
    if request.resource_rule == "digital-land":
        return _as_digital_land(answer)
    part = body_of(answer)
    cut = _cut(answer, part)
    rest = _rest(answer, part)
    allowed = request.parameters.get("allow-cut") is True
    return Harvest(
        answer,
        part,
        answer.sha256 or "",
        answer.size,
        answer.start,
        complete=not (answer.encoded or answer.cut or cut or rest),
        note=_note(_encoded(answer) or cut, rest, _surplus(answer)),
        incomplete=FailedError("truncated", cut, transient=True) if cut and not allowed else None,
    )


def _as_digital_land(answer: Answer) -> Harvest:
    """What digital-land-python takes for data is taken, and what is wrong with it is only said."""
    part = body_of(answer, is_page=says_page)
    page = f"{answer.url}: a web page came in place of data{KEPT}" if shows_page(answer) else ""
    cut, rest = _cut(answer, part), _rest(answer, part)
    note = _note(page, _encoded(answer), cut and f"{cut}{KEPT}", rest, _surplus(answer))
    complete = not (page or cut or rest or answer.encoded)
    return Harvest(answer, part, answer.sha256 or "", answer.size, answer.start, complete=complete, note=note)


def _note(*words: str) -> str:
    return "; ".join(filter(None, words))


def _rest(answer: Answer, part: Path) -> str:
    """What the answer says of what it left out: then it is kept, and what is missing in it is not taken for gone."""
    said = "" if answer.encoded else said_of_the_rest(part, answer.start)
    return said and f"{answer.url}: {said}; what is missing here does not count as deleted"


def _surplus(answer: Answer) -> str:
    length = answer.header("content-length")
    return (f"{answer.url}: more came than its Content-Length of {length} bytes says; it was taken to that length, so "
            "look whether it is whole, and tell the provider") if answer.surplus else ""  # fmt: skip


def _encoded(answer: Answer) -> str:
    coding = answer.header("content-encoding")
    return f"kept as it came, in Content-Encoding {coding}, which is not decoded" if answer.encoded else ""


def _cut(answer: Answer, part: Path) -> str:
    """Why the body cannot be whole (fault F15); blank where it can, or where we cut it ourselves."""
    told = answer.delimited or answer.encoded or answer.cut
    reason = "" if told else cut_short(part, answer.start)
    if not reason:
        return ""
    return (f"{answer.url}: may be cut off: {reason}, and the server did not say how long it is; if this is all of it, "
            'say "allow-cut": true in parameters')  # fmt: skip
