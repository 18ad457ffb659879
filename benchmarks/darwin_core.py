"""A Darwin Core Archive of a given size, made by DuckDB from row numbers: the same arguments, the same rows.

`python -m benchmarks.darwin_core <archive> <csv> <rows> <edition>` writes the CSV and the archive that holds it.
Between two editions one row in a hundred differs. Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import duckdb

FIELDS = {
    "occurrenceID": "'urn:catalog:NHM:botany:' || md5(i::VARCHAR)",
    "basisOfRecord": "['PreservedSpecimen', 'HumanObservation', 'MaterialSample'][i % 3 + 1]",
    "institutionCode": "'NHM'",
    "collectionCode": "['Botany', 'Zoology', 'Geology', 'Fungi'][i % 4 + 1]",
    "catalogNumber": "'V-' || (100000 + i)",
    "scientificName": "['Crataegus', 'Quercus'][i % 2 + 1] || ' ' || left(md5((i % 9000)::VARCHAR), 9) || ' L.'",
    "kingdom": "'Plantae'",
    "family": "['Rosaceae', 'Fagaceae', 'Salicaceae', 'Cyperaceae', 'Poaceae'][i % 5 + 1]",
    "taxonRank": "'species'",
    "recordedBy": "['Ågot Østlie', 'Brøgger, W. C.', 'Lid, J.', 'Blytt, A.'][i % 4 + 1] || ' ' || (i % 700)",
    "eventDate": "strftime(DATE '1880-01-01' + (i % 50000)::INTEGER, '%Y-%m-%d')",
    "country": "['Norway', 'Sweden', 'Denmark', 'Finland'][i % 4 + 1]",
    "countryCode": "['NO', 'SE', 'DK', 'FI'][i % 4 + 1]",
    "locality": "'Field ' || (i % 40000) || ', north of the road to ' || left(md5((i % 800)::VARCHAR), 8)"
    " || CASE WHEN i % 10 = 3 THEN ', meadow' ELSE '' END",
    "decimalLatitude": "printf('%.5f', 55 + (hash(i) % 1500000) / 100000.0)",
    "decimalLongitude": "printf('%.5f', 5 + (hash(i + 1) % 2500000) / 100000.0)",
    "coordinateUncertaintyInMeters": "(i % 200 * 10)::VARCHAR",
    "individualCount": "CASE WHEN i % 3 = 0 THEN (i % 20)::VARCHAR END",
    "occurrenceRemarks": "md5(i::VARCHAR) || CASE WHEN i % 100 = 0 THEN ' edition $edition' ELSE ', \"seen\"' END",
    "modified": "'2024-01-01T00:00:00Z'",
}
TERMS = "http://rs.tdwg.org/dwc/terms/"


def write_archive(archive: Path, table: Path, rows: int, edition: int) -> None:
    """Writes the CSV, and the archive."""
    fields = ", ".join(f'{sql} AS "{name}"' for name, sql in FIELDS.items()).replace("$edition", str(edition))
    duckdb.execute(f"COPY (SELECT {fields} FROM range({rows}) numbers(i)) TO '{table}' (FORMAT csv, HEADER)")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("meta.xml", _descriptor())
        packed.write(table, "occurrence.txt")


def _descriptor() -> str:
    fields = "".join(f'<field index="{n}" term="{_term(name)}"/>' for n, name in enumerate(FIELDS))
    return (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8" fieldsTerminatedBy="," '
        f'linesTerminatedBy="\\n" fieldsEnclosedBy="&quot;" ignoreHeaderLines="1" rowType="{TERMS}Occurrence">'
        f'<files><location>occurrence.txt</location></files><id index="0"/>{fields}</core></archive>'
    )


def _term(name: str) -> str:
    return f"http://purl.org/dc/terms/{name}" if name == "modified" else TERMS + name


if __name__ == "__main__":
    write_archive(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
