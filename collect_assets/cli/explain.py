"""`collect-assets explain`."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path

import click

from collect_assets.cli.options import Day, as_json, collection_options, open_collection


@click.command("explain")
@click.argument("endpoint")
@click.argument("entry_date", metavar="DATE", type=Day())
@collection_options
@as_json
def command(
    endpoint: str,
    entry_date: dt.date,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    json_: bool,
) -> None:
    """Says in plain words what happened to ENDPOINT on DATE, which rule decided it, and what the evidence is.

    ENDPOINT is an id, the beginning of one, or a URL.

    \b
    Examples:
      collect-assets explain https://example.org/sites.csv 2026-11-02
      collect-assets explain 2d910b7c 2026-11-02 --collection-dir collection/ --json
    """
    from collect_assets.collecting.window import utc_now
    from collect_assets.tending.explaining import explain

    collection = open_collection(collection_dir, log_dir, resource_dir)
    said = explain(collection, endpoint, entry_date, now=utc_now())
    if json_:
        click.echo(json.dumps([asdict(each) for each in said], ensure_ascii=False, indent=2))
        return
    last = ""
    for each in said:
        click.echo(f"{click.style(f'{each.about:<9}', bold=True) if each.about != last else ' ' * 9} {each.text}")
        last = each.about
