"""Which encoding an XML document has, and what XML forbids in it: given to the parser as clean UTF-8, in pieces.

Order: byte order mark, register, UTF-8 where all bytes are, the declaration, Windows-1252. Decoded strictly, except
that a document that is UTF-8 but for a few bytes has those read as Windows-1252. Characters that XML forbids (a 0x1A in
a label, `&#0;`) are left out one by one and counted; valid characters beyond 16 bits stay. Ampersands that stand for
themselves are written out, unless the document has sections in which they may (`CDATA`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from collect_assets.errors import UnreadableError
from collect_assets.readers.encodings import codec_name, western_text
from collect_assets.readers.source import Source
from collect_assets.store.local import storage_errors

PIECE = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']\s*([A-Za-z0-9._:-]+)\s*["']""")
_CONTROLS = [bytes([code]) for code in range(32) if code not in b"\t\n\r"]
_NONCHARACTER = re.compile(rb"\xef\xbf[\xbe\xbf]")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_LONGEST_REFERENCE = 13
_BARE = re.compile(r"&(?![#\w.:-]{1,11};)")
_BARE_BYTES = re.compile(rb"&(?![#\w.:-]{1,11};)")
_ESCAPED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class XmlText:
    """A document for the parser: UTF-8 without a mark, whatever its declaration says; and what was done to it."""

    path: Path
    encoding: str
    notes: tuple[str, ...] = ()


@dataclass
class _Look:
    """What one pass over the bytes tells of a document that may be UTF-8."""

    escaped: int = 0
    beyond: int = 0
    clean: bool = True
    bare: bool = False
    verbatim: bool = False


def xml_text(source: Source) -> XmlText:
    """The file itself where it is clean UTF-8, else a temporary copy that is.

    Raises:
        UnreadableError: the encoding that the register or a mark gives is unknown, or the bytes are not in it.
    """
    marked = next((name for mark, name in _MARKS if source.start.startswith(mark)), "")
    said = codec_name(source.encoding) if source.encoding and not marked else ""
    declared = _declared(source.start)
    encoding, notes, mend = marked or said, tuple[str, ...](), False
    if encoding in {"", "utf-8"}:
        look = _look(source.path)
        mend = look.bare and not look.verbatim
        if look.clean and not mend:
            return XmlText(source.path, "utf-8", _differs(declared, "utf-8") if look.beyond else ())
        encoding, notes = ("utf-8", ()) if encoding or not look.escaped else _foreign(look, declared, source.path)
    copy = source.scratch.file()
    foreign, forbidden, bare = _rewrite(source.path, copy, encoding, mend=mend)
    if foreign:
        notes = (*notes, f"{foreign:,} bytes that are no {encoding} are read as windows-1252")
    if forbidden:
        notes = (*notes, f"{forbidden:,} characters that XML forbids are left out")
    if bare:
        notes = (*notes, f"{bare:,} ampersands that stood for themselves are read as such")
    return XmlText(copy, encoding, notes)


def _declared(start: bytes) -> str:
    """The encoding that the declaration names, in whatever case; blank where there is none that is known."""
    found = _DECLARED.match(start.removeprefix(codecs.BOM_UTF8))
    try:
        return codec_name(found[1].decode()) if found else ""
    except UnreadableError:
        return ""


def _differs(declared: str, used: str) -> tuple[str, ...]:
    return (f"declared as {declared}, but all of it is {used}; read as that",) if declared not in {"", used} else ()


def _look(path: Path) -> _Look:
    """Whether all is UTF-8 and allowed; a character that the end of the file cuts off counts as UTF-8."""
    decoder, look, before = codecs.getincrementaldecoder("utf-8")("strict"), _Look(), b""
    with storage_errors(path), path.open("rb") as file:
        while chunk := file.read(PIECE):
            if not chunk.isascii() or decoder.getstate()[0]:
                text, escaped = _decoded(decoder, chunk)
                look.beyond += len(chunk) - len(text)
                look.escaped += escaped
            look.clean = look.clean and not look.escaped and _allowed(before + chunk)
            look.bare = look.bare or (b"&" in chunk and _BARE_BYTES.search(before + chunk) is not None)
            # The bracket first: one byte is found ten times as fast as several, and it is rare.
            look.verbatim = look.verbatim or (b"[" in chunk and b"<![CDATA[" in before + chunk)
            before = chunk[-_LONGEST_REFERENCE:]
    return look


