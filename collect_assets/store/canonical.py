"""The second hash of a resource: the same for answers that differ only in noise.

It decides whether a resource changed (architecture, "Resources are raw"). Left out are the time stamps that WFS servers
write into every answer (digital-land removes the same ones, but from the stored bytes), and of a zip the dates, the
order and the compression of its members. A resource without noise has the same canonical hash as its own sha256.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

CANONICAL_RULES = 1  # goes up when a rule changes; noted in every run file
EDGE = 8192  # generated time stamps stand in the first element, or behind the last feature
MAX_UNPACKED = 8 << 30
# A run of blanks is entered at its start only: from each of its places it would cost the square of its length.
_TIME_STAMP = re.compile(rb'(?<!\s)\s*+\btimeStamp\s*+=\s*+"[^"]*+"|(?:,|(?<!\s))\s*+"timeStamp"\s*+:\s*+"[^"]*+"')


def canonical_hash(path: Path, sha256: str) -> str:
    """The hash of a resource's canonical form, as lower-case hex.

    Args:
        path: the file.
        sha256: the hash of its bytes, which is the answer when there is no noise.
    """
    with path.open("rb") as file:
        start = file.read(EDGE)
    if start.startswith(b"PK\x03\x04"):
        return _of_archive(path) or sha256
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{"):
        return _of_text(path) or sha256
    return sha256


def without_time_stamps(content: bytes) -> bytes:
    """A piece of XML or JSON without the time stamps in it."""
    return _TIME_STAMP.sub(b"", content)


def _of_archive(path: Path) -> str | None:
    """Names and contents of the members, in order of name; None when the archive cannot be read whole."""
    whole = hashlib.sha256()
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted((m for m in archive.infolist() if not m.is_dir()), key=lambda m: (m.filename, m.CRC))
            if sum(member.file_size for member in members) > MAX_UNPACKED:
                return None
            for member in members:
                with archive.open(member) as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
                whole.update(f"{member.filename}\0{digest}\n".encode())
    except Exception:  # noqa: BLE001 - of a broken zip any decoder's error may come; its bytes are kept all the same
        return None
    return whole.hexdigest()


def _of_text(path: Path) -> str | None:
    """The hash without time stamps in the first and last bytes; None where there are none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(EDGE)
        file.seek(max(EDGE, size - EDGE))
        end = file.read()
        kept_start, kept_end = without_time_stamps(start), without_time_stamps(end)
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
