"""Files of the spatial world, read by GDAL inside of DuckDB: with the one driver of the format that the bytes show.

Without that, GDAL would try all its drivers, and a crafted VRT would have it read any file of the machine. It runs in
a process of its own: some documents make it crash, and one of them must not end the reading of a whole day. Which
format a file has, the modules of the formats tell.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

from collect_assets.errors import UnreadableError
from collect_assets.readers.source import Cells, Column, Scratch, Source, Table, TableFile
from collect_assets.store.local import storage_errors

LONGEST = 3600
_PLACES = re.compile(rb"""(?<=\s)[\w.-]+:schemaLocation\s*=\s*(?:"[^"]*"|'[^']*')""")
_NOWHERE = "http://127.0.0.1:9"  # discards what it gets
_NO_NETWORK = {"http_proxy": _NOWHERE, "https_proxy": _NOWHERE, "GDAL_HTTP_PROXY": "127.0.0.1:9", "no_proxy": ""}


@dataclass(frozen=True)
class Layers:
    """What GDAL shall read.

    Attributes:
        form: the format, for messages.
        driver: GDAL's name of it.
        path: the file, in a folder of its own.
        names: of the layers; empty for all of them.
        options: of the driver, as `KEY=value`.
    """

    form: str
    driver: str
    path: str
    member: str
    names: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def read_layers(layers: Layers, scratch: Scratch) -> Table:
    """Layers of a file as one table; geometries become WKT in degrees, longitude first.

    Raises:
        UnreadableError: GDAL cannot read it with this driver, or there is no layer.
    """
    folder = scratch.folder()
    command = [sys.executable, "-m", "collect_assets.readers.spatial_rows", json.dumps(asdict(layers)), str(folder)]
    environment = {**os.environ, **_NO_NETWORK}
    try:
        done = subprocess.run(  # noqa: S603 - this program itself
            command, capture_output=True, text=True, timeout=LONGEST, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"{layers.form}: reading it takes more than {LONGEST} seconds") from None
    said: dict[str, Any] = (
        json.loads(done.stdout) if done.returncode == 0 else {"error": f"{layers.form}: it makes GDAL crash"}
    )
    if "error" in said:
        raise UnreadableError(str(said["error"]).replace(f"{folder}/", "").replace(layers.path, Path(layers.path).name))
    files = tuple(
        TableFile(Path(path), relation, layers.member, 0, Cells(small=small), strict=False)
        for path, relation, small in said["files"]
    )
    columns = tuple(Column(name, f"c{number}") for number, name in enumerate(said["columns"]))
    return Table(layers.form, "utf-8", files, columns, layers.member, notes=tuple(said["notes"]))


def checked_xml(source: Source, name: str) -> Path:
    """A copy of an XML document under a name of its own, well-formed to its end, and without places of schemas.

    GDAL takes what is cut off for its end, fetches schemas, and crashes over some that it cannot fetch.

    Raises:
        UnreadableError: it is not well-formed.
    """
    path = source.scratch.folder() / name
    with storage_errors(path):
        shutil.copyfile(source.path, path)
        with path.open("r+b") as file:
            start = file.read(len(source.start))
            file.seek(0)
            file.write(_PLACES.sub(lambda found: b" " * len(found[0]), start))
            file.seek(0)
            try:
                expat.ParserCreate().ParseFile(file)
            except expat.ExpatError as error:
                raise UnreadableError(f"cut off, or not well-formed: {error}") from None
    return path
