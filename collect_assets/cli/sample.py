"""`collect-assets sample`: the sample's collections, and their provider."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from collect_assets.cli.options import collections_option


@click.command("sample")
@collections_option
@click.option(
    "--serve",
    is_flag=True,
    envvar="COLLECT_ASSETS_SERVE",
    show_envvar=True,
    help="Serve what its endpoints name, on loopback, until Ctrl-C.",
)
def command(collections: Path, serve: bool) -> None:
    """Puts the two sample collections, with three earlier days, into a folder where they are missing.

    \b
    Examples:
      collect-assets sample --collections collections
      collect-assets sample --serve
    """
    from collect_assets.sample.install import install
    from collect_assets.sample.provider import serving

    for folder in install(collections):
        click.echo(f"made {folder}")
    if serve:
        with serving() as address:
            click.echo(f"serving at {address}  (Ctrl-C ends)")
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                click.echo("stopped")
