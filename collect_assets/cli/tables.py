"""`collect-assets tables`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from collect_assets.cli.options import as_json, collection_options, open_collection

SHOWN = 10


@click.command("tables")
@collection_options
@click.option(
    "--rebuild",
    is_flag=True,
    envvar="COLLECT_ASSETS_REBUILD",
    show_envvar=True,
    help="Read every log again, and write all of both tables.",
)
@as_json
def command(collection_dir: Path, log_dir: Path | None, resource_dir: Path | None, rebuild: bool, json_: bool) -> None:
    """Brings log.csv and resource.csv up to date, for readers that know digital-land's tables.

    `collect` does it too. Rows of a log.csv or resource.csv that others wrote, of days without logs of their own, are
    adopted first: such days are entry-dates like any other from then on, and no row is ever lost.

    \b
    Examples:
      collect-assets tables --collection-dir collection/
      collect-assets tables --rebuild
    """
    from collect_assets.tables.keeping import keep_tables

    collection = open_collection(collection_dir, log_dir, resource_dir)
    tables = keep_tables(collection, rebuild=rebuild)
    if json_:
        shown = {
            "days": tables.days,
            "written": tables.written,
            "adopted": tables.adopted,
            "without-source": list(tables.without_source),
            "problems": [problem.reason for problem in tables.problems],
        }
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    for problem in tables.problems:
        click.secho(f"  {problem.reason}", fg="yellow", err=True)
    for endpoint in tables.without_source[:SHOWN]:
        click.secho(f"  {endpoint}: has no row in source.csv; its organisations are left blank", fg="yellow", err=True)
    if len(tables.without_source) > SHOWN:
        click.secho(
            f"  and {len(tables.without_source) - SHOWN} more endpoints without a source", fg="yellow", err=True
        )
    if tables.adopted:
        click.echo(f"adopted {tables.adopted} logs from the tables that were there")
    click.echo(f"{collection.log_csv}: {tables.days} days, {tables.written} of them written now")
