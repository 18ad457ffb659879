"""Taking out of a file what digital-land-python takes out of an answer before it hashes and keeps it.

Its resource ids go on only where the same bytes go, so all of it is as it is there, oddities included: passes one after
the other over the whole, each over what the last one left, also where that rewrites the text of a value. They go over
mapped files in windows, so that memory does not grow with the file, and other threads have their turn.
"""

from __future__ import annotations

import mmap
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from collect_assets.store.local import CHUNK, storage_errors, temporary

WINDOW = 1 << 18


@dataclass(frozen=True)
class Pass:
    """One pass.

    Attributes:
        found: what is looked for, from left to right.
        left: what takes its place.
        begun: what more bytes could make into it, at the end of those that are there.
        word: it begins with it, or with a space and it; where it is not, nothing has to be looked at closely.
        mark: a byte that stands in it `marks` times at most, the first time `lead` bytes after its beginning at most.
    """

    found: re.Pattern[bytes]
    left: bytes
    begun: re.Pattern[bytes]
    word: bytes
    mark: bytes
    marks: int
    lead: int


def _pass(*pieces: bytes, stays: int = 0, left: bytes = b"", mark: bytes = b'"', space: bool = False) -> Pass:
    """A pass over an expression in pieces: letters, and runs of which none takes what the next piece begins with.

    Args:
        pieces: of the expression.
        stays: how many of the first pieces are not taken out.
        left: what is put in place of the others.
        mark: the letter that tells where the expression may begin.
        space: whether one before it goes too.
    """
    begun = b""
    for piece in reversed(pieces):
        begun = piece + (b"(?:%b)?" % begun if begun else b"")
    letters: Iterator[bytes] = takewhile(lambda piece: len(piece) == 1, pieces)
    kept, gone = b"".join(pieces[:stays]), b"".join(pieces[stays:])
    found = b"(%b)%b" % (kept, gone) if stays else gone
    return Pass(
        found=re.compile(b" %b|%b" % (found, found) if space else found),  # twice as fast as with ` ?`
        left=rb"\1" if stays else left,
        begun=re.compile(rb" (?:%b)?\Z|%b\Z" % (begun, begun) if space else rb"%b\Z" % begun),
        word=b"".join(letters),
        mark=mark,
        marks=pieces.count(mark),
        lead=pieces.index(mark) + space,
    )


def _letters(text: bytes) -> list[bytes]:
    return [bytes([letter]) for letter in text]


_SPACES, _TEXT = rb"\s*+", rb'[^"]*+'
_VALUE = (b'"', _TEXT, b'"')
_KEY = _letters(b'"timeStamp"')
_ATTRIBUTE = (*_letters(b"timeStamp="), *_VALUE)

IN_JSON_OR_XML = (
    _pass(*_KEY, _SPACES, b":", _SPACES, *_VALUE, _SPACES, b",?+"),
    _pass(*_ATTRIBUTE, b" "),
    _pass(*_KEY, b":", *_VALUE, b","),
    _pass(b",", _SPACES, b"}", left=b"}", mark=b","),
)
"""Of an answer to a plain request whose header says that it is JSON or XML."""

_ID = (*_letters(b'gml:id="'), rb'[^."]++')
IN_WFS = (
    _pass(*_ATTRIBUTE, space=True),
    _pass(*_letters(b"fid="), *_VALUE, space=True),
    _pass(*_ID, _TEXT, stays=len(_ID)),
)
"""Of any text that a WFS answers, after the others."""


def strip(part: Path, passes: Sequence[Pass], work: Path, *, window: int = WINDOW) -> Path:
    """A file without what the passes take out.

    Args:
        part: the file; it stays as it is.
        passes: in their order.
        work: where the new file is made.
        window: bytes that are looked at in one go; a search holds up all other threads.

    Returns:
        The new file; `part` itself where nothing is to go.

    Raises:
        StorageError: the disk is full.
    """
    stripped = part
    for each in passes:
        before = stripped
        try:
            stripped = _passed(before, each, work, window) or before
        except BaseException:
            stripped = part
            raise
        finally:
            if before not in (part, stripped):
                before.unlink(missing_ok=True)
    return stripped


