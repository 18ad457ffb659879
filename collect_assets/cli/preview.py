"""`collect-assets preview`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click

from collect_assets.cli.options import Day, as_json, collection_options, open_collection


@click.command("preview")
@collection_options
@click.option(
    "--entry-date",
    type=Day(),
    envvar="COLLECT_ASSETS_ENTRY_DATE",
    show_envvar=True,
    help="The day to look at, with all before it that is not indexed yet.  [default: the newest with logs]",
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    envvar="COLLECT_ASSETS_LIMIT",
    show_envvar=True,
    help="How many items to name.",
)
@as_json
def command(
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    entry_date: dt.date | None,
    limit: int,
    json_: bool,
) -> None:
    """Says what indexing would create, update, delete and hold, and leaves everything as it is.

    \b
    Examples:
      collect-assets preview --collection-dir collection/
      collect-assets preview --entry-date 2026-11-03 --json
    """
    from collect_assets.errors import NoLogsError
    from collect_assets.folding.preview import preview

    collection = open_collection(collection_dir, log_dir, resource_dir)
    days = collection.entry_dates()
    if not days:
        raise NoLogsError(f"{collection.log}: no day has been collected; run `collect-assets collect` first")
    found = preview(collection, entry_date or days[-1], limit=limit)
    if json_:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
        return
    for problem in found.problems:
        click.secho(str(problem), fg="yellow", err=True)
    if found.rebuilt:
        click.secho(f"would be built from nothing: {found.rebuilt}", fg="yellow", err=True)
    for each in found.refolded:
        click.echo(f"folded again: {each}")
    for day, change in found.changes.items():
        click.echo(f"{day}: {change}")
    for endpoint, item, what in found.first:
        click.echo(f"  {what} {endpoint[:12]} {item}")
    for held in found.held:
        click.secho(f"held: {held}", fg="yellow")
    if not found.changes:
        click.echo("nothing new")
