"""Archives that were published for real, or that others test with: each gives what its inventory says."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dwca.exceptions import InvalidArchive
from dwca.read import DwCAReader

from collect_assets.collecting.log import read_logs
from collect_assets.folding.fold import fold
from collect_assets.items.canonical import canonical_text, json_text
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, QUICK, Folder
from collect_assets_tests.readers.corpus import ARCHIVES, CORPUS, PAGE, Published, page
from collect_assets_tests.servers import Page, WebServer

pytestmark = [
    pytest.mark.skipif(not CORPUS, reason="COLLECT_ASSETS_CORPUS names no folder of archives"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROWS_REFUSED = {"dwca-orphaned-rows.zip": 1}  # with a cell too many
SEEN: dict[str, tuple[str, str]] = {}


def found(name: str) -> Path:
    paths = sorted(Path(CORPUS).rglob(name))
    if not paths:
        pytest.skip(f"{name} is not in {CORPUS}")
    return paths[0]


def shown(read) -> str:
    """What was read, in the words of the table."""
    if read.report.problem:
        return read.report.problem
    lists = Counter[str]()
    for record in read.records:
        lists.update({name: len(rows) for name, rows in record.items() if isinstance(rows, list)})
    said = " + ".join([str(read.report.records), *(f"{name} {count}" for name, count in sorted(lists.items()))])
    orphans = sum(int(note.split(": ")[1].split()[0]) for note in read.report.notes if "belong to no record" in note)
    said += f", {orphans} orphans" if orphans else ""
    return said + (f", {read.report.rejected} row not readable" if read.report.rejected else "")


def peer_records(path: Path) -> list[dict[str, Any]]:
    """The rows that python-dwca-reader gives, as records of ours are written."""
    with DwCAReader(str(path)) as archive:
        return [_record(row, archive.use_extensions) for row in archive]


def _record(row: Any, extended: bool) -> dict[str, Any]:
    record: dict[str, Any] = _filled(row.data)
    for extension in row.extensions if extended else []:
        record.setdefault(extension.rowtype.rsplit("/", 1)[-1], []).append(_filled(extension.data))
    return {key: sorted(value, key=json_text) if isinstance(value, list) else value for key, value in record.items()}


def _filled(cells: dict[str, str]) -> dict[str, str]:
    names = Counter(term.rsplit("/", 1)[-1] for term in cells)
    texts = {term: canonical_text(text) for term, text in cells.items() if text}
    return {name if names[name := term.rsplit("/", 1)[-1]] == 1 else term: text for term, text in texts.items() if text}


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda archive: archive.name)
def test_every_archive_gives_what_its_inventory_says_and_what_another_reader_gives(read, archive: Published):
    if archive.path is None:
        pytest.skip(f"{archive.name} is not in {CORPUS}")
    ours = read(archive.content())
    seen = shown(ours)
    if ours.report.problem:
        assert archive.expected in seen
    else:
        assert seen == archive.expected
    assert ours.report.rejected == ROWS_REFUSED.get(archive.name, 0)
    try:
        theirs = peer_records(archive.path)
    except InvalidArchive as error:
        SEEN[archive.name] = (seen, f"refuses it: {str(error).rstrip('.')}")
        return
    assert [_without_core_id(record) for record in ours.records] == [_without_core_id(record) for record in theirs]
    SEEN[archive.name] = (seen, "agrees")


def _without_core_id(record: dict[str, Any]) -> dict[str, Any]:
    """Without the id of a column that has no term, which is no cell for python-dwca-reader."""
    return {name: value for name, value in record.items() if name not in {"id", "coreid"}}


def test_the_docs_say_what_was_seen_of_the_archives():
    if set(SEEN) != {archive.name for archive in ARCHIVES}:
        pytest.skip("not all of the archives were read")
    before = PAGE.read_text() if PAGE.is_file() else ""
    if page(SEEN) != before:
        PAGE.write_text(page(SEEN))
    assert page(SEEN) == before, f"{PAGE.name} was not what was seen and is written anew: look at it and commit it"


def test_what_is_missing_or_doubled_in_ids_is_counted(read):
    missing = read(found("checklist_missing_taxonid.zip").read_bytes()).report
    doubled = read(found("dwca-one-hundred-good-triplets-dupe-and-missing-ids.zip").read_bytes()).report
    assert (missing.without_id, doubled.without_id, doubled.duplicates) == (2, 10, 10)


def test_the_second_capture_of_an_archive_changes_no_item(tmp_path):
    # Eleven days apart, and only the metadata differs: its ids, dates and versions.
    captures = [found(name).read_bytes() for name in ("dwca-20180905.zip", "dwca-20180916.zip")]
    pages = {"/archive.zip": lambda _: Page(body=captures[0], headers={"Content-Type": "application/zip"})}
    with WebServer(pages) as server:
        folder = Folder(tmp_path).settings(QUICK).register(server.url("/archive.zip"))
        folder.collect()
        del captures[0]
        folder.now += dt.timedelta(days=1)
        folder.collect(NEXT_DAY)
    logs = [read_logs(folder.collection, day)[0][0] for day in (DAY, NEXT_DAY)]
    assert logs[0].resource != logs[1].resource
    changes = fold(folder.collection, NEXT_DAY).changes
    first, second = changes[DAY], changes[NEXT_DAY]
    assert (first.created, first.updated, first.deleted) == (4956, 0, 0)
    assert (second.created, second.updated, second.deleted) == (0, 0, 0)


def test_three_captures_of_one_archive_have_the_same_records(read):
    names = ("dwca-20180905.zip", "dwca-20180905-repackaged.zip", "dwca-20180916.zip")
    captures = [read(found(name).read_bytes()) for name in names]
    assert captures[0].report.records == 4956
    assert captures[0].rows == captures[1].rows == captures[2].rows
