"""What a body is, by its first bytes. Only what decides whether an answer is kept; the readers look closer."""

from __future__ import annotations

import re

# Atomic: what was taken for a comment stays one, or `<!---->` repeated is tried in 2^n ways (290 of them are no page).
_HTML = re.compile(
    rb"\s*(?>(?:<!--.*?-->|<\?xml[^>]*\?>)\s*)*+<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
_MAGIC = (
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"PAR1", "application/vnd.apache.parquet"),
)


def is_html(start: bytes, content_type: str) -> bool:
    """Whether a body is a web page, whatever its header says.

    Some servers call a CSV `text/html`, so the header alone refuses nothing; but under such a header anything that
    begins like a tag is a page (or a piece of one), and not data.

    Args:
        start: the first bytes of the body.
        content_type: the header, or blank.
    """
    text = _without_bom(start).lstrip()
    if _HTML.match(text):
        return True
    kind = content_type.split(";", 1)[0].strip().lower()
    return kind == "text/html" and text.startswith(b"<") and not text.startswith(b"<?xml")


def mime_type(start: bytes) -> str:
    """The media type that the first bytes show; `text/plain` for any other text, else `application/octet-stream`."""
    for magic, name in _MAGIC:
        if start.startswith(magic):
            return name
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text/plain"
    text = _without_bom(start).lstrip()
    if is_html(start, ""):
        return "text/html"
    if text.startswith(b"<"):
        return "application/xml"
    if text.startswith((b"{", b"[")):
        return "application/json"
    return "application/octet-stream" if b"\0" in start else "text/plain"


def _without_bom(start: bytes) -> bytes:
    return start.removeprefix(b"\xef\xbb\xbf")
