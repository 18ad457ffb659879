"""`collect-assets check-url`."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from collect_assets.cli.options import address_rules, allow, as_json, parameters_option

if TYPE_CHECKING:
    from rich.console import Console

    from collect_assets.checking.report import UrlCheck

WIDE = 20  # characters of a column of the first records
COLOURS = {"error": "red", "warning": "yellow", "note": ""}


@click.command("check-url")
@click.argument("url")
@click.option(
    "--plugin",
    envvar="COLLECT_ASSETS_PLUGIN",
    show_envvar=True,
    help="As a register would have it; GET for the plain one.  [default: the one that fits]",
)
@parameters_option
@click.option(
    "--max-bytes",
    type=int,
    default=10_000_000,
    show_default=True,
    envvar="COLLECT_ASSETS_CHECK_MAX_BYTES",
    show_envvar=True,
    help="Of a longer file only the start is looked at.",
)
@click.option(
    "--seconds",
    type=float,
    default=30.0,
    show_default=True,
    envvar="COLLECT_ASSETS_CHECK_SECONDS",
    show_envvar=True,
    help="For all requests together.",
)
@click.option(
    "--attempts",
    type=int,
    default=2,
    show_default=True,
    envvar="COLLECT_ASSETS_CHECK_ATTEMPTS",
    show_envvar=True,
    help="Of each request.",
)
@click.option(
    "--max-redirects",
    type=int,
    default=5,
    show_default=True,
    envvar="COLLECT_ASSETS_CHECK_MAX_REDIRECTS",
    show_envvar=True,
    help="Of each request.",
)
@click.option(
    "--first",
    type=click.IntRange(0, 1000),
    default=5,
    show_default=True,
    envvar="COLLECT_ASSETS_CHECK_FIRST",
    show_envvar=True,
    help="How many of the first records to show.",
)
@allow
@as_json
def command(
    url: str,
    plugin: str | None,
    parameters: dict[str, Any],
    max_bytes: int,
    seconds: float,
    attempts: int,
    max_redirects: int,
    first: int,
    allowed: str,
    allow_private_addresses: bool,
    json_: bool,
) -> None:
    """Says whether URL can be collected, and what would come: type, columns, records, ids, what is wrong.

    Finds the plugin that fits. Touches no collection and keeps nothing. Exits with 0 when it can be collected, with 1
    when not, with 2 when URL is no URL.

    \b
    Examples:
      collect-assets check-url https://example.org/sites.csv
      collect-assets check-url https://example.org/arcgis/rest/services/Trees/FeatureServer/0 --json
      collect-assets check-url https://example.org/sites.csv --parameters '{"id": "SiteReference"}'
    """
    from collect_assets.checking.asking import CheckLimits
    from collect_assets.checking.check import check_url

    signal.signal(signal.SIGTERM, _terminated)
    check = check_url(
        url,
        plugin=plugin,
        parameters=parameters,
        limits=CheckLimits(max_bytes, seconds, attempts, max_redirects),
        first=first,
        rules=address_rules(allowed, allow_private_addresses),
    )
    if json_:
        click.echo(check.to_json())
    else:
        print_check(check)
    sys.exit(0 if check.collectable else 2 if check.was_no_url else 1)


def _terminated(*_: object) -> None:
    """Ends as on Ctrl-C, so that the scratch is removed."""
    sys.exit(128 + signal.SIGTERM)


def print_check(check: UrlCheck) -> None:
    """The report for people, as wide as the terminal."""
    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    with console.capture() as printed:
        _print_summary(console, check)
        _print_findings(console, check)
        _print_records(console, check)
        _print_rejected(console, check)
        _print_choices(console, check)
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def _print_summary(console: Console, check: UrlCheck) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from collect_assets.checking.shown import facts, plain

    mark, colour = ("✓", "bold green") if check.collectable else ("✗", "bold red")
    console.print(Text(f"{mark} {plain(check.summary)}", colour))
    for finding in check.findings[:1]:
        if finding.what == check.summary and finding.advice:
            console.print(Padding(Text(plain(finding.advice)), (0, 0, 0, 2)))
    console.print()
    _print_pairs(console, [(word, plain(said)) for word, said in facts(check)])


def _print_pairs(console: Console, pairs: list[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", overflow="fold", max_width=console.width // 3)
    table.add_column(overflow="fold")
    for word, said in pairs:
        table.add_row(Text(f"  {word}"), Text(said.strip()))
    console.print(table)


def _print_findings(console: Console, check: UrlCheck) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from collect_assets.checking.shown import MARKS, plain

    told = [finding for finding in check.findings if finding.what != check.summary]
    if told:
        console.print("\nWhat to know", style="bold")
    for finding in told:
        said = Text(f"{MARKS[finding.level]} {plain(finding.what)}", COLOURS[finding.level])
        console.print(Padding(said, (0, 0, 0, 2)))
        if finding.advice:
            console.print(Padding(Text(plain(finding.advice)), (0, 0, 0, 4)))


def _print_records(console: Console, check: UrlCheck) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from collect_assets.checking.report import counted
    from collect_assets.checking.shown import cell, plain

    if not check.first_records:
        return
    columns = _fitting(check, console.width - 2)
    left_out = len({name for record in check.first_records for name in record}) - len(columns)
    more = f", without {left_out} more columns" if left_out else ""
    console.print(f"\nThe first {counted(len(check.first_records), 'record')}{more}", style="bold")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, width in columns.items():
        table.add_column(Text(plain(name)), no_wrap=True, overflow="ellipsis", width=width)
    for record in check.first_records:
        table.add_row(*(Text(cell(record.get(name), WIDE)) for name in columns))
    console.print(Padding(table, (0, 0, 0, 2)))


def _fitting(check: UrlCheck, width: int) -> dict[str, int]:
    """The columns of the first records that fit beside each other, the first ones first, with their widths."""
    from collect_assets.checking.shown import cell

    fitting: dict[str, int] = {}
    for name in dict.fromkeys(name for record in check.first_records for name in record):
        longest = max(len(text) for text in (name, *(cell(record.get(name), WIDE) for record in check.first_records)))
        needed = min(longest, WIDE)
        if fitting and needed > width:
            break
        fitting[name] = min(needed, width)
        width -= needed + 2
    return fitting


def _print_rejected(console: Console, check: UrlCheck) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from collect_assets.checking.shown import plain

    if check.first_rejected:
        console.print("\nRows that could not be read", style="bold")
    for row in check.first_rejected:
        where = f"line {row.line}" if row.line else f"record {row.record_number}"
        console.print(Padding(Text(f"{where}: {plain(row.reason)}"), (0, 0, 0, 2)))


def _print_choices(console: Console, check: UrlCheck) -> None:
    from collect_assets.checking.shown import plain

    if check.choices:
        console.print("\nWhat there is to choose from", style="bold")
        _print_pairs(console, [(plain(each.name), f"{plain(each.title)}\n{plain(each.url)}") for each in check.choices])
