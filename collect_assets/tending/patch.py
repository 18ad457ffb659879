"""Changes of files as a unified diff, which `git apply` and `patch -p1` take; and writing them, all or none."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from collect_assets.errors import RegisterError, StorageError
from collect_assets.store.local import storage_errors
from collect_assets.store.syncing import sync

NO_END = b"\\ No newline at end of file\n"


@dataclass(frozen=True)
class FileChange:
    """One file before and after; `before` is None where there is none yet."""

    path: Path
    before: bytes | None
    after: bytes


def diff(changes: Sequence[FileChange], base: Path) -> bytes:
    """The changes as one patch. Names in it are relative to `base`, where it is to be applied.

    Line ends stay as they are in the files, so the patch is bytes and must not be written as text.
    """
    return b"".join(piece for change in changes for piece in _diff(change, base))


def base_of(changes: Sequence[FileChange], otherwise: Path) -> Path:
    """Where a patch is to be applied: in the working folder, where that holds all files, or in another one."""
    here = Path.cwd()
    return here if all(change.path.absolute().is_relative_to(here) for change in changes) else otherwise.absolute()


def _diff(change: FileChange, base: Path) -> Iterator[bytes]:
    name = os.path.relpath(change.path, base).encode()
    tab = b"\t" if b" " in name else b""  # else `patch` takes what is behind the space for a date
    old = b"/dev/null" if change.before is None else b"a/" + name + tab
    before, after = _lines(change.before or b""), _lines(change.after)
    for piece in difflib.diff_bytes(difflib.unified_diff, before, after, old, b"b/" + name + tab):
        yield piece
        if not piece.endswith(b"\n"):
            yield b"\n" + NO_END


def _lines(content: bytes) -> list[bytes]:
    """Lines as `git` and `patch` have them: they end with a line feed and nothing else."""
    lines = content.split(b"\n")
    return [*(line + b"\n" for line in lines[:-1]), *([lines[-1]] if lines[-1] else [])]


def write_changes(changes: Sequence[FileChange]) -> None:
    """Writes all files or none, each whole or not at all, with the permissions that they had.

    Between the first and the last rename nobody else may look; that is as near as files come to it.

    Raises:
        RegisterError: a file is not any more what the change was made for.
        StorageError: the disk is full, or a folder cannot be written; the files are as they were.
    """
    for change in changes:
        if _now(change) != change.before:
            raise RegisterError(f"{change.path}: was changed meanwhile; nothing was written, so look again")
    parts: list[Path] = []
    done: list[FileChange] = []
    try:
        parts += [_prepare(change.path.resolve(), change.after) for change in changes]
        for change, part in zip(changes, parts, strict=True):
            with storage_errors(change.path):
                part.replace(change.path.resolve())
                done.append(change)
                sync(change.path.resolve().parent)
    except StorageError:
        for change in done:
            _take_back(change)
        raise
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _now(change: FileChange) -> bytes | None:
    return change.path.read_bytes() if change.path.is_file() else None


def _take_back(change: FileChange) -> None:
    with suppress(OSError, StorageError):
        if change.before is None:
            change.path.unlink()
        else:
            _prepare(change.path.resolve(), change.before).replace(change.path.resolve())


def _prepare(final: Path, content: bytes) -> Path:
    """A finished file beside the one that it will replace."""
    part = final.with_name(f".{final.name}.{uuid4().hex}")
    with storage_errors(final):
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if final.is_file():
                shutil.copymode(final, part)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    return part
