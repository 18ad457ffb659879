"""`collect-assets tasks`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import click

from collect_assets.cli.options import Day, as_json, collection_options, open_collection

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from collect_assets.collecting.tasks import HarvestTasks

WIDEST = 120
_REPEATED = re.compile(
    r"<header>.*?</header>|\s+(?:xmlns(?::\w+)?|xsi:schemaLocation)=(?:\"[^\"]*\"|'[^']*')", re.DOTALL
)
COLUMNS = ("key", "state", "attempts", "records", "elapsed", "bytes", "request")


@click.command("tasks")
@click.argument("endpoint")
@click.argument("date", type=Day())
@collection_options
@as_json
def command(
    endpoint: str, date: dt.date, collection_dir: Path, log_dir: Path | None, resource_dir: Path | None, json_: bool
) -> None:
    """Shows the harvest tasks of ENDPOINT on DATE: what was asked for, what came of it, what is still missing.

    ENDPOINT is an endpoint's id, the beginning of one, or its URL. Of a harvest under way, or cut off, it shows the
    tasks so far. What does not agree with what the provider declares is said below them. Exits with 1 when the harvest
    failed, or tasks failed or are pending, with 2 when there is no such harvest.

    \b
    Examples:
      collect-assets tasks 2f1e8a 2026-11-02 --collection-dir collection/
      collect-assets tasks 2f1e8a 2026-11-02 --json | jq '.tasks[] | select(.state == "failed")'
    """
    from collect_assets.collecting.tasks import harvest_tasks

    collection = open_collection(collection_dir, log_dir, resource_dir)
    found = harvest_tasks(collection, endpoint, date)
    if json_:
        said = {"message": found.message, "declared-count": found.declared_count}
        known = {key: value for key, value in said.items() if value not in ("", None)}
        click.echo(json.dumps({"endpoint": found.endpoint, "outcome": found.outcome, **known, "tasks": found.tasks},
                              indent=2))  # fmt: skip
    else:
        _show(found.tasks)
        _show_end(found)
    click.get_current_context().exit(1 if found.failed or not found.good else 0)


def _show_end(found: HarvestTasks) -> None:
    number = len(found.tasks)
    said = [f"{number} {'task' if number == 1 else 'tasks'}, {found.failed} failed",
            found.outcome or "the harvest is not finished"]  # fmt: skip
    if found.declared_count is not None:
        said.append(f"{found.declared_count:,} records declared by the provider")
    click.echo("; ".join(said))
    if found.message:
        click.secho(found.message, fg=None if found.good else "red")


def _show(tasks: tuple[Any, ...]) -> None:
    rows = [COLUMNS, *((*(str(task.get(name, "")) for name in COLUMNS[:-1]), _request(task)) for task in tasks)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS) - 1)]
    for number, row in enumerate(rows):
        line = "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1][:WIDEST]])
        failed = number > 0 and tasks[number - 1].get("state") == "failed"
        click.secho(line, fg="red" if failed else None)
        if failed:
            click.secho(f"    {tasks[number - 1].get('message', '')}", fg="red")


def _request(task: Mapping[str, Any]) -> str:
    """The request as people read it: XML inside of a URL as XML, without what is the same in all of them."""
    return _REPEATED.sub("", " ".join(unquote_plus(str(task.get("request", ""))).split()))
