"""The process in which GDAL runs: `python -m … <layers as JSON> <folder>`; leaves Parquet there, answers in JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from collect_assets.errors import UnreadableError
from collect_assets.readers.converted import Rows, converted
from collect_assets.readers.source import Scratch, read_start
from collect_assets.store.database import database, literal

LEAVE_OUT = ("OGC_FID", "fid")  # numbers that software gives anew each time
_ELSEWHERE = b"<OGR"  # as in `<OGRVRTDataSource>`; GDAL looks for it as it stands here, anywhere near the start


def main() -> None:
    """Reads what its arguments say."""
    wanted: dict[str, Any] = json.loads(sys.argv[1])
    try:
        answer = _read(wanted, Scratch(Path(sys.argv[2])))
    except UnreadableError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


def _read(wanted: dict[str, Any], scratch: Scratch) -> dict[str, Any]:
    form, path, member = str(wanted["form"]), Path(wanted["path"]), str(wanted["member"])
    said = _said(str(wanted["driver"]), wanted["options"])
    names = wanted["names"] or _names(form, path, said, scratch)
    if not names:
        raise UnreadableError(f"{form}: there is no layer of features in it")
    rows = [
        Rows(f"ST_Read({literal(path)}, {said}, layer := {literal(name)})", LEAVE_OUT, spatial=True, member=member)
        for name in names
    ]
    notes = [f"layers: {', '.join(names)}"] if len(names) > 1 else []
    table = converted(form, rows, scratch, member)
    files = [(str(file.path), file.relation, file.cells.small) for file in table.files]
    return {"columns": [column.name for column in table.columns], "files": files, "notes": notes}


def _names(form: str, path: Path, said: str, scratch: Scratch) -> list[str]:
    """The names of the layers of an XML document.

    What tells them takes no list of drivers. So what would make another driver take the document, one that opens
    whatever it names, is refused first.
    """
    if _ELSEWHERE in read_start(path):
        raise UnreadableError(f"{form}: it names other sources of data; those are not opened")
    try:
        with database(spill=scratch.folder(), spatial=True) as connection:
            connection.execute(f"DESCRIBE FROM ST_Read({literal(path)}, {said})")
            found = connection.execute(f"SELECT unnest(layers).name FROM ST_Read_Meta({literal(path)})").fetchall()
    except duckdb.Error as error:
        raise UnreadableError(f"{form}: {str(error).splitlines()[0]}") from None
    return [str(name) for (name,) in found]


def _said(driver: str, options: Sequence[str]) -> str:
    opened = f", open_options := [{', '.join(map(literal, options))}]" if options else ""
    return f"allowed_drivers := [{literal(driver)}]{opened}"


if __name__ == "__main__":
    main()
