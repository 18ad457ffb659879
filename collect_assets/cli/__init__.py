"""The shell command: one module per command, each calling the function that the Dagster asset calls too.

Modules import only click at their top, so that `collect-assets --help` answers in a fifth of a second.
"""

from __future__ import annotations

from importlib import import_module

import click

from collect_assets.errors import (
    CollectAssetsError,
    DecisionError,
    NoLogsError,
    QueryError,
    RegisterError,
    SettingsError,
)
from collect_assets.version import __version__

COMMANDS = (
    "check-url",
    "collect",
    "index",
    "search",
    "export",
    "changes",
    "history",
    "diff",
    "raw",
    "preview",
    "decide",
    "tables",
    "describe",
    "verify",
    "tasks",
    "digest",
    "run",
    "ui",
    "sample",
    "explain",
    "compare",
    "check-registers",
    "discover",
    "add-endpoint",
    "retire",
)
BAD_USAGE = (RegisterError, SettingsError, QueryError, DecisionError)


class Commands(click.Group):
    """Finds commands by module, and turns this package's errors into a line for people and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"collect_assets.cli.{cmd_name.replace('-', '_')}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; exits with 2 on unusable input, 1 on anything else that went wrong."""
        try:
            return super().invoke(ctx)
        except CollectAssetsError as error:
            click.secho(f"Error: {error}", fg="red", err=True)
            ctx.exit(2 if isinstance(error, BAD_USAGE) and not isinstance(error, NoLogsError) else 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="collect-assets")
def main() -> None:
    """Collects what others publish, keeps exactly what was served, and answers for any day.

    \b
    Examples:
      collect-assets collect --collection-dir collection/
      collect-assets index --collection-dir collection/
      collect-assets search Hawthorn --where country=Norway --collection-dir collection/
      collect-assets search --as-of 2026-11-02 --format csv --collection-dir collection/
    """
