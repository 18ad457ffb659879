"""UTF-16 as UTF-8 for as long as it is looked through, and where what is found there stands in the bytes as served.

In UTF-16 a delimiter may be half of another character, so entries are looked for in a copy.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

from collect_assets.errors import UnreadableError
from collect_assets.store.local import CHUNK, storage_errors

_WITHIN = bytes(range(0x80, 0xC0))  # the bytes of a character behind its first
_NO_PAIRS = bytes(range(0xF0))


def is_wide(encoding: str) -> bool:
    """Whether an encoding, as readers name it, is UTF-16."""
    return encoding.startswith("utf-16")


def narrow_copy(path: Path, encoding: str, copy: Path) -> Path:
    """Writes a file as UTF-8, a byte order mark among it; returns the copy.

    Raises:
        UnreadableError: it is not in that encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with storage_errors(copy), path.open("rb") as wide, copy.open("wb") as narrow:
        try:
            while chunk := wide.read(CHUNK):
                narrow.write(decoder.decode(chunk).encode())
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            raise UnreadableError(f"{path.name}: not {encoding} throughout: {error}") from None
    return copy


def wide_span(narrow: Any, start: int, end: int) -> tuple[int, int]:  # noqa: ANN401 - a mapped file, or bytes
    """Where a part of the copy stands in the file."""
    at = _wide_length(narrow, 0, start)
    return at, at + _wide_length(narrow, start, end)


def _wide_length(narrow: Any, start: int, end: int) -> int:  # noqa: ANN401
    """How many bytes a part has in UTF-16: two for each character, and two more for those of four bytes."""
    length = 0
    for at in range(start, end, CHUNK):
        piece = narrow[at : min(at + CHUNK, end)]
        length += len(piece.translate(None, _WITHIN)) + len(piece.translate(None, _NO_PAIRS))
    return 2 * length
