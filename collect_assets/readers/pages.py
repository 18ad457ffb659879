"""A zip of XML documents: the pages of a harvest behind their `tasks.json`, or an archive that a provider made so.

Each page is read as what it is by itself; one that cannot be read is a reject, and the others count. Pages are copied
out one after the other, so that a harvest of any size takes the room of one page.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from collect_assets.errors import DescriptionError, UnreadableError
from collect_assets.readers.archive import Archive, open_archive
from collect_assets.readers.formats import open_source as open_inner
from collect_assets.readers.source import Description, Entry, Note, Reject, Scratch, Source, Stream
from collect_assets.store.canonical import TASKS

FORMAT = "pages"
VERSION = 3
PRIORITY = 9
MAX_TASKS = 64 << 20
_ABOUT = ("eml.xml", "metadata.xml")
_OTHERS = {"meta.xml", "[content_types].xml", "content.xml"}  # archives of tables, and office documents


def matches(source: Source) -> bool:
    """A zip with a list of tasks at its top, or with several XML documents that may be pages, and nothing else."""
    if not source.start.startswith(b"PK\x03\x04") or source.depth:
        return False
    try:
        with open_archive(source) as archive:
            last = [name.rsplit("/", 1)[-1].lower() for name in archive.names]
            only_pages = bool(last) and _OTHERS.isdisjoint(last) and all(map(_is_page, last))
            return TASKS in archive.names or (only_pages and len(_pages(archive)) != 1)  # one is read as itself
    except UnreadableError:
        return False


def open_source(source: Source) -> Stream:
    """The records of all pages, one page after the other."""
    return Stream(FORMAT, "", _entries(source), source.member)


def _is_page(name: str) -> bool:
    return name.lower().endswith(".xml")


def _entries(source: Source) -> Iterator[Entry | Reject | Note | Description]:
    scratch, seen = Scratch(source.scratch.work), Counter[tuple[str, str]]()
    try:
        with open_archive(replace(source, scratch=scratch)) as archive:
            for name in _pages(archive):
                yield from _page(archive, source, name, seen)
                scratch.clear()
    finally:
        scratch.clear()
    for (kind, encoding), count in sorted(seen.items()):
        yield Note(f"{count:,} pages read as {kind}{f', {encoding}' if encoding else ''}")


def _pages(archive: Archive) -> list[str]:
    """The pages in the order of their tasks; without a list of tasks, in the order of their names.

    Raises:
        UnreadableError: the list is damaged.
    """
    if TASKS not in archive.names:
        return [name for name in archive.names if name.rsplit("/", 1)[-1].lower() not in _ABOUT]
    try:
        return [str(task["page"]) for task in json.loads(archive.read(TASKS, MAX_TASKS))["tasks"]]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise UnreadableError(f'{TASKS} is not as expected: {{"tasks": [{{"page": "000001.xml", …}}, …]}}') from None


def _page(
    archive: Archive, source: Source, name: str, seen: Counter[tuple[str, str]]
) -> Iterator[Entry | Reject | Note | Description]:
    number = 1
    try:
        opened = _opened(archive, source, name)
        for entry in opened.entries:
            yield _named(entry, name)
            number += 1
        seen[opened.format, opened.encoding] += 1
        yield from map(Note, opened.notes)
    except DescriptionError as error:
        described = TASKS in archive.names  # a harvest begins with what the provider says of itself
        yield Note(f"{name} describes the provider") if described else Reject(number, None, f"{error} ({name})")
    except UnreadableError as error:
        yield Reject(number, None, f"{error} ({name})")


def _opened(archive: Archive, source: Source, name: str) -> Stream:
    opened = open_inner(archive.source(name, source))
    if not isinstance(opened, Stream):
        raise UnreadableError(f"a table ({opened.format}) among pages of XML")
    return opened


def _named(entry: Entry | Reject | Note | Description, name: str) -> Entry | Reject | Note | Description:
    """An entry with the page that it comes from."""
    if isinstance(entry, Entry):
        return Entry(entry.fields, entry.geometry, entry.entry_id, entry.deleted, name, entry.bound)
    return replace(entry, reason=f"{entry.reason} ({name})") if isinstance(entry, Reject) else entry
