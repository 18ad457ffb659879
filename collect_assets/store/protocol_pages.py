"""What varies in a page of a record protocol although its content stays: when it was sent, by what, and what was noted.

DiGIR, TAPIR and BioCASe wrap every answer in a `response` with a `header` before the content and `diagnostics` behind
it; OAI-PMH puts a date and the request before, and a token behind. These are left out of the canonical form. They are
found by a scan of the first and last bytes, and not by a parser: many pages are not well-formed, in an encoding that
they do not have, or larger than memory.

What a reader would make something of stays: which kind of answer it is, that there are diagnostics, and those that say
of an error, of records left out, or how many there are. Else an answer with an error would be read as one without.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from typing import IO

START_EDGE = 1 << 16  # the header of a BioCASe provider lists its software, and is the longest
END_EDGE = 1 << 18  # diagnostics may repeat the SQL of a page, with an id for each record
PIECE = 1 << 20
FIRST_TAG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*+>)*+"
    rb"""<[^\s<>"'!?/]++(?:[^>"']++|"[^"]*+"|'[^']*+')*+""",
    re.DOTALL,
)
_PROTOCOLS = (
    b"http://digir.net/schema/protocol/",
    b"http://rs.tdwg.org/tapir/",
    b"http://www.biocase.org/schemas/protocol/",
    b"http://www.openarchives.org/OAI/2.0/",
)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(?:response|OAI-PMH)\s")
_BEFORE = re.compile(
    rb"(?P<kept>(?:\s++|<!--.*?-->|<\?.*?\?>)*+)"
    rb"<(?P<name>(?:[\w.-]++:)?+(?:header|responseDate|request))(?=[\s/>])"
    rb"[^>]*+>(?:(?<=/>)|.*?</(?P=name)\s*+>)",
    re.DOTALL,
)
_BEHIND = re.compile(rb"<((?:[\w.-]++:)?+(?:diagnostics|resumptionToken))(?=[\s/>])")
_KIND = re.compile(rb"<(?:[\w.-]++:)?+type\s*+>[^<]*+<")
_DIAGNOSTIC = re.compile(rb"<((?:[\w.-]++:)?+diagnostic)(?=[\s/>])((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>", re.DOTALL)
_COUNTS = re.compile(rb"=\s*+[\"'](?:error|fatal|TRUNCATED_RESPONSE|RECORD_COUNT)[\"']", re.IGNORECASE)
_WHEN = re.compile(rb"(?<!\s)\s++time\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')")
_CLOSING = rb"(?P<kept>(?:\s*+</[^<>]++>){%d}\s*+)\Z"


def is_protocol_page(start: bytes) -> bool:
    """Whether the first bytes of a document are those of an answer in one of the protocols."""
    tag = FIRST_TAG.match(start)
    return tag is not None and _ROOT.search(tag[0]) is not None and any(uri in tag[0] for uri in _PROTOCOLS)


def page_digest(file: IO[bytes]) -> str:
    """The sha256 of a document; where it is a protocol page, of what does not vary in it."""
    head = file.read(START_EDGE + END_EDGE)
    if not is_protocol_page(head[:START_EDGE]):
        digest, tail = hashlib.sha256(head), b""
    elif len(head) < START_EDGE + END_EDGE:
        return hashlib.sha256(without_what_is_behind(without_what_is_before(head))).hexdigest()
    else:
        digest, tail = hashlib.sha256(without_what_is_before(head[:START_EDGE])), head[START_EDGE:]
    kept = len(tail)
    while piece := file.read(PIECE):
        tail += piece
        digest.update(tail[: len(tail) - kept])
        tail = tail[len(tail) - kept :]
    digest.update(without_what_is_behind(tail))
    return digest.hexdigest()


def without_what_is_before(start: bytes) -> bytes:
    """The first bytes of a page without what varies before its content."""
    tag = FIRST_TAG.match(start)
    at = tag.end() + 1 if tag else 0
    kept = start[:at]
    while at and (found := _BEFORE.match(start, at)):
        kind = _KIND.search(found[0])
        kept += found["kept"] + (kind[0] if kind else b"")
        at = found.end()
    return kept + start[at:]


def without_what_is_behind(end: bytes) -> bytes:
    """The last bytes of a page without what varies behind its content."""
    begun = deque(_BEHIND.finditer(end), maxlen=1)
    if not begun:
        return end
    [last] = begun
    deep = 2 if last[1].endswith(b"resumptionToken") else 1  # a token stands in the list, diagnostics in the root
    rest = re.compile(rb"[^>]*+>(?:(?<=/>)|.*</%s\s*+>)%s" % (re.escape(last[1]), _CLOSING % deep), re.DOTALL)
    found = rest.match(end, last.end())
    return end[: last.start()] + _said(found[0]) + found["kept"] if found else end


def _said(diagnostics: bytes) -> bytes:
    """Of diagnostics those that count, without the time at which they were noted; a mark where there are any."""
    kept, at = list[bytes](), 0
    while one := _DIAGNOSTIC.search(diagnostics, at):
        kept = kept or [b"<diagnostics>"]
        at = one.end()
        if _COUNTS.search(one[2]):
            end = diagnostics.find(b"</" + one[1], at)
            at = at if one[2].endswith(b"/") or end < 0 else end
            kept.append(_WHEN.sub(b"", diagnostics[one.start() : at]))
    return b"".join(kept)
