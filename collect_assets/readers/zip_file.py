"""A zip or tar without a descriptor: with exactly one table or JSON document in it, it is read as that."""

from __future__ import annotations

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import is_archive, open_archive
from collect_assets.readers.formats import open_source as open_inner
from collect_assets.readers.source import Source, Stream, Table

FORMAT = "zip"
VERSION = 3
PRIORITY = 12

ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".text", ".data", ".dwca", ".json", ".geojson", ".ndjson", ".jsonl")
_ABOUT = ("readme", "license", "licence", "citation", "citations", "rights", "metadata")
_PARTS = (
    ("xl/", "a spreadsheet (xlsx); spreadsheets are not read yet, publish it as CSV"),
    ("word/", "a text document (docx)"),
    ("content.xml", "an office document (ods, odt); those are not read yet, publish it as CSV"),
)


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
        if any(name.lower().endswith(".shp") for name in names):
            raise UnreadableError("a shapefile; those are not read yet, publish it as GeoJSON")
        likely = [name for name in names if name.lower().endswith(ENDINGS) and not _about(name)]
        if len(likely) != 1:
            found = ", ".join(likely[:10]) or f"none among {', '.join(names[:10]) or 'no files'}"
            raise UnreadableError(f"a zip without meta.xml needs exactly one table or JSON file; found: {found}")
        return open_inner(archive.source(likely[0], source))


def _about(name: str) -> bool:
    return name.rsplit("/", 1)[-1].split(".", maxsplit=1)[0].casefold() in _ABOUT
