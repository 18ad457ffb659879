"""Whether an answer says itself that it is only a part of what there is.

Such an answer is kept as it came, since that is what was registered; but what is missing in it is missing in that part
only, and proves nothing. Words count that mean nothing else: a link to a next page does, too often, not (CKAN names one
on the last page too).
"""

from __future__ import annotations

import re
from pathlib import Path

from collect_assets.store.local import storage_errors

END = 1 << 14  # bytes at both ends of a document, where services say how much there is
_NEXT = re.compile(rb'"rel"\s*:\s*"next"|"(?:next|next_?(?:page|url|link)|@odata\.nextLink)"\s*:\s*"(?:https?:/)?/[^"]',
                   re.IGNORECASE)  # fmt: skip
_NEXT_LINK = re.compile(r"""<[^<>]+>\s*;[^,<]*\brel\s*=\s*"?next\b""", re.IGNORECASE)
_HELD_BACK = re.compile(rb'"exceededTransferLimit"\s*:\s*true')
_MATCHED, _RETURNED = (re.compile(rb'\b(?:%b)"?\s*[:=]\s*"?(\d{1,15})\b(?!\.)' % names) for names in
                       (b"numberMatched|totalFeatures", b"numberReturned"))  # fmt: skip


def said_of_the_rest(part: Path, start: bytes) -> str:
    """What an answer of a service says of what it left out, and what to do; blank where it says nothing.

    Args:
        part: the body, decoded.
        start: its first bytes; with the last ones they are where services say such things.
    """
    said = _ends_of(part, start)
    if holds_back(said):
        return ("the ArcGIS server held something back (exceededTransferLimit), so this is only a part of the layer; "
                "register the URL of the layer itself, with the plugin arcgis, which asks page by page")  # fmt: skip
    matched, returned = matching(said), _RETURNED.search(said)
    if returned is None or matched <= int(returned[1]):
        return ""
    return (f"the service holds {matched} features and gave {int(returned[1])} (numberMatched and "
            "numberReturned); of a WFS all are asked for, page by page, with the plugin wfs and page_size")  # fmt: skip


def names_next_page(part: Path, start: bytes, link: str) -> bool:
    """Whether an answer names a next one, in its body or in its header `Link` (RFC 8288)."""
    return bool(_NEXT_LINK.search(link) or _NEXT.search(_ends_of(part, start)))


def holds_back(ends: bytes) -> bool:
    """Whether an ArcGIS server says at the ends of a document that it held something back."""
    return bool(_HELD_BACK.search(ends))


def matching(ends: bytes) -> int:
    """How many features match, as WFS, GeoServer and OGC API Features say it; 0 where they do not."""
    return max((int(number) for number in _MATCHED.findall(ends)), default=0)


def both_ends(part: Path) -> bytes:
    """The first and the last bytes of a document."""
    with storage_errors(part), part.open("rb") as file:
        first = file.read(END)
        file.seek(max(len(first), part.stat().st_size - END))
        return first + b"\n" + file.read()


def _ends_of(part: Path, start: bytes) -> bytes:
    """Those of JSON or XML; nothing of anything else."""
    is_either = start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"<"))
    return both_ends(part) if is_either else b""
