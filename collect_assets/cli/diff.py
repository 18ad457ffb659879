"""`collect-assets diff`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from collect_assets.cli.options import as_json, collection_options, open_collection


@click.command("diff")
@click.argument("before")
@click.argument("after")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    envvar="COLLECT_ASSETS_LIMIT",
    show_envvar=True,
    help="How many records to show.",
)
@collection_options
@as_json
def command(
    before: str,
    after: str,
    limit: int,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    json_: bool,
) -> None:
    """Compares two resources, BEFORE and AFTER, record by record and field by field; exits with 1 where they differ.

    \b
    Examples:
      collect-assets diff 3f2a918c 91bb07de --collection-dir collection/
    """
    from collect_assets.searching.resource_diff import diff_resources

    found = diff_resources(open_collection(collection_dir, log_dir, resource_dir), before, after, limit=limit)
    if json_:
        click.echo(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        for record in found.first:
            click.secho(f"{record.change} {record.item}", bold=True)
            for each in record.fields:
                old, new = (json.dumps(value, ensure_ascii=False) for value in (each.before, each.after))
                click.echo(f"  {each.field}: {old} -> {new}")
        click.echo(f"{found.added} added, {found.removed} removed, {found.changed} changed")
    if found.added or found.removed or found.changed:
        click.get_current_context().exit(1)
