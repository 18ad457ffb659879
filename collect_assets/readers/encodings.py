"""Which encoding a text file has, and how it becomes UTF-8 with one kind of line end, in pieces.

The resource itself is never changed: what has to be rewritten is rewritten into a temporary file (fault F41).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from collect_assets.errors import UnreadableError
from collect_assets.readers.facts import UNKNOWN, Facts, look_at
from collect_assets.readers.source import Source
from collect_assets.store.local import CHUNK, storage_errors

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_UNDECODED = re.compile("[\udc80-\udcff]")
_OTHER = re.compile("[^\x00-\x7f\udc80-\udcff]")
_NO_TEXT = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}  # Python calls them encodings
_WESTERN = {"cp1252", "iso8859-1", "latin-1", "ascii"}


@dataclass(frozen=True)
class Text:
    """A text file that DuckDB can read: UTF-8, one kind of line end; what its encoding was, and what its bytes tell."""

    path: Path
    encoding: str
    notes: tuple[str, ...] = ()
    facts: Facts = UNKNOWN


def codec_name(label: str) -> str:
    """Python's name of an encoding.

    Raises:
        UnreadableError: there is no such encoding of text.
    """
    try:
        name = codecs.lookup("" if label.strip().lower().replace("_", "-") in _NO_TEXT else label.strip()).name
        "a".encode(name)  # of what turns bytes into bytes, such as bz2, Python says that it is no encoding of text
    except (LookupError, ValueError):
        raise UnreadableError(f"encoding {label!r} is not known; write utf-8, utf-16 or windows-1252") from None
    return "windows-1252" if name in _WESTERN else name


def as_text(source: Source, declared: str = "", *, lines_end: str = "") -> Text:
    """The file as text that DuckDB can read: itself where possible, else a temporary copy.

    Args:
        source: the file.
        declared: the encoding that a descriptor gives; the register's goes before it, a byte order mark before both.
        lines_end: what ends a line, where it is neither LF, CRLF nor CR.

    Raises:
        UnreadableError: the encoding is unknown, or the bytes are not in it.
    """
    marked = next((name for mark, name in _MARKS if source.start.startswith(mark)), "")
    said = codec_name(source.encoding or declared) if source.encoding or declared else ""
    encoding = (marked or said or _unmarked_utf16(source.start) or "utf-8").removesuffix("-sig")
    notes: tuple[str, ...] = ()
    facts = (source.facts or look_at(source.path)) if encoding == "utf-8" else UNKNOWN
    if not facts.valid and not marked and not said and (foreign := _first_foreign_byte(source.path)):
        encoding, notes = "windows-1252", (f"not UTF-8 (byte {foreign} is no character); read as windows-1252",)
    if facts.nul:
        notes = (*notes, "NUL bytes are left out")
    if encoding == "utf-8" and not (facts.mixed or facts.nul or lines_end):
        return Text(source.path, encoding, notes, facts)
    copy = source.scratch.file()
    with storage_errors(copy), source.path.open("rb") as bytes_in, copy.open("wb") as utf8:
        _rewrite(bytes_in, utf8, encoding, lines_end)
    return Text(copy, encoding, notes, look_at(copy))


def _unmarked_utf16(start: bytes) -> str:
    """UTF-16 without a mark shows as a NUL in every second byte of plain text."""
    even, odd = start[0:400:2], start[1:400:2]
    if len(odd) >= 4 and odd.count(0) > len(odd) * 0.7 and not even.count(0):
        return "utf-16-le"
    if len(odd) >= 4 and even.count(0) > len(even) * 0.7 and not odd.count(0):
        return "utf-16-be"
    return ""


def _first_foreign_byte(path: Path) -> int | None:
    """Where the first byte is that is not UTF-8, counted from 1; None where most of the text beyond ASCII is UTF-8.

    Then a few rows are damaged, and are rejected, and the encoding is as good as known.
    """
    decoder, first, position, undecoded, other = codecs.getincrementaldecoder("utf-8")("surrogateescape"), 0, 0, 0, 0
    with storage_errors(path), path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            text = decoder.decode(chunk, final=not chunk)
            if not first and (found := _UNDECODED.search(text)):
                first = position + len(text[: found.start()].encode("utf-8", "surrogateescape")) + 1
            undecoded += sum(1 for _ in _UNDECODED.finditer(text))
            other += sum(1 for _ in _OTHER.finditer(text))
            position += len(text.encode("utf-8", "surrogateescape"))
            if not chunk:
                return first if undecoded > other else None


@cache
def _western_table() -> str:
    """Windows-1252 with the five bytes that it leaves open as the controls of latin-1, as browsers read both."""
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))


def western_text(content: bytes) -> str:
    """Bytes as Windows-1252; there are none that it cannot be."""
    return codecs.charmap_decode(content, "strict", _western_table())[0]


def _decoder(encoding: str) -> Callable[[bytes, bool], str]:
    if encoding == "windows-1252":
        return lambda chunk, final: western_text(chunk)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    return decoder.decode


def _rewrite(bytes_in: IO[bytes], utf8: IO[bytes], encoding: str, lines_end: str) -> None:
    """Copies text as UTF-8 with LF and without NUL; a piece never ends inside a line end.

    DuckDB's `nfc_normalize` takes a NUL for the end of a text, and would lose what follows it in a cell.
    UTF-8 is passed through undecoded, so that bad bytes reach DuckDB, which rejects their rows one by one.
    """
    decode = None if encoding == "utf-8" else _decoder(encoding)
    ends = lines_end.encode() or b"\r\n"
    kept = b""
    try:
        while True:
            chunk = bytes_in.read(CHUNK)
            piece = kept + (decode(chunk, not chunk).encode("utf-8", "surrogatepass") if decode else chunk)
            keep = next((n for n in range(min(len(ends) - 1, len(piece)), 0, -1) if ends.startswith(piece[-n:])), 0)
            kept = piece[len(piece) - keep :] if chunk and keep else b""
            utf8.write(_line_ends(piece[: len(piece) - len(kept)].replace(b"\0", b""), lines_end))
            if not chunk:
                return
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        raise UnreadableError(f"not {encoding}: {reason}; give the right encoding in the register") from None


def _line_ends(piece: bytes, lines_end: str) -> bytes:
    if lines_end:
        return piece.replace(b"\n", b" ").replace(lines_end.encode(), b"\n")
    return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def start_text(start: bytes) -> str:
    """The first bytes as text, for telling formats apart; what is no character is replaced."""
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "") or _unmarked_utf16(start) or "utf-8"
    return start.decode(encoding, "replace").removeprefix("\ufeff").lstrip()
