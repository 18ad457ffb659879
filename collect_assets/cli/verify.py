"""`collect-assets verify`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from collect_assets.cli.options import as_json, collection_options, open_collection
from collect_assets.cli.progress import Bar


@click.command("verify")
@collection_options
@as_json
def command(collection_dir: Path, log_dir: Path | None, resource_dir: Path | None, json_: bool) -> None:
    """Checks every log and every resource: readable, there, of its size, with the hash that it is named by.

    Exits with 1 when something is damaged or missing, with 2 when there is nothing to check. Changes nothing.

    \b
    Example:
      collect-assets verify --collection-dir collection/
    """
    from collect_assets.collecting.verify import verify

    collection = open_collection(collection_dir, log_dir, resource_dir)
    places = (collection.log, collection.resources.folder)
    if not any(place.is_dir() for place in places):
        raise click.UsageError(
            f"neither {places[0]} nor {places[1]} is there, so nothing can be verified; name the folder of a "
            "collection, or its --log-dir and --resource-dir"
        )
    with Bar("verifying", quiet=json_) as bar:
        report = verify(collection, progress=bar.step)
    if json_:
        click.echo(json.dumps(asdict(report), indent=2))
    else:
        for problem in report.problems:
            click.secho(f"  {problem}", fg="red")
        click.echo(
            f"{report.logs} logs and {report.resources} resources checked, {len(report.problems)} problems, "
            f"{report.unnamed} resources that no log names"
        )
    sys.exit(1 if report.problems else 0)
