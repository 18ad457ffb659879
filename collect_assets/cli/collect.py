"""`collect-assets collect`: a drop-in for `digital-land collect`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import Line, address_rules, allow, as_json, collection_options
from collect_assets.cli.progress import Bar

if TYPE_CHECKING:
    import datetime as dt

    from collect_assets.collecting.day import DayReport
    from collect_assets.collection import Collection

SHOWN_FAILURES = 10
REFILL = "--refill-todays-logs"
REFILL_ALL = f"{REFILL}=true"


class Collect(click.Command):
    """Knows that what follows `--refill-todays-logs` is its value only where it is a boolean, else ENDPOINT_CSV."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Gives the option its value where none follows."""
        followed = zip(args, [*args[1:], None], strict=False)
        return super().parse_args(ctx, [REFILL_ALL if _is_bare_refill(*pair) else pair[0] for pair in followed])


def _is_bare_refill(argument: str, next_one: str | None) -> bool:
    return argument == REFILL and (next_one is None or click.BOOL.str_to_bool(next_one) is None)


@click.command("collect", cls=Collect)
@click.argument("endpoint_csv", required=False, type=click.Path(path_type=Path, dir_okay=False), envvar="ENDPOINT_CSV")
@collection_options
@click.option(
    REFILL,
    type=bool,
    is_flag=False,
    flag_value=True,
    default=False,
    envvar="REFILL_TODAYS_LOGS",
    show_envvar=True,
    help="Ask every endpoint again, also those with a log of today; a failure never replaces a good log.",
)
@click.option(
    "--mode",
    type=click.Choice(["default", "new", "failed", "refill"]),
    default="default",
    envvar="COLLECT_ASSETS_MODE",
    show_envvar=True,
    help="Whom to ask again: those with a passing failure (default), nobody (new), all that failed, or all (refill).",
)
@click.option(
    "--endpoint",
    "endpoints",
    type=Line(),
    multiple=True,
    envvar="COLLECT_ASSETS_ENDPOINT",
    show_envvar=True,
    help="Only this endpoint: its id, the start of it, or its URL. May be repeated; in the variable one per line.",
)
@click.option(
    "--organisation",
    default="",
    envvar="COLLECT_ASSETS_ORGANISATION",
    show_envvar=True,
    help="Only the endpoints that source.csv gives to this organisation.",
)
@allow
@click.option(
    "--fail-if-none",
    is_flag=True,
    envvar="COLLECT_ASSETS_FAIL_IF_NONE",
    show_envvar=True,
    help="Exit with 1 when the day has not one resource.",
)
@as_json
def command(
    endpoint_csv: Path | None,
    collection_dir: Path,
    log_dir: Path | None,
    resource_dir: Path | None,
    refill_todays_logs: bool,
    mode: str,
    endpoints: tuple[str, ...],
    organisation: str,
    allowed: str,
    allow_private_addresses: bool,
    fail_if_none: bool,
    json_: bool,
) -> None:
    """Fetches today what the endpoints of a register serve.

    Writes one log per endpoint and day, and one file per distinct answer, named by its sha256. What was fetched today
    is not fetched again. ENDPOINT_CSV is endpoint.csv in the collection's folder unless given. Exits with 0 when it did
    its work, whatever the endpoints answered.

    \b
    Examples:
      collect-assets collect
      collect-assets collect endpoint.csv --collection-dir collection/ --refill-todays-logs
      collect-assets collect --endpoint https://example.org/sites.csv
      collect-assets collect --mode failed --json
    """
    from contextlib import suppress
    from dataclasses import replace

    from collect_assets.collecting.day import collect_day
    from collect_assets.collecting.plan import Mode
    from collect_assets.collecting.selection import select
    from collect_assets.collecting.window import utc_now
    from collect_assets.collection import Collection
    from collect_assets.errors import RegisterError
    from collect_assets.tables.keeping import adopt_tables, keep_tables

    collection = Collection.at(collection_dir)
    collection = replace(collection, endpoint_csv=endpoint_csv, log_folder=log_dir, resource_folder=resource_dir)
    only = select(collection, endpoints, organisation)
    today = utc_now().date()
    with suppress(RegisterError):  # told when the tables are kept; what was adopted says what is new today
        adopt_tables(collection)
    with Bar("collecting", quiet=json_) as bar:
        report = collect_day(
            collection,
            today,
            mode=Mode.REFILL if refill_todays_logs else Mode(mode),
            only=only,
            rules=address_rules(allowed, allow_private_addresses),
            progress=lambda log, total: bar.step(total, f"{log.outcome}  {log.endpoint_url}"),
        )
    try:
        tables = keep_tables(collection)
    except RegisterError as error:  # a table of others that cannot be adopted; what was collected is kept
        click.secho(f"  {error}", fg="yellow", err=True)
    else:
        if tables.without_source and not json_:
            count = len(tables.without_source)
            note = f"  {count} endpoints have no row in source.csv; `collect-assets tables` lists them"
            click.secho(note, fg="yellow", err=True)
    _print_json(report) if json_ else _print(collection, report, today)
    if fail_if_none and not report.resources:
        sys.exit(1)


def _print_json(report: DayReport) -> None:
    shown = {
        "entry-date": report.entry_date.isoformat(),
        "logs": len(report.logs),
        "with-resource": len(report.resources),
        "distinct-resources": len(set(report.resources.values())),
        "already": report.already,
        "fetched": dict(report.fetched),
        "outcomes": report.outcomes,
        "lying": [log.endpoint_url for log in report.lying],
        "unverified": [log.endpoint_url for log in report.unverified],
        "skipped": dict(report.skips),
        "problems": [str(problem) for problem in report.problems],
    }
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


def _print(collection: Collection, report: DayReport, today: dt.date) -> None:
    for problem in report.problems:
        click.secho(f"  {problem}", fg="yellow", err=True)
    resources = report.resources
    click.echo(
        f"{collection.name} {today}: {sum(report.fetched.values())} asked now, {report.already} had their log already; "
        f"{len(report.logs)} logs, {len(resources)} with a resource, {len(set(resources.values()))} distinct"
    )
    for outcome, count in report.outcomes.items():
        click.echo(f"  {count:6}  {outcome}")
    for log in report.lying:
        click.secho(f"  says 304 to what has changed, and is asked unconditionally  {log.endpoint_url}", fg="yellow")
    if unverified := report.unverified:
        click.secho(f"  {len(unverified)} endpoints without a check of the certificate (ssl-verify)", fg="yellow")
    for log in report.failures[:SHOWN_FAILURES]:
        click.secho(f"  {log.outcome or log.status or log.exception}  {log.endpoint_url}", dim=True)
    if len(report.failures) > SHOWN_FAILURES:
        click.secho(
            f"  and {len(report.failures) - SHOWN_FAILURES} more in {collection.log / today.isoformat()}", dim=True
        )
