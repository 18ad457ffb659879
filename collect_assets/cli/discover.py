"""`collect-assets discover`."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from collect_assets.cli.options import FOLDER, address_rules, allow, as_json, open_collection, parameters_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collect_assets.collection import Collection
    from collect_assets.discovery.found import Discovery, Found
    from collect_assets.discovery.review import Review

COLUMNS = ("endpoint", "endpoint-url", "parameters", "plugin", "entry-date", "start-date", "end-date")


@click.command("discover")
@click.argument("url")
@click.option(
    "-c",
    "--collection-dir",
    type=FOLDER,
    default=None,
    envvar="COLLECTION_DIR",
    show_envvar=True,
    help="The collection whose register is compared, and as which it is asked.  [default: none, all is listed]",
)
@parameters_option
@allow
@as_json
def command(
    url: str,
    collection_dir: Path | None,
    parameters: dict[str, Any],
    allowed: str,
    allow_private_addresses: bool,
    json_: bool,
) -> None:
    """Lists what URL offers as rows of endpoint.csv, and what a register lacks of it. Nothing is written.

    URL is the RSS feed of an IPT or of Symbiota, the access point of a DiGIR, BioCASe or TAPIR provider, a list of such
    services, or an OAI-PMH repository. With a collection only the rows that its register lacks are printed, those of
    what moved among them; what is gone, moved or ended is said beside them. Exits with 1 where there is something to
    decide. The provider is asked as the collection asks: by its host.csv, politeness, headers and user agent. Of
    parameters those count that say how an endpoint is asked, such as a credential.

    \b
    Examples:
      collect-assets discover https://ipt.example.org/rss.do
      collect-assets discover https://ipt.example.org/rss.do -c collection/ > new.csv
      collect-assets discover https://example.org/oai --json -c collection/
      collect-assets discover https://example.org/oai --parameters '{"credential": "herbarium"}'
    """
    from collect_assets.checking.typed import check_parameters
    from collect_assets.collecting.window import utc_now
    from collect_assets.discovery.discover import discover

    check_parameters("", parameters)
    collection = None if collection_dir is None else open_collection(collection_dir, None, None)
    found = discover(url, collection=collection, parameters=parameters,
                     rules=address_rules(allowed, allow_private_addresses))  # fmt: skip
    today = utc_now().date()
    compared = None if collection is None else _review(found, collection)
    wanted = found.found if compared is None else [*compared.new, *(move.found for move in compared.moved)]
    if json_:
        click.echo(_json(found, compared))
    else:
        _print_rows(wanted, today.isoformat())
        _print_review(found, compared)
    sys.exit(0 if compared is None or compared.agrees else 1)


def _review(found: Discovery, collection: Collection) -> Review:
    from collect_assets.collecting.window import utc_now
    from collect_assets.discovery.review import review
    from collect_assets.plugins import plugins
    from collect_assets.registers import read_endpoints

    register = read_endpoints(collection.register, plugins=plugins())
    return review(found, register.endpoints, utc_now().date())


def _print_rows(found: Iterable[Found], today: str) -> None:
    from collect_assets.discovery.found import row_of
    from collect_assets.registers import endpoint_id

    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in found:
        writer.writerow(row_of(one, endpoint_id(one.url), today))


def _print_review(found: Discovery, compared: Review | None) -> None:
    title = f" {found.title!r}" if found.title else ""
    number = len(found.found)
    _say(f"{found.kind}{title}: {number} {'endpoint' if number == 1 else 'endpoints'}", bold=True)
    if compared is None:
        for one in found.found:
            _say(f"  {_described(one)}")
    else:
        _say(f"  {len(compared.known)} known")
        for one in compared.new:
            _say(f"  new: {_described(one)}")
        for one in compared.ended:
            _say(f"  there, though its row has ended: {_described(one)}")
        for move in compared.moved:
            _say(f"  moved: {move.before.url} → {_described(move.found)}")
        for row in compared.gone:
            _say(f"  gone: {row.url} (row {row.row}); give it an end-date with `collect-assets retire`")
    for problem in found.problems:
        click.secho(f"  {problem}", fg="yellow", err=True)


def _described(one: Found) -> str:
    said = [one.title, f"{one.declared_count:,} records" if one.declared_count is not None else "", one.note]
    return f"{one.url}  {', '.join(filter(None, said))}".rstrip()


def _say(text: str, *, bold: bool = False) -> None:
    click.secho(text, bold=bold, err=True)


def _json(found: Discovery, compared: Review | None) -> str:
    said: dict[str, object] = asdict(found)
    if compared is not None:
        said["review"] = {
            "known": [one.url for one in compared.known],
            "new": [one.url for one in compared.new],
            "moved": [{"from": move.before.url, "to": move.found.url} for move in compared.moved],
            "ended": [one.url for one in compared.ended],
            "gone": [row.url for row in compared.gone],
        }
    return json.dumps(said, ensure_ascii=False, indent=2)
