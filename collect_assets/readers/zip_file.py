"""A zip or tar without a descriptor: with exactly one table, JSON or spatial file in it, it is read as that.

Without any of these a lone XML document is what it is about: beside one, it only describes it.
"""

from __future__ import annotations

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import is_archive, open_archive
from collect_assets.readers.formats import open_source as open_inner
from collect_assets.readers.gzip_file import GZIP
from collect_assets.readers.source import Source, Stream, Table

FORMAT = "zip"
VERSION = 4
PRIORITY = 12

ENDINGS = (
    *(".csv", ".tsv", ".tab", ".txt", ".text", ".data", ".dwca"),
    *(".json", ".geojson", ".ndjson", ".jsonl", ".parquet", ".geoparquet"),
    *(".xlsx", ".xlsm", ".xls", ".ods", ".gpkg", ".gml", ".kml"),
)
MOST_PACKED_TWICE = 1 << 20
_ABOUT = ("eml", "readme", "license", "licence", "citation", "citations", "rights", "metadata")
_PARTS = (("word/", "a text document (docx)"), ("content.xml", "an office document that is no spreadsheet"))


def matches(source: Source) -> bool:
    """The marks of a zip with and without members, and of a tar."""
    return is_archive(source.start)


def open_source(source: Source) -> Table | Stream:
    """The one file in it that can be records.

    Raises:
        UnreadableError: there is none or more than one, or the archive is damaged.
    """
    with open_archive(source) as archive:
        names = archive.names
        for part, what in _PARTS:
            if any(name == part or (part.endswith("/") and name.startswith(part)) for name in names):
                raise UnreadableError(what)
        others = [name for name in names if not _about(name)]
        likely = list(filter(_may_be_table, others)) or list(filter(_is_document, others))
        if len(likely) != 1:
            found = ", ".join(likely[:10]) or f"none among {', '.join(names[:10]) or 'no files'}"
            raise UnreadableError(
                f"a zip without meta.xml needs exactly one table, JSON or spatial file; found: {found}"
            )
        inner = archive.source(likely[0], source)
        _check_packed_twice(inner, source)
        return open_inner(inner)


def _may_be_table(name: str) -> bool:
    """A name without an ending says nothing, so that such a file may be one too."""
    unpacked = name.lower().removesuffix(".gz")
    return unpacked.endswith(ENDINGS) or "." not in unpacked.rsplit("/", 1)[-1]


def _is_document(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(".xml")


def _check_packed_twice(inner: Source, source: Source) -> None:
    """A gzip that gets much smaller in a zip was made to: the limits of both steps would multiply."""
    size = inner.path.stat().st_size
    if inner.start.startswith(GZIP) and size > max(MOST_PACKED_TWICE, 4 * source.path.stat().st_size):
        raise UnreadableError(f"{inner.member} is a gzip of {size:,} bytes that packs once more, as archive bombs do")


def _about(name: str) -> bool:
    return name.rsplit("/", 1)[-1].split(".", maxsplit=1)[0].casefold() in _ABOUT
