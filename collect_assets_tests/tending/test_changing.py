"""Adding endpoints and ending them: two registers change, and in them only the rows that are meant."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from collect_assets.collection import Collection
from collect_assets.errors import RegisterError, StorageError
from collect_assets.registers import endpoint_id
from collect_assets.tending.changing import added, retired
from collect_assets.tending.checking import check_registers
from collect_assets.tending.patch import FileChange, write_changes
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


def add(collection: Collection, url: str = URL, organisation: str = "org:1") -> None:
    write_changes(
        added(
            collection,
            url,
            organisation=organisation,
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
    assert [f.code for f in check_registers([tmp_path], today=TODAY).findings if f.code != "other-collection"] == [
        "bom",
        "no-source",  # of the one that was there
    ]


def test_an_endpoint_that_is_there_gets_another_source_and_no_row(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    add(collection, OTHER)
    add(collection, OTHER, organisation="org:2")

    assert (tmp_path / "endpoint.csv").read_bytes().decode() == "\ufeff" + BEFORE
    assert [line.split(",")[6] for line in (tmp_path / "source.csv").read_text().splitlines()[1:]] == ["org:1", "org:2"]
    assert {f.code for f in check_registers([tmp_path], today=TODAY).findings} <= {"bom", "other-collection"}


def test_what_is_registered_already_for_an_organisation_is_refused_with_its_row(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    add(collection, OTHER)
    before = (tmp_path / "source.csv").read_bytes()
    with pytest.raises(
        RegisterError, match=r"endpoint\.csv, row 2: .* already, and source\.csv, row 2 has it for org:1"
    ):
        add(collection, OTHER)

    assert (tmp_path / "source.csv").read_bytes() == before


def test_what_has_ended_is_refused_with_its_row(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    write_changes(retired(collection, {endpoint_id(OTHER)}, TODAY))
    with pytest.raises(RegisterError, match=r"endpoint\.csv, row 2: .* already, and ended on 2026-03-01"):
        add(collection, OTHER)


def test_an_endpoint_that_is_retired_ends_with_its_sources_and_once(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    add(collection)

    write_changes(retired(collection, {endpoint_id(URL)}, TODAY))
    write_changes(retired(collection, {endpoint_id(URL)}, TODAY + dt.timedelta(days=9)))

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


@pytest.mark.parametrize(
    ("url", "cells", "why"),
    [
        ("https://example.org/\x00.csv", {}, "NUL"),
        ("www.example.org/a.csv", {}, "has no scheme"),
        ("ftp://example.org/a.csv", {}, "cannot be asked"),
        (URL, {"plugin": "gopher"}, "unknown plugin"),
        (URL, {"parameters": "{"}, "not JSON"),
        (URL, {"plugin": "arcgis", "parameters": '{"max_page_size": -1}'}, "max_page_size"),
        (URL, {"start-date": "soon"}, "not a date"),
    ],
)
def test_what_would_not_pass_the_check_is_not_added(tmp_path: Path, url: str, cells: dict[str, str], why: str) -> None:
    with pytest.raises(RegisterError, match=why):
        added(lay(tmp_path), url, organisation="org:1", datasets=["site"], today=TODAY, endpoint_cells=cells)


def test_of_one_that_has_ended_it_is_said_when(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    write_changes(retired(collection, {endpoint_id(OTHER)}, TODAY))
    with pytest.raises(RegisterError, match=r"row 2: .* ended on 2026-03-01; take that end-date away"):
        add(collection, OTHER)


def test_registers_with_other_columns_in_another_order_get_what_they_have_room_for(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    (tmp_path / "source.csv").write_text("organisation,datasets,endpoint,licence", newline="")
    add(collection)
    assert (tmp_path / "source.csv").read_text() == (
        f"organisation,datasets,endpoint,licence\norg:1,site;tree,{endpoint_id(URL)},ogl3\n"
    )


def test_a_value_that_a_register_has_no_column_for_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    (tmp_path / "source.csv").write_text("organisation,endpoint\n", newline="")
    with pytest.raises(RegisterError, match=r"source\.csv: has no column licence"):
        add(collection)
    assert (tmp_path / "endpoint.csv").read_bytes() == f"\ufeff{BEFORE}".encode()


def test_an_end_that_is_to_come_is_brought_forward_and_one_that_has_passed_stays(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    add(collection)
    for day in (TODAY + dt.timedelta(days=9), TODAY, TODAY + dt.timedelta(days=3)):
        write_changes(retired(collection, {endpoint_id(URL)}, day))
    assert (tmp_path / "endpoint.csv").read_text().count("2026-03-01,,2026-03-01") == 1


def test_of_two_registers_both_are_written_or_none(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "source.csv").mkdir()  # a file cannot be renamed to a folder
    first = FileChange(tmp_path / "endpoint.csv", (tmp_path / "endpoint.csv").read_bytes(), b"new")
    with pytest.raises(StorageError):
        write_changes([first, FileChange(tmp_path / "source.csv", None, b"new")])
    assert (tmp_path / "endpoint.csv").read_bytes() == f"\ufeff{BEFORE}".encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["endpoint.csv", "source.csv"]


def test_a_register_that_somebody_else_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    collection = lay(tmp_path)
    changes = retired(collection, {endpoint_id(OTHER)}, TODAY)
    (tmp_path / "endpoint.csv").write_text("theirs")
    with pytest.raises(RegisterError, match="was changed meanwhile"):
        write_changes(changes)
    assert (tmp_path / "endpoint.csv").read_text() == "theirs"
