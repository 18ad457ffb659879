"""`collect-assets check-registers`: what it prints, its exit codes, and patches that apply."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import Folder

A, B = "https://example.org/a.csv", "https://example.org/b.csv"
HEADER = "endpoint,endpoint-url,parameters,plugin,entry-date,start-date,end-date\r\n"


@pytest.fixture
def repository(folder: Folder) -> Folder:
    """A folder with spaces in its name, two collections in it, one with mistakes, and no line end at the last row."""
    root = folder.path / "my collections"
    for name in ("hedges", "trees"):
        (root / name).mkdir(parents=True)
        (root / name / "endpoint.csv").write_bytes(f"{HEADER}{endpoint_id(A)},{A},,,,,\r\n".encode())
    twice = f"{endpoint_id(B)},{B},,,,,\r\n"
    rows = f'{HEADER},"{A}","{{""id"": ""x""}}", ,,,\r\n{twice}{twice}{"0" * 64},{A},,,,,'
    (root / "trees" / "endpoint.csv").write_bytes(rows.encode())
    return Folder(root, environment=folder.environment)


MENDED = (
    f'{HEADER}{endpoint_id(A)},"{A}","{{""id"": ""x""}}",,,,\r\n{endpoint_id(B)},{B},,,,,\r\n{"0" * 64},{A},,,,,'
).encode()


def check(repository: Folder, *arguments: str, here: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        repository.command("check-registers", *arguments),
        cwd=here or repository.path,
        env=repository.shell,
        capture_output=True,
        check=False,
    )


def test_findings_are_grouped_by_collection_and_counted_and_errors_exit_with_1(repository: Folder) -> None:
    done = check(repository)
    out = done.stdout.decode()
    assert done.returncode == 1
    assert "trees: 2 errors, 3 warnings, 0 notes" in out
    assert "endpoint.csv, row 5: endpoint is not the sha256 of endpoint-url" in out
    assert out.splitlines()[-2] == "2 collections, 5 endpoints (5 active), 0 sources: 2 errors, 3 warnings, 0 notes"
    assert out.splitlines()[-1] == "3 of them can be mended with --fix"


def test_one_collection_without_errors_exits_with_0_and_with_1_when_strict_finds_a_warning(repository: Folder) -> None:
    assert check(repository, "hedges").returncode == 0
    assert check(repository, "hedges", "--strict").returncode == 0
    (repository.path / "hedges" / "endpoint.csv").write_bytes(f"{HEADER},{A},,,,,\r\n".encode())
    assert check(repository, "hedges").returncode == 0
    assert check(repository, "hedges", "--strict").returncode == 1


def test_a_folder_that_holds_none_exits_with_2(repository: Folder) -> None:
    done = check(repository, "/var/empty" if Path("/var/empty").is_dir() else "/proc/self/task")
    assert done.returncode == 2
    assert b"holds no collection" in done.stderr


def test_json_has_every_finding_with_its_file_row_code_and_fix(repository: Folder) -> None:
    shown = json.loads(check(repository, "--json").stdout)
    assert (shown["errors"], shown["warnings"], shown["notes"]) == (2, 3, 0)
    trees = next(one for one in shown["collections"] if one["collection"] == "trees")
    finding = next(each for each in trees["findings"] if each["code"] == "no-hash")
    assert (finding["row"], finding["severity"]) == (2, "warning")
    assert finding["file"].endswith("trees/endpoint.csv")
    assert finding["fix"] == {"remove": False, "cells": {"endpoint": endpoint_id(A)}}


@pytest.mark.parametrize("apply", [["git", "apply", "-"], ["patch", "-p1"]], ids=["git apply", "patch -p1"])
@pytest.mark.parametrize("outside", [False, True], ids=["here", "elsewhere"])
def test_the_patch_applies_and_mends_what_is_certain_byte_for_byte(
    repository: Folder, apply: list[str], outside: bool
) -> None:
    if shutil.which(apply[0]) is None:
        pytest.skip(f"there is no {apply[0]}")
    here = repository.path.parent / "tmp2" if outside else repository.path.parent
    here.mkdir(exist_ok=True)
    patch = check(repository, str(repository.path), "--fix", here=here)
    assert b"3 findings would be mended in 1 file, 2 are for people" in patch.stderr
    place = repository.path if outside else here
    done = subprocess.run(apply, cwd=place, input=patch.stdout, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (repository.path / "trees" / "endpoint.csv").read_bytes() == MENDED
    assert check(repository, "--fix").stdout == b""


def test_write_changes_the_files_as_the_patch_would_and_keeps_their_permissions(repository: Folder) -> None:
    path = repository.path / "trees" / "endpoint.csv"
    path.chmod(0o640)
    done = check(repository, "--fix", "--write")
    assert done.returncode == 1  # the wrong hash is for people
    assert path.read_bytes() == MENDED
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["endpoint.csv"]


def test_write_alone_is_refused(repository: Folder) -> None:
    assert check(repository, "--write").returncode == 2


@pytest.mark.parametrize("apply", [["git", "apply", "-"], ["patch", "-p1"]], ids=["git apply", "patch -p1"])
def test_the_patch_of_the_real_registers_applies_and_leaves_nothing_of_what_it_mends(
    folder: Folder, corpus: Path, apply: list[str]
) -> None:
    if shutil.which(apply[0]) is None:
        pytest.skip(f"there is no {apply[0]}")
    shutil.copytree(corpus / "config-collection", folder.path / "collection")
    subprocess.run(["chmod", "-R", "u+w", str(folder.path)], check=True)
    began = time.monotonic()
    patch = check(folder, "collection", "--fix", here=folder.path)
    assert time.monotonic() - began < 30
    done = subprocess.run(apply, cwd=folder.path, input=patch.stdout, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"0 findings would be mended in 0 files" in check(folder, "collection", "--fix", here=folder.path).stderr
    before = sorted((corpus / "config-collection").rglob("*.csv"))
    changed = [
        p
        for p in before
        if p.read_bytes() != (folder.path / "collection" / p.relative_to(corpus / "config-collection")).read_bytes()
    ]
    assert len(changed) == patch.stdout.count(b"--- a/") > 10
