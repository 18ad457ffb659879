"""Lays logs and resources as a collector would, without one: the fold knows nothing but files."""

import datetime as dt
import hashlib
from pathlib import Path

from collect_assets.collecting.log import Log
from collect_assets.collection import Collection
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import write_log

FIRST_DAY = dt.date(2026, 3, 1)


def day(number: int) -> dt.date:
    return FIRST_DAY + dt.timedelta(days=number)


def collection_at(folder: Path, toml: str = "") -> Collection:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "collection.toml").write_text(toml)
    (folder / "resource").mkdir(exist_ok=True)
    return Collection.at(folder)


def keep(
    collection: Collection, when: dt.date, name: str, content: bytes | None, *, partial: bool = False, **more: object
) -> Log:
    """A log of an endpoint, good where there is content, else failed; `partial` where some of its tasks failed."""
    url = f"https://example.org/{name}"
    resource = hashlib.sha256(content).hexdigest() if content is not None else ""
    if content is not None:
        collection.resources.path(resource).write_bytes(content)
    log = Log(
        endpoint=endpoint_id(url),
        endpoint_url=url,
        entry_date=f"{when}T00:00:00.000000",
        outcome="first" if resource and not partial else "failed:status",
        status="200" if resource else "500",
        resource="" if partial else resource,
        partial_resource=resource if partial else "",
        complete=not partial,
        bytes=len(content) if content is not None else None,
        run="a-run",
        **more,
    )
    write_log(collection, when, log)
    return log


def table(*rows: tuple[str, ...], header: str = "reference,name,notes") -> bytes:
    return "\n".join([header, *(",".join(row) for row in rows), ""]).encode()
