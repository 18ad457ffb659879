"""Newline-delimited JSON: an object on each line; GeoJSON features among them are read as such."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path

from collect_assets.readers.encodings import as_text, start_text
from collect_assets.readers.json_stream import object_entry
from collect_assets.readers.source import Entry, Reject, Source, Stream
from collect_assets.store.local import storage_errors

FORMAT = "ndjson"
VERSION = 2
PRIORITY = 20
MAX_LINE = 32 << 20
_AROUND = " \t\r\n\x1e"  # RFC 8142 puts a record separator before each line


def matches(source: Source) -> bool:
    """A whole object on the first line, and another that begins on the next."""
    first, _, rest = start_text(source.start).lstrip(_AROUND).partition("\n")
    if not rest.lstrip(_AROUND).startswith("{"):
        return False
    try:
        return isinstance(json.loads(first.strip(_AROUND)), dict)
    except (ValueError, RecursionError):
        return False


def open_source(source: Source) -> Stream:
    """Each line as an entry; a line that is none is rejected and the others count."""
    text = as_text(source)
    return Stream(FORMAT, text.encoding, _entries(text.path), source.member, text.notes)


def _entries(path: Path) -> Iterator[Entry | Reject]:
    with storage_errors(path), path.open("rb") as file:
        record_number = line_number = 0
        while line := file.readline(MAX_LINE):
            line_number += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                record_number += 1
                yield Reject(
                    record_number, line_number, f"the line has more than {MAX_LINE:,} bytes", _text(line[:10_000])
                )
                while (line := file.readline(MAX_LINE)) and not line.endswith(b"\n"):
                    pass
            elif content := line.removeprefix(codecs.BOM_UTF8).strip(_AROUND.encode()):
                record_number += 1
                yield _entry(record_number, line_number, content)


def _entry(number: int, line: int, content: bytes) -> Entry | Reject:
    try:
        return object_entry(number, json.loads(content), line)
    except UnicodeDecodeError:
        return Reject(number, line, "bytes that are no UTF-8", _text(content))
    except RecursionError:
        return Reject(number, line, "nested too deep", _text(content))
    except ValueError as error:
        return Reject(number, line, f"not JSON: {error}", _text(content))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
