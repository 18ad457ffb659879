"""What a subset of items is made of, for every command that takes one: TEXT and options, as one `Query`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from collect_assets.cli.options import FOLDER, Line, open_collection

if TYPE_CHECKING:
    from collect_assets.collection import BrokenCollection, Collection
    from collect_assets.searching.across import ManyIndexes
    from collect_assets.searching.query import Query
    from collect_assets.searching.search import ItemIndex

Function = TypeVar("Function", bound=Callable[..., Any])

_WHERE = (
    "A condition on a field, with = != > >= < or <=; FIELD=* for any value, FIELD=abc* for what begins so, FIELD=1,9 "
    "for a range with * for an open end. Several with = on one field are alternatives."
)
_SEVERAL = (
    ("where", "FIELD=VALUE", _WHERE),
    ("item", "ID", "The item with this id."),
    ("endpoint", "ENDPOINT", "Items of this endpoint: the sha256 of its URL, or enough of its beginning."),
    ("organisation", "NAME", "Items of the endpoints that source.csv gives to it."),
    ("dataset", "NAME", "Items of the endpoints that source.csv gives to it."),
)  # fmt: skip
_ONE = (
    ("bbox", "W,S,E,N", "Items whose geometry overlaps this box, in degrees."),
    ("polygon", "WKT", "Items whose geometry touches this shape, longitude first."),
    ("near", "LAT,LON,DISTANCE", "Items within this distance, such as 53.8,-1.5,10km."),
    ("resource", "SHA256", "Items as this resource brought them."),
    ("changed", "DAY,DAY", "Items that are as they are since one of these days; * for an open end."),
)


def query_options(function: Function) -> Function:
    """TEXT and the options of a subset; the command gets them as `query`."""

    @functools.wraps(function)
    def with_query(**given: Any) -> Any:  # noqa: ANN401 - of any command
        names = ["withheld", *(name for name, *_ in (*_SEVERAL, *_ONE))]
        return function(query=_query(given.pop("text"), **{name: given.pop(name) for name in names}), **given)

    command: Any = with_query
    for name, metavar, text in reversed(_ONE):
        command = _option(name, metavar, text)(command)
    for name, metavar, text in reversed(_SEVERAL):
        command = _option(name, metavar, f"{text} May be repeated; in the variable one per line.", multiple=True)(
            command
        )
    command = click.option(
        "--withheld",
        is_flag=True,
        envvar="COLLECT_ASSETS_WITHHELD",
        show_envvar=True,
        help="Only items of which what is served now is not applied: held, rejected, or under manual control.",
    )(command)
    return click.argument("text", required=False, default="")(command)  # type: ignore[no-any-return]


def across_option(function: Function) -> Function:
    """`--collections`, for commands that ask one collection unless told to ask all of a folder."""
    return click.option(
        "--collections",
        "root",
        type=FOLDER,
        envvar="COLLECT_ASSETS_ACROSS",
        show_envvar=True,
        help="Ask all collections in this folder at once, instead of one.",
    )(function)


@contextmanager
def asked_index(
    root: Path | None, folder: Path, log_dir: Path | None, resource_dir: Path | None
) -> Iterator[ItemIndex | ManyIndexes]:
    """The index of a collection, or those of all in a folder; says on the error stream which of these did not answer.

    Raises:
        CollectAssetsError: there is nothing to ask.
    """
    from collect_assets.searching.across import open_indexes
    from collect_assets.searching.search import open_index

    if root is None:
        with open_index(open_collection(folder, log_dir, resource_dir)) as index:
            yield index
        return
    with open_indexes(find_all(root)) as many:
        yield many
        say_left_out(many.left_out)


def find_all(root: Path) -> list[Collection | BrokenCollection]:
    """The collections in a folder.

    Raises:
        SettingsError: it is no folder, or its `collections.toml` cannot be read.
    """
    from collect_assets.collection import find_collections

    return find_collections(root)


def say_left_out(reasons: Iterable[str]) -> None:
    """Says which collections did not answer, and why."""
    for reason in reasons:
        click.secho(f"left out: {reason}", fg="yellow", err=True)


def _option(name: str, metavar: str, text: str, *, multiple: bool = False) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}",
        metavar=metavar,
        multiple=multiple,
        type=Line() if multiple else str,
        default=None if multiple else "",
        envvar=f"COLLECT_ASSETS_{name.upper()}",
        show_envvar=True,
        help=text,
    )


def _query(
    text: str,
    where: Iterable[str],
    item: Iterable[str],
    endpoint: Iterable[str],
    organisation: Iterable[str],
    dataset: Iterable[str],
    bbox: str,
    polygon: str,
    near: str,
    resource: str,
    changed: str,
    withheld: bool,
) -> Query:
    from collect_assets.searching.query import Box, Condition, Near, Query, Span

    return Query(
        text,
        where=tuple(Condition.parse(condition) for condition in where),
        box=Box.parse(bbox) if bbox else None,
        polygon=polygon,
        near=Near.parse(near) if near else None,
        items=tuple(item),
        endpoints=tuple(endpoint),
        organisations=tuple(organisation),
        datasets=tuple(dataset),
        resource=resource,
        changed=Span.parse(changed) if changed else None,
        withheld=withheld,
    )
