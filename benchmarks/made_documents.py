"""A DiGIR page and an ABCD document of a given size, made from record numbers: the same arguments, the same bytes.

`python -m benchmarks.made_documents <folder> <megabytes>` writes `digir.xml` and `abcd.xml`. Records are like those of
real pages: half of DiGIR's terms are empty, ABCD's are deeply nested, both are indented.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import MB

PIECE = 500
_FILLED = {
    "DateLastModified": "2011-05-23T14:46:50",
    "InstitutionCode": "NHM",
    "CollectionCode": "Butterfly atlas of the islands",
    "CatalogNumber": "{n}",
    "ScientificName": "Araschnia levana{m}",
    "BasisOfRecord": "HumanObservation",
    "Kingdom": "Animalia",
    "Phylum": "Arthropoda",
    "Class": "Insecta",
    "Order": "Lepidoptera",
    "Family": "Nymphalidae",
    "Genus": "Araschnia",
    "Species": "levana",
    "Collector": "Ågot Østlie",
    "YearCollected": "19{k}",
    "MonthCollected": "6",
    "DayCollected": "2",
    "ContinentOcean": "Europa",
    "Country": "Norway",
    "Locality": "Field {m}, north of the road",
    "Latitude": "54.8{k}781",
    "Longitude": "10.79{k}5",
    "IndividualCount": "1",
}
_EMPTY = (
    "Subspecies",
    "ScientificNameAuthor",
    "IdentifiedBy",
    "YearIdentified",
    "MonthIdentified",
    "DayIdentified",
    "TypeStatus",
    "CollectorNumber",
    "FieldNumber",
    "JulianDay",
    "TimeOfDay",
    "StateProvince",
    "County",
    "CoordinatePrecision",
    "MinimumElevation",
    "MaximumElevation",
    "MinimumDepth",
    "MaximumDepth",
    "Sex",
    "PreparationType",
    "PreviousCatalogNumber",
    "RelationshipType",
    "RelatedCatalogItem",
    "Notes",
)
_UNIT = {
    "SourceInstitutionID": "NHM",
    "SourceID": "Herbarium",
    "UnitID": "{n}",
    "Identifications": {
        "Identification": {
            "Result": {
                "TaxonIdentified": {
                    "HigherTaxa": {"HigherTaxon": {"HigherTaxonName": "Plantae", "HigherTaxonRank": "regnum"}},
                    "ScientificName": {"FullScientificNameString": "Achillea kotschyi {m} Bässler"},
                }
            }
        }
    },
    "RecordBasis": "PreservedSpecimen",
    "Gathering": {
        "DateTime": {"DateText": "19{k}/7/16"},
        "Agents": {"GatheringAgent": {"Person": {"FullName": "Ågot Østlie"}}},
        "LocalityText": "Slope {m} above the lake",
        "SiteCoordinateSets": {
            "SiteCoordinates": {
                "CoordinatesLatLong": {
                    "LongitudeDecimal": "34.5{k}",
                    "LatitudeDecimal": "37.4{k}",
                    "SpatialDatum": "WGS84",
                }
            }
        },
        "Altitude": {"MeasurementOrFactAtomised": {"LowerValue": "23{k}"}},
    },
}


def write_documents(folder: Path, megabytes: int) -> None:
    """Writes both."""
    empty = "".join(f"      <darwin:{name}></darwin:{name}>\n" for name in _EMPTY)
    filled = "".join(f"      <darwin:{name}>{value}</darwin:{name}>\n" for name, value in _FILLED.items())
    protocol = "http://digir.net/schema/protocol/2003/1.0"
    darwin = "http://digir.net/schema/conceptual/darwin/2003/1.0"
    _write(
        folder / "digir.xml",
        f'<?xml version="1.0"?><response xmlns="{protocol}"><header/><content xmlns:darwin="{darwin}">\n',
        lambda number: _record(f"    <record>\n{filled}{empty}    </record>\n", number),
        "</content></response>\n",
        megabytes,
    )
    unit = f"          <abcd:Unit>\n{_indented(_UNIT, 12)}          </abcd:Unit>\n"
    _write(
        folder / "abcd.xml",
        '<abcd:DataSets xmlns:abcd="http://www.tdwg.org/schemas/abcd/2.06"><abcd:DataSet><abcd:Units>\n',
        lambda number: _record(unit, number),
        "</abcd:Units></abcd:DataSet></abcd:DataSets>\n",
        megabytes,
    )


def _record(template: str, number: int) -> str:
    return template.format(n=number, m=number % 4000, k=f"{number % 90 + 10}")


def _indented(elements: dict[str, object], blanks: int) -> str:
    lines = []
    for name, value in elements.items():
        inner = f"\n{_indented(value, blanks + 2)}{' ' * blanks}" if isinstance(value, dict) else value
        lines.append(f"{' ' * blanks}<abcd:{name}>{inner}</abcd:{name}>\n")
    return "".join(lines)


def _write(path: Path, head: str, record: Callable[[int], str], tail: str, megabytes: int) -> None:
    number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(head)
        while file.tell() < megabytes * MB:
            file.write("".join(map(record, range(number, number + PIECE))))
            number += PIECE
        file.write(tail)


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]), int(sys.argv[2]))
