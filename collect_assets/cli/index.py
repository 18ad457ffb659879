"""`collect-assets index`."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path

import click

from collect_assets.cli.options import Day, as_json, collection_options, open_collection
from collect_assets.cli.progress import Bar


@click.command("index")
@collection_options
@click.option(
    "--entry-date",
    type=Day(),
    envvar="COLLECT_ASSETS_ENTRY_DATE",
    show_envvar=True,
    help="Index the days up to this one.  [default: the newest with logs]",
)
@as_json
def command(
    collection_dir: Path, log_dir: Path | None, resource_dir: Path | None, entry_date: dt.date | None, json_: bool
) -> None:
    """Reads resources into records, follows every record as an item, and publishes the item index.

    Days that the index holds already cost nothing. What is derived may be deleted at any time; this builds it again.

    \b
    Examples:
      collect-assets index --collection-dir collection/
      rm -r collection/derived && collect-assets index --collection-dir collection/
    """
    from collect_assets.errors import NoLogsError, RegisterError
    from collect_assets.folding.fold import fold
    from collect_assets.tables.keeping import adopt_tables

    collection = open_collection(collection_dir, log_dir, resource_dir)
    try:
        adopt_tables(collection)
    except RegisterError as error:
        click.secho(f"  {error}", fg="yellow", err=True)
    days = collection.entry_dates()
    if not days:
        raise NoLogsError(f"{collection.log}: no day has been collected; run `collect-assets collect` first")
    with Bar("indexing", quiet=json_) as bar:
        report = fold(collection, entry_date or days[-1], progress=lambda day, _, total: bar.step(total, str(day)))
    if json_:
        changes = {day.isoformat(): asdict(change) for day, change in report.changes.items()}
        click.echo(
            json.dumps({"index": str(report.index), "horizon": str(report.horizon), "changes": changes}, indent=2)
        )
        return
    if report.rebuilt:
        click.secho(f"built from nothing: {report.rebuilt}", fg="yellow", err=True)
    for register_problem in report.problems:
        click.secho(str(register_problem), fg="yellow", err=True)
    for again in report.refolded:
        click.echo(f"folded again: {again}")
    for day, change in report.changes.items():
        click.echo(f"{day}: {change}")
        for endpoint, problem in change.problems.items():
            click.secho(f"  not read: {endpoint[:12]}: {problem}", fg="yellow")
        for endpoint, count in change.held.items():
            click.secho(
                f"  {count} changes of {endpoint[:12]} are held: `collect-assets decide` lists them", fg="yellow"
            )
    click.echo(f"{report.index}: up to {report.horizon}{'' if report.changes else ', nothing new'}")
