"""`collect-assets search`."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import Day, Line, collection_options
from collect_assets.cli.query_options import across_option, asked_index, query_options

if TYPE_CHECKING:
    from collect_assets.searching.query import Query
    from collect_assets.searching.search import Facet, Hits

CELL = 60


@click.command("search")
@query_options
@click.option(
    "--as-of",
    type=Day(),
    envvar="COLLECT_ASSETS_AS_OF",
    show_envvar=True,
    help="As it was on that day.  [default: the newest]",
)
@click.option(
    "--sort",
    metavar="FIELD",
    default="",
    envvar="COLLECT_ASSETS_SORT",
    show_envvar=True,
    help="By this field, -FIELD for the largest first.  [default: by rank of the words, else by endpoint and id]",
)
@click.option(
    "--facet",
    "facets",
    type=Line(),
    multiple=True,
    metavar="FIELD",
    envvar="COLLECT_ASSETS_FACET",
    show_envvar=True,
    help="Say how many of the items have each value of this field, instead of showing items. May be repeated; in the "
    "variable one per line.",
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
    "--after",
    metavar="CURSOR",
    default="",
    envvar="COLLECT_ASSETS_AFTER",
    show_envvar=True,
    help="The page after the one that ended with this.",
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
@across_option
@collection_options
def command(
    query: Query,
    root: Path | None,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    as_of: dt.date | None,
    sort: str,
    facets: tuple[str, ...],
    limit: int,
    after: str,
    format_: str,
) -> None:
    """Finds items in the index: TEXT is words that must all occur, in any case; word* for what begins so.

    Different options are all demanded.

    \b
    Examples:
      collect-assets search "Café Royal" --collection-dir collections/brownfield-sites
      collect-assets search --where 'Hectares>=2' --where Deliverable=yes --sort=-Hectares
      collect-assets search --bbox=-1.98,52.9,-1.84,53.0 --limit 5
      collect-assets search 'Gent*' --as-of 2026-11-02 --format jsonl
      collect-assets search --facet country --facet family --where eventDate=1900,1950
      collect-assets search oak --collections collections/
    """
    from collect_assets.searching.query import Sort

    with asked_index(root, collection_dir, log_dir, resource_dir) as index:
        if facets:
            found = [index.facet(name, query, as_of=as_of, limit=limit) for name in facets]
            _print_facets(found, format_)
            return
        order = Sort.parse(sort) if sort else None
        hits = index.search(query, as_of=as_of, sort=order, limit=limit, after=after)
    {"table": print_table, "jsonl": _print_lines, "csv": _print_csv}[format_](hits)
    if hits.after:
        click.echo(f"the next page: --after {hits.after}", err=True)


def _print_facets(facets: list[Facet], format_: str) -> None:
    rows = [
        (each.field, value, count) for each in facets for value, count in (*each.values, ("", each.missing)) if count
    ]
    if format_ == "jsonl":
        for field, value, count in rows:
            click.echo(json.dumps({"field": field, "value": value or None, "items": count}, ensure_ascii=False))
        return
    if format_ == "csv":
        from collect_assets.exporting.flat import harmless

        out = io.StringIO()
        csv.writer(out).writerows([("field", "value", "items"), *((f, harmless(v), n) for f, v, n in rows)])
        click.echo(out.getvalue(), nl=False)
        return
    for field, value, count in rows:
        click.echo(f"{count:>12,}  {field} = {value[:CELL]}" if value else f"{count:>12,}  without {field}")


def _print_lines(found: Hits) -> None:
    for hit in found.hits:
        shown = {
            **({"collection": hit.collection} if hit.collection else {}),
            "endpoint": hit.endpoint,
            "item": hit.item,
            "changed": hit.changed.isoformat(),
            "change": hit.change,
            "resource": hit.resource,
            "member": hit.member,
            "record-number": hit.record_number,
            **({"withheld": hit.withheld} if hit.withheld else {}),
            "record": hit.record,
        }
        click.echo(json.dumps(shown, ensure_ascii=False))


def _print_csv(found: Hits) -> None:
    from collect_assets.exporting.flat import harmless

    names = sorted({name for hit in found.hits for name in hit.record})
    out = io.StringIO()
    rows = csv.writer(out)
    several = any(hit.collection for hit in found.hits)
    rows.writerow([*(["collection"] if several else []), "endpoint", "item", "changed", *map(harmless, names)])
    for hit in found.hits:
        own = [*([hit.collection] if several else []), hit.endpoint, harmless(hit.item), hit.changed]
        rows.writerow([*own, *(harmless(_text(hit.record.get(name))) for name in names)])
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
        table.add_row(
            Text(f"{hit.collection}: {hit.item}" if hit.collection else hit.item),
            f"{hit.changed} {hit.change}{f', {hit.withheld[:17]}' if hit.withheld else ''}",
            Text(shown[:300]),
        )
    if found.hits:
        Console(soft_wrap=False).print(table)
    more = f", {len(found.hits)} shown" if found.total > len(found.hits) else ""
    click.echo(f"{found.total} items match, as of {found.as_of}{more}")
