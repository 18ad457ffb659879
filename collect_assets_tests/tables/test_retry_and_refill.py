"""A day with a retry and one with a refill: each row as digital-land's rules make it, written here by hand.

The rules: one row for each log that is there in the end, in order of day and endpoint; bytes and content type as the
log says, else as the headers in their usual spelling say; of a resource the bytes of its first row, its endpoints, all
organisations and datasets of all their sources, ended or not, and the days of its first and last log.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from collect_assets.collecting.plan import Mode
from collect_assets.registers import endpoint_id
from collect_assets.tables.keeping import keep_tables
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, NOON, Folder
from collect_assets_tests.servers import Page, WebServer

SITES, TREES, PONDS = b"reference\n1\n", b"reference,name\n2,oak\n", b"reference,name\n3,mill\n"
CSV = {"Content-Type": "text/csv"}
OK = {
    "/same": Page(SITES, headers={**CSV, "ETag": '"sites"'}),
    "/refilled": Page(TREES, headers={"Content-Type": 'text/csv; name="a,b"'}),
    "/retried": Page(SITES, headers=CSV),
    "/gone": Page(PONDS, headers=CSV),
}
DOWN, GONE = Page(b"down", 503, headers={"Content-Type": "text/plain"}), Page(b"", 410)
MORE_TREES = Page(TREES + b"4,elm\n", headers=CSV)
SOURCES = """source,organisation,endpoint,pipelines,end-date
,org:2,{same},site,
,org:1,{same},tree;site,2020-01-01
,org:3,{retried},site,
,org:1,{refilled},tree,
,org:1,{gone},,
"""


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def collected(folder: Folder) -> tuple[Folder, dict[str, str]]:
    """Two days. On the first, an endpoint fails and is retried; on the second, one serves more at the refill."""
    with WebServer(dict(OK)) as web:
        urls = {path: web.url(path) for path in OK}
        names = {path.removeprefix("/"): endpoint_id(url) for path, url in urls.items()}
        folder.register(*urls.values())
        (folder.path / "source.csv").write_text(SOURCES.format(**names))
        web.pages["/retried"] = DOWN
        folder.collect()
        keep_tables(folder.collection)
        web.pages["/retried"] = OK["/retried"]
        folder.collect(mode=Mode.FAILED)
        keep_tables(folder.collection)
        web.pages["/gone"] = GONE
        folder.tomorrow()
        keep_tables(folder.collection)
        web.pages["/refilled"] = MORE_TREES
        folder.now = NOON + dt.timedelta(days=1, hours=2)
        folder.collect(NEXT_DAY, mode=Mode.REFILL)
        keep_tables(folder.collection)
        return folder, {path.removeprefix("/"): url for path, url in urls.items()}


def lines(path: Path) -> list[str]:
    text = path.read_bytes().decode()
    assert text.endswith("\r\n")
    return text.removesuffix("\r\n").split("\r\n")


def test_log_csv_has_each_log_as_it_was_in_the_end(collected: tuple[Folder, dict[str, str]]) -> None:
    folder, urls = collected
    said = {
        (DAY, "same"): (12, "text/csv", SITES, 200),
        (DAY, "refilled"): (21, '"text/csv; name=""a,b"""', TREES, 200),
        (DAY, "retried"): (12, "text/csv", SITES, 200),
        (DAY, "gone"): (22, "text/csv", PONDS, 200),
        (NEXT_DAY, "same"): (12, "text/csv", SITES, 200),
        (NEXT_DAY, "refilled"): (27, "text/csv", TREES + b"4,elm\n", 200),
        (NEXT_DAY, "retried"): (12, "text/csv", SITES, 200),
        (NEXT_DAY, "gone"): (0, "", None, 410),
    }
    expected = ["bytes,content-type,elapsed,endpoint,resource,status,entry-date,start-date,end-date,exception"]
    for day in (DAY, NEXT_DAY):
        for endpoint, name in sorted((endpoint_id(url), name) for name, url in urls.items()):
            size, kind, content, status = said[day, name]
            resource = hash_of(content) if content is not None else ""
            elapsed = folder.log(urls[name], day).elapsed
            expected.append(f"{size},{kind},{elapsed},{endpoint},{resource},{status},{day}T00:00:00.000000,,,")
    assert lines(folder.path / "log.csv") == expected


def test_resource_csv_has_what_is_named_in_the_end(collected: tuple[Folder, dict[str, str]]) -> None:
    folder, urls = collected
    both = ";".join(sorted(endpoint_id(urls[name]) for name in ("same", "retried")))
    refilled, gone = endpoint_id(urls["refilled"]), endpoint_id(urls["gone"])
    rows = {
        hash_of(SITES): f"12,org:1;org:2;org:3,site;tree,{both},{DAY},",
        hash_of(TREES): f"21,org:1,tree,{refilled},{DAY},{DAY}",
        hash_of(TREES + b"4,elm\n"): f"27,org:1,tree,{refilled},{NEXT_DAY},",
        hash_of(PONDS): f"22,org:1,,{gone},{DAY},{DAY}",
    }
    header = "resource,bytes,organisations,datasets,endpoints,start-date,end-date"
    assert lines(folder.path / "resource.csv") == [header, *(f"{name},{rows[name]}" for name in sorted(rows))]


def test_tables_kept_after_each_run_are_those_of_a_rebuild(collected: tuple[Folder, dict[str, str]]) -> None:
    folder, _ = collected
    kept = [(folder.path / name).read_bytes() for name in ("log.csv", "resource.csv")]
    for path in (folder.path / "log.csv", folder.path / "resource.csv"):
        path.unlink()
    keep_tables(folder.collection, rebuild=True)
    assert [(folder.path / name).read_bytes() for name in ("log.csv", "resource.csv")] == kept
