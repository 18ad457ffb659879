"""Joins everything into Definitions. Lists folders and reads settings; opens no register and no log.

Of a collection of others it reads the tables, until they are adopted: its days begin with them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from collect_assets.collection import BrokenCollection, Collection, collections_root, find_collections
from collect_assets.errors import SettingsError
from collect_assets.orchestration.broken import broken_asset
from collect_assets.orchestration.checking import check_url_job
from collect_assets.orchestration.collecting import collecting_assets, endpoint_asset
from collect_assets.orchestration.derived import item_index_asset, record_asset
from collect_assets.orchestration.item_jobs import item_jobs
from collect_assets.orchestration.jobs import UnresolvedJob, collect_job, index_job, schedule
from collect_assets.orchestration.kit import Kit
from collect_assets.orchestration.names import Names, mapped_name
from collect_assets.orchestration.resources import Clock, Network
from collect_assets.orchestration.sensors import Watched, sensors


@dataclass(frozen=True)
class Built:
    """What one collection is in Dagster."""

    kit: Kit
    assets: tuple[dg.AssetsDefinition, ...]
    collect_job: UnresolvedJob
    index_job: UnresolvedJob
    schedule: dg.ScheduleDefinition | None


@dataclass(frozen=True)
class Broken:
    """A collection that cannot be used, and the names under which it is shown."""

    collection: BrokenCollection
    names: Names


def build_definitions(
    root: Path | None = None, *, clock: Clock | None = None, network: Network | None = None
) -> dg.Definitions:
    """The definitions of every collection below a root.

    Args:
        root: the folder of collections; that of the environment when left out.
        clock: tells the time; the wall clock when left out.
        network: which non-public addresses may be asked; as the environment says when left out.
    """
    clock = clock or Clock()
    return join(build_each(found(root or collections_root()), clock), clock, network or Network.of_environment())


def join(each: Iterable[Built | Broken], clock: Clock, network: Network) -> dg.Definitions:
    """One Definitions of what was built for each collection."""
    each = list(each)
    built = [one for one in each if isinstance(one, Built)]
    broken = [broken_asset(one.collection, one.names) for one in each if isinstance(one, Broken)]
    return dg.Definitions(
        assets=[asset for one in built for asset in one.assets] + broken,
        jobs=[
            check_url_job,
            *item_jobs(one.kit.collection for one in built),
            *(job for one in built for job in (one.collect_job, one.index_job)),
        ],
        schedules=[one.schedule for one in built if one.schedule is not None],
        sensors=sensors([Watched(one.kit, one.collect_job, one.index_job) for one in built]) if built else [],
        resources={"clock": clock, "network": network},
        executor=dg.in_process_executor,
    )


def found(root: Path) -> list[Collection | BrokenCollection]:
    """The collections below a root; a root that cannot be read is a broken one, no root a note in the log."""
    if not root.exists():
        _note(f"{root}: no such folder, so there are no collections; set COLLECTIONS to where yours are, or make it")
        return []
    try:
        collections = find_collections(root)
    except SettingsError as error:
        return [BrokenCollection("collections", root, str(error))]
    if not collections:
        _note(f"{root}: holds no collections; each folder with an endpoint.csv is one")
    return collections


def _note(text: str) -> None:
    logging.getLogger("collect_assets").warning(text)


def build_each(collections: Iterable[Collection | BrokenCollection], clock: Clock) -> Iterator[Built | Broken]:
    """Builds each collection by itself; what one does wrong does not reach the others."""
    taken: dict[str, str] = {}
    for collection in collections:
        group = mapped_name(collection.name)
        if group in taken:
            yield _refused(collection, group, taken[group])
        else:
            taken[group] = collection.name
            yield _build(collection, clock)


def _build(collection: Collection | BrokenCollection, clock: Clock) -> Built | Broken:
    if isinstance(collection, BrokenCollection):
        return Broken(collection, Names(collection.name))
    try:
        kit = Kit.of(collection, clock.today())
        assets = (endpoint_asset(kit), collecting_assets(kit), record_asset(kit), item_index_asset(kit))
        job = collect_job(kit)
        return Built(kit, assets, job, index_job(kit), schedule(kit, job))
    except (dg.DagsterInvalidDefinitionError, OSError) as error:  # an owner, a cron line or a time zone that is none
        reason = f"{collection.registers / 'collection.toml'}: {error}"
        return Broken(BrokenCollection(collection.name, collection.folder, reason), Names(collection.name))


def _refused(collection: Collection | BrokenCollection, group: str, first: str) -> Broken:
    """A collection whose name is another one's in Dagster; it is shown under a name that is nobody's."""
    reason = f"its name is {group} in Dagster, as that of {first} is; rename one of the two folders"
    of_its_own = f"{collection.name} refused {hashlib.sha256(collection.name.encode()).hexdigest()[:8]}"
    return Broken(BrokenCollection(collection.name, collection.folder, reason), Names(of_its_own))
