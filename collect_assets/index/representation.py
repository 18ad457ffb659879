"""What the index makes of the fields of a record, so that they can be asked for fast.

Each field has a kind. Fields that no list names are text: their words are found, and they can be asked for by name too,
which then takes a look into every record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from collect_assets.collection import FieldKind, IndexSettings
from collect_assets.items.sensitive import NO_RULES, SensitiveRules

REPRESENTATION_VERSION = 3  # goes up when the same fields are represented in another way

_DARWIN_CORE: Mapping[FieldKind, str] = {
    "keyword": (
        "occurrenceID catalogNumber recordNumber basisOfRecord institutionCode collectionCode datasetName "
        "scientificName kingdom phylum class order family genus specificEpithet taxonRank typeStatus recordedBy "
        "identifiedBy country countryCode stateProvince county municipality locality continent waterBody "
        "occurrenceStatus establishmentMeans sex lifeStage license eventID taxonID taxonomicStatus vernacularName"
    ),
    "number": (
        "decimalLatitude decimalLongitude coordinateUncertaintyInMeters individualCount year month day "
        "minimumElevationInMeters maximumElevationInMeters minimumDepthInMeters maximumDepthInMeters"
    ),
    "date": "eventDate dateIdentified modified",
    "place": "footprintWKT verbatimCoordinates verbatimLatitude verbatimLongitude",
}
_PLANNING: Mapping[FieldKind, str] = {
    "keyword": (
        "reference name organisation entity dataset prefix OrganisationURI OrganisationLabel SiteReference "
        "SiteNameAddress OwnershipStatus Deliverable PlanningStatus PermissionType"
    ),
    "number": "Hectares GeoX GeoY MinNetDwellings NetDwellingsRangeFrom NetDwellingsRangeTo",
    "date": "entry-date start-date end-date PermissionDate FirstAddedDate LastUpdatedDate",
    "place": "geometry point wkt geom the_geom",
}


@dataclass(frozen=True)
class Column:
    """A field with a column of its own.

    Attributes:
        field: as it stands in records.
        kind: how its values are compared.
        name: of the column in `search_item`.
    """

    field: str
    kind: FieldKind
    name: str


@dataclass(frozen=True)
class Representation:
    """The kinds of the fields that are named, by field; and whose places are told only roughly."""

    kinds: Mapping[str, FieldKind]
    sensitive: SensitiveRules = NO_RULES

    @classmethod
    def of(cls, settings: IndexSettings, sensitive: SensitiveRules = NO_RULES) -> Representation:
        """That of Darwin Core and of planning data, and what a collection's settings and registers say over it."""
        usual = {
            field: kind for each in (_DARWIN_CORE, _PLANNING) for kind, names in each.items() for field in names.split()
        }
        return cls({**usual, **settings.fields}, sensitive)

    @property
    def version(self) -> str:
        """Changes when anything is represented in another way; then the index represents all of it again."""
        content = json.dumps([REPRESENTATION_VERSION, sorted(self.kinds.items()), self.sensitive.fingerprint])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The fields with a column of their own, in the order of their names."""
        with_one = [field for field, kind in sorted(self.kinds.items()) if kind in {"keyword", "number", "date"}]
        return tuple(Column(field, self.kinds[field], f"f{number}") for number, field in enumerate(with_one))

    @property
    def without_words(self) -> tuple[str, ...]:
        """The fields whose values nobody looks for as words."""
        return tuple(sorted(field for field, kind in self.kinds.items() if kind in {"number", "date", "place"}))