def _decoded(decoder: codecs.IncrementalDecoder, chunk: bytes) -> tuple[str, int]:
    """The text of a piece, and how many of its bytes are no UTF-8; nearly always none, which decoding itself tells."""
    try:
        return decoder.decode(chunk), 0
    except UnicodeDecodeError:
        decoder.errors = "surrogateescape"
        text = decoder.decode(chunk)
        decoder.errors = "strict"
        return text, len(_ESCAPED.findall(text))


def _allowed(chunk: bytes) -> bool:
    """Whether no character that XML forbids is in it, neither as itself nor as a numeric reference.

    Single bytes are looked for first, one by one: any other way takes longer than parsing all of it.
    """
    if any(control in chunk for control in _CONTROLS) or (b"\xef" in chunk and _NONCHARACTER.search(chunk)):
        return False
    if b"#" not in chunk or b"&#" not in chunk:
        return True
    return all(map(_is_allowed, _REFERENCE.finditer(chunk.decode("latin-1"))))


def _is_allowed(reference: re.Match[str]) -> bool:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    return code < 0x110000 and not _FORBIDDEN.match(chr(code))


def _foreign(look: _Look, declared: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """The encoding of what is not UTF-8 throughout, and what to say of it."""
    if look.escaped < look.beyond:
        return "utf-8", ()  # most beyond ASCII is: a few values came from another table, and are counted
    if declared not in {"", "utf-8", "windows-1252"} and _decodes(path, declared):
        return declared, ()
    return "windows-1252", () if declared == "windows-1252" else ("not UTF-8; read as windows-1252",)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with storage_errors(path), path.open("rb") as file:
            while chunk := file.read(PIECE):
                decoder.decode(chunk)
    except UnicodeError:
        return False
    return True


def _rewrite(path: Path, copy: Path, encoding: str, *, mend: bool) -> tuple[int, int, int]:
    """Copies a document as UTF-8, with bare ampersands written out where `mend` says so.

    Returns:
        How many bytes were foreign to it, how many characters were left out, and how many ampersands written out.
    """
    foreign = forbidden = bare = 0
    decode = _decoder(encoding)
    with storage_errors(copy), path.open("rb") as bytes_in, copy.open("wb") as utf8:
        kept, first = "", True
        while chunk := bytes_in.read(PIECE):
            text, bad = decode(chunk)
            text, foreign = kept + (text.removeprefix("\ufeff") if first else text), foreign + bad
            cut = text.rfind("&", -_LONGEST_REFERENCE)
            kept, text, first = (text[cut:], text[:cut], False) if cut >= 0 else ("", text, False)
            left_out, written_out = _write(text, utf8, mend=mend)
            forbidden, bare = forbidden + left_out, bare + written_out
        left_out, written_out = _write(kept, utf8, mend=mend)
    return foreign, forbidden + left_out, bare + written_out


def _write(text: str, utf8: IO[bytes], *, mend: bool) -> tuple[int, int]:
    text, here = _FORBIDDEN.subn("", text)
    bad = [found for found in _REFERENCE.finditer(text) if not _is_allowed(found)] if "&#" in text else []
    for found in reversed(bad):
        text = text[: found.start()] + text[found.end() :]
    text, bare = _BARE.subn("&amp;", text) if mend else (text, 0)
    utf8.write(text.encode())
    return here + len(bad), bare


def _decoder(encoding: str) -> Callable[[bytes], tuple[str, int]]:
    """Decodes pieces; gives the text, and how many of its bytes were foreign to the encoding."""
    if encoding == "windows-1252":
        return lambda chunk: (western_text(chunk), 0)
    if encoding == "utf-8":
        escaping = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        return lambda chunk: _ESCAPED.subn(_as_western, escaping.decode(chunk))
    strict = codecs.getincrementaldecoder(encoding)("strict")

    def decode(chunk: bytes) -> tuple[str, int]:
        try:
            return strict.decode(chunk), 0
        except UnicodeError as error:
            raise UnreadableError(f"not {encoding}: {error}; give the right encoding in the register") from None

    return decode


def _as_western(escaped: re.Match[str]) -> str:
    return western_text(bytes([ord(escaped[0]) - 0xDC00]))
