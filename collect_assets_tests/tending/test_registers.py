"""Checking registers, and putting right what is certain."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from collect_assets.registers import endpoint_id
from collect_assets.tending.editing import fixed, patch, read_text
from collect_assets.tending.findings import check_registers, collections_in, source_id

URL = "https://example.org/sites.csv"
ENDPOINT = "endpoint,endpoint-url,parameters,plugin,entry-date,start-date,end-date"
SOURCE = "source,attribution,collection,endpoint,organisation,pipelines,end-date"
ESTATE = Path(os.environ.get("COLLECT_ASSETS_CORPUS", "")) / "digital-land" / "config-collection"
on_the_estate = pytest.mark.skipif("COLLECT_ASSETS_CORPUS" not in os.environ, reason="COLLECT_ASSETS_CORPUS is not set")


def row(url: str = URL, *, endpoint: str | None = None, plugin: str = "", parameters: str = "", end: str = "") -> str:
    return f"{endpoint_id(url) if endpoint is None else endpoint},{url},{parameters},{plugin},2024-01-01,,{end}"


def source(url: str = URL, *, organisation: str = "org:1", end: str = "", id_: str | None = None) -> str:
    endpoint = endpoint_id(url) if url else ""
    made = source_id("sites", organisation, endpoint) if id_ is None else id_
    return f"{made},,sites,{endpoint},{organisation},site,{end}"


def lay(folder: Path, endpoints: list[str], sources: list[str] | None = None, **others: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "endpoint.csv").write_text("\r\n".join([ENDPOINT, *endpoints, ""]), newline="")
    (folder / "source.csv").write_text("\r\n".join([SOURCE, *(sources or []), ""]), newline="")
    for name, content in others.items():
        (folder / f"{name.replace('_', '-')}.csv").write_text(content)
    return folder


def codes(*folders: Path) -> list[tuple[str, int, str, str]]:
    return [(f.file, f.row, f.code, f.severity) for f in check_registers(folders)]


def test_registers_in_order_have_no_findings(tmp_path: Path) -> None:
    assert codes(lay(tmp_path / "sites", [row()], [source()])) == []


@pytest.mark.parametrize(
    ("endpoints", "sources", "found"),
    [
        ([row(endpoint="0" * 64)], [], ("endpoint.csv", 2, "hash-mismatch", "error")),
        ([row(""), row()], [source()], ("endpoint.csv", 2, "no-url", "warning")),
        ([row(plugin="ARCGIS")], [], ("endpoint.csv", 2, "unknown-plugin", "error")),
        ([row(parameters='"{""max-bytes"": ""many""}"')], [], ("endpoint.csv", 2, "bad-parameters", "error")),
        ([row(parameters='"{""max_byte"": 1}"')], [source()], ("endpoint.csv", 2, "unknown-parameter", "warning")),
        ([row(end="soon")], [], ("endpoint.csv", 2, "bad-date", "error")),
        ([row(), row(end="2025-01-01")], [source()], ("endpoint.csv", 3, "duplicate", "warning")),
        ([row(f"{URL}?token=abc")], [source(f"{URL}?token=abc")], ("endpoint.csv", 2, "secret", "warning")),
        ([row(f"{URL} ")], [source(f"{URL} ")], ("endpoint.csv", 2, "space", "warning")),
        ([row()], [], ("endpoint.csv", 2, "no-source", "warning")),
        ([row()], [source(end="2025-01-01")], ("endpoint.csv", 2, "only-ended-sources", "warning")),
        ([row(end="2025-01-01")], [source()], ("source.csv", 2, "ended-endpoint", "warning")),
        ([row()], [source(), source("https://example.org/b")], ("source.csv", 3, "no-endpoint", "error")),
        ([row()], [source(id_="f" * 32)], ("source.csv", 2, "source-hash", "error")),
    ],
)
def test_each_kind_of_mistake_is_found_where_it_stands(
    tmp_path: Path, endpoints: list[str], sources: list[str], found: tuple[str, int, str, str]
) -> None:
    assert found in codes(lay(tmp_path / "sites", endpoints, sources))


def test_old_resources_and_hosts_are_checked(tmp_path: Path) -> None:
    old = "old-resource,status,resource\na,410,\na,410,\nb,301,\nc,404,\n"
    folder = lay(tmp_path / "sites", [row()], [source()], old_resource=old, host="host,at-once\nexample.org,many\n")

    assert codes(folder) == [
        ("old-resource.csv", 3, "duplicate", "warning"),
        ("old-resource.csv", 4, "no-resource", "error"),
        ("old-resource.csv", 5, "bad-status", "error"),
        ("host.csv", 2, "bad-host", "error"),
    ]


def test_an_endpoint_of_two_collections_is_noted_in_both(tmp_path: Path) -> None:
    folders = [lay(tmp_path / name, [row()], [source()]) for name in ("sites", "trees")]

    assert [(f.collection, f.code) for f in check_registers(folders) if f.code == "in-two-collections"] == [
        ("sites", "in-two-collections"),
        ("trees", "in-two-collections"),
    ]


def test_a_register_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    broken, good = lay(tmp_path / "a", []), lay(tmp_path / "b", [row(end="soon")], [source()])
    (broken / "endpoint.csv").write_bytes(b"\xff\xfe\x00")

    assert [(f.collection, f.code) for f in check_registers([broken, good])][:2] == [
        ("a", "unreadable"),
        ("b", "bad-date"),
    ]


def test_only_what_is_certain_is_put_right_and_the_rest_stays_to_the_byte(tmp_path: Path) -> None:
    quoted = f'"{endpoint_id(URL + "2")}",{URL}2,,,2024-01-01,,'
    folder = lay(tmp_path / "sites", [row(endpoint=""), row(f"{URL}3", endpoint="0" * 64), quoted, quoted, row("x")],
                 [source(id_="f" * 32), source("", id_="e" * 32)])  # fmt: skip

    lines = fixed(folder / "endpoint.csv").split("\r\n")

    assert lines == [ENDPOINT, row(), row(f"{URL}3", endpoint="0" * 64), quoted, quoted, row("x"), ""]
    assert fixed(folder / "source.csv").split("\r\n")[1:3] == [source(), source("", id_="e" * 32)]


def test_rows_that_stand_there_twice_are_there_once(tmp_path: Path) -> None:
    folder = lay(tmp_path / "sites", [row(), row(), row(end="2025-01-01")])

    assert fixed(folder / "endpoint.csv").split("\r\n") == [ENDPOINT, row(), row(end="2025-01-01"), ""]


@on_the_estate
def test_the_real_estate_has_the_mistakes_that_it_is_known_for() -> None:
    counts = Counter((f.file, f.code) for f in check_registers(collections_in(ESTATE)))

    assert counts["endpoint.csv", "hash-mismatch"] == 4
    assert counts["endpoint.csv", "no-url"] == 3
    assert counts["source.csv", "source-hash"] == 47
    assert counts["endpoint.csv", "only-ended-sources"] == 10
    assert counts["old-resource.csv", "duplicate"] == 76
    assert counts["endpoint.csv", "space"] - 9 == 10  # nine have it inside; seven of these are still active


@on_the_estate
def test_the_patch_applies_and_leaves_nothing_that_it_was_for(tmp_path: Path) -> None:
    shutil.copytree(ESTATE, tmp_path / "estate", copy_function=shutil.copy)
    for path in (tmp_path / "estate").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    texts = []
    for folder in collections_in(tmp_path / "estate"):
        for name in ("endpoint.csv", "source.csv", "old-resource.csv"):
            if (folder / name).is_file():
                path = folder / name
                texts.append(patch(path.relative_to(tmp_path), read_text(path), fixed(path)))

    done = subprocess.run(
        ["git", "apply", "-"], input="".join(texts).encode(), cwd=tmp_path, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    counts = Counter(f.code for f in check_registers(collections_in(tmp_path / "estate")))
    assert counts["source-hash"] == 0
    assert counts["hash-mismatch"] == 4


def test_the_command_fails_on_errors_and_prints_a_patch(tmp_path: Path) -> None:
    folder = lay(tmp_path / "sites", [row(endpoint="")], [source(id_="f" * 32)])
    command = [sys.executable, "-c", "from collect_assets.cli import main; main()", "check-registers", str(tmp_path)]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    written = subprocess.run([*command, "--fix", "--write"], capture_output=True, text=True, check=False)
    again = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (checked.returncode, again.returncode) == (1, 0)
    assert "source.csv, row 2: source is not the md5" in checked.stdout
    assert f"+{source()}" in written.stdout
    assert codes(folder) == []