def _passed(part: Path, each: Pass, work: Path, window: int) -> Path | None:
    """A new file that one pass has gone over; None where it takes nothing out."""
    with storage_errors(part), part.open("rb") as file:
        if not part.stat().st_size:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            stretches = _stretches(mapped, each, window)
            first = next((stretch for stretch in stretches if stretch.changes), None)
            if first is None:
                return None
            new = temporary(work)
            try:
                with storage_errors(new), new.open("wb") as out:
                    _copy(mapped, 0, first.start, out)
                    _write(mapped, first, out)
                    for stretch in stretches:
                        _write(mapped, stretch, out)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
    return new


@dataclass(frozen=True)
class _Stretch:
    """Bytes from `start` to `stop`, and what is left of them; None for all."""

    start: int
    stop: int
    left: bytes | None

    @property
    def changes(self) -> bool:
        return self.left is not None and len(self.left) < self.stop - self.start


def _write(mapped: mmap.mmap, stretch: _Stretch, out: BinaryIO) -> None:
    if stretch.left is None:
        _copy(mapped, stretch.start, stretch.stop, out)
    else:
        out.write(stretch.left)


def _copy(mapped: mmap.mmap, start: int, stop: int, out: BinaryIO) -> None:
    for at in range(start, stop, CHUNK):
        out.write(mapped[at : min(at + CHUNK, stop)])
        _forget(mapped, at)


def _forget(mapped: mmap.mmap, before: int) -> None:
    """Gives the pages before a place back: the process would seem to hold the whole file."""
    if length := before // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY:
        mapped.madvise(mmap.MADV_DONTNEED, 0, length)


def _stretches(mapped: mmap.mmap, each: Pass, window: int) -> Iterator[_Stretch]:
    """All of a file, in order."""
    at, size = 0, len(mapped)
    while at < size:
        start = _next(mapped, each, at, window)
        if start > at:
            yield _Stretch(at, start, None)
            at = start
            _forget(mapped, at)
            continue
        stop = _settled(mapped, each, at, min(at + window, size))
        if stop > at:
            yield _Stretch(at, stop, each.found.sub(each.left, mapped[at:stop]))
            at = stop
        else:
            for stretch in _long(mapped, each, at, window):
                yield stretch
                at = stretch.stop
        _forget(mapped, at)


def _next(mapped: mmap.mmap, each: Pass, at: int, window: int) -> int:
    """Up to where nothing can begin."""
    end = min(at + max(window, 2 * len(each.word)), len(mapped))
    place = mapped.find(each.word, at, end)
    if place >= 0:
        return max(place - 1, at)
    return end if end == len(mapped) else end - len(each.word)


def _settled(mapped: mmap.mmap, each: Pass, at: int, end: int) -> int:
    """Up to where it is known what is found: what reaches the end of a window may reach further, or be nothing."""
    if end == len(mapped):
        return end
    last = deque(each.found.finditer(mapped, at, end), maxlen=1)
    if last and last[0].end() == end:
        return last[0].start()
    after = last[0].end() if last else at
    mark = end
    for _ in range(each.marks):
        mark = max(mapped.rfind(each.mark, after, mark), after)
    begun = each.begun.search(mapped, max(mark - each.lead, after), end)
    return begun.start() if begun else end


def _long(mapped: mmap.mmap, each: Pass, at: int, width: int) -> Iterator[_Stretch]:
    """What begins at a place and is longer than a window; only its first byte, where it turns out to be nothing."""
    end = at
    while end < len(mapped) and (end == at or each.begun.match(mapped, at, end)):
        width *= 2
        end = min(at + width, len(mapped))
    found = each.found.match(mapped, at, end)
    if found is None:
        yield _Stretch(at, at + 1, None)
    elif found.re.groups:
        yield _Stretch(at, found.end(1), None)
        yield _Stretch(found.end(1), found.end(), b"")
    else:
        yield _Stretch(at, found.end(), each.left)
