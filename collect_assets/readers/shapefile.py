"""A shapefile: a zip with its parts, at least `.shp`, `.shx` and `.dbf` of one name."""

from __future__ import annotations

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import is_archive, open_archive
from collect_assets.readers.source import Source, Table
from collect_assets.readers.spatial import Layers, read_layers

FORMAT = "shapefile"
VERSION = 1
PRIORITY = 12
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_NEEDED = (".shp", ".shx", ".dbf")


def matches(source: Source) -> bool:
    """An archive with a `.shp` in it."""
    if source.depth or not is_archive(source.start):
        return False
    try:
        with open_archive(source) as archive:
            return any(name.lower().endswith(".shp") for name in archive.names)
    except UnreadableError:
        return False


def open_source(source: Source) -> Table:
    """The features as a table.

    Raises:
        UnreadableError: there are several, a part is missing, or it is damaged.
    """
    with open_archive(source) as archive:
        shapes = [name for name in archive.names if name.lower().endswith(".shp")]
        if len(shapes) != 1:
            raise UnreadableError(f"expected one shapefile in the archive; found: {', '.join(shapes[:10])}")
        stem = shapes[0][:-4].lower()
        parts = {name[-4:].lower(): name for name in archive.names if name[:-4].lower() == stem}
        if missing := [ending for ending in _NEEDED if ending not in parts]:
            raise UnreadableError(f"{shapes[0]}: the parts {', '.join(missing)} of the shapefile are missing")
        folder = source.scratch.folder()
        for ending in _PARTS:
            if ending in parts:
                (folder / f"layer{ending}").hardlink_to(archive.source(parts[ending], source).path)
    path = str(folder / "layer.shp")
    return read_layers(Layers(FORMAT, "ESRI Shapefile", path, shapes[0], ("layer",)), source.scratch)
