"""Which Darwin Core term an element of ABCD is, by its path within a unit: ABCD 1.2, 2.06 and 2.1.

After the equivalences of the published term list and the paths that harvesters of ABCD agree on; the sure path of a
term goes before those that stand in for it. What is not here has no term, and stays in the record under its own path.
"""

from __future__ import annotations

from collections.abc import Mapping

_GATHERING = {
    "Code": "fieldNumber",
    "Method": "samplingProtocol",
    "Notes": "eventRemarks",
    "Biotope/Text": "habitat",
    "Project/ProjectTitle": "projectTitle",
    "Agents/GatheringAgent/Person/FullName": "recordedBy",
    "GatheringAgents/GatheringAgent/Person/PersonName": "recordedBy",
}
_SITE = {
    "LocalityText": "locality",
    "AreaDetail": "locationRemarks",
    "ContinentOrOcean": "ContinentOcean",
    "Country/ISO3166Code": "countryCode",
    "Country/ISO2Letter": "countryCode",
    "Country/Name": "country",
    "Country/CountryName": "country",
    "Altitude/MeasurementOrFactAtomised/LowerValue": "minimumElevationInMeters",
    "Altitude/MeasurementOrFactAtomised/UpperValue": "maximumElevationInMeters",
    "Altitude/MeasurementOrFactText": "verbatimElevation",
    "Depth/MeasurementOrFactAtomised/LowerValue": "minimumDepthInMeters",
    "Depth/MeasurementOrFactAtomised/UpperValue": "maximumDepthInMeters",
    "Depth/MeasurementOrFactText": "verbatimDepth",
    "Height/MeasurementOrFactAtomised/LowerValue": "minimumDistanceAboveSurfaceInMeters",
    "Height/MeasurementOrFactAtomised/UpperValue": "maximumDistanceAboveSurfaceInMeters",
}
_COORDINATES = {
    "CoordinateMethod": "georeferenceProtocol",
    "CoordinatesLatLong/LatitudeDecimal": "decimalLatitude",
    "CoordinatesLatLong/LongitudeDecimal": "decimalLongitude",
    "CoordinatesLatLong/SpatialDatum": "geodeticDatum",
    "CoordinatesLatLong/CoordinateErrorDistanceInMeters": "coordinateUncertaintyInMeters",
    "CoordinatesLatLong/VerbatimLatitude": "verbatimLatitude",
    "CoordinatesLatLong/VerbatimLongitude": "verbatimLongitude",
    "CoordinatesLatLong/CoordinatesText": "verbatimCoordinates",
}
_TIME = {
    "ISODateTimeBegin": "EarliestDateCollected",
    "ISODateTimeEnd": "LatestDateCollected",
    "DateText": "verbatimEventDate",
    "DayNumberBegin": "startDayOfYear",
    "DayNumberEnd": "endDayOfYear",
    "TimeOfDayBegin": "eventTime",
}
_IDENTIFICATION = {
    "Identifiers/Identifier/PersonName/FullName": "identifiedBy",
    "Identifier/IdentifierPersonName/PersonName": "identifiedBy",
    "Date/ISODateTimeBegin": "dateIdentified",
    "IdentificationDate/ISODateTimeBegin": "dateIdentified",
    "Notes": "identificationRemarks",
}
_TAXON = {
    "ScientificName/FullScientificNameString": "scientificName",
    "ScientificName/IdentificationQualifier": "identificationQualifier",
    "IdentificationQualifier": "identificationQualifier",
    "NameAuthorYearString": "scientificName",
    "AuthorString": "scientificNameAuthorship",
    "Code": "nomenclaturalCode",
}
_NAME_PARTS = {
    "GenusOrMonomial": "genus",
    "Genus": "genus",
    "Subgenus": "infragenericEpithet",
    "SpeciesEpithet": "specificEpithet",
    "FirstEpithet": "specificEpithet",
    "SubspeciesEpithet": "infraspecificEpithet",
    "InfraspecificEpithet": "infraspecificEpithet",
    "SecondEpithet": "infraspecificEpithet",
    "Rank": "taxonRank",
    "AuthorTeam": "scientificNameAuthorship",
    "AuthorTeamAndYear": "scientificNameAuthorship",
    "AuthorTeamOriginalAndYear": "scientificNameAuthorship",
    "AuthorTeamParenthesisAndYear": "scientificNameAuthorship",
}
_KINDS = ("Bacterial", "Botanical", "Viral", "Zoological")
TYPE = "SpecimenUnit/NomenclaturalTypeDesignations"


