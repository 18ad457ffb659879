"""Reading a body: decoded, hashed and counted on its way into a file, in pieces of fixed size.

We decode ourselves, because urllib3 accepts a gzip stream that is cut off (fault F17) and may decode for ever without
giving control back. Nothing here decides what a body means.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collect_assets.collection import Limits
from collect_assets.errors import FailedError, RefusedError
from collect_assets.network.connection import Incoming
from collect_assets.store.local import new_file, storage_errors, write_all

STEP = 1 << 16
START = 2048
MAX_CODINGS = 3
RATIO_FROM = 64 << 20  # decoded bytes from which on their ratio to those sent counts: what is small does no harm


@dataclass(frozen=True)
class Body:
    """A body in a file; `part` and `sha256` are None where there was not one byte.

    Attributes:
        delimited: whether something said where it ends: a length, chunks, or the encoding.
    """

    part: Path | None
    sha256: str | None
    size: int
    start: bytes
    encoded: bool
    delimited: bool = True
    cut: bool = False


class Progress:
    """How many bytes came so far, also when it ends badly; and whether there would have been more than we take."""

    def __init__(self, *, start_will_do: bool = False) -> None:
        self.size = 0
        self.start_will_do = start_will_do
        self.cut = False


def receive(raw: Incoming, *, url: str, work: Path, limits: Limits, progress: Progress, decode: bool = True) -> Body:
    """Reads a body to its end, into a new file in `work`.

    Raises:
        RefusedError: `too-large`, as it says or as it turns out, on the wire or decoded.
        FailedError: `truncated` or `encoding`.
        StorageError: the file cannot be written.
        urllib3.exceptions.HTTPError, http.client.HTTPException, OSError: the connection broke.
    """
    _check_transfer(raw, url)
    codings, known = codings_of(raw)
    known = known and (decode or not codings)
    if not progress.start_will_do:
        _check_length(raw, url, limits, decoded=not codings)
    wire = _paced(_wire(raw, url, limits.max_wire_bytes), raw, url, limits)
    pieces = _limited(_decoded(wire, codings, url) if known else wire, raw, url, limits, progress)
    start = b""
    digest = hashlib.sha256()
    first = next(pieces, None)
    if first is None:
        return Body(None, None, 0, b"", encoded=False)
    part, descriptor = new_file(work)
    try:
        try:
            for piece in _and_then(first, pieces):
                digest.update(piece)
                if len(start) < START:
                    start += piece[: START - len(start)]
                with storage_errors(part):
                    write_all(descriptor, piece)
        finally:
            os.close(descriptor)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Body(part, digest.hexdigest(), progress.size, start, encoded=not known, cut=progress.cut,
                delimited=_is_delimited(raw) or (known and bool(codings)))  # fmt: skip


def _check_transfer(raw: Incoming, url: str) -> None:
    """Refuses a body in a transfer coding that nobody asked for (RFC 9112, 6.1): its frame would be kept as data."""
    coding = raw.headers.get("transfer-encoding", "").strip().lower()
    if coding not in {"", "chunked", "identity"}:
        raise FailedError("protocol", f"{url}: sent in Transfer-Encoding {coding}, which was not asked for and is not "
                          "undone", exception="ChunkedEncodingError")  # fmt: skip


def _is_delimited(raw: Incoming) -> bool:
    return "content-length" in raw.headers or "chunked" in raw.headers.get("transfer-encoding", "").lower()


def glance(raw: Incoming, url: str) -> bytes:
    """The start of a body that is not kept; a short one is read whole, so that the connection is kept."""
    codings, known = codings_of(raw)
    start = b""
    size = 0
    wire = _wire(raw, url, STEP)
    for piece in _decoded(wire, codings, url) if known else wire:
        start += piece[: START - len(start)]
        size += len(piece)
        if size > STEP:
            break
    return start


def codings_of(raw: Incoming) -> tuple[list[str], bool]:
    """The content codings, outermost last, and whether we know all of them; identity is left out."""
    tokens = [token.strip().lower() for token in raw.headers.get("content-encoding", "").split(",")]
    codings = [token for token in tokens if token not in {"", "identity"}]
    return codings, all(coding in _DECODERS for coding in codings)


def _decoded(pieces: Iterator[bytes], codings: list[str], url: str) -> Iterator[bytes]:
    """The decoded body in pieces of at most `STEP`.

    Raises:
        FailedError: `encoding` where it is not what it says to be, `truncated` where it is cut.
    """
    if len(codings) > MAX_CODINGS:
        raise FailedError("encoding", f"{url}: {len(codings)} content encodings one in another; at most {MAX_CODINGS} "
                          "are undone", exception="ContentDecodingError")  # fmt: skip
    for coding in reversed(codings):
        pieces = _DECODERS[coding](pieces)
    try:
        yield from pieces
    except zlib.error as error:
        raise FailedError("encoding", f"{url}: says Content-Encoding {', '.join(codings)} and is not: {error}",
                          exception="ContentDecodingError") from error  # fmt: skip
    except EOFError as error:
        raise FailedError("truncated", f"{url}: the connection was closed in the middle of a compressed body",
                          transient=True, exception="ChunkedEncodingError") from error  # fmt: skip


def _wire(raw: Incoming, url: str, max_bytes: int) -> Iterator[bytes]:
    """The body as sent; limited too, since a compressed stream may be long and decode to nothing."""
    while piece := raw.read1(STEP):
        if raw.tell() > max_bytes:
            raise _too_large(url, f"more than {max_bytes} bytes were sent", max_bytes, "max-wire-bytes")
        yield piece


def _paced(pieces: Iterator[bytes], raw: Incoming, url: str, limits: Limits) -> Iterator[bytes]:
    """Gives up what drips: each window of time has to bring its bytes, the first one with what came before it.

    A read timeout never meets a byte a second (fault F09), and waiting for the total timeout holds up the host's queue.
    """
    due, before = time.monotonic() + limits.rate_window, 0
    for piece in pieces:
        if (now := time.monotonic()) >= due:
            came = raw.tell() - before
            if came < limits.min_rate * limits.rate_window:
                raise FailedError("too-slow", f"{url}: {came} bytes in {limits.rate_window:g} s; at least "
                                  f"{limits.min_rate:g} per second have to come (min-rate in collection.toml)",
                                  exception="Timeout")  # fmt: skip
            due, before = now + limits.rate_window, raw.tell()
        yield piece


def _limited(pieces: Iterable[bytes], raw: Incoming, url: str, limits: Limits, progress: Progress) -> Iterator[bytes]:
    for piece in pieces:
        progress.size += len(piece)
        over = progress.size - limits.max_bytes
        if over > 0 and progress.start_will_do:
            progress.size, progress.cut = limits.max_bytes, True
            yield piece[: len(piece) - over]
            return
        if over > 0:
            raise _too_large(url, f"more than {limits.max_bytes} bytes came", limits.max_bytes, "max-bytes")
        if progress.size > RATIO_FROM and progress.size > limits.max_ratio * raw.tell():
            raise RefusedError("too-large", f"{url}: {raw.tell()} bytes were sent and decode to more than "
                               f"{progress.size}; {limits.max_ratio:g} times as many are the limit (max-ratio in "
                               "collection.toml)")  # fmt: skip
        yield piece


def _and_then(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _check_length(raw: Incoming, url: str, limits: Limits, *, decoded: bool) -> None:
    length = raw.headers.get("content-length", "").strip()
    if not length.isdecimal() or len(length) >= 20:
        return
    if int(length) > limits.max_wire_bytes:
        raise _too_large(url, f"it says that {length} bytes follow", limits.max_wire_bytes, "max-wire-bytes")
    if decoded and int(length) > limits.max_bytes:
        raise _too_large(url, f"it says that {length} bytes follow", limits.max_bytes, "max-bytes")


def _too_large(url: str, what: str, limit: int, setting: str) -> RefusedError:
    """The refusal of a body over a limit."""
    return RefusedError("too-large", f"{url}: {what}; the limit is {limit} ({setting} in collection.toml)")


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Undoes gzip, also of several members; what is no member after the first is passed over, as everyone does."""
    engine = None
    for piece in pieces:
        rest = piece
        while rest:
            if engine is None or engine.eof:
                if engine is not None and rest[0] != 0x1F:
                    _exhaust(pieces)
                    return
                engine = zlib.decompressobj(16 + zlib.MAX_WBITS)
            yield from _inflated(engine, rest)
            rest = engine.unused_data
    if engine is not None and not engine.eof:
        raise EOFError


def _inflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Undoes deflate: with the header of RFC 1950, as it should be, or without, as some servers send it."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= 2:
            break
    if not head:
        return
    headed = len(head) >= 2 and head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0
    engine = zlib.decompressobj(zlib.MAX_WBITS if headed else -zlib.MAX_WBITS)
    yield from _inflated(engine, head)
    for piece in pieces:
        if engine.eof:
            _exhaust(pieces)
            return
        yield from _inflated(engine, piece)
    if not engine.eof:
        raise EOFError


def _inflated(engine: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    while True:
        piece = engine.decompress(chunk, STEP)
        if piece:
            yield piece
        chunk = engine.unconsumed_tail
        if engine.eof or (not chunk and len(piece) < STEP):
            return


def _exhaust(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


_DECODERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
}
