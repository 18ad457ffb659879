"""The second hash of a resource: the same for answers that differ only in noise.

It decides whether a resource changed (architecture, "Resources are raw"). Left out are the time stamps that WFS servers
write into every answer, in the first element of XML and at the top of JSON (digital-land removes them too, but from the
stored bytes); of a zip the dates, the order and the compression of its members; of a page of a record protocol, by
itself or in a zip, what `protocol_pages` says; and of an archive of such pages the requests that brought them. A
resource without noise has the same canonical hash as its own sha256.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from collect_assets.store.protocol_pages import FIRST_TAG, is_protocol_page, page_digest
from collect_assets.store.zip_limits import MAX_DIRECTORY, MAX_MEMBERS, METHODS, directory_size, is_bomb

CANONICAL_RULES = 4  # goes up when a rule changes; noted in every run file
_BLANKS = b"\xef\xbb\xbf \t\r\n"
EDGE = 8192  # generated time stamps stand in the first element, or behind the last feature
MAX_UNPACKED = 8 << 30
# A run of blanks is entered at its start only: from each of its places it would cost the square of its length.
_ATTRIBUTE = re.compile(rb'(?<!\s)\s++timeStamp\s*+=\s*+"[^"]*+"')
_MEMBER = re.compile(rb'(?:,|(?<![\s,]))\s*+"timeStamp"\s*+:\s*+"[^"\\]*+"')
TASKS = "tasks.json"
_PAGE = re.compile(r"[0-9]{6}\.xml")


def canonical_hash(path: Path, sha256: str, start: bytes = b"") -> str:
    """The hash of a resource's canonical form, as lower-case hex.

    Args:
        path: the file.
        sha256: the hash of its bytes, which is the answer when there is no noise.
        start: its first bytes, where they are at hand: of what can have no noise the file is then not opened.
    """
    if not start.lstrip(_BLANKS):
        with path.open("rb") as file:
            start = file.read(EDGE)
    if start.startswith(b"PK\x03\x04"):
        return _of_archive(path) or sha256
    if start.lstrip(_BLANKS)[:1] in (b"<", b"{"):
        return _of_text(path) or sha256
    return sha256


def without_time_stamps(start: bytes, end: bytes = b"") -> tuple[bytes, bytes]:
    """The first and the last bytes of XML or JSON without the time stamps that its server generated."""
    if tag := FIRST_TAG.match(start):
        return _ATTRIBUTE.sub(b"", tag[0]) + start[tag.end() :], end
    kept = _MEMBER.sub(lambda found: b"" if _closes(start[: found.start()] + b"}") else found[0], start)
    return kept, _MEMBER.sub(lambda found: b"" if _closes(b'{"":0' + end[found.end() :]) else found[0], end)


def _closes(content: bytes) -> bool:
    """Whether it is one whole object: then what was cut off, or put before it, ended right inside of the outermost."""
    try:
        json.loads(content.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return False
    return True


def _of_archive(path: Path) -> str | None:
    """Names and contents of the members, in order of name; None when its reader would not read it, or it is broken."""
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            if (directory_size(file) or 0) > MAX_DIRECTORY:
                return None
            with zipfile.ZipFile(file) as archive:
                members = sorted((m for m in archive.infolist() if not m.is_dir()), key=lambda m: (m.filename, m.CRC))
                if not _within_limits(members, path.stat().st_size):
                    return None
                for member in _without_tasks(members):
                    with archive.open(member) as content:
                        digest = page_digest(content)
                    whole.update(f"{member.filename}\0{digest}\n".encode())
    except Exception:  # noqa: BLE001 - of a broken zip any decoder's error may come; its bytes are kept all the same
        return None
    return whole.hexdigest()


def _without_tasks(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The members that are content: pages count, and the requests that brought them do not."""
    pages = [member for member in members if member.filename != TASKS]
    only_pages = len(pages) == len(members) - 1 and all(_PAGE.fullmatch(page.filename) for page in pages)
    return pages if only_pages else members


def _within_limits(members: Sequence[zipfile.ZipInfo], size: int) -> bool:
    """Whether the reader would open all of them: else two files of one hash could read differently."""
    return (
        len(members) <= MAX_MEMBERS
        and sum(member.file_size for member in members) <= MAX_UNPACKED
        and sum(member.compress_size for member in members) <= size
        and all(m.compress_type in METHODS and not is_bomb(m.file_size, m.compress_size) for m in members)
    )


def _of_text(path: Path) -> str | None:
    """The hash without time stamps, or what else varies in a protocol page; None where nothing is noise."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(EDGE)
        if is_protocol_page(start):
            file.seek(0)
            return page_digest(file)
        file.seek(max(EDGE, size - EDGE))
        end = file.read()
        kept_start, kept_end = without_time_stamps(start, end)
        if (kept_start, kept_end) == (start, end):
            return None
        whole = hashlib.sha256(kept_start)
        file.seek(len(start))
        remaining = size - len(start) - len(end)
        while remaining > 0 and (piece := file.read(min(remaining, 1 << 20))):
            whole.update(piece)
            remaining -= len(piece)
        whole.update(kept_end)
    return whole.hexdigest()