def _under(place: str, paths: Mapping[str, str]) -> dict[str, str]:
    return {f"{place}/{path}": term for path, term in paths.items()}


def _names(place: str) -> dict[str, str]:
    """The parts of a name under what the versions call them, for each kind of organism."""
    kinds = [
        f"{place}/{at}/{kind}" for at in ("ScientificName/NameAtomised", "ScientificNameAtomized") for kind in _KINDS
    ]
    return {path: term for kind in kinds for path, term in _under(kind, _NAME_PARTS).items()}


PATHS: Mapping[str, str] = {
    "SourceInstitutionID": "institutionCode",
    "SourceInstitutionCode": "institutionCode",
    "SourceID": "collectionCode",
    "SourceName": "collectionCode",
    "UnitID": "catalogNumber",
    "UnitGUID": "occurrenceID",
    "RecordBasis": "basisOfRecord",
    "KindOfUnit": "materialEntityType",
    "DateLastEdited": "modified",
    "RecordURI": "references",
    "RecordURL": "references",
    "Notes": "occurrenceRemarks",
    "InformationWithheld": "informationWithheld",
    "CollectorsFieldNumber": "recordNumber",
    "CollectorsNumber": "recordNumber",
    "FieldNotes": "fieldNotes",
    "Sex": "sex",
    "UnitCollectionDomain/ZoologicalUnit/ZoologySex": "sex",
    "ZoologicalUnit/PhasesOrStages/PhaseOrStage": "lifeStage",
    "UnitCollectionDomain/ZoologicalUnit/ZoologyPhase": "lifeStage",
    "SpecimenUnit/Preparations/PreparationsText": "preparations",
    "SpecimenUnit/Disposition": "disposition",
    "SpecimenUnit/History/PreviousUnitsText": "otherCatalogNumbers",
    f"{TYPE}/NomenclaturalTypeDesignation/TypeStatus": "typeStatus",
    f"{TYPE}/NomenclaturalTypeDesignation/TypifiedName/FullScientificNameString": "typifiedName",
    **_under("Gathering", {**_GATHERING, **_SITE}),
    **_under("Gathering/GatheringSite", _SITE),
    **_under("Gathering/DateTime", _TIME),
    **_under("Gathering/GatheringDateTime", _TIME),
    **_under("Gathering/SiteCoordinateSets/SiteCoordinates", _COORDINATES),
    **_under("Gathering/GatheringSite/SiteCoordinateSets/SiteCoordinates", _COORDINATES),
    **_under("Identifications/Identification", _IDENTIFICATION),
    **_under("Identifications/Identification/Result/TaxonIdentified", _TAXON),
    **_under("Identifications/Identification/TaxonIdentified", _TAXON),
    **_names("Identifications/Identification/Result/TaxonIdentified"),
    **_names("Identifications/Identification/TaxonIdentified"),
}
STAND_INS: Mapping[str, str] = {
    "Gathering/Agents/GatheringAgentsText": "recordedBy",
    "Gathering/GatheringAgents/GatheringAgentsText": "recordedBy",
    "Gathering/Agents/GatheringAgent/AgentText": "recordedBy",
    "Gathering/Country/NameDerived": "country",
    "Identifications/Identification/TaxonIdentified/ScientificNameString": "scientificName",
    "Identifications/Identification/Identifiers/IdentifiersText": "identifiedBy",
    "Identifications/Identification/Date/DateText": "dateIdentified",
    f"{TYPE}/NomenclaturalTypeText": "typeStatus",
}
"""Taken where the sure path says nothing; else they stay under their own."""

RANKS: Mapping[str, str] = {
    "regnum": "kingdom",
    "kingdom": "kingdom",
    "phylum": "phylum",
    "divisio": "phylum",
    "division": "phylum",
    "classis": "class",
    "class": "class",
    "ordo": "order",
    "order": "order",
    "superfamilia": "superfamily",
    "superfamily": "superfamily",
    "familia": "family",
    "family": "family",
    "subfamilia": "subfamily",
    "subfamily": "subfamily",
    "tribus": "tribe",
    "genus": "genus",
}
AREAS: Mapping[str, str] = {
    "continent": "continent",
    "waterbody": "waterBody",
    "islandgroup": "islandGroup",
    "island": "island",
    "state": "stateProvince",
    "province": "stateProvince",
    "stateprovince": "stateProvince",
    "bundesland": "stateProvince",
    "county": "county",
    "municipality": "municipality",
}
METRES = {"", "m", "m.", "meter", "meters", "metre", "metres", "mtr"}
