"""Archives that were published for real, where COLLECT_ASSETS_CORPUS says; never part of this package."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

CORPUS = os.environ.get("COLLECT_ASSETS_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="COLLECT_ASSETS_CORPUS names no folder of archives")

COUNTS = {
    "dwca-simple-test-archive.zip": 2,
    "dwca-simple-test-archive-enclosed.zip": 2,
    "dwca-simple-subdir.zip": 2,
    "dwca-noheaders-1.zip": 2,
    "dwca-noheaders-2.zip": 2,
    "dwca-test-default.zip": 2,
    "dwca-partial-default.zip": 2,
    "dwca-nometadata.zip": 2,
    "dwca-default-metadata-filename.zip": 2,
    "dwca-star-test-archive.zip": 4,
    "dwca-2extensions.zip": 4,
    "dwca-ids.zip": 4,
    "dwca-orphaned-rows.zip": 4,  # and a row of an extension with a cell too many
    "dwca-utf8-eol-test.zip": 1,
    "dwca-simple-csv.zip": 3,
    "dwca-simple-csv-dos.zip": 3,
    "dwca-simple-csv-eml.zip": 3,
    "dwca-simple-csv-notenclosed.zip": 3,
    "gbif-results.zip": 158,
    "gbif-results-lacks-s-metadata.zip": 158,
    "gbif-results-whitespace-in-xml.zip": 158,
    "dwca-20180905.zip": 4956,
    "dwca-20180905-repackaged.zip": 4956,
    "dwca-20180916.zip": 4956,
    "dwca-empty.zip": 0,
    "dwca-with-backslashes.zip": 100,
    "dwca-one-hundred-20-percent-invalid-triplet.zip": 100,
    "dwca-one-hundred-50-percent-invalid-with-dupes-triplet.zip": 100,
    "dwca-one-hundred-dupe-triplet.zip": 100,
    "dwca-one-hundred-good-triplets-good-ids.zip": 100,
    "dwca-one-hundred-good-triplets-dupe-ids.zip": 100,
    "dwca-one-hundred-good-triplets-dupe-and-missing-ids.zip": 100,
    "dwca-one-thousand-good-triplets-no-id.zip": 1000,
    "dwca_checklist-one-hundred-good-triplets-good-ids.zip": 2,
    "checklist_good_coreid.zip": 15,
    "checklist_dupl_coreid.zip": 15,
    "checklist_good_taxonid.zip": 15,
    "checklist_missing_taxonid.zip": 15,
}
FOLDERS = {
    "dwca-simple-dir": 4,
    "dwca-csv-quote-dir": 2,
    "dwca-missing-extension-details": 4,
    "dwca-meta-default-values": 2,
}


def found(name: str) -> Path:
    paths = sorted(Path(CORPUS).rglob(name))
    if not paths:
        pytest.skip(f"{name} is not in {CORPUS}")
    return paths[0]


@pytest.mark.parametrize("name", COUNTS)
def test_every_published_archive_yields_its_records(read, name):
    report = read(found(name).read_bytes()).report
    rejected = 1 if name == "dwca-orphaned-rows.zip" else 0
    assert (report.records, report.rejected, report.problem) == (COUNTS[name], rejected, "")


@pytest.mark.parametrize("name", FOLDERS)
def test_published_folders_yield_their_records_once_zipped(read, tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted(found(name).iterdir()):
            archive.write(path, path.name)
    report = read((tmp_path / "a.zip").read_bytes()).report
    assert (report.records, report.rejected, report.problem) == (FOLDERS[name], 0, "")


def test_what_is_missing_or_doubled_in_ids_is_counted(read):
    missing = read(found("checklist_missing_taxonid.zip").read_bytes()).report
    doubled = read(found("dwca-one-hundred-good-triplets-dupe-and-missing-ids.zip").read_bytes()).report
    assert (missing.without_id, doubled.without_id, doubled.duplicates) == (2, 10, 10)


def test_two_captures_of_one_archive_have_the_same_records(read):
    captures = [read(found(name).read_bytes()).rows for name in ("dwca-20180905.zip", "dwca-20180916.zip")]
    assert captures[0] == captures[1]


def test_a_descriptor_that_names_more_columns_than_there_are_is_a_problem(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted(found("dwca-malformed-descriptor").iterdir()):
            archive.write(path, path.name)
    assert "describes column 235" in read((tmp_path / "a.zip").read_bytes()).report.problem
