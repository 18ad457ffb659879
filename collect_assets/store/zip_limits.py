"""What a zip may be before anyone looks inside: the limits of its reader and of its canonical hash."""

from __future__ import annotations

import struct
import zipfile
from typing import IO

METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
MAX_MEMBERS = 100_000
MAX_DIRECTORY = 64 << 20
MAX_RATIO = 200  # text reaches 30; more is a bomb, once it is large
RATIO_COUNTS_FROM = 64 << 20
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"


def directory_size(file: IO[bytes]) -> int | None:
    """The bytes of the directory, which is read whole into memory; None where it is missing."""
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        return None
    length = int(struct.unpack_from("<L", tail, at + 12)[0])
    if length == 0xFFFFFFFF:
        locator = tail.rfind(_END_64, 0, at)
        return int(struct.unpack_from("<Q", tail, locator + 40)[0]) if 0 <= locator <= len(tail) - 48 else 0
    return length


def is_bomb(unpacked: int, packed: int) -> bool:
    """Whether something unpacks to more than any text does."""
    return unpacked > RATIO_COUNTS_FROM and unpacked > packed * MAX_RATIO
