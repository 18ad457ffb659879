"""`collect-assets raw`."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path

import click

from collect_assets.cli.options import Day, as_json, collection_options, open_collection


@click.command("raw")
@click.argument("item")
@click.option(
    "--endpoint",
    default="",
    metavar="ENDPOINT",
    envvar="COLLECT_ASSETS_ENDPOINT",
    show_envvar=True,
    help="Whose item; as much of the beginning of its id as makes it one. Needed where several have that id.",
)
@click.option(
    "--as-of",
    type=Day(),
    envvar="COLLECT_ASSETS_AS_OF",
    show_envvar=True,
    help="As it was on that day.  [default: as it was last]",
)
@collection_options
@as_json
def command(
    item: str,
    endpoint: str,
    as_of: dt.date | None,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    json_: bool,
) -> None:
    """Prints the very bytes of ITEM, cut out of what was served, and on standard error where they are.

    \b
    Examples:
      collect-assets raw NO:12345 --collection-dir collection/
      collect-assets raw B1-017 --as-of 2026-11-02 > as-served.csv
    """
    from collect_assets.searching.raw import raw

    found = raw(open_collection(collection_dir, log_dir, resource_dir), item, endpoint, as_of)
    version = found.version
    if json_:
        place = {"endpoint": version.endpoint, "entry-date": str(version.observed), "resource": version.resource}
        position = {"member": version.member, "record-number": version.record_number, "offset": found.offset}
        click.echo(json.dumps({**place, **position, "bytes": base64.b64encode(found.content).decode()}, indent=2))
        return
    where = f"{version.member}, " if version.member else ""
    click.echo(
        f"{version.observed} resource/{version.resource}: {where}record {version.record_number}, byte {found.offset}",
        err=True,
    )
    click.echo(found.content)
