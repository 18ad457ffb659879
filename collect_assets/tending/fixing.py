"""Mending registers, where it is certain what is right: the findings that carry a fix, put into the text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from collect_assets.errors import RegisterError
from collect_assets.tending.findings import Finding
from collect_assets.tending.patch import FileChange
from collect_assets.tending.text import RegisterText


def fixes(findings: Iterable[Finding]) -> tuple[list[FileChange], list[Finding]]:
    """What the files become, and the findings that this mends; what cannot be changed safely is left as it is.

    Raises:
        RegisterError: a register cannot be read any more.
    """
    fixable = sorted((finding for finding in findings if finding.fix), key=lambda finding: (finding.file, finding.row))
    changes: list[FileChange] = []
    mended: list[Finding] = []
    for path, of_file in groupby(fixable, key=lambda finding: finding.file):
        text = _read(path)
        done = [finding for finding in of_file if _apply(text, finding)]
        if text.content != text.before:
            changes.append(FileChange(path, text.before, text.content))
            mended += done
    return changes, mended


def _read(path: Path) -> RegisterText:
    try:
        return RegisterText(path, path.read_bytes())
    except OSError as error:
        raise RegisterError(f"{path}: cannot be read: {error.strerror or error}") from error


def _apply(text: RegisterText, finding: Finding) -> bool:
    row = next((row for row in text.rows if row.number == finding.row), None)
    if row is None or finding.fix is None:
        return False
    if finding.fix.remove:
        text.remove(row)
        return True
    if text.changed.get(row.number) == "":
        return True
    try:
        for column, value in finding.fix.cells.items():
            text.set(row, column, value)
    except RegisterError:
        return False
    return True
