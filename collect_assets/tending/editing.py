"""Changing a register line by line: what is not changed stays as it is, to the byte.

A line is changed only where writing its cells again gives the line as it was; one with odd quotes is left to people.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from collect_assets.registers import endpoint_id
from collect_assets.store.local import write_atomically
from collect_assets.tending.findings import source_id

Cells = dict[str, str]
Change = Callable[[Cells], Mapping[str, str] | None]
"""The cells that change in a row; None removes it."""


def changed(content: str, change: Change) -> str:
    """The text of a CSV with its rows changed.

    Args:
        content: of the file, with its BOM and line ends.
        change: asked for each row that stands in one line.
    """
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    header = next(csv.reader([lines[0].removeprefix("\ufeff")]))
    kept = [lines[0]]
    for line in lines[1:]:
        cells = next(csv.reader([line]), [])
        if len(cells) != len(header) or _written(cells, line) != line:
            kept.append(line)
            continue
        new = change(dict(zip(header, cells, strict=True)))
        if new is not None:
            wanted = [new.get(name, cell) for name, cell in zip(header, cells, strict=True)]
            kept.append(_written(wanted, line) if wanted != cells else line)
    return "".join(kept)


def with_row(content: str, row: Mapping[str, str]) -> str:
    """The text of a CSV with one more row, in the order of its columns and with its line ends."""
    lines = content.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    header = next(csv.reader([lines[0].removeprefix("\ufeff")]))
    before = content if content.endswith(("\n", "\r")) else content + end
    return before + _written([row.get(name, "") for name in header], end)


def _written(cells: Sequence[str], like: str) -> str:
    """Cells as a line that ends as another one does."""
    end = like[len(like.rstrip("\r\n")) :]
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerow(cells)
    return text.getvalue()


def patch(path: Path, before: str, after: str) -> str:
    """The change as a unified diff that `git apply` and `patch -p1` take; blank where there is none.

    Args:
        path: as it stands in the diff.
        before: the text as it is.
        after: the text as it shall be.
    """
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}", n=3
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def read_text(path: Path) -> str:
    """A register as text, with its BOM and its line ends."""
    return path.read_bytes().decode("utf-8")


def write_text(path: Path, text: str) -> None:
    """Writes a register whole or not at all.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    write_atomically(path, text.encode(), path.parent)


def fixed(path: Path) -> str:
    """A register with what can be put right without asking anybody.

    Rows that stand there twice to the byte are there once, an endpoint without its hash gets it, and a source its id.
    A hash that does not fit its URL is left alone: which of the two is wrong, only people know.
    """
    text = read_text(path)
    seen: set[tuple[str, ...]] = set()

    def change(cells: Cells) -> Mapping[str, str] | None:
        row = tuple(cells.values())
        if row in seen and any(row):
            return None
        seen.add(row)
        return _FIXES[path.name](cells) if path.name in _FIXES else {}

    return changed(text, change)


def _fix_endpoint(cells: Cells) -> Mapping[str, str]:
    url = cells.get("endpoint-url", "")
    return {"endpoint": endpoint_id(url)} if url and not cells.get("endpoint", "x") else {}


def _fix_source(cells: Cells) -> Mapping[str, str]:
    wanted = source_id(cells.get("collection", ""), cells.get("organisation", ""), cells.get("endpoint", ""))
    return {"source": wanted} if cells.get("source") and cells.get("endpoint") and cells["source"] != wanted else {}


_FIXES: Mapping[str, Callable[[Cells], Mapping[str, str]]] = {"endpoint.csv": _fix_endpoint, "source.csv": _fix_source}
