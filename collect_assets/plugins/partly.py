"""Whether an answer says itself that it is only a part of what there is.

Such an answer is kept as it came, since that is what was registered; but what is missing in it is missing in that part
only, and proves nothing. Words count that mean nothing else: a link to a next page does, too often, not (CKAN names one
on the last page too).
"""

from __future__ import annotations

import re
from pathlib import Path

from collect_assets.store.local import storage_errors

END = 4096
_NEXT = re.compile(rb'"rel"\s*:\s*"next"|"(?:next|next_?(?:page|url|link)|@odata\.nextLink)"\s*:\s*"(?:https?:/)?/[^"]',
                   re.IGNORECASE)  # fmt: skip
_NEXT_LINK = re.compile(r"""<[^>]+>\s*;[^,<]*\brel\s*=\s*"?next\b""", re.IGNORECASE)
_EXCEEDED = re.compile(rb'"exceededTransferLimit"\s*:\s*true')
_MATCHED, _RETURNED = (re.compile(rb'\b%b"?\s*[:=]\s*"?(\d{1,15})\b' % name) for name in
                       (b"numberMatched", b"numberReturned"))  # fmt: skip


def said_of_the_rest(part: Path, start: bytes) -> str:
    """What an answer of a service says of what it left out, and what to do; blank where it says nothing.

    Args:
        part: the body, decoded.
        start: its first bytes; with the last ones they are where services say such things.
    """
    said = _ends(part, start)
    if _EXCEEDED.search(said):
        return ("the ArcGIS server held something back (exceededTransferLimit), so this is only a part of the layer; "
                "register the URL of the layer itself, with the plugin arcgis, which asks page by page")  # fmt: skip
    matched, returned = _MATCHED.search(said), _RETURNED.search(said)
    if matched is None or returned is None or int(matched[1]) <= int(returned[1]):
        return ""
    return (f"the service holds {int(matched[1])} features and gave {int(returned[1])} (numberMatched and "
            "numberReturned); of a WFS all are asked for, page by page, with the plugin wfs and page_size")  # fmt: skip


def names_next_page(part: Path, start: bytes, link: str) -> bool:
    """Whether an answer names a next one, in its body or in its header `Link` (RFC 8288)."""
    return bool(_NEXT_LINK.search(link) or _NEXT.search(_ends(part, start)))


def _ends(part: Path, start: bytes) -> bytes:
    """The first and last bytes of JSON or XML, where words about the whole stand; nothing of anything else."""
    if not start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"<")):
        return b""
    with storage_errors(part), part.open("rb") as file:
        file.seek(max(0, part.stat().st_size - END))
        return start + b"\n" + file.read()
