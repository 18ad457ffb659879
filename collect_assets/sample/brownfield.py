"""Invents the brownfield registers of three councils and one layer of conservation areas.

Columns and words are those of the brownfield land register data standard; councils, sites and numbers are made up.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from collect_assets.sample import catalogue
from collect_assets.sample.chance import Chance
from collect_assets.sample.story import Record, Story

COLUMNS = (
    "OrganisationURI", "OrganisationLabel", "SiteReference", "PreviouslyPartOf", "SiteNameAddress", "SiteplanURL",
    "CoordinateReferenceSystem", "GeoX", "GeoY", "Hectares", "OwnershipStatus", "Deliverable", "PlanningStatus",
    "PermissionType", "PermissionDate", "PlanningHistory", "ProposedForPIP", "MinNetDwellings",
    "DevelopmentDescription", "NonHousingDevelopment", "Part2", "NetDwellingsRangeFrom", "NetDwellingsRangeTo",
    "HazardousSubstances", "SiteInformation", "Notes", "FirstAddedDate", "LastUpdatedDate",
)  # fmt: skip
OWNERSHIP = ("owned by a public authority", "not owned by a public authority", "mixed ownership", "unknown ownership")
PERMISSIONS = ("full planning permission", "outline planning permission", "reserved matters approval")
BUILDINGS = ("Maltings", "Dairy", "Goods Yard", "Primary School", "Telephone Exchange", "Tannery", "Bus Depot",
             "Foundry", "Library", "Gas Works", "Laundry", "Timber Yard", "Police Station", "Rope Works")  # fmt: skip
WAYS = ("Mill Lane", "Station Road", "Church Street", "Canal Side", "Brewery Street", "The Green", "North Parade",
        "Tanners Row", "Victoria Road", "Bridge Street", "Orchard Way", "Priory Close", "Quarry Hill")  # fmt: skip


@dataclass(frozen=True)
class Council:
    """A council that does not exist, and how it publishes its register."""

    file: str
    name: str
    kind: str
    place: str
    prefix: str
    towns: tuple[str, ...]
    centre: tuple[float, float]
    sites: int
    encoding: str
    line_end: str = "\r\n"
    story: Story = field(default_factory=Story)

    @property
    def uri(self) -> str:
        """Its URI, in the manner of those in real registers."""
        return f"https://example.org/id/{self.kind}/{self.place}"


def _permitted(day: str, permission: str = "full planning permission") -> dict[str, object]:
    return {"PlanningStatus": "permissioned", "PermissionType": permission, "PermissionDate": day,
            "LastUpdatedDate": day}  # fmt: skip


def _added(day: str) -> dict[str, object]:
    return {"FirstAddedDate": day, "LastUpdatedDate": day}


ASHMERE = Council(
    catalogue.ASHMERE, "Ashmere District Council", "district-council", "ashmere", "ASH/BLR/",
    ("Ashmere", "Nether Coppice", "Stoke Warden"), (-1.912, 52.948), 27, "utf-8",
    story=Story(
        arrives={24: 1, 25: 3, 26: 3},
        absent={7: (1, 2), 15: (1, 2, 3)},
        changes={
            3: {1: _permitted("2026-10-30")},
            11: {1: {"Deliverable": "yes", "OwnershipStatus": "mixed ownership", "LastUpdatedDate": "2026-11-02"}},
            18: {3: _permitted("2026-11-03", "outline planning permission")},
            7: {3: {"Notes": "Returned to the register after review", "LastUpdatedDate": "2026-11-04"}},
            24: {1: _added("2026-11-02")},
            25: {3: _added("2026-11-04")},
            26: {3: _added("2026-11-04")},
        },
    ),
)  # fmt: skip
WRENFORD = Council(
    catalogue.WRENFORD, "Wrenford Borough Council", "borough-council", "wrenford", "WR-", ("Wrenford", "Long Wrenning"),
    (-2.466, 52.314), 20, "windows-1252",
    story=Story(
        arrives={19: 2},
        absent={6: (3,)},
        changes={
            2: {0: {"SiteNameAddress": "Former Café Royal, 14 Bridge Street, Wrenford",
                    "Notes": "Demolition estimated at £85,000; grant agreed"}},
            9: {2: {"Notes": "Remediation costs of £120,000 agreed", "LastUpdatedDate": "2026-11-03"}},
            13: {3: _permitted("2026-11-04")},
            19: {2: _added("2026-11-03")},
        },
    ),
)  # fmt: skip
HALLOWMOOR = Council(
    catalogue.HALLOWMOOR, "Hallowmoor Council", "unitary-authority", "hallowmoor", "HMR",
    ("Hallowmoor", "Thornsby", "Upper Skell"), (-1.634, 54.117), 22, "utf-8-sig", "\n",
    story=Story(absent={4: (1,)}, changes={16: {2: {"Hectares": 1.42, "LastUpdatedDate": "2026-11-03"}}}),
)  # fmt: skip
COUNCILS = (ASHMERE, WRENFORD, HALLOWMOOR)


def register(council: Council, state: str) -> bytes:
    """A council's register as it is served in a state."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator=council.line_end)
    writer.writeheader()
    writer.writerows(council.story.at(state, _sites(council)))
    return text.getvalue().encode(council.encoding)


