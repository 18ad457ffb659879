"""`collect-assets check-url`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import address_rules, allow, as_json

if TYPE_CHECKING:
    from collect_assets.checking.report import UrlReport

WIDEST = 28  # characters of a cell of the first records
NARROWEST = 12  # for a column; those that do not fit are left out


@click.command("check-url")
@click.argument("url")
@click.option(
    "--plugin",
    default=None,
    envvar="COLLECT_ASSETS_PLUGIN",
    show_envvar=True,
    help="How it is harvested: arcgis, wfs, sparql, or blank for a plain GET.  [default: found by what answers]",
)
@click.option(
    "--parameters",
    default="{}",
    envvar="COLLECT_ASSETS_PARAMETERS",
    show_envvar=True,
    help='As in the register, such as \'{"id": ["reference"]}\'.',
)
@allow
@as_json
def command(
    url: str, plugin: str | None, parameters: str, allowed: str, allow_private_addresses: bool, json_: bool
) -> None:
    """Says whether a URL can be collected, and what its data look like. Nothing of a collection is touched.

    At most 50 MB are read, and of a service the first pages. Exits with 0 when it can be collected, with 1 when not.

    \b
    Examples:
      collect-assets check-url https://example.org/sites.csv
      collect-assets check-url https://example.org/arcgis/rest/services/trees/FeatureServer/0 --json
    """
    from collect_assets.checking.check import check_url
    from collect_assets.errors import SettingsError

    try:
        given = json.loads(parameters)
    except ValueError as error:
        raise SettingsError(f"--parameters {parameters!r}: not JSON: {error}") from error
    if not isinstance(given, dict):
        raise SettingsError(f'--parameters {parameters!r}: not a JSON object such as {{"id": ["reference"]}}')
    rules = address_rules(allowed, allow_private_addresses)
    report = check_url(url, plugin=plugin, parameters=given, rules=rules)
    click.echo(report.to_json()) if json_ else _print(report)
    sys.exit(0 if report.collectable else 1)


def _print(report: UrlReport) -> None:
    verdict = "can be collected" if report.collectable else "cannot be collected"
    click.secho(f"{verdict}: {report.url}", fg="green" if report.collectable else "red", bold=True)
    for problem in report.problems:
        click.secho(f"  {problem}", fg="yellow")
    for name, text in _facts(report).items():
        if text:
            click.echo(f"  {name:<11} {text}")
    if report.first_records:
        _print_records(report)


def _facts(report: UrlReport) -> dict[str, str]:
    part = "" if report.whole else ", of the first pages"
    declared = f"; the service counts {report.declared}" if report.declared is not None else ""
    return {
        "outcome": report.outcome + (f", status {report.status}" if report.status else ""),
        "plugin": report.plugin,
        "leads to": report.final_url if report.final_url != report.url else "",
        "redirects": " → ".join(f"{status} {url}" for status, url in report.redirects),
        "type": ", ".join(filter(None, (report.format, report.mime_type, report.encoding))),
        "declared as": report.content_type,
        "size": f"{report.size:,} bytes{part}" if report.size else "",
        "records": f"{report.records:,} read, {report.rejected:,} not{part}{declared}" if report.format else "",
        "id": " + ".join(report.id_rule) or ("the hash of the whole record" if report.records else ""),
        "duplicates": str(report.duplicates or ""),
        "geometry": ", ".join(f"{count:,} {kind.lower()}" for kind, count in report.geometry),
        "box": " ".join(f"{number:.5f}" for number in report.box or ()),
        "columns": ", ".join(report.columns),
        "notes": "; ".join(report.notes),
    }


def _print_records(report: UrlReport) -> None:
    """The first records as a table, as far as the terminal is wide."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    columns = report.columns[: max(1, console.width // NARROWEST)]
    table = Table()
    for name in columns:
        table.add_column(name, no_wrap=True, max_width=WIDEST)
    for record in report.first_records:
        table.add_row(*(_cell(record.get(name)) for name in columns))
    left = len(report.columns) - len(columns)
    click.echo("  first records" + (f", without {left} more columns" if left else ""))
    console.print(table)


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text.replace("[", "\\[")
