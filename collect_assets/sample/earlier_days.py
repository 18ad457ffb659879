"""Collects the three days that are behind the sample, with the project's own collector, and fixes what varies.

The clock is told, the provider tells the same; what is left that no clock decides (elapsed times, ids of runs) is set.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from collect_assets.collecting.day import collect_day
from collect_assets.collecting.log import canonical_json
from collect_assets.collection import Collection
from collect_assets.network.addresses import AddressRules
from collect_assets.sample.catalogue import COLLECTIONS, EARLIER_DAYS, PORT
from collect_assets.sample.chance import Chance
from collect_assets.sample.provider import serving

COLLECTED_AT = dt.time(0, 31, 7, tzinfo=dt.UTC)
FIXED_RUN = "5a3c91d2"  # in place of random digits
SOFTWARE = {"collect_assets": "sample"}  # in place of the versions of whoever made it
USER_AGENT = "collect_assets (sample)"  # the default names the version, and the logs would change with each


def collect_earlier_days(folder: Path) -> None:
    """Adds logs, resources, runs and copies of registers to the collections in a folder of the sample.

    Raises:
        SettingsError: the provider's port is taken.
        StorageError: the folder cannot be written.
    """
    collections = [_with_fixed_agent(Collection.at(folder / "collections" / name)) for name in COLLECTIONS]
    for day in EARLIER_DAYS:
        now = _stopped_clock(day)
        with serving(PORT, day.isoformat(), folder=folder, now=now):
            for collection in collections:
                collect_day(collection, day, rules=AddressRules.parse("127.0.0.0/8"), now=now)
    for collection in collections:
        _tidy(collection)


def _with_fixed_agent(collection: Collection) -> Collection:
    return replace(collection, settings=collection.settings.model_copy(update={"user_agent": USER_AGENT}))


def _stopped_clock(day: dt.date) -> Callable[[], dt.datetime]:
    moment = dt.datetime.combine(day, COLLECTED_AT)
    return lambda: moment


def _tidy(collection: Collection) -> None:
    """Leaves what a collection keeps for good, with fixed values for what no clock decides."""
    for day in EARLIER_DAYS:
        (run_file,) = collection.runs(day).iterdir()
        run = f"{run_file.stem.split('-')[0]}-{FIXED_RUN}"
        run_file = run_file.rename(run_file.with_stem(run))
        _write(run_file, {**_read(run_file), "run": run, "software": SOFTWARE})
        for path in (collection.log / day.isoformat()).iterdir():
            _write(path, {**_with_times(_read(path), Chance(f"{day}/{path.name}")), "run": run})
    shutil.rmtree(collection.work)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_bytes(canonical_json(content))


def _with_times(log: dict[str, Any], chance: Chance) -> dict[str, Any]:
    attempts = [{**attempt, "elapsed": chance.between(0.004, 0.05, 3)} for attempt in log["attempts"]]
    return {**log, "attempts": attempts, "elapsed": f"{sum(attempt['elapsed'] for attempt in attempts):.3f}"}
