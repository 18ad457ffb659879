"""Whether a body whose end nobody marked was cut off: a cheap look at its end, by its format (fault F15).

An answer without a length that is closed cleanly looks the same whether it is whole or not. Only what cannot be whole
is called cut; what cannot be told is taken as it is.
"""

from __future__ import annotations

import mmap
import re
import zipfile
from collections import deque
from pathlib import Path

from collect_assets.network.content import mime_type

TAIL = 4096
_LARGEST = 64 << 20  # bytes; of larger texts only the end is looked at: the whole would take seconds
_JSON = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_ROOT = re.compile(rb"<([A-Za-z_][^\s/>]*)")
_NO_ELEMENT = re.compile(rb"<!--.*?-->|<\?.*?\?>|<![A-Z][^>]*>", re.DOTALL)
_TABLE = re.compile(rb"[^\r\n{]*[,;\t|][^\r\n{]*[\r\n]")  # its first line; a script's has braces
_QUOTED = re.compile(rb'(?:\A|[\r\n,;\t|])"[^"]*+(?:""[^"]*+)*+("?)')


def cut_short(path: Path, start: bytes) -> str:
    """Why a body cannot be whole; blank where it can.

    Args:
        path: the body, decoded.
        start: its first bytes.
    """
    kind = mime_type(start)
    if kind == "application/zip":
        return "" if zipfile.is_zipfile(path) else "the zip has no directory at its end"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        tail = bytes(body[-TAIL:]).rstrip(b" \t\r\n\0")
        if kind == "application/json":
            return _json_cut(body, tail)
        if kind == "application/xml":
            return _xml_cut(start, tail)
        return _table_cut(body) if _TABLE.match(start) and len(body) <= _LARGEST else ""


def _json_cut(body: mmap.mmap, tail: bytes) -> str:
    if not tail.endswith((b"}", b"]")):
        return "the JSON does not end with a bracket"
    if len(body) > _LARGEST:
        return ""
    depth = 0
    for token in _JSON.finditer(body):
        first = token[0][0]
        if first != 0x22:
            depth += 1 if first in b"[{" else -1
    return "brackets of the JSON are left open" if depth > 0 else ""


def _xml_cut(start: bytes, tail: bytes) -> str:
    root = _ROOT.search(_NO_ELEMENT.sub(b"", start))
    if root is None:
        return ""
    if len(tail) < TAIL and re.search(rb"<" + re.escape(root[1]) + rb"[^<>]*/>\Z", tail):
        return ""  # an element without content
    closed = re.search(rb"</" + re.escape(root[1]) + rb"\s*>(?:\s|<!--.*?-->|<\?.*?\?>)*\Z", tail, re.DOTALL)
    return "" if closed else f"the XML does not end with </{root[1].decode('utf-8', 'replace')}>"


def _table_cut(body: mmap.mmap) -> str:
    last = deque(_QUOTED.finditer(body), maxlen=1)
    return "a quote at its end is left open" if last and not last[0][1] else ""
