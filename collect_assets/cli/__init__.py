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

SECTIONS = {
    "Try it": ("run", "ui", "sample", "check-url"),
    "Every day": ("collect", "index", "tables", "verify"),
    "Ask": ("search", "export", "changes", "history", "raw", "describe", "diff", "digest"),
    "Understand and decide": ("tasks", "explain", "preview", "decide", "compare"),
    "Tend registers": ("discover", "add-endpoint", "retire", "check-registers"),
}
COMMANDS = tuple(name for names in SECTIONS.values() for name in names)
BAD_USAGE = (RegisterError, SettingsError, QueryError, DecisionError)


class Commands(click.Group):
    """Finds commands by module, and turns this package's errors into a line for people and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the sections."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by what they are for."""
        for title, names in SECTIONS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(name, each.get_short_help_str(200)) for name, each in commands if each])

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
