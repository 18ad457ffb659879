"""What the sample consists of: its collections, the files that are served, the states in time, and where they lie.

Plain facts and paths, shared by the provider, the generator and the installer. No content is invented here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PORT = 8799
TODAY = "today"
EARLIER_DAYS = (dt.date(2026, 11, 1), dt.date(2026, 11, 2), dt.date(2026, 11, 3))
STATES = (*(day.isoformat() for day in EARLIER_DAYS), TODAY)
FOLDER = Path(__file__).parent

BROWNFIELD = "brownfield-sites"
HERBARIUM = "herbarium-specimens"
COLLECTIONS = (BROWNFIELD, HERBARIUM)

ASHMERE = "ashmere-brownfield-register.csv"
WRENFORD = "wrenford-brownfield-register.csv"
HALLOWMOOR = "hallowmoor-brownfield-register.csv"
CONSERVATION_AREAS = "ashmere-conservation-areas.geojson"
GONE = "netherby-brownfield-register.csv"
WEB_PAGE = "stonebeck-brownfield-register.csv"
ENDED = "ashmere-brownfield-register-2024.csv"
KALDMOOR = "kaldmoor-herbarium.zip"
FIELD_STATION = "tarnbeck-field-station.csv"
SEED_GARDEN = "linden-seed-garden.ndjson"


@dataclass(frozen=True)
class Served:
    """One file that the provider serves; whatever else it is asked for, it answers 404.

    Attributes:
        content_type: as sent.
        validators: whether `ETag` and `Last-Modified` are sent, and conditional requests honoured.
    """

    collection: str
    file: str
    content_type: str
    validators: bool = False

    @property
    def path(self) -> str:
        """The path of its URL."""
        return f"/{self.collection}/{self.file}"


SERVED = (
    Served(BROWNFIELD, ASHMERE, "text/csv; charset=utf-8"),
    Served(BROWNFIELD, WRENFORD, "text/csv"),
    Served(BROWNFIELD, HALLOWMOOR, "text/csv"),
    Served(BROWNFIELD, CONSERVATION_AREAS, "application/geo+json", validators=True),
    Served(BROWNFIELD, WEB_PAGE, "text/html; charset=utf-8"),
    Served(HERBARIUM, KALDMOOR, "application/zip", validators=True),
    Served(HERBARIUM, FIELD_STATION, "text/csv; charset=utf-8"),
    Served(HERBARIUM, SEED_GARDEN, "application/x-ndjson"),
)


def url(collection: str, file: str) -> str:
    """The URL under which the registers know a file."""
    return f"http://{HOST}:{PORT}/{collection}/{file}"


def stored_file(served: Served, state: str, folder: Path = FOLDER) -> Path:
    """Where the bytes of a state are: a file that did not change since the state before is not stored again.

    Raises:
        FileNotFoundError: the sample lacks the file, in this state and all before.
    """
    for earlier in reversed(STATES[: STATES.index(state) + 1]):
        path = folder / "served" / earlier / served.collection / served.file
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder}: has no {served.file} up to {state}; run python -m collect_assets.sample.make")


def state_of(path: Path) -> str:
    """The state in which a stored file appeared."""
    return path.parent.parent.name
