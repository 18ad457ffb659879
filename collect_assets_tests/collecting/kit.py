"""A collection folder that tests fill and collect, with a clock of their own. No fixtures here, and no servers."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collect_assets.collecting.day import DayReport, collect_day
from collect_assets.collecting.log import Log, read_logs
from collect_assets.collecting.record import Collected, Record
from collect_assets.collection import Collection
from collect_assets.network.addresses import AddressRules
from collect_assets.registers import endpoint_id

DAY = dt.date(2026, 3, 1)
NEXT_DAY = dt.date(2026, 3, 2)
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LOOPBACK = AddressRules.parse("127.0.0.0/8")
COLUMNS = ("endpoint", "endpoint-url", "parameters", "plugin", "entry-date", "start-date", "end-date")
QUICK = """
[limits]
connect-timeout = 2.0
read-timeout = 5.0
attempts = 2
backoff = 0.01
[politeness]
pause-share = 0.0
slow-down = 1.0
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_log(collection: Collection, entry_date: dt.date, log: Log) -> None:
    collection.resources.folder.mkdir(exist_ok=True)
    Record(collection, entry_date).put([Collected(log)])


def csv_of(number: int, rows: int = 3) -> bytes:
    """A small CSV that no other number has."""
    return "".join(f"{number}-{row},Site {row}\n" for row in range(rows)).encode()


@dataclass
class Folder:
    """A collection in a folder; `now` is what its clock says, and tests move it."""

    path: Path
    now: dt.datetime = NOON
    environment: dict[str, str] = field(default_factory=dict)

    def settings(self, text: str) -> Folder:
        (self.path / "collection.toml").write_text(text)
        return self

    def register(self, *rows: str | Mapping[str, str]) -> Folder:
        """Writes `endpoint.csv`; a row is a URL, or columns by name."""
        with (self.path / "endpoint.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            for row in rows:
                columns = {"endpoint-url": row} if isinstance(row, str) else dict(row)
                url = columns["endpoint-url"]
                writer.writerow({"endpoint": endpoint_id(url) if url else "", "entry-date": "2026-01-01", **columns})
        return self

    @property
    def collection(self) -> Collection:
        return Collection.at(self.path)

    def collect(self, day: dt.date = DAY, **options: Any) -> DayReport:
        report = collect_day(self.collection, day, **{"rules": LOOPBACK, "now": lambda: self.now, **options})
        assert report.logs == tuple(read_logs(self.collection, day)[0])  # it does not read again what it wrote itself
        return report

    def tomorrow(self) -> DayReport:
        """Collects the day after, at its noon."""
        self.now = NOON + dt.timedelta(days=1)
        return self.collect(NEXT_DAY)

    def log(self, url: str, day: dt.date = DAY) -> Log:
        return Log.from_json(self.collection.log_path(day, endpoint_id(url)).read_bytes())

    def put_log(self, url: str, keys: Mapping[str, Any] | None = None, *, day: dt.date = DAY) -> Path:
        """Writes a log as another program might have."""
        path = self.collection.log_path(day, endpoint_id(url))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"endpoint-url": url, "entry-date": f"{day}T01:02:03.000004", **(keys or {})}))
        return path

    def put_resource(self, content: bytes) -> str:
        """Puts bytes into the store as an earlier run did."""
        path = self.collection.resources.path(sha256(content))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path.name

    def resources(self) -> dict[str, bytes]:
        folder = self.path / "resource"
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}

    def runs(self, day: dt.date = DAY) -> list[dict[str, Any]]:
        """The run files of a day, oldest first."""
        return [json.loads(path.read_bytes()) for path in sorted(self.collection.runs(day).glob("*.json"))]

    def left_in_work(self) -> list[str]:
        """What lies in `work`, but for the lock."""
        work = self.path / "work"
        return [path.name for path in work.iterdir() if path.name != "collecting.lock"] if work.is_dir() else []

    def sizes_in_work(self) -> Iterator[int]:
        """The sizes of what lies in `work` at this moment; a file that goes meanwhile has none."""
        for name in self.left_in_work():
            with suppress(FileNotFoundError):
                yield (self.path / "work" / name).stat().st_size

    def wrong_files(self) -> Iterator[str]:
        """Files under a final name that are not what that name promises."""
        for name, content in self.resources().items():
            if name != sha256(content):
                yield f"resource/{name}"
        for day in self.collection.entry_dates():
            yield from (problem.reason for problem in read_logs(self.collection, day)[1])
        for path in (self.path / "run").glob("*/*.json"):
            if not isinstance(json.loads(path.read_bytes()), dict):
                yield str(path)

    def command(self, *arguments: str) -> list[str]:
        """`collect-assets` as an argument vector of this Python."""
        code = "from collect_assets.cli import main; main()"
        return [sys.executable, "-c", code, *arguments]

    def collect_command(self, *more: str) -> list[str]:
        return self.command("collect", "--collection-dir", str(self.path), "--allow", "127.0.0.0/8", *more)

    @property
    def shell(self) -> dict[str, str]:
        """The environment for a command: ours, without settings of whoever runs the tests."""
        ours = {
            name: value for name, value in os.environ.items() if not name.startswith(("COLLECT", "LOG_", "RESOURCE_"))
        }
        return ours | self.environment

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.shell | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