def _sites(council: Council) -> list[Record]:
    chance = Chance(council.file)
    return [_site(council, chance, number) for number in range(1, council.sites + 1)]


def _site(council: Council, chance: Chance, number: int) -> Record:
    hectares = chance.between(0.25, 3.5, 2)
    dwellings = max(5, round(hectares * (20 + chance.below(25))))
    added = chance.day(dt.date(2017, 12, 1), dt.date(2023, 12, 31))
    updated = chance.day(max(added, dt.date(2022, 1, 1)), dt.date(2026, 10, 20))
    return {
        "OrganisationURI": council.uri,
        "OrganisationLabel": council.name,
        "SiteReference": f"{council.prefix}{number:03}",
        "SiteNameAddress": _address(council, chance),
        "SiteplanURL": f"https://example.org/{council.place}/site-plan/{number:03}.pdf",
        "CoordinateReferenceSystem": "WGS84",
        "GeoX": f"{council.centre[0] + chance.between(-0.06, 0.06, 6):.6f}",
        "GeoY": f"{council.centre[1] + chance.between(-0.04, 0.04, 6):.6f}",
        "Hectares": hectares,
        "OwnershipStatus": chance.one(OWNERSHIP),
        "Deliverable": "yes" if chance.happens(0.6) else "",
        **_planning(chance, added, updated),
        "NetDwellingsRangeFrom": dwellings,
        "NetDwellingsRangeTo": dwellings + chance.below(12),
        "FirstAddedDate": added.isoformat(),
        "LastUpdatedDate": updated.isoformat(),
    }


def _address(council: Council, chance: Chance) -> str:
    way, town = chance.one(WAYS), chance.one(council.towns)
    if chance.happens(0.6):
        return f"{chance.one(('Former', 'Old'))} {chance.one(BUILDINGS)}, {way}, {town}"
    return f"Land at {1 + chance.below(90)} {way}, {town}"


def _planning(chance: Chance, added: dt.date, updated: dt.date) -> Record:
    if chance.happens(0.45):
        given = chance.day(added, updated).isoformat()
        return {"PlanningStatus": "permissioned", "PermissionType": chance.one(PERMISSIONS), "PermissionDate": given}
    return {"PlanningStatus": chance.one(("not permissioned", "pending decision"))}


AREAS = ("Ashmere Market Place", "Coppice Mill", "Stoke Warden Village", "Canal Wharf", "St Wystan's Close",
         "Ashmere Park", "Brewery Quarter", "Old Hospital", "Railway Terrace", "Nether Coppice Green",
         "Priory Precinct", "Weavers' Row")  # fmt: skip


def conservation_areas() -> bytes:
    """The layer of conservation areas, which is the same in all states."""
    chance = Chance(catalogue.CONSERVATION_AREAS)
    features = [json.dumps(_area(chance, number, name), ensure_ascii=False) for number, name in enumerate(AREAS, 1)]
    lines = ",\n".join(features)
    return f'{{"type": "FeatureCollection", "name": "conservation-areas", "features": [\n{lines}\n]}}\n'.encode()


def _area(chance: Chance, number: int, name: str) -> Record:
    designated = chance.day(dt.date(1969, 1, 1), dt.date(2012, 12, 31)).isoformat()
    reference = f"ASH-CA{number:02}"
    return {
        "type": "Feature",
        "properties": {
            "reference": reference,
            "name": name,
            "organisation": "local-authority:ASH",
            "designation-date": designated,
            "documentation-url": f"https://example.org/{ASHMERE.place}/conservation-area/{reference.lower()}",
            "entry-date": "2024-03-18",
        },
        "geometry": {"type": "Polygon", "coordinates": [_ring(chance)]},
    }


def _ring(chance: Chance) -> Sequence[Sequence[float]]:
    """A closed ring around a point near the council's centre, counterclockwise as RFC 7946 has it."""
    x, y = (chance.between(middle - 0.05, middle + 0.05, 5) for middle in ASHMERE.centre)
    corners = 6 + chance.below(4)
    ring = []
    for corner in range(corners):
        angle, radius = 2 * math.pi * corner / corners, chance.between(0.0015, 0.0035, 5)
        ring.append([round(x + 1.6 * radius * math.cos(angle), 5), round(y + radius * math.sin(angle), 5)])
    return [*ring, ring[0]]


def web_page() -> bytes:
    """What a council answers, with status 200, where its register used to be."""
    return b"""<!DOCTYPE html>
<html lang="en"><head><title>Stonebeck Council</title></head><body>
<h1>We have a new website</h1>
<p>The brownfield land register is being moved. Please call back later.</p>
</body></html>
"""
