"""`collect-assets digest`."""

from __future__ import annotations

from pathlib import Path

import click

from collect_assets.cli.options import collection_options, open_collection


@click.command("digest")
@collection_options
@click.option(
    "--quiet", is_flag=True, envvar="COLLECT_ASSETS_QUIET", show_envvar=True, help="Only the one hash of it all."
)
def command(collection_dir: Path, log_dir: Path | None, resource_dir: Path | None, quiet: bool) -> None:
    """Prints the digest of the item index: per entry-date and table the number of rows and the sum of their md5.

    The same logs, resources and registers give the same digest, in whatever order days were indexed.

    \b
    Example: delete what is derived, build it again, compare
      collect-assets digest > before
      rm -r collection/derived && collect-assets index
      collect-assets digest | diff before -
    """
    from collect_assets.index.digest import digest, digest_of_all

    found = digest(open_collection(collection_dir, log_dir, resource_dir))
    if not quiet:
        for line in found:
            click.echo(str(line))
    click.echo(digest_of_all(found))
