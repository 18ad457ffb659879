"""Archives that others use to test their readers: what each must give. They lie where COLLECT_ASSETS_CORPUS says.

Never part of this package. The page in the docs is what the tests saw.
"""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

CORPUS = os.environ.get("COLLECT_ASSETS_CORPUS", "")
PAGE = Path(__file__).parents[2] / "docs" / "archives.md"
_BEFORE = """# Darwin Core Archives that others test with

Written by the tests (`collect_assets_tests/readers/test_corpus.py`) where the archives are at hand: what the inventory
of each says that is in it, what was read, and whether python-dwca-reader 0.17.1 gives the same rows, one by one, with
those of extensions. Where it refuses an archive its reason stands in the table. A folder was zipped first.

| archive | expected | seen | python-dwca-reader |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Published:
    """One archive, or the folder of one.

    Attributes:
        expected: `<records>`, and `+ <name> <rows>` for each extension; or a part of what is said to be wrong.
    """

    name: str
    expected: str

    @property
    def path(self) -> Path | None:
        found = sorted(path for path in Path(CORPUS).rglob(self.name) if "preston" not in str(path))
        return found[0] if found else None

    def content(self) -> bytes:
        path = self.path
        assert path
        if path.is_file():
            return path.read_bytes()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for member in sorted(path.iterdir()):
                archive.write(member, member.name)
        return packed.getvalue()


ARCHIVES = (
    Published("dwca-simple-test-archive.zip", "2"),
    Published("dwca-simple-test-archive.tgz", "2"),
    Published("dwca-simple-test-archive-enclosed.zip", "2"),
    Published("dwca-simple-dir", "4"),
    Published("dwca-simple-subdir.zip", "2"),
    Published("dwca-noheaders-1.zip", "2"),
    Published("dwca-noheaders-2.zip", "2"),
    Published("dwca-test-default.zip", "2"),
    Published("dwca-partial-default.zip", "2"),
    Published("dwca-meta-default-values", "2"),
    Published("dwca-csv-quote-dir", "2"),
    Published("dwca-star-test-archive.zip", "4 + VernacularName 4"),
    Published("dwca-2extensions.zip", "4 + Description 3 + VernacularName 4"),
    Published("dwca-ids.zip", "4 + Description 3 + VernacularName 4"),
    Published("dwca-orphaned-rows.zip", "4 + Description 3 + VernacularName 4, 3 orphans, 1 row not readable"),
    Published("dwca-missing-extension-details", "4"),
    Published("dwca-malformed-descriptor", "describes column 235"),
    Published("dwca-nometadata.zip", "2"),
    Published("dwca-default-metadata-filename.zip", "2"),
    Published("dwca-invalid-lacks-metadata", "2"),
    Published("dwca-metadata-windows1252-encoding", "4"),
    Published("dwca-simple-csv.zip", "3"),
    Published("dwca-simple-csv-dos.zip", "3"),
    Published("dwca-simple-csv-eml.zip", "3"),
    Published("dwca-simple-csv-notenclosed.zip", "3"),
    Published("dwca-invalid-simple-toomuch.zip", "exactly one table, JSON or spatial file"),
    Published("dwca-invalid-simple-two.zip", "exactly one table, JSON or spatial file"),
    Published("dwca-utf8-eol-test.zip", "1"),
    Published("gbif-results.zip", "158"),
    Published("gbif-results-lacks-s-metadata.zip", "158"),
    Published("gbif-results-whitespace-in-xml.zip", "158"),
    Published("dwca-empty.zip", "0"),
    Published("dwca-with-backslashes.zip", "100"),
    Published("dwca-one-hundred-20-percent-invalid-triplet.zip", "100"),
    Published("dwca-one-hundred-50-percent-invalid-with-dupes-triplet.zip", "100"),
    Published("dwca-one-hundred-dupe-triplet.zip", "100"),
    Published("dwca-one-hundred-good-triplets-dupe-and-missing-ids.zip", "100"),
    Published("dwca-one-hundred-good-triplets-dupe-ids.zip", "100"),
    Published("dwca-one-hundred-good-triplets-good-ids.zip", "100"),
    Published("dwca-one-thousand-good-triplets-no-id.zip", "1000"),
    Published("dwca_checklist-one-hundred-good-triplets-good-ids.zip", "2 + Occurrence 100"),
    Published("checklist_good_coreid.zip", "15"),
    Published("checklist_dupl_coreid.zip", "15"),
    Published("checklist_good_taxonid.zip", "15"),
    Published("checklist_missing_taxonid.zip", "15"),
)


def page(seen: dict[str, tuple[str, str]]) -> str:
    """The page in the docs, from what was seen of each archive and what came of python-dwca-reader."""
    rows = (f"| {a.name} | {a.expected} | {seen[a.name][0]} | {seen[a.name][1]} |\n" for a in ARCHIVES)
    return _BEFORE + "".join(rows)
