"""`collect-assets describe`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from collect_assets.cli.options import as_json, collection_options, open_collection


@click.command("describe")
@collection_options
@as_json
def command(collection_dir: Path, log_dir: Path | None, resource_dir: Path | None, json_: bool) -> None:
    """Shows what is said of each endpoint: title, publisher, contact, licence, citation, counts, last update.

    The resource itself says it, as it was read by `index`: EML in a Darwin Core Archive, the metadata of a DiGIR, TAPIR
    or BioCASe provider, Identify of OAI-PMH. So does source.csv. The declared count is what the provider told the
    newest harvest that learned it, else what a document says. The table goes to derived/description.parquet too.

    \b
    Examples:
      collect-assets describe --collection-dir collection/
      collect-assets describe --json
    """
    from dataclasses import asdict

    from collect_assets.items.descriptions import describe, write_descriptions

    collection = open_collection(collection_dir, log_dir, resource_dir)
    found = describe(collection)
    path = write_descriptions(collection, found)
    if json_:
        rows = [{name.replace("_", "-"): value for name, value in asdict(said).items() if value} for said in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for said in found:
        click.echo(f"{said.endpoint_url or said.endpoint}  ({said.said_by})")
        shown = {name: value for name, value in asdict(said).items() if value}
        for name in [name for name in shown if name not in {"endpoint", "endpoint_url", "said_by"}]:
            click.echo(f"  {name.replace('_', ' ')}: {shown[name]}")
    click.echo(f"{len(found)} {'description' if len(found) == 1 else 'descriptions'}, in {path}")
    if not found:
        click.echo("nothing describes them: source.csv names none, and no resource that was read says anything; "
                   "`collect-assets index` reads them")  # fmt: skip
