"""Making the start of a long file readable: up to the last whole line, or the last whole member of a list.

Only for looking at it: the copy is not what was served, and is never kept.
"""

from __future__ import annotations

import re
from pathlib import Path

from collect_assets.errors import UnreadableError
from collect_assets.network.content import mime_type
from collect_assets.readers.source import START
from collect_assets.store.local import storage_errors

# A list of plain values is passed over in one step: coordinates are most of the brackets there are.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|\[[^\[\]{}"]*\]|[\[\]{}]', re.DOTALL)
_CLOSING = {b"{": b"}", b"[": b"]"}
_LINES_OF_JSON = re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{")


def whole_start(part: Path) -> bytes:
    """What is whole of the start of a file.

    Raises:
        UnreadableError: nothing of it can be read without its end.
    """
    with storage_errors(part):
        content = part.read_bytes()
    top = content[:START]
    kind = mime_type(top)
    if kind not in {"text/plain", "application/json"}:
        raise UnreadableError(f"{kind} cannot be read without its end")
    if kind == "application/json" and not _LINES_OF_JSON.match(top):
        return _whole_json(content)
    return _whole_lines(content)


def _whole_lines(content: bytes) -> bytes:
    """Up to the last line end; of UTF-16, whose line ends are two bytes, up to the last whole one of those."""
    width = 2 if content.startswith((b"\xff\xfe", b"\xfe\xff")) else 1
    end = b"\n".ljust(width, b"\0") if content.startswith(b"\xff\xfe") else b"\n".rjust(width, b"\0")
    at = content.rfind(end)
    while at >= 0 and at % width:
        at = content.rfind(end, 0, at)
    at = content.rfind(b"\r") if at < 0 and width == 1 else at
    if at < 0:
        raise UnreadableError("there is not one whole line in what was read")
    return content[: at + width]


def _whole_json(content: bytes) -> bytes:
    """Up to the last object that is a member of the outermost list with objects in it, and what closes all of it."""
    opened: list[bytes] = []
    depth, end, closing = 0, 0, b""
    for found in _TOKEN.finditer(content):
        token = found[0]
        if token in _CLOSING:
            opened.append(token)
            if not depth and token == b"{" and opened[-2:-1] == [b"["]:
                depth = len(opened)
        elif token in _CLOSING.values() and opened:
            opened.pop()
            if len(opened) + 1 == depth and token == b"}":
                end = found.end()
                closing = b"".join(_CLOSING[each] for each in reversed(opened))
    if not end:
        raise UnreadableError("there is not one whole record in what was read")
    return content[:end] + closing
