"""`collect-assets run`: today's partition of every collection, through Dagster, and what came of it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import address_rules, allow, collections_option, home_option, sample_option

if TYPE_CHECKING:
    from collect_assets.orchestration.run import CollectionRun

SAMPLE_SEARCH = ("herbarium-specimens", "Gentiana")


@click.command("run")
@collections_option
@home_option
@sample_option
@click.option(
    "--search",
    "text",
    default="",
    envvar="COLLECT_ASSETS_SEARCH",
    show_envvar=True,
    help="Words for the search at the end.  [default: any item]",
)
@allow
def command(
    collections: Path, home: Path, sample: bool, text: str, allowed: str, allow_private_addresses: bool
) -> None:
    """Collects, reads and indexes today for every collection of a folder, through Dagster.

    Earlier days that have logs but that Dagster does not know yet are materialised too. What is there already is not
    fetched again.

    \b
    Examples:
      collect-assets run --sample
      collect-assets run --collections my-collections --search Hawthorn
    """
    from collect_assets.sample.install import install
    from collect_assets.sample.provider import serving

    began = time.monotonic()
    with ExitStack() as stack:
        if sample:
            made = install(collections)
            click.echo(f"sample provider: {stack.enter_context(serving())}")
            if made:
                click.echo(f"sample collections: {', '.join(str(folder) for folder in made)}")
            allowed = allowed or "127.0.0.1"
        address_rules(allowed, allow_private_addresses)  # a mistake in it is said before Dagster is loaded
        runs = _run(collections, home, "private" if allow_private_addresses else allowed)
    if not runs:
        raise click.UsageError(f"{collections}: holds no collection; a collection is a folder with an endpoint.csv")
    name, text = SAMPLE_SEARCH if sample and not text else (_searchable(runs), text)
    if name:
        _search(collections, name, text)
    many = "1 collection" if len(runs) == 1 else f"{len(runs)} collections"
    click.echo(f"\n{many} in {time.monotonic() - began:.1f} s; `collect-assets ui` or `make ui` opens Dagster's pages")
    if not all(run.success for run in runs):
        raise click.exceptions.Exit(1)


def _run(collections: Path, home: Path, allowed: str) -> list[CollectionRun]:
    from collect_assets.orchestration.resources import Network
    from collect_assets.orchestration.run import run_today

    runs = []
    for run in run_today(collections, home, network=Network(allow=allowed)):
        runs.append(run)
        _print(run)
    return runs


def _print(run: CollectionRun) -> None:
    click.secho(f"\n{run.collection}  {run.entry_date}", bold=True)
    if not run.success:
        click.secho(f"  failed: {run.problem}", fg="red")
        return
    n = run.counts
    if run.history:
        click.echo(
            f"  history     {len(run.history)} earlier days read and indexed: {run.history[0]} to {run.history[-1]}"
        )
    fetched = f"{n['log.fetched']} asked now" if n["log.fetched"] else "nothing to ask"
    click.echo(
        f"  endpoints   {n['endpoint.active']} active; {fetched}, {n['log.already']} had their log of today already"
    )
    click.echo(
        f"  logs        {n['log.collected']} collected ({n['log.not_modified']} not modified), "
        f"{n['log.failed']} failed, {n['log.refused']} refused, {n['log.skipped']} skipped"
    )
    click.echo(
        f"  resources   {n['resource.distinct']} distinct, {n['resource.new']} of them new, "
        f"{n['resource.bytes']:,} bytes"
    )
    click.echo(
        f"  items       {n['item_index.items']:,} now; today {n['item_index.created']} created, "
        f"{n['item_index.updated']} updated, {n['item_index.restored']} restored, {n['item_index.deleted']} deleted"
    )
    for check in run.failed_checks:
        click.secho(f"  check       {check}", fg="yellow")
    if not run.failed_checks:
        click.echo("  checks      all passed")


def _searchable(runs: list[CollectionRun]) -> str:
    return next((run.collection for run in runs if run.success and run.counts.get("item_index.items")), "")


def _search(collections: Path, name: str, text: str) -> None:
    from collect_assets.cli.search import print_table
    from collect_assets.collection import find_collections
    from collect_assets.searching.search import search

    collection = next(found for found in find_collections(collections) if found.name == name)
    words = f" {text!r}" if text else ""
    click.secho(f"\n$ collect-assets search{words} --limit 5 --collection-dir {collection.folder}", bold=True)
    print_table(search(collection, text, limit=5))  # type: ignore[arg-type]
