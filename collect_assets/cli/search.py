"""`collect-assets search`."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import Day, Line, collection_options, open_collection

if TYPE_CHECKING:
    from collect_assets.index.search import Hits

CELL = 60


@click.command("search")
@click.argument("text", required=False, default="")
@collection_options
@click.option(
    "--where",
    "conditions",
    type=Line(),
    multiple=True,
    metavar="FIELD=VALUE",
    envvar="COLLECT_ASSETS_WHERE",
    show_envvar=True,
    help="A condition on a field, with = != > >= < or <=; FIELD=* for any value. May be repeated; in the variable one "
    "per line.",
)
@click.option(
    "--bbox",
    metavar="W,S,E,N",
    envvar="COLLECT_ASSETS_BBOX",
    show_envvar=True,
    help="Items whose geometry overlaps this box, in degrees.",
)
@click.option(
    "--as-of",
    type=Day(),
    envvar="COLLECT_ASSETS_AS_OF",
    show_envvar=True,
    help="As it was on that day.  [default: the newest]",
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    envvar="COLLECT_ASSETS_LIMIT",
    show_envvar=True,
    help="How many to show.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "jsonl", "csv"]),
    default="table",
    show_default=True,
    envvar="COLLECT_ASSETS_FORMAT",
    show_envvar=True,
)
def command(
    text: str,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    conditions: tuple[str, ...],
    bbox: str | None,
    as_of: dt.date | None,
    limit: int,
    format_: str,
) -> None:
    """Finds items in the index: TEXT is words that must all occur, in any case.

    \b
    Examples:
      collect-assets search "Café Royal" --collection-dir collections/brownfield-sites
      collect-assets search --where 'Hectares>=2' --where Deliverable=yes
      collect-assets search --bbox=-1.98,52.9,-1.84,53.0 --limit 5
      collect-assets search Gentiana --as-of 2026-11-02 --format jsonl
    """
    from collect_assets.index.query import Box, Condition
    from collect_assets.index.search import search

    found = search(
        open_collection(collection_dir, log_dir, resource_dir),
        text,
        where=[Condition.parse(condition) for condition in conditions],
        bbox=Box.parse(bbox) if bbox else None,
        as_of=as_of,
        limit=limit,
    )
    {"table": print_table, "jsonl": _print_lines, "csv": _print_csv}[format_](found)


def _print_lines(found: Hits) -> None:
    for hit in found.hits:
        shown = {
            "endpoint": hit.endpoint,
            "item": hit.item,
            "changed": hit.changed.isoformat(),
            "change": hit.change,
            "resource": hit.resource,
            "member": hit.member,
            "record-number": hit.record_number,
            "record": hit.record,
        }
        click.echo(json.dumps(shown, ensure_ascii=False))


def _print_csv(found: Hits) -> None:
    names = sorted({name for hit in found.hits for name in hit.record})
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["endpoint", "item", "changed", *names])
    for hit in found.hits:
        rows.writerow([hit.endpoint, hit.item, hit.changed, *(_text(hit.record.get(name)) for name in names)])
    click.echo(out.getvalue(), nl=False)


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def print_table(found: Hits) -> None:
    """The hits for people, with as much of each record as a few lines hold."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("item", "changed", "record"):
        table.add_column(column, overflow="fold")
    for hit in found.hits:
        fields = ((name, _text(value)) for name, value in hit.record.items() if _text(value) != hit.item)
        shown = "  ".join(f"{name}={value[:CELL]}" for name, value in fields)
        table.add_row(Text(hit.item), f"{hit.changed} {hit.change}", Text(shown[:300]))
    if found.hits:
        Console(soft_wrap=False).print(table)
    more = f", {len(found.hits)} shown" if found.total > len(found.hits) else ""
    click.echo(f"{found.total} items match, as of {found.as_of}{more}")
