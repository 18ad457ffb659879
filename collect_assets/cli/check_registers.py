"""`collect-assets check-registers`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import FOLDER, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collect_assets.tending.findings import Finding

COLOURS = {"error": "red", "warning": "yellow", "note": None}


@click.command("check-registers")
@click.argument("folders", nargs=-1, type=FOLDER)
@click.option(
    "--strict", is_flag=True, envvar="COLLECT_ASSETS_STRICT", show_envvar=True, help="Exit with 1 on warnings too."
)
@click.option(
    "--fix",
    is_flag=True,
    envvar="COLLECT_ASSETS_FIX",
    show_envvar=True,
    help="Print what can be put right without asking anybody, as a patch.",
)
@click.option(
    "--write", is_flag=True, envvar="COLLECT_ASSETS_WRITE", show_envvar=True, help="With --fix: change the files."
)
@click.option(
    "--notes",
    is_flag=True,
    envvar="COLLECT_ASSETS_NOTES",
    show_envvar=True,
    help="Print what is only worth knowing too.",
)
@as_json
def command(folders: tuple[Path, ...], strict: bool, fix: bool, write: bool, notes: bool, json_: bool) -> None:
    """Checks the registers of collections: endpoint.csv, source.csv, old-resource.csv, host.csv.

    FOLDERS are collections, or folders of collections; the working folder when left out. Exits with 1 when there is an
    error, for the CI of a repository of registers.

    \b
    Examples:
      collect-assets check-registers collection/
      collect-assets check-registers --strict --json
      collect-assets check-registers --fix | git apply
    """
    from collect_assets.tending.findings import check_registers, collections_in

    found = [folder for given in folders or (Path(),) for folder in collections_in(given)]
    if not found:
        raise click.UsageError("no folder with an endpoint.csv there; name a collection, or a folder of collections")
    if fix:
        _fix(found, write=write)
        return
    findings = check_registers(found)
    if json_:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _print(findings, len(found), notes=notes)
    bad = {"error", "warning"} if strict else {"error"}
    sys.exit(1 if any(finding.severity in bad for finding in findings) else 0)


def _fix(folders: Sequence[Path], *, write: bool) -> None:
    from collect_assets.tending.editing import fixed, patch, read_text, write_text

    for folder in folders:
        for path in (folder / name for name in ("endpoint.csv", "source.csv", "old-resource.csv")):
            if path.is_file() and (difference := patch(path, read_text(path), after := fixed(path))):
                click.echo(difference, nl=False)
                if write:
                    write_text(path, after)


def _print(findings: Sequence[Finding], collections: int, *, notes: bool) -> None:
    shown = [finding for finding in findings if notes or finding.severity != "note"]
    last = ""
    for finding in shown:
        if finding.collection != last:
            last = finding.collection
            click.secho(last, bold=True)
        click.secho(f"  {finding.severity:<8}{finding.code:<20}{finding}", fg=COLOURS[finding.severity])
    counts = Counter((finding.severity, finding.code) for finding in findings)
    click.echo(f"\n{collections} collections" if collections != 1 else "\n1 collection")
    for (severity, code), count in sorted(
        counts.items(), key=lambda item: (list(COLOURS).index(item[0][0]), item[0][1])
    ):
        click.echo(f"  {count:6}  {severity:<8} {code}")
