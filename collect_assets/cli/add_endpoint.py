"""`collect-assets add-endpoint`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import (
    Day,
    Line,
    address_rules,
    allow,
    collection_options,
    dry_run,
    open_collection,
    show_changes,
)

if TYPE_CHECKING:
    from collect_assets.checking.report import UrlCheck


@click.command("add-endpoint")
@click.argument("url")
@click.option(
    "--organisation", required=True, envvar="COLLECT_ASSETS_ORGANISATION", show_envvar=True, help="Who publishes it."
)
@click.option(
    "--dataset",
    "datasets",
    required=True,
    multiple=True,
    envvar="COLLECT_ASSETS_DATASET",
    show_envvar=True,
    type=Line(),
    help="What it feeds. May be repeated; in the variable one per line.",
)
@click.option(
    "--plugin",
    default=None,
    envvar="COLLECT_ASSETS_PLUGIN",
    show_envvar=True,
    help="How it is harvested.  [default: found by what answers]",
)
@click.option(
    "--parameters",
    default="",
    envvar="COLLECT_ASSETS_PARAMETERS",
    show_envvar=True,
    help="For its plugin and reader, as JSON.",
)
@click.option(
    "--documentation-url",
    default="",
    envvar="COLLECT_ASSETS_DOCUMENTATION_URL",
    show_envvar=True,
    help="The page that describes it.",
)
@click.option(
    "--licence", default="", envvar="COLLECT_ASSETS_LICENCE", show_envvar=True, help="Under which it is published."
)
@click.option(
    "--attribution",
    default="",
    envvar="COLLECT_ASSETS_ATTRIBUTION",
    show_envvar=True,
    help="How its source wants to be named.",
)
@click.option(
    "--start-date", type=Day(), envvar="COLLECT_ASSETS_START_DATE", show_envvar=True, help="Since when it is published."
)
@click.option(
    "--no-check", is_flag=True, envvar="COLLECT_ASSETS_NO_CHECK", show_envvar=True, help="Do not ask the URL first."
)
@dry_run
@allow
@collection_options
def command(
    url: str,
    organisation: str,
    datasets: tuple[str, ...],
    plugin: str | None,
    parameters: str,
    documentation_url: str,
    licence: str,
    attribution: str,
    start_date: dt.date | None,
    no_check: bool,
    dry_run: bool,
    allowed: str,
    allow_private_addresses: bool,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
) -> None:
    """Adds URL to the registers of a collection: a row to endpoint.csv, and one to source.csv.

    Where it is registered already for another organisation, it gets the row of source.csv only.

    It is checked first, as `check-url` does; what cannot be collected is not added. What changes is printed as a patch.

    \b
    Examples:
      collect-assets add-endpoint https://example.org/sites.csv --organisation local-authority:EXA --dataset site
      collect-assets add-endpoint https://example.org/a.csv --organisation o --dataset d --no-check --dry-run
    """
    from collect_assets.checking.check import check_url
    from collect_assets.collecting.day import user_agent
    from collect_assets.collecting.window import utc_now
    from collect_assets.errors import RegisterError
    from collect_assets.tending.changing import added, found_in_added
    from collect_assets.tending.patch import FileChange, write_changes

    collection = open_collection(collection_dir, log_dir, resource_dir)
    start = {"start-date": start_date.isoformat()} if start_date else {}
    described = {"documentation-url": documentation_url, "licence": licence, "attribution": attribution}

    today = utc_now().date()

    def with_plugin(found: str) -> list[FileChange]:
        return added(collection, url, organisation=organisation, datasets=datasets, today=today,
                     endpoint_cells={"plugin": found, "parameters": parameters, **start},
                     source_cells={**described, **start})  # fmt: skip

    with_plugin(plugin or "")  # what is registered already, or is no URL, is not asked for
    if not no_check:
        rules = address_rules(allowed, allow_private_addresses)
        report = check_url(url, plugin=plugin, parameters=json.loads(parameters or "{}"), rules=rules,
                           user_agent=user_agent(collection), headers=collection.settings.headers)  # fmt: skip
        if not report.collectable:
            raise RegisterError(f"{url} was not added: {_why(report)} (--no-check adds it all the same)")
        click.echo(f"checked: {report.summary}", err=True)
        plugin = report.plugin
    changes = with_plugin(plugin or "")
    for finding in found_in_added(collection.name, changes, today):
        click.secho(f"{finding.severity}: {finding.reason}", fg="yellow", err=True)
    show_changes(changes)
    if not dry_run:
        write_changes(changes)


def _why(report: UrlCheck) -> str:
    """What is wrong with a URL, and what to do."""
    from collect_assets.checking.shown import plain, sentences

    return plain(" ".join(sentences(finding) for finding in report.findings if finding.level == "error"))
