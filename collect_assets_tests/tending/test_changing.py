"""Adding endpoints and ending them: two registers change, and in them only the rows that are meant."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from collect_assets.collection import Collection
from collect_assets.errors import RegisterError
from collect_assets.registers import endpoint_id
from collect_assets.tending.changing import added, retired, write
from collect_assets.tending.findings import check_registers
from collect_assets_tests.collecting.kit import Folder
from collect_assets_tests.servers import Page, WebServer

TODAY = dt.date(2026, 3, 1)
URL, OTHER = "https://example.org/a.csv", "https://example.org/b,c.csv"
BEFORE = (
    "endpoint,endpoint-url,parameters,plugin,entry-date,start-date,end-date\r\n"
    f'{endpoint_id(OTHER)},"{OTHER}",,,"2024-01-01",,\r\n'
)


def lay(folder: Path) -> Collection:
    (folder / "endpoint.csv").write_text("\ufeff" + BEFORE, newline="")
    return Collection.at(folder, name="sites")


def add(collection: Collection, url: str = URL) -> None:
    write(
        added(
            collection,
            url,
            organisation="org:1",
            datasets=["site", "tree"],
            today=TODAY,
            source_cells={"licence": "ogl3"},
        )
    )


def test_an_endpoint_that_is_added_passes_the_check_and_leaves_the_others_to_the_byte(tmp_path: Path) -> None:
    collection = lay(tmp_path)

    add(collection)

    text = (tmp_path / "endpoint.csv").read_bytes().decode()
    assert text == f"\ufeff{BEFORE}{endpoint_id(URL)},{URL},,,2026-03-01,,\r\n"
    assert "ogl3,org:1,site;tree,2026-03-01,,\r\n" in (tmp_path / "source.csv").read_bytes().decode()
    assert [f.code for f in check_registers([tmp_path])] == ["no-source"]  # of the one that was there


def test_what_is_registered_already_is_refused_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match=r"endpoint\.csv, row 2: has this URL already"):
        add(lay(tmp_path), OTHER)

    assert not (tmp_path / "source.csv").exists()


def test_an_endpoint_that_is_retired_ends_with_its_sources_and_once(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    add(collection)

    write(retired(collection, {endpoint_id(URL)}, TODAY))
    write(retired(collection, {endpoint_id(URL)}, TODAY + dt.timedelta(days=9)))

    text = (tmp_path / "endpoint.csv").read_bytes().decode()
    assert text == f"\ufeff{BEFORE}{endpoint_id(URL)},{URL},,,2026-03-01,,2026-03-01\r\n"
    assert (tmp_path / "source.csv").read_bytes().decode().endswith(",2026-03-01\r\n")


def test_the_commands_check_print_and_write(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    who = ("--organisation", "org:1", "--dataset", "site", "--collection-dir", str(tmp_path), "--allow", "127.0.0.1")
    with WebServer({"/a.csv": Page(b"reference,name\n1,Oak\n")}) as server:
        url = server.url("/a.csv")
        tried = folder.run("add-endpoint", url, *who, "--dry-run")
        nothing = sorted(path.name for path in tmp_path.iterdir())
        done = folder.run("add-endpoint", url, *who)
        refused = folder.run("add-endpoint", server.url("/no.csv"), *who)
    ended = folder.run("retire", url, "--date", "2026-12-01", "--collection-dir", str(tmp_path))

    assert (tried.returncode, done.returncode, refused.returncode, ended.returncode) == (0, 0, 2, 0), done.stderr
    assert nothing == []
    assert f"+{endpoint_id(url)},{url}" in done.stdout.replace("\r", "")
    assert "There is nothing at this URL (status 404)" in refused.stderr
    assert "2026-12-01" in (tmp_path / "endpoint.csv").read_text()
