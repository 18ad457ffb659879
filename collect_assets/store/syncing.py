"""Getting files onto the disk, where they survive a power cut."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MANY = 8  # files from which on the whole file system is written at once


def sync(path: Path) -> None:
    """Writes a file to the disk, or the names in a folder.

    Raises:
        OSError: it cannot be written, or is not there.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> bool:
    """Writes the file system that a folder lies on to the disk, if the operating system can (syncfs(2) of Linux).

    Returns:
        Whether all of it is there now.
    """
    if _SYNCFS is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(_SYNCFS(descriptor)) == 0
    finally:
        os.close(descriptor)


_SYNCFS = getattr(ctypes.CDLL(None), "syncfs", None)
