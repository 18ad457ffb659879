"""Makes the sample anew: the files that are served, the registers, and the three days that are behind it.

Everything comes from fixed seeds and fixed times, so that making it again gives the same bytes; these
are committed. Run `python -m collect_assets.sample.make` after a change here or in the collector's log.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from collect_assets.sample import brownfield, catalogue, herbarium
from collect_assets.sample.catalogue import COLLECTIONS, FOLDER, SERVED, STATES
from collect_assets.sample.earlier_days import collect_earlier_days
from collect_assets.sample.registering import registers

PARTS = ("served", "collections")
CONTENT: dict[str, Callable[[str], bytes]] = {
    **{council.file: partial(brownfield.register, council) for council in brownfield.COUNCILS},
    catalogue.CONSERVATION_AREAS: lambda _: brownfield.conservation_areas(),
    catalogue.WEB_PAGE: lambda _: brownfield.web_page(),
    catalogue.KALDMOOR: herbarium.archive,
    catalogue.FIELD_STATION: herbarium.table,
    catalogue.SEED_GARDEN: herbarium.lines,
}


def make_served(folder: Path) -> None:
    """Writes `served/`; a file that is the same as in the state before is left out."""
    for served in SERVED:
        before = b""
        for state in STATES:
            content = CONTENT[served.file](state)
            if content != before:
                _write(folder / "served" / state / served.collection / served.file, content)
            before = content


def make_registers(folder: Path) -> None:
    """Writes the registers and settings of all collections."""
    for collection in COLLECTIONS:
        for name, content in registers(collection).items():
            _write(folder / "collections" / collection / name, content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def make(folder: Path) -> None:
    """Makes the whole sample in an empty folder.

    Raises:
        SettingsError: the provider's port is taken; the earlier days are collected from it.
    """
    make_served(folder)
    make_registers(folder)
    collect_earlier_days(folder)


def make_in_place(folder: Path) -> None:
    """Makes the sample elsewhere, and only when that succeeded puts it where it belongs.

    Raises:
        SettingsError: the provider's port is taken.
    """
    with tempfile.TemporaryDirectory() as made:
        make(Path(made))
        for name in PARTS:
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(Path(made) / name, folder / name)


def files(folder: Path) -> dict[str, bytes]:
    """All files of a made sample, by their path in it."""
    paths = sorted(path for part in PARTS for path in (folder / part).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@click.command()
def main() -> None:
    """Makes the sample again, in the package itself."""
    make_in_place(FOLDER)
    made = files(FOLDER)
    click.echo(f"{FOLDER}: {len(made)} files, {sum(map(len, made.values())):,} bytes")


if __name__ == "__main__":
    main()
