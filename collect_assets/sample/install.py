"""Puts the sample's collections, with the days that are behind them, into a folder of collections.

What is already there is never touched, whatever it is.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from collect_assets.sample.catalogue import COLLECTIONS, FOLDER
from collect_assets.store.local import storage_errors


def install(root: Path) -> list[Path]:
    """Copies each collection of the sample whose name is still free in a folder.

    Args:
        root: the folder of all collections; made where it is missing.

    Returns:
        The folders that were made; none where all were there before.

    Raises:
        StorageError: the folder cannot be written.
    """
    return [_copy(name, root) for name in COLLECTIONS if not _is_taken(root / name)]


def _is_taken(folder: Path) -> bool:
    return folder.exists() or folder.is_symlink()  # a dangling link is somebody's too


def _copy(name: str, root: Path) -> Path:
    """Copies beside the final place, then renames: nobody sees half a collection."""
    with storage_errors(root / name):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".sample-") as unfinished:
            source, part = FOLDER / "collections" / name, Path(unfinished) / name
            shutil.copytree(source, part, copy_function=shutil.copyfile)
            return part.rename(root / name)
