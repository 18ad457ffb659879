"""`collect-assets check-registers`."""

from __future__ import annotations

import json
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collect_assets.cli.options import FOLDER, as_json
from collect_assets.tending.findings import CODES, Finding, Severity

if TYPE_CHECKING:
    from collect_assets.tending.checking import Checked, Report
    from collect_assets.tending.patch import FileChange

COLOURS = {"error": "red", "warning": "yellow", "note": None}


@click.command("check-registers")
@click.argument("folders", nargs=-1, type=FOLDER, metavar="[FOLDER]...")
@click.option(
    "--strict",
    is_flag=True,
    envvar="COLLECT_ASSETS_STRICT",
    show_envvar=True,
    help="Exit with 1 on warnings too.",
)
@click.option(
    "--fix",
    is_flag=True,
    envvar="COLLECT_ASSETS_FIX",
    show_envvar=True,
    help="Print a patch that mends what is certain, and nothing else.",
)
@click.option(
    "--write",
    is_flag=True,
    envvar="COLLECT_ASSETS_WRITE",
    show_envvar=True,
    help="With --fix: change the files instead of printing the patch.",
)
@click.option(
    "--shown",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    envvar="COLLECT_ASSETS_SHOWN",
    show_envvar=True,
    help="How many findings of a kind to show for each collection; 0 shows all, and notes too.",
)
@as_json
def command(folders: tuple[Path, ...], strict: bool, fix: bool, write: bool, shown: int, json_: bool) -> None:
    """Checks the registers of one collection, or of all below a folder, for the CI of a configuration repository.

    FOLDER is the folder of a collection or one that holds some, by default the working folder. Looks at endpoint.csv,
    source.csv, old-resource.csv, host.csv, sensitive.csv and collection.toml; asks no network. Exits with 1 when there
    are errors, with 2 when there is nothing to check.

    The patch of --fix is for `git apply` or `patch -p1` in the working folder, or in FOLDER where that lies elsewhere.
    It changes nothing but what has one right answer: missing ids of endpoints, ids of sources, spaces around values,
    blank rows, rows that are there twice. Every other byte stays.

    \b
    Examples:
      collect-assets check-registers collection/
      collect-assets check-registers --strict --json collection/brownfield-land
      collect-assets check-registers collection/ --fix | git apply
      collect-assets check-registers collection/ --fix --write
    """
    from collect_assets.collecting.window import utc_now
    from collect_assets.tending.checking import check_registers
    from collect_assets.tending.fixing import fixes

    if write and not fix:
        raise click.UsageError("--write changes the files as --fix would; give both")
    folders = folders or (Path(),)
    report = check_registers(folders, today=utc_now().date())
    left = report.findings
    if fix:
        changes, mended = fixes(report.findings)
        left = tuple(finding for finding in report.findings if finding not in mended)
        _fix(folders, changes, len(mended), len(left), write=write)
    else:
        _print_json(report) if json_ else _print(report, shown)
    bad = {"error", "warning"} if strict else {"error"}
    sys.exit(1 if any(finding.severity in bad for finding in left) else 0)


def _fix(folders: tuple[Path, ...], changes: list[FileChange], mended: int, left: int, *, write: bool) -> None:
    from collect_assets.tending.patch import base_of, diff, write_changes

    if write:
        write_changes(changes)
        for change in changes:
            click.echo(f"{change.path}: written")
    else:
        common = Path(os.path.commonpath([folder.absolute() for folder in folders]))
        click.echo(diff(changes, base_of(changes, common)), nl=False)
    files = "1 file" if len(changes) == 1 else f"{len(changes)} files"
    done = "mended" if write else "would be mended"
    click.echo(f"{mended} findings {done} in {files}, {left} are for people", err=True)


def _print_json(report: Report) -> None:
    shown = {
        "collections": [
            {
                "collection": checked.name,
                "folder": str(checked.folder),
                "endpoints": checked.endpoints,
                "active": checked.active,
                "sources": checked.sources,
                "findings": [_as_dict(finding) for finding in checked.findings],
            }
            for checked in report.collections
        ],
        "codes": dict(sorted(report.codes.items())),
        **{f"{severity}s": report.count(severity) for severity in Severity},
    }
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


def _as_dict(finding: Finding) -> dict[str, object]:
    fix = finding.fix and {"remove": finding.fix.remove, "cells": dict(finding.fix.cells)}
    return {
        "file": str(finding.file),
        "row": finding.row,
        "code": finding.code,
        "severity": finding.severity,
        "reason": finding.reason,
        "fix": fix,
    }


def _print(report: Report, shown: int) -> None:
    for checked in report.collections:
        if checked.findings:
            _print_collection(checked, shown)
    click.secho("in all", bold=True)
    for code, count in sorted(report.codes.items(), key=lambda pair: (_rank(pair[0]), -pair[1])):
        click.echo(f"  {count:6}  {code:20}{CODES[code][1]}")
    whole = report.collections
    name = "1 collection" if len(whole) == 1 else f"{len(whole)} collections"
    rows = f"{sum(c.endpoints for c in whole)} endpoints ({sum(c.active for c in whole)} active)"
    click.echo(f"{name}, {rows}, {sum(c.sources for c in whole)} sources: {_counts(report)}")
    if fixable := sum(finding.fix is not None for finding in report.findings):
        click.echo(f"{fixable} of them can be mended with --fix")


def _print_collection(checked: Checked, shown: int) -> None:
    click.secho(f"{checked.name}: {_counts(checked)}", bold=True)
    of_kind = sorted(checked.findings, key=lambda finding: (_worst(finding.severity), finding.code))
    for (severity, code), found in groupby(of_kind, key=lambda finding: (finding.severity, finding.code)):
        findings = list(found)
        click.secho(f"  {severity:8} {code:20}{len(findings):5}", fg=COLOURS[severity])
        first = findings[: shown or None] if severity != Severity.NOTE or not shown else []
        for finding in first:
            click.echo(f"      {finding}")
        if first and len(findings) > len(first):
            click.secho(f"      and {len(findings) - len(first)} more", dim=True)
    click.echo()


def _counts(counted: Checked | Report) -> str:
    numbers = ((counted.count(severity), severity) for severity in Severity)
    return ", ".join(f"{number} {severity}{'' if number == 1 else 's'}" for number, severity in numbers)


def _worst(severity: str) -> int:
    return list(Severity).index(Severity(severity))


def _rank(code: str) -> int:
    return _worst(CODES[code][0])
