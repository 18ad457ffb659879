"""Plain tables: comma, tab, semicolon or bar, in any usual encoding, with the names of the columns in the first row.

Asked last: what no other reader knows may still be a table, or is told by name to be something else.
"""

from __future__ import annotations

import re

from collect_assets.errors import UnreadableError
from collect_assets.readers.delimited import column_names, sample_text, sniff, table_file
from collect_assets.readers.encodings import as_text, start_text
from collect_assets.readers.source import Column, Source, Table
from collect_assets.readers.xml_stream import OWN_TYPE, has_own_type

FORMAT = "csv"
VERSION = 2
PRIORITY = 90

_OTHERS = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"SQLite format 3\0", "an SQLite database that is no GeoPackage"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
)
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_XML = re.compile(rb"<(\?xml|[A-Za-z_!][^\s>]*[\s>])")


def matches(source: Source) -> bool:
    """Whatever is left."""
    return bool(source.start)


def open_source(source: Source) -> Table:
    """The table, its dialect told by its first rows.

    Raises:
        UnreadableError: it is not a table; says what it looks like.
    """
    if has_own_type(start_text(source.start)):
        raise UnreadableError(OWN_TYPE)
    if other := looks_like(source.start):
        raise UnreadableError(f"not a table: it looks like {other}")
    text = as_text(source)
    dialect, header = sniff(sample_text(text.path), source.delimiter)
    names = column_names(header)
    columns = tuple(Column(name, f"c{number}") for number, name in enumerate(names))
    files = (table_file(text, dialect, len(names), source.member),)
    return Table(FORMAT, text.encoding, files, columns, source.member, notes=text.notes)


def looks_like(start: bytes) -> str:
    """What a file is that is certainly no table, by its first bytes; blank where that is not certain."""
    for mark, name in _OTHERS:
        if start.startswith(mark):
            return name
    top = start[:2000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if _HTML.match(top):
        return "a web page (HTML)"
    return "XML" if _XML.match(top) else ""
