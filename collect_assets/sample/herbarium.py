"""Invents the specimens of a herbarium, a field station and a seed garden, and writes them in their three formats.

The terms are Darwin Core's; institutions, collectors, numbers and places are made up, the plants' names are real.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Sequence

from collect_assets.sample import catalogue
from collect_assets.sample.chance import Chance
from collect_assets.sample.plants import PLANTS, REGIONS
from collect_assets.sample.story import Record, Story

DWC = "http://rs.tdwg.org/dwc/terms/"
DCTERMS = "http://purl.org/dc/terms/"
CORE_FIELDS = ("occurrenceID", "catalogNumber", "scientificName", "family", "recordedBy", "recordNumber", "eventDate",
               "country", "countryCode", "stateProvince", "locality", "decimalLatitude", "decimalLongitude",
               "modified")  # fmt: skip
CONSTANTS = {"basisOfRecord": "PreservedSpecimen", "institutionCode": "KALD", "collectionCode": "V"}
TABLE_FIELDS = ("occurrenceID", "basisOfRecord", "scientificName", "family", "recordedBy", "eventDate", "country",
                "stateProvince", "locality", "decimalLatitude", "decimalLongitude", "individualCount")  # fmt: skip
FIXED_TIME = (1980, 1, 1, 0, 0, 0)

KALDMOOR_STORY = Story(
    arrives={70: 1, 71: 1, 72: 3, 73: 3, 74: 3},
    absent={12: (1, 2), 33: (1, 2, 3)},
    changes={
        43: {1: {"scientificName": "Gentiana brachyphylla Vill.", "modified": "2026-11-01"}},
        39: {1: {"recordedBy": "E. Haldorsen & P. Nygård", "modified": "2026-11-01"}},
        41: {1: {"eventDate": "1968-07-16", "modified": "2026-11-01"}},
        24: {3: {"locality": "Grünkogel, Südhang oberhalb der Wurzalm", "modified": "2026-11-04"}},
    },
)
FIELD_STATION_STORY = Story(
    arrives={48: 1, 49: 3},
    absent={20: (1, 2, 3)},
    changes={
        3: {2: {"scientificName": "Vaccinium uliginosum L."}},
        8: {2: {"individualCount": 3}},
        40: {3: {"individualCount": 44}},
    },
)
SEED_GARDEN_STORY = Story(absent={17: (2, 3)}, changes={9: {2: {"germinationPercent": 83}}, 22: {3: {"seeds": 340}}})


def archive(state: str) -> bytes:
    """The herbarium's Darwin Core Archive: stored, not deflated, so that its bytes do not depend on a zlib."""
    records = KALDMOOR_STORY.at(state, _herbarium(75))
    members = {"meta.xml": _meta(), "eml.xml": _eml(state), "occurrence.txt": _tab_separated(records)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as zipped:
        for name, text in members.items():
            member = zipfile.ZipInfo(name, FIXED_TIME)
            member.create_system, member.external_attr = 3, 0o644 << 16
            zipped.writestr(member, text.encode())
    return buffer.getvalue()


def table(state: str) -> bytes:
    """The field station's occurrences, as a plain CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, TABLE_FIELDS, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(FIELD_STATION_STORY.at(state, _field_station(50)))
    return text.getvalue().encode()


def lines(state: str) -> bytes:
    """The seed garden's accessions, one JSON object a line."""
    records = SEED_GARDEN_STORY.at(state, _seed_garden(42))
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _specimen(chance: Chance, first_year: int, last_year: int) -> Record:
    name, family, countries = chance.one(PLANTS)
    region = chance.one([region for region in REGIONS if region.country_code in countries.split()])
    (south, west), (north, east) = region.south_west, region.north_east
    year = first_year + chance.below(last_year + 1 - first_year)
    return {
        "scientificName": name,
        "family": family,
        "recordedBy": chance.one(region.collectors),
        "eventDate": chance.day(dt.date(year, 6, 5), dt.date(year, 9, 12)).isoformat(),
        "country": region.country,
        "countryCode": region.country_code,
        "stateProvince": region.state,
        "locality": chance.one(region.localities),
        "decimalLatitude": f"{chance.between(south, north, 4):.4f}",
        "decimalLongitude": f"{chance.between(west, east, 4):.4f}",
    }


def _herbarium(count: int) -> list[Record]:
    chance = Chance(catalogue.KALDMOOR)
    return [
        {
            "occurrenceID": f"urn:catalog:KALD:V:{20400 + 7 * number:06}",
            "catalogNumber": f"KALD-V-{20400 + 7 * number:06}",
            **_specimen(chance, 1958, 1991),
            "recordNumber": 100 + chance.below(900),
            "modified": chance.day(dt.date(2019, 1, 7), dt.date(2026, 9, 30)).isoformat(),
        }
        for number in range(count)
    ]


def _field_station(count: int) -> list[Record]:
    chance = Chance(catalogue.FIELD_STATION)
    return [
        {
            "occurrenceID": f"tarnbeck:{2000 + number}",
            "basisOfRecord": "HumanObservation",
            **_specimen(chance, 2021, 2026),
            "individualCount": 1 + chance.below(40),
        }
        for number in range(count)
    ]


def _seed_garden(count: int) -> list[Record]:
    chance = Chance(catalogue.SEED_GARDEN)
    return [
        {
            "barcode": f"LSG{310000 + 13 * number}",
            **{name: _number(name, value) for name, value in _specimen(chance, 2015, 2026).items()},
            "seeds": 10 * (5 + chance.below(60)),
            "germinationPercent": 40 + chance.below(60),
        }
        for number in range(count)
    ]


def _number(name: str, value: object) -> object:
    return float(str(value)) if name.startswith("decimal") else value


def _tab_separated(records: Sequence[Record]) -> str:
    rows = [CORE_FIELDS, *([str(record[name]) for name in CORE_FIELDS] for record in records)]
    return "".join("\t".join(row) + "\n" for row in rows)


def _meta() -> str:
    terms = [f'<field index="{index}" term="{_term(name)}"/>' for index, name in enumerate(CORE_FIELDS)]
    terms += [f'<field default="{value}" term="{_term(name)}"/>' for name, value in CONSTANTS.items()]
    fields = "\n    ".join(terms)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">
  <core encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"
        rowType="{DWC}Occurrence">
    <files><location>occurrence.txt</location></files>
    <id index="0"/>
    {fields}
  </core>
</archive>
"""


def _term(name: str) -> str:
    return (DCTERMS if name == "modified" else DWC) + name


def _eml(state: str) -> str:
    published = "2026-11-04" if state == catalogue.TODAY else min(state, "2026-11-02")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<eml:eml xmlns:eml="eml://ecoinformatics.org/eml-2.1.1" packageId="kaldmoor-v" system="sample" xml:lang="eng">
  <dataset>
    <title xml:lang="eng">Vascular plants in the Kaldmoor University Herbarium (invented)</title>
    <creator><organizationName>Kaldmoor University Herbarium</organizationName></creator>
    <pubDate>{published}</pubDate>
    <language>eng</language>
    <abstract><para>Invented specimens with real names of plants, for trying out collect_assets.</para></abstract>
    <intellectualRights><para>CC0 1.0</para></intellectualRights>
    <contact><organizationName>Kaldmoor University Herbarium</organizationName></contact>
  </dataset>
</eml:eml>
"""
