"""A gzip of one file, which is read as that file; a tar in it is read as the archive that it is."""

from __future__ import annotations

import gzip
from typing import IO, cast

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import TAR_MARK, copy_unpacked
from collect_assets.readers.formats import open_source as open_inner
from collect_assets.readers.source import Source, Stream, Table, read_start
from collect_assets.store.local import storage_errors

FORMAT = "gzip"
VERSION = 4
PRIORITY = 10
GZIP = b"\x1f\x8b\x08"


def matches(source: Source) -> bool:
    """The two bytes of gzip, and deflate as the method."""
    return source.start.startswith(GZIP)


def open_source(source: Source) -> Table | Stream:
    """What is inside, as its own reader reads it.

    Raises:
        UnreadableError: it is damaged, cut off, or another archive.
    """
    if source.depth > 1 or (source.depth and not source.member):  # a lone file in a zip may be packed by itself
        raise UnreadableError("an archive inside an archive; it is not opened")
    with storage_errors(source.path):
        packed = source.path.stat().st_size
        with source.path.open("rb") as file, gzip.GzipFile(fileobj=file) as unpacked:
            path, facts = copy_unpacked(cast("IO[bytes]", unpacked), "the gzip", packed, source.scratch)
    start = read_start(path)
    depth = source.depth if start[TAR_MARK] == b"ustar" else source.depth + 1  # a tar in a gzip is one archive
    return open_inner(
        Source(path, start, source.scratch, source.member, source.encoding, source.delimiter, depth, facts)
    )
