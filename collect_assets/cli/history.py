"""`collect-assets history`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from collect_assets.cli.options import as_json, collection_options, open_collection

if TYPE_CHECKING:
    from collect_assets.searching.history import FieldChange, History


@click.command("history")
@click.argument("item")
@click.option(
    "--endpoint", default="", metavar="ENDPOINT", envvar="COLLECT_ASSETS_ENDPOINT", show_envvar=True,
    help="Whose item; as much of the beginning of its id as makes it one. Needed where several have that id.",
)  # fmt: skip
@collection_options
@as_json
def command(
    item: str, endpoint: str, collection_dir: Path, log_dir: Path | None, resource_dir: Path | None, json_: bool
) -> None:
    """Tells the whole life of ITEM: each version with its days, what changed in it, and where its bytes are.

    \b
    Examples:
      collect-assets history NO:12345 --collection-dir collection/
      collect-assets history B1-017 --endpoint 00050367 --json
    """
    from collect_assets.searching.history import history

    found = history(open_collection(collection_dir, log_dir, resource_dir), item, endpoint)
    if json_:
        click.echo(json.dumps(_as_dict(found), indent=2, ensure_ascii=False, default=str))
        return
    _print(found)


def _as_dict(found: History) -> dict[str, Any]:
    return {"versions": [vars(each) for each in found.versions], "withheld": [vars(each) for each in found.withheld]}


def _print(found: History) -> None:
    from collect_assets.searching.history import differences

    before: dict[str, Any] = {}
    for number, version in enumerate(found.versions):
        last = "today" if version.last_date is None else str(version.last_date)
        ended = f", then {version.ended}{f' ({version.why})' if version.why else ''}" if version.ended else ""
        click.secho(f"{version.first_date} to {last}: {version.change} {version.item}{ended}", bold=True)
        place = (
            f"{version.member}, record {version.record_number}" if version.member else f"record {version.record_number}"
        )
        click.echo(f"  {version.endpoint[:12]}, {version.observed}, {version.resource[:12]}, {place}")
        if number:
            for change in differences(before, version.record):
                click.echo(f"  {_line(change)}")
        else:
            click.echo(f"  {json.dumps(version.record, ensure_ascii=False)}")
        before = version.record
    for each in found.withheld:
        last = "today" if each.last_date is None else str(each.last_date)
        held = f", {each.held[:12]}" if each.held else ""
        click.secho(f"{each.first_date} to {last}: not applied ({each.reason}{held}): {each.change}", fg="yellow")
        if each.record is not None:
            for change in differences(before, each.record):
                click.echo(f"  {_line(change)}")


def _line(change: FieldChange) -> str:
    return f"{change.field}: {_text(change.before)} -> {_text(change.after)}"


def _text(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
