"""`collect-assets retire`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from collect_assets.cli.options import Day, collection_options, dry_run, open_collection, show_changes


@click.command("retire")
@click.argument("endpoints", nargs=-1, required=True)
@click.option(
    "--date",
    type=Day(),
    envvar="COLLECT_ASSETS_DATE",
    show_envvar=True,
    help="The first day on which it is no longer collected.  [default: today, in UTC]",
)
@dry_run
@collection_options
def command(
    endpoints: tuple[str, ...],
    date: dt.date | None,
    dry_run: bool,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
) -> None:
    """Ends ENDPOINTS: sets their end-date in endpoint.csv, and in the rows of source.csv that name them.

    An endpoint is named by its id, the beginning of it, or its URL. Rows that end before keep their end-date, and all
    other lines stay as they are. What changes is printed as a patch.

    \b
    Examples:
      collect-assets retire https://example.org/sites.csv
      collect-assets retire 2d910b7c 4addebbe --date 2026-12-01 --dry-run
    """
    from collect_assets.collecting.selection import select
    from collect_assets.collecting.window import utc_now
    from collect_assets.tending.changing import retired
    from collect_assets.tending.patch import write_changes

    collection = open_collection(collection_dir, log_dir, resource_dir)
    changes = retired(collection, select(collection, endpoints) or (), date or utc_now().date())
    show_changes(changes)
    if not changes:
        click.echo("nothing changes: they have ended already", err=True)
    elif not dry_run:
        write_changes(changes)
