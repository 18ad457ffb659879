"""`collect-assets changes`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import Day, as_json, collection_options
from collect_assets.cli.query_options import across_option, asked_index, query_options

if TYPE_CHECKING:
    from collect_assets.searching.feed import Change
    from collect_assets.searching.query import Query

_MARKS = {"created": "+", "restored": "+", "entered": "+", "updated": "~", "deleted": "-", "left": "-"}


@click.command("changes")
@query_options
@click.option(
    "--since",
    type=Day(),
    envvar="COLLECT_ASSETS_SINCE",
    show_envvar=True,
    help="The first entry-date to tell of.  [default: all days]",
)
@click.option(
    "--cursor",
    default="",
    envvar="COLLECT_ASSETS_CURSOR",
    show_envvar=True,
    help="What the last answer ended with: tells what came since, each change once.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    envvar="COLLECT_ASSETS_LIMIT",
    show_envvar=True,
    help="How many changes at most.",
)
@as_json
@across_option
@collection_options
def command(
    query: Query,
    root: Path | None,
    since: dt.date | None,
    cursor: str,
    limit: int,
    json_: bool,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
) -> None:
    """Tells what happened to the items of a subset, in order: created, updated, restored, deleted.

    Of a subset also `entered` and `left`, where an update made an item one of it, or none any more. With --json, one
    change a line; the last line is `{"cursor": …}`, to be given to the next call. Exits with 1, and says from which day
    to ask again, where a day that was told of turned out otherwise since.

    \b
    Examples:
      collect-assets changes --since 2026-11-02 --collection-dir collections/brownfield-sites
      collect-assets changes --where country=Norway --json --cursor "$CURSOR"
    """
    from collect_assets.searching.across import ManyIndexes
    from collect_assets.searching.feed import changes

    with asked_index(root, collection_dir, log_dir, resource_dir) as index:
        if isinstance(index, ManyIndexes):
            found = index.changes(query, since=since, cursor=cursor, limit=limit)
        else:
            found = changes(index, query, since=since, cursor=cursor, limit=limit)
        first = index.first
    if found.again_from is not None:
        again = max(found.again_from, first)
        if json_:
            click.echo(json.dumps({"again-from": again.isoformat()}))
        raise click.ClickException(f"the past turned out otherwise since that cursor; ask again with --since {again}")
    for each in found.changes:
        click.echo(json.dumps(_shown(each), ensure_ascii=False) if json_ else _line(each))
    if json_:
        click.echo(json.dumps({"cursor": found.cursor, "more": found.more}))
    elif found.more:
        click.echo(f"there is more: --cursor {found.cursor}", err=True)


def _shown(change: Change) -> dict[str, object]:
    return {
        **({"collection": change.collection} if change.collection else {}),
        "entry-date": change.day.isoformat(),
        "endpoint": change.endpoint,
        "item": change.item,
        "change": change.change,
        "record": change.record,
    }


def _line(change: Change) -> str:
    item = f"{change.collection}: {change.item}" if change.collection else change.item
    return f"{change.day}  {_MARKS[change.change]} {change.change:<8}  {item}"
