"""`collect-assets compare`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import FOLDER, Day, as_json

if TYPE_CHECKING:
    from collect_assets.tending.comparing import Compared

SHOWN = 5


@click.command("compare")
@click.argument("a", type=FOLDER)
@click.argument("b", type=FOLDER)
@click.option(
    "--from",
    "first",
    type=Day(),
    envvar="COLLECT_ASSETS_FROM",
    show_envvar=True,
    help="The first entry-date that counts.",
)
@click.option(
    "--to", "last", type=Day(), envvar="COLLECT_ASSETS_TO", show_envvar=True, help="The last entry-date that counts."
)
@as_json
def command(a: Path, b: Path, first: dt.date | None, last: dt.date | None, json_: bool) -> None:
    """Says how the folders A and B of a collection differ, in logs, resources and tables.

    For a time in which two systems collect the same register; one of them may be digital-land-python. Exits with 1
    where anything differs.

    \b
    Examples:
      collect-assets compare collection/ shadow/collection/
      collect-assets compare old/ new/ --from 2026-11-01 --json
    """
    from collect_assets.cli.options import open_collection
    from collect_assets.tending.comparing import compare

    compared = compare(open_collection(a, None, None), open_collection(b, None, None), first=first, last=last)
    if json_:
        click.echo(json.dumps(asdict(compared), ensure_ascii=False, indent=2, default=str))
    else:
        _print(compared)
    sys.exit(0 if compared.agrees else 1)


def _print(compared: Compared) -> None:
    from collect_assets.tending.comparing import KINDS

    if not compared.registers_agree:
        click.secho("the registers differ", fg="yellow")
    for day in compared.days:
        share = f"{day.agree / day.both:.1%}" if day.both else "-"
        click.echo(f"{day.entry_date}  {day.agree:6} of {day.both} endpoints agree  {share:>6}")
    for kind, count in compared.kinds.most_common():
        click.secho(f"\n{count} times: {KINDS[kind]}", bold=True)
        each = [found for day in compared.days for found in day.differences if found.kind == kind]
        for found in each[:SHOWN]:
            click.echo(f"  {found.entry_date}  {found.url or found.endpoint}  A: {found.a}, B: {found.b}")
        if count > SHOWN:
            click.secho(f"  and {count - SHOWN} more; --json has them all", dim=True)
    only_a, only_b, both = compared.resources
    click.echo(f"\nresources: {both} in both, {only_a} only in A, {only_b} only in B")
    for name, (in_a, in_b, other, same) in compared.tables.items():
        click.echo(f"{name}: {same} rows agree, {other} differ, {in_a} only in A, {in_b} only in B")
    for damaged in compared.damaged:
        click.secho(damaged, fg="red")
