"""`collect-assets export`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import Day, as_json, collection_options, open_collection
from collect_assets.cli.query_options import across_option, find_all, query_options, say_left_out

if TYPE_CHECKING:
    from collect_assets.exporting.export import Export, Format
    from collect_assets.searching.query import Query


@click.command("export")
@query_options
@click.option(
    "--to",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    envvar="COLLECT_ASSETS_TO",
    show_envvar=True,
    help="The file to write; one that is there is replaced.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "ndjson", "parquet", "geojson", "dwca"]),
    envvar="COLLECT_ASSETS_FORMAT",
    show_envvar=True,
    help="Its format; dwca is a Darwin Core Archive.  [default: by the ending of the file, .zip for dwca]",
)
@click.option(
    "--as-of",
    type=Day(),
    envvar="COLLECT_ASSETS_AS_OF",
    show_envvar=True,
    help="As it was on that day.  [default: the newest]",
)
@as_json
@across_option
@collection_options
def command(
    query: Query,
    root: Path | None,
    path: Path,
    format_: Format | None,
    as_of: dt.date | None,
    json_: bool,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
) -> None:
    """Writes a subset of the items into a file, with a citation beside it: what was asked, and on what terms it came.

    TEXT and the options of the subset are those of `search`. Of a Darwin Core Archive the citation is inside.

    \b
    Examples:
      collect-assets export --to oaks.csv 'querc*' --where country=Norway --collection-dir collections/trees
      collect-assets export --to sites.geojson --bbox=-1.98,52.9,-1.84,53.0 --as-of 2026-11-02
      collect-assets export --to all.ndjson --collections collections/
      collect-assets export --to subset.zip --format dwca --where eventDate=1900,1950
    """
    from collect_assets.collection import Collection
    from collect_assets.exporting.export import export

    found = [open_collection(collection_dir, log_dir, resource_dir)] if root is None else find_all(root)
    say_left_out(f"{each.name}: {each.reason}" for each in found if not isinstance(each, Collection))
    usable = [each for each in found if isinstance(each, Collection)]
    _print(export(usable, query, path, format=format_, as_of=as_of), json_)


def _print(done: Export, json_: bool) -> None:
    say_left_out(done.left_out)
    if json_:
        beside = str(done.citation_path) if done.citation_path else None
        click.echo(json.dumps({"file": str(done.path), "format": done.format, "items": done.items, "citation": beside}))
        return
    click.echo(f"{done.items:,} items in {done.path}")
    click.echo(f"what to cite: {done.citation_path or 'citation.json in it'}")
    if unknown := sum(each.licence == "unknown" for each in done.citation.endpoints):
        click.echo(f"of {unknown} of {len(done.citation.endpoints)} endpoints nobody states a licence")
