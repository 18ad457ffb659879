"""The folder where a Dagster instance keeps its memory, with settings that send nothing anywhere."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from collect_assets.store.local import write_atomically


def prepare_home(home: Path) -> Path:
    """Makes the folder, with our `dagster.yaml` where it has none; what is there is never touched.

    Returns:
        The settings file.

    Raises:
        StorageError: the folder cannot be written.
    """
    settings = home / "dagster.yaml"
    if not settings.exists():
        write_atomically(settings, files(__package__).joinpath("dagster.yaml").read_bytes(), home)
    return settings
