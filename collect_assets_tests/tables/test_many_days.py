"""F74: a day that is added costs what it brings, however many days there were before it."""

import json
import os
import subprocess
import sys
import time

from collect_assets.folding.fold import fold
from collect_assets_tests.index.kept import collection_at, day, keep, table

# Python tells of each folder that is listed and each file that is opened; in a process of its own, since that lasts.
FOLD = """
import datetime as dt, json, re, sys
from pathlib import Path
opened = []
sys.addaudithook(lambda what, about: what in ("open", "os.listdir", "os.scandir") and opened.append(str(about[0])))
from collect_assets.collection import Collection
from collect_assets.folding.fold import fold
from collect_assets.items.day import derive_day_records
collection, day = Collection.at(Path(sys.argv[1])), dt.date.fromisoformat(sys.argv[2])
derive_day_records(collection, day)
report = fold(collection, day)
days = [found[0] for path in opened if (found := re.findall(r"/(?:log|run)/(\\d{4}-\\d\\d-\\d\\d)", path))]
print(json.dumps({"days": sorted(set(days)), "folded": [str(each) for each in report.changes]}))
"""


def days_opened(folder, days):
    """The days whose logs are looked into when one day is added to many."""
    made = collection_at(folder)
    for number in range(days):
        keep(made, day(number), "one", table(("a", str(number), "x")))
    long_ago = time.time() - 86_400
    for path in (*made.log.rglob("*"), *made.log.parent.glob("run/*")):
        os.utime(path, (long_ago, long_ago))
    fold(made, day(days - 2))
    done = subprocess.run(
        [sys.executable, "-c", FOLD, str(made.folder), str(day(days - 1))],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["folded"] == [str(day(days - 1))]
    return told["days"]


def test_f74_a_day_that_is_added_looks_into_no_folder_of_a_day_that_is_long_over(tmp_path):
    few, many = days_opened(tmp_path / "few", 12), days_opened(tmp_path / "many", 24)
    assert len(many) == len(few) < 12
    assert str(day(23)) in many
    assert str(day(0)) not in many
