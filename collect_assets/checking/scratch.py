"""The folder of one check: a collection of its own that nobody else sees, gone when the check ends.

A process that is killed cannot tidy up; what it left is removed by the next check, which knows by its name that the
process is gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from collect_assets.collection import Collection, Settings
from collect_assets.network.turns import shared_folder
from collect_assets.store.local import storage_errors, sweep, temporary


@contextmanager
def scratch_collection(settings: Settings) -> Iterator[Collection]:
    """An empty collection for the time of the `with`, whatever ends it.

    Raises:
        StorageError: the folder for temporary files cannot be written.
    """
    top = shared_folder().with_name("check")
    sweep(top)
    folder = temporary(top)
    with storage_errors(folder):
        folder.mkdir(mode=0o700)
    try:
        yield Collection("check", folder, folder, settings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
