"""The plain GET: one document at one URL, kept as it is served. The blank `plugin` of a register."""

from __future__ import annotations

from collect_assets.network.gate import Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.answers import body_of

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
    body_of(answer)
    note = f"kept as it came, in Content-Encoding {answer.header('content-encoding')}, which is not decoded"
    return Harvest(
        answer,
        answer.part,
        answer.sha256 or "",
        answer.size,
        answer.start,
        complete=not (answer.encoded or answer.cut),
        note=note if answer.encoded else "",
    )
