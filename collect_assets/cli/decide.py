"""`collect-assets decide`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import Day, as_json, collection_options, open_collection

if TYPE_CHECKING:
    from collect_assets.collection import Collection
    from collect_assets.items.decisions import Verdict


@click.command("decide")
@click.argument("verdict", type=click.Choice(["approve", "reject", "map"]), required=False)
@click.option(
    "--held", default="", metavar="HASH", envvar="COLLECT_ASSETS_HELD", show_envvar=True,
    help="The held set that is meant, by the beginning of its hash.",
)  # fmt: skip
@click.option(
    "--endpoint", default="", metavar="ENDPOINT", envvar="COLLECT_ASSETS_ENDPOINT", show_envvar=True,
    help="All that is held of this endpoint, by the beginning of its id.",
)  # fmt: skip
@click.option("--all", "all_", is_flag=True, envvar="COLLECT_ASSETS_ALL", show_envvar=True, help="All that is held.")
@click.option("--who", default="", envvar="COLLECT_ASSETS_WHO", show_envvar=True, help="Who decides; kept for ever.")
@click.option("--why", default="", envvar="COLLECT_ASSETS_WHY", show_envvar=True, help="Why; kept for ever.")
@click.option(
    "--entry-date", type=Day(), envvar="COLLECT_ASSETS_ENTRY_DATE", show_envvar=True,
    help="From when on it holds. Answers for earlier days stay.  [default: the newest day of the index]",
)  # fmt: skip
@click.option(
    "--ids", "ids_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="COLLECT_ASSETS_IDS",
    show_envvar=True,
    help="For map: a CSV with the columns old and new.  [default: the ids whose records say the same]",
)  # fmt: skip
@collection_options
@as_json
def command(
    verdict: Verdict | None,
    held: str,
    endpoint: str,
    all_: bool,
    who: str,
    why: str,
    entry_date: dt.date | None,
    ids_file: Path | None,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    json_: bool,
) -> None:
    """Decides on losses that are held: approve applies them, reject keeps the items, map gives them their new ids.

    Without a verdict it lists what waits, and exits with 1 where something does. A decision is a file in the folder
    decision/ of the collection; the next `collect-assets index` applies it.

    \b
    Examples:
      collect-assets decide --collection-dir collection/
      collect-assets decide approve --held 3f2a91 --who 'Ana Lid' --why 'they closed the register'
      collect-assets decide reject --endpoint 00050367 --why 'the server was half restored'
      collect-assets decide map --held 3f2a91 --why 'new catalogue numbers' --ids old-and-new.csv
    """
    from collect_assets.folding.holds import Choice, decide

    collection = open_collection(collection_dir, log_dir, resource_dir)
    if verdict is None:
        _list(collection, json_=json_)
        return
    ids = _read_ids(ids_file) if ids_file else None
    choice = Choice(held, endpoint, all_)
    paths = decide(collection, verdict, choice, who=who, why=why, entry_date=entry_date, ids=ids)
    if json_:
        click.echo(json.dumps([str(path) for path in paths]))
        return
    for path in paths:
        click.echo(f"{path}: written; `collect-assets index` applies it")


def _list(collection: Collection, *, json_: bool) -> None:
    from collect_assets.folding.holds import load_holds, same_content, sample
    from collect_assets.index.publish import reading

    with reading(collection) as connection:
        waiting = load_holds(connection)
        if json_:
            click.echo(json.dumps([{**vars(each), "entry_date": str(each.entry_date)} for each in waiting], indent=2))
        for each in [] if json_ else waiting:
            click.secho(str(each), fg="yellow")
            found = sample(connection, each, 5)
            for word, rows in (("delete", found.deletions), ("create", found.creations)):
                for item, record in rows:
                    click.echo(f"  {word} {item}: {_short(record)}")
            if each.open_creations and each.open_deletions:
                pairs = same_content(connection, collection, each)
                click.echo(
                    f"  {len(pairs)} of them say the same under another id: `decide map` would keep their history"
                )
    if not waiting and not json_:
        click.echo("nothing waits for a decision")
    if waiting:
        click.get_current_context().exit(1)


def _short(record: dict[str, object]) -> str:
    text = json.dumps(record, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:99]}…"


def _read_ids(path: Path) -> dict[str, str]:
    from collect_assets.csv_rows import read_rows

    rows = [row.cells for row in read_rows(path, path.read_bytes(), needed=("old", "new"))]
    return {row["old"]: row["new"] for row in rows}
