"""`collect-assets compare`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import FOLDER, Day, as_json, open_collection
from collect_assets.cli.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collect_assets.tending.comparing import Compared, Differing
    from collect_assets.tending.comparing_tables import TableCompared


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
@click.option(
    "--shown",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    envvar="COLLECT_ASSETS_SHOWN",
    show_envvar=True,
    help="How many endpoints of a kind to show, those that differ on most days first; 0 shows all.",
)
@as_json
def command(a: Path, b: Path, first: dt.date | None, last: dt.date | None, shown: int, json_: bool) -> None:
    """Says how the folders A and B of a collection differ, in registers, logs, resources and tables.

    For a time in which two systems collect the same register; one of them may be digital-land-python. Times, run ids
    and what only one of the two writes are left out. Exits with 1 where anything differs. Changes nothing.

    \b
    Examples:
      collect-assets compare collection/ shadow/collection/
      collect-assets compare old/ new/ --from 2026-11-01 --json
    """
    from collect_assets.tending.comparing import compare

    sides = open_collection(a, None, None), open_collection(b, None, None)
    with Bar("comparing", quiet=json_) as bar:
        compared = compare(*sides, first=first, last=last, progress=bar.step)
    if json_:
        click.echo(json.dumps(_as_dict(compared), ensure_ascii=False, indent=2, default=str))
    else:
        _print(compared, shown)
    sys.exit(0 if compared.agrees else 1)


def _as_dict(compared: Compared) -> dict[str, object]:
    return {"agrees": compared.agrees, "rate": round(compared.rate, 6), "kinds": compared.kinds, **asdict(compared)}


def _print(compared: Compared, shown: int) -> None:
    from collect_assets.tending.comparing import KINDS

    for day in compared.days:
        kinds = ", ".join(f"{count} {kind}" for kind, count in day.kinds.items())
        click.echo(
            f"{day.entry_date}  {day.agree:6} of {day.endpoints} endpoints agree  {day.rate:6.1%}  {kinds}".rstrip()
        )
    for kind in KINDS:
        if found := compared.endpoints.get(kind):
            _print_kind(KINDS[kind], found, shown)
    click.echo(
        f"\nresources: {compared.both} in both, {len(compared.only_a)} only in A, {len(compared.only_b)} only in B"
    )
    for name, table in compared.tables.items():
        if table.missing != "A and B":
            click.echo(f"{name}: {_of_table(table)}")
    for damaged in compared.damaged:
        click.secho(damaged, fg="red")
    click.secho(f"{compared.rate:.2%} of all logs agree", bold=True)


def _print_kind(title: str, found: Mapping[str, Differing], shown: int) -> None:
    click.secho(f"\n{title}: {len(found)} endpoints, {sum(each.days for each in found.values())} logs", bold=True)
    often = sorted(found.items(), key=lambda item: (-item[1].days, item[0]))
    for endpoint, each in often[: shown or None]:
        days = f"{each.days} days, last on {each.last}" if each.days > 1 else f"on {each.last}"
        click.echo(f"  {endpoint[:12]}  {days}: A has {each.a}, B has {each.b}  {each.url}")
    if shown and len(found) > shown:
        click.secho(f"  and {len(found) - shown} more", dim=True)


def _of_table(table: TableCompared) -> str:
    if table.missing:
        return f"not in {table.missing}"
    if table.problem:
        return table.problem
    columns = ", ".join(f"{name} {count}" for name, count in sorted(table.columns.items(), key=lambda pair: -pair[1]))
    differ = f"{table.differ} differ ({columns})" if columns else "none differ"
    return f"{table.agree} rows agree, {differ}, {table.only_a} only in A, {table.only_b} only in B"
