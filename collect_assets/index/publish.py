"""The index is one file, replaced whole: built aside under a lock, checkpointed, fsynced, and published by a link.

Every publication has a number of its own, because DuckDB replays a stale `.wal` into a file that is renamed over
another, and keeps one database per path within a process. Readers resolve the link, and never wait nor see half a day.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import IndexUnavailableError
from collect_assets.store.database import database, literal, quoted
from collect_assets.store.local import copy_file, file_lock, storage_errors, temporary
from collect_assets.store.syncing import sync

DAMAGE = (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
_NAME = re.compile(r"index-(\d+)\.")
FREE_SHARE, FEW_BLOCKS = 1 / 3, 64  # of 256 kB: below 16 MB nobody minds
LOCK_WAIT = 5.0  # seconds
_LOCKED = "Could not set lock"
KEPT = 2  # the published one, and the one before for its readers


def published(collection: Collection) -> Path | None:
    """The file behind the stable name; None when there is no index."""
    link = collection.index
    if not link.is_symlink():
        return None
    path = link.parent / link.readlink()
    return path if path.is_file() else None


def number_of(path: Path | None) -> int:
    """The number of a publication; 0 for none."""
    match = _NAME.match(path.name) if path else None
    return int(match.group(1)) if match else 0


@contextmanager
def reading(collection: Collection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the index as it is published now; later publications do not disturb it.

    Raises:
        IndexUnavailableError: there is none yet, or it is damaged; says what to do.
    """
    path = published(collection)
    if path is None:
        raise IndexUnavailableError(
            f"{collection.name}: there is no item index yet; materialise item_index, or run "
            f"`collect-assets index --collection-dir {collection.folder}`"
        )
    try:
        with ExitStack() as opened:
            connection = _open(opened, path)
            _check_length(connection, path)
            yield connection
    except DAMAGE as error:
        raise _locked(path) if _LOCKED in str(error) else _damaged(path, error) from error


def _open(opened: ExitStack, path: Path) -> duckdb.DuckDBPyConnection:
    """Waits a while where another program has the file open for writing, as a client does by default."""
    until = time.monotonic() + LOCK_WAIT
    while True:
        try:
            return opened.enter_context(database(path, read_only=True))
        except duckdb.IOException as error:
            if _LOCKED not in str(error) or time.monotonic() >= until:
                raise
        time.sleep(LOCK_WAIT / 50)


def _locked(path: Path) -> IndexUnavailableError:
    return IndexUnavailableError(
        f"{path}: another program has the item index open for writing; close it there, and open it read-only next time"
    )


def _check_length(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """DuckDB notices a file that was cut only when it comes to the missing blocks; this notices at once."""
    blocks = connection.execute("SELECT used_blocks * block_size FROM pragma_database_size()").fetchone()
    if blocks and path.stat().st_size < blocks[0]:
        raise duckdb.IOException(f"it has {path.stat().st_size} bytes and should have at least {blocks[0]}")


def _damaged(path: Path, error: Exception) -> IndexUnavailableError:
    reason = str(error).split("\n", 1)[0]
    return IndexUnavailableError(
        f"{path}: the item index cannot be read ({reason}); it is derived: build it again with "
        "`collect-assets index`, the result is the same"
    )


@contextmanager
def index_lock(collection: Collection) -> Iterator[None]:
    """One writer per index, over all processes of the machine."""
    with file_lock(collection.derived / "index.lock"):
        yield


@contextmanager
def building(collection: Collection, base: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writable copy of `base` (or a new file), published when the block ends well and removed when it does not.

    To be used under `index_lock`.

    Raises:
        StorageError: the disk is full, or the folder cannot be written; the published index is as it was.
    """
    folder = collection.derived
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("index-*.building*"):
        left.unlink()
    number = 1 + max((number_of(path) for path in folder.glob("index-*")), default=0)
    aside, final = folder / f"index-{number}.building", folder / f"index-{number}.duckdb"
    spill = temporary(collection.work)
    try:
        with storage_errors(aside):
            if base is not None:
                copy_file(base, aside)
            with database(aside, spill=spill) as connection:
                connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
                connection.execute("CHECKPOINT")
                compact = _compact(connection, aside)
            if compact is not None:
                compact.replace(aside)
            _publish(aside, final, collection.index)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
        for left in folder.glob(f"index-{number}.building*"):
            left.unlink()
    _drop_superseded(folder, number)


def _compact(connection: duckdb.DuckDBPyConnection, aside: Path) -> Path | None:
    """The same tables in a new file, where too much of this one is free; DuckDB never gives blocks back."""
    free, total = connection.execute("SELECT free_blocks, total_blocks FROM pragma_database_size()").fetchone() or (
        0,
        0,
    )
    if total < FEW_BLOCKS or free <= FREE_SHARE * total:
        return None
    compact = aside.with_name(f"{aside.name}.compact")
    (name,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    connection.execute(f"ATTACH {literal(compact)} AS compact; COPY FROM DATABASE {quoted(name)} TO compact")
    connection.execute("CHECKPOINT compact; DETACH compact")
    return compact


def _publish(aside: Path, final: Path, link: Path) -> None:
    if aside.with_name(aside.name + ".wal").exists():
        raise IndexUnavailableError(f"{aside}: was not checkpointed; free space and run again")
    sync(aside)
    aside.replace(final)
    new_link = link.with_name(f"{final.name}.link")
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(final.name)
    new_link.replace(link)
    sync(link.parent)


def _drop_superseded(folder: Path, number: int) -> None:
    for path in folder.glob("index-*"):
        if number_of(path) <= number - KEPT:
            # A reader that was killed leaves DuckDB's spill folder beside the file.
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
