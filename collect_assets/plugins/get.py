"""The plain GET: one document at one URL, kept as it is served. The blank `plugin` of a register."""

from __future__ import annotations

from pathlib import Path

from collect_assets.errors import FailedError, FetchError, RefusedError
from collect_assets.network.content import is_html
from collect_assets.network.cut import cut_short
from collect_assets.network.gate import Answer, Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest

NAME = ""
TRANSIENT_STATUS = frozenset({202, 408, 425, 429, 500, 502, 503, 504})
_WANTS = "; it wants a credential, or another than it got (`credential` in parameters), or does not want us at all"
_ADVICE = {
    202: ": it is still making the file; a later run of the day may get it",
    304: " though we have no copy and asked for all of it",
    401: _WANTS,
    403: _WANTS,
    410: ": it is gone for good; give the row an end-date",
}


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches the document, conditionally where validators are known.

    Raises:
        FetchError: nothing came that can be kept: another status than 200, no body, a web page in place of data.
        StorageError: the disk is full.
    """
    answer = gate.fetch(Request(request.url, request.validators))
    if answer.status == 304 and request.validators:
        return Harvest(answer, None)
    if answer.status == 304:  # fault F29: some cache on the way takes us for somebody who has a copy
        answer = gate.fetch(Request(request.url, {"Cache-Control": "no-cache"}))
    try:
        if answer.status != 200:
            raise _status_error(answer)
        if answer.part is None or answer.size == 0:
            raise FailedError("empty", f"{request.url}: answered 200 without a body")
        if is_html(answer.start, answer.header("content-type")):
            raise RefusedError("html", f"{request.url}: a web page came in place of data")
    except FetchError as error:
        error.evidence = answer.evidence
        if answer.part is not None:
            answer.part.unlink(missing_ok=True)
        raise
    note = _note(answer, answer.part)
    return Harvest(
        answer,
        answer.part,
        answer.sha256 or "",
        answer.size,
        answer.start,
        complete=not note,
        note=note,
    )


def _note(answer: Answer, part: Path) -> str:
    """Why what came is not all that it should be; blank where it is."""
    if answer.encoded:
        return f"kept as it came, in Content-Encoding {answer.header('content-encoding')}, which is not decoded"
    if not answer.delimited and (cut := cut_short(part, answer.start)):
        return f"{answer.url}: may be cut off: {cut}, and the server did not say how long it is"
    return ""


def _status_error(answer: Answer) -> FailedError:
    advice = _ADVICE.get(answer.status, "")
    return FailedError("status", f"{answer.url}: answered with status {answer.status}{advice}",
                       transient=answer.status in TRANSIENT_STATUS)  # fmt: skip
