"""The options that several commands share, and how a collection is found from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    import datetime as dt

    from collect_assets.collection import Collection
    from collect_assets.network.addresses import AddressRules
    from collect_assets.tending.patch import FileChange

Function = TypeVar("Function", bound=Callable[..., Any])

FOLDER = click.Path(file_okay=False, path_type=Path)


def collection_options(function: Function) -> Function:
    """`--collection-dir`, `--log-dir` and `--resource-dir`, for every command that works on one collection."""
    for name in ("resource", "log"):
        function = click.option(
            f"--{name}-dir",
            type=FOLDER,
            envvar=f"{name.upper()}_DIR",
            show_envvar=True,
            help=f"Where {name}s are.  [default: {name}/]",
        )(function)
    return click.option(
        "-c",
        "--collection-dir",
        type=FOLDER,
        default=Path("collection"),
        envvar="COLLECTION_DIR",
        show_envvar=True,
        show_default=True,
        help="The folder of the collection, with log/ and resource/.",
    )(function)


def sample_option(function: Function) -> Function:
    """`--sample`, for commands that can show what they do."""
    return click.option(
        "--sample",
        is_flag=True,
        envvar="COLLECT_ASSETS_SAMPLE",
        show_envvar=True,
        help="Put the sample's collections there where they are missing, and serve them.",
    )(function)


def collections_option(function: Function) -> Function:
    """`--collections`, for commands that work on all of them."""
    return click.option(
        "--collections",
        type=FOLDER,
        default=Path("collections"),
        envvar="COLLECTIONS",
        show_envvar=True,
        show_default=True,
        help="The folder that holds the collections.",
    )(function)


def home_option(function: Function) -> Function:
    """`--home`, for commands that start Dagster."""
    return click.option(
        "--home",
        type=FOLDER,
        default=Path(".dagster"),
        envvar="DAGSTER_HOME",
        show_envvar=True,
        show_default=True,
        help="Where Dagster keeps its memory; made, with settings, where it is missing.",
    )(function)


def as_json(function: Function) -> Function:
    """`--json`, for programs that read the answer."""
    return click.option(
        "--json", "json_", is_flag=True, envvar="COLLECT_ASSETS_JSON", show_envvar=True, help="Print JSON for programs."
    )(function)


def parameters_option(function: Function) -> Function:
    """`--parameters`, for commands that ask a URL which is in no register."""
    return click.option(
        "--parameters",
        metavar="JSON",
        default="",
        callback=_parameters,
        envvar="COLLECT_ASSETS_PARAMETERS",
        show_envvar=True,
        help='As a register would have them, such as \'{"id": "reference"}\' or \'{"credential": "city-maps"}\'.',
    )(function)


def _parameters(ctx: click.Context, param: click.Parameter, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", ctx, param) from error
    if not isinstance(value, dict):
        raise click.BadParameter('has to be a JSON object, such as {"id": "reference"}', ctx, param)
    return value


def allow(function: Function) -> Function:
    """The operator's word on addresses: never a collection's setting."""
    function = click.option(
        "--allow-private-addresses",
        is_flag=True,
        envvar="COLLECT_ASSETS_ALLOW_PRIVATE_ADDRESSES",
        show_envvar=True,
        help="Ask hosts in private networks and on this machine too.",
    )(function)
    return click.option(
        "--allow",
        "allowed",
        metavar="NETWORKS",
        default="",
        envvar="COLLECT_ASSETS_ALLOW",
        show_envvar=True,
        help="Non-public networks that may be asked, such as 10.1.0.0/16,127.0.0.1.",
    )(function)


def address_rules(allowed: str, allow_private_addresses: bool) -> AddressRules:
    """What the two options mean together."""
    from collect_assets.network.addresses import AddressRules

    return AddressRules.parse("private" if allow_private_addresses else allowed)


def open_collection(folder: Path, log_dir: Path | None, resource_dir: Path | None) -> Collection:
    """The collection in a folder, with its logs and resources where the options say.

    Raises:
        click.BadParameter: there is no such folder.
        SettingsError: its settings cannot be used.
    """
    from dataclasses import replace

    from collect_assets.collection import Collection

    if not folder.is_dir():
        raise click.BadParameter(f"{folder}: no such folder", param_hint="--collection-dir")
    return replace(Collection.at(folder), log_folder=log_dir, resource_folder=resource_dir)


def dry_run(function: Function) -> Function:
    """`--dry-run`, for commands that change registers."""
    return click.option(
        "--dry-run",
        is_flag=True,
        envvar="COLLECT_ASSETS_DRY_RUN",
        show_envvar=True,
        help="Print it, and change nothing.",
    )(function)


def show_changes(changes: Sequence[FileChange]) -> None:
    """Prints how registers change, as a patch for the working folder, or for that of the registers."""
    from collect_assets.tending.patch import base_of, diff

    folder = changes[0].path.parent if changes else Path()
    click.echo(diff(changes, base_of(changes, folder)), nl=False)


class Line(click.ParamType[str]):
    """Text; in an environment variable of an option that may be repeated, one per line."""

    name = "text"

    def split_envvar_value(self, rv: str) -> list[str]:
        """The lines that are not blank: a URL or a value may hold spaces."""
        return [line.strip() for line in rv.splitlines() if line.strip()]


class Day(click.ParamType["dt.date"]):
    """An entry-date, as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """From text."""
        import datetime as dt

        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date; write YYYY-MM-DD", param, ctx)
