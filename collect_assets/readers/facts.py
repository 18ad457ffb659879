"""What the bytes of a text file tell before DuckDB reads it: line ends, encoding, and what cells may hold.

One pass, in pieces, while a member is unpacked or over a file that is there. What DuckDB then need not look for in each
cell is most of what reading a table costs beyond parsing it.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from collect_assets.store.local import storage_errors

LOOK = 1 << 16  # decoding pieces of 1 MB takes four times as long: the memory of each is asked from the system anew
QUOTE = b'"'
# The bytes of printable ASCII, and of U+00C0 to U+02FF, which normalization to NFC leaves as they are. U+0080 to U+00BF
# hold two blanks.
_PLAIN = bytes(range(32, 127)) + bytes(range(0xC3, 0xCC)) + bytes(range(0x80, 0xC0))
_BLANKS = (b"\xc2\xa0", b"\xc2\x85")


@dataclass(frozen=True)
class Facts:
    """What a file holds; where nobody looked, all of it may be there.

    Attributes:
        valid: all bytes are UTF-8.
        mixed: several kinds of line end occur.
        nul: NUL occurs.
        tabs: tabs occur.
        controls: other control characters than tabs and line ends occur.
        beyond: characters occur that normalization may change, or that are blanks: any from U+0300, and two below.
        breaks: quoted cells may have several lines.
        quotes: quotes occur.
    """

    valid: bool = True
    mixed: bool = False
    nul: bool = False
    tabs: bool = True
    controls: bool = True
    beyond: bool = True
    breaks: bool = True
    quotes: bool = True


UNKNOWN = Facts()


class Look:
    """The pass itself: pieces are added in order, then it is finished.

    Args:
        quote: the byte that quotes cells.
    """

    def __init__(self, quote: bytes = QUOTE) -> None:
        self._quote = quote
        self._plain = bytes(set(_PLAIN) - set(quote))
        self._no_quotes = bytes(set(range(256)) - set(quote + b"\n"))
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._valid, self._nul, self._breaks, self._beyond = True, False, False, False
        self._odd: set[int] = set()
        self._ends: set[bytes] = set()
        self._before = b""
        self._line = b""

    def add(self, content: bytes) -> None:
        """The next bytes of the file."""
        for start in range(0, len(content), LOOK):
            self._add(content[start : start + LOOK])

    def _add(self, piece: bytes) -> None:
        self._valid = self._valid and self._decodes(piece)
        joined = self._before + piece
        self._ends |= line_ends_in(joined)
        # Only a CR's line end, and a blank of two bytes, can be cut in two.
        self._before = piece[-1:] if piece[-1:] in {b"\r", b"\xc2"} else b""
        odd = piece.translate(None, self._plain)
        if not self._beyond and (0xC2 in odd or joined[:1] == b"\xc2"):
            self._beyond = any(blank in joined for blank in _BLANKS)
        if odd:
            self._odd |= set(odd)
            self._look_for_breaks(odd)

    def _decodes(self, piece: bytes) -> bool:
        if piece.isascii() and not self._decoder.getstate()[0]:
            return True
        try:
            self._decoder.decode(piece)
        except UnicodeDecodeError:
            return False
        return True

    def _look_for_breaks(self, odd: bytes) -> None:
        """A line with an odd number of quotes begins or ends inside of a cell."""
        if self._breaks:
            return
        if b"\n" not in odd:
            odd = odd.replace(b"\r", b"\n")
        marks = (self._line + odd.translate(None, self._no_quotes)).replace(self._quote * 2, b"")
        whole, _, self._line = marks.rpartition(b"\n")
        self._breaks = self._quote in whole

    def finish(self) -> Facts:
        """What all of it tells."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            self._valid = False
        self._ends |= line_ends_in(self._before + b" ") if self._before == b"\r" else set()
        odd = self._odd - {0xC2, 0x0A, 0x0D, self._quote[0]}
        beyond = self._beyond or any(byte > 0xCB for byte in odd)
        controls = any(byte < 0x20 and byte != 0x09 for byte in odd)
        breaks = self._breaks or bool(self._line)
        quotes = self._quote[0] in self._odd
        return Facts(self._valid, len(self._ends) > 1, 0 in odd, 0x09 in odd, controls, beyond, breaks, quotes)


def look_at(path: Path, quote: bytes = QUOTE) -> Facts:
    """What the bytes of a file tell."""
    look = Look(quote)
    with storage_errors(path), path.open("rb") as file:
        while piece := file.read(LOOK):
            look.add(piece)
    return look.finish()


def line_ends_in(piece: bytes) -> set[bytes]:
    """The kinds of line end in a piece; a CR at its end is not one yet, what follows it decides."""
    if b"\r" not in piece:
        return {b"\n"} if b"\n" in piece else set()
    crlf = piece.count(b"\r\n")
    counts = {b"\r\n": crlf, b"\n": piece.count(b"\n") - crlf, b"\r": piece[:-1].count(b"\r") - crlf}
    return {end for end, count in counts.items() if count}
