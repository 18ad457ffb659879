"""What describes the targets of a collection: EML in archives, and source.csv."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import duckdb
import pytest
from click.testing import CliRunner

from collect_assets.cli import main
from collect_assets.items.day import derive_day_records
from collect_assets.items.descriptions import describe, write_descriptions
from collect_assets.registers import endpoint_id
from collect_assets.store.canonical import canonical_hash
from collect_assets_tests.index.kept import collection_at, day, keep
from collect_assets_tests.readers.test_archives import CORE, FIELDS, descriptor

EML = """<?xml version="1.0"?>
<eml:eml xmlns:eml="eml://ecoinformatics.org/eml-2.1.1" packageId="p/v1"><dataset>
<title>Herbarium
 of Å</title><creator><organizationName>Museum</organizationName></creator><pubDate> 2018-08-28 </pubDate>
<intellectualRights><para>Free: <ulink url="https://example.org/cc0"><citetitle>CC0</citetitle></ulink></para>
</intellectualRights><contact><individualName><givenName>Ada</givenName><surName>Berg</surName></individualName>
<organizationName>Museum</organizationName><electronicMailAddress>ada@example.org</electronicMailAddress></contact>
</dataset><additionalMetadata><metadata><gbif><citation>Cite it so</citation></gbif></metadata></additionalMetadata>
</eml:eml>"""


@pytest.fixture
def collection(tmp_path):
    return collection_at(tmp_path / "collection")


def archive(zipped, eml: str | bytes = EML) -> bytes:
    return zipped({"meta.xml": descriptor(FIELDS), "core.txt": CORE, "eml.xml": eml})


@pytest.fixture
def zipped(tmp_path):
    import io
    import zipfile

    def packing(members):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as packed:
            for name, content in members.items():
                packed.writestr(name, content)
        return buffer.getvalue()

    return packing


def test_the_eml_of_an_archive_describes_its_endpoint(collection, zipped):
    keep(collection, day(0), "archive", archive(zipped))
    derive_day_records(collection, day(0))
    (said,) = describe(collection)
    assert (said.said_by, said.title, said.publisher) == ("eml", "Herbarium of Å", "Museum")
    assert said.contact == "Ada Berg, Museum <ada@example.org>"
    assert (said.licence, said.citation) == ("https://example.org/cc0", "Cite it so")
    assert (said.last_update, said.identifier, said.records) == ("2018-08-28", "p/v1", "2")
    assert said.endpoint_url == "https://example.org/archive"


DIGIR = "http://digir.net/schema/protocol/2003/1.0"
RESOURCE = """<resource><name>Plants {0}</name><code>{0}</code><contact type='technical'><name>Ada</name>
<emailAddress>ada@example.org</emailAddress></contact><useRestrictions>CC0</useRestrictions><citation>Cite</citation>
<numberOfRecords>unknown</numberOfRecords><dateLastUpdated>2004-01-02</dateLastUpdated></resource>"""
DIGIR_METADATA = f"""<response xmlns='{DIGIR}'><header><type>metadata</type></header><content><metadata><provider>
<name>The provider</name><host><name>Museum</name></host>{{}}</provider></metadata></content></response>"""
TAPIR_METADATA = """<response xmlns='http://rs.tdwg.org/tapir/1.0' xmlns:dc='http://purl.org/dc/elements/1.1/'
xmlns:dct='http://purl.org/dc/terms/' xmlns:v='http://www.w3.org/2001/vcard-rdf/3.0#'><header/><metadata>
<dc:title>Birds</dc:title><dc:rights>CC BY 4.0</dc:rights><dct:modified>2011-06-10</dct:modified>
<relatedEntity><role>technical host</role><entity><name>Host</name></entity></relatedEntity>
<relatedEntity><role>data supplier</role><entity><name>Museum</name><hasContact><v:VCARD><v:FN>Ada</v:FN>
<v:EMAIL>ada@example.org</v:EMAIL></v:VCARD></hasContact></entity></relatedEntity></metadata></response>"""
BIOCASE = """<r:response xmlns:r='http://www.biocase.org/schemas/protocol/1.3'><r:header><r:type>search</r:type></r:header>
<r:content recordCount='1'><DataSets xmlns='http://www.tdwg.org/schemas/abcd/2.06'><DataSet>
<ContentContacts><ContentContact><Name>Ada</Name><Email>ada@example.org</Email></ContentContact></ContentContacts>
<Metadata><Description><Representation><Title>Pontaurus</Title></Representation></Description>
<RevisionData><DateModified>20110624</DateModified></RevisionData><IPRStatements><Copyrights><Copyright>
<Text>Open data</Text></Copyright></Copyrights><Citations><Citation><Text>Cite</Text></Citation></Citations>
</IPRStatements></Metadata><Units><Unit><UnitID>1</UnitID></Unit></Units></DataSet></DataSets></r:content></r:response>"""
IDENTIFY = """<OAI-PMH xmlns='http://www.openarchives.org/OAI/2.0/'><Identify><repositoryName>Trees</repositoryName>
<adminEmail>ada@example.org</adminEmail></Identify></OAI-PMH>"""
MAIL = "Ada <ada@example.org>"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            DIGIR_METADATA.format(RESOURCE.format("herb")),
            {"said_by": "digir", "title": "Plants herb", "publisher": "Museum", "contact": MAIL, "licence": "CC0",
             "citation": "Cite", "last_update": "2004-01-02", "identifier": "herb"},
        ),
        (
            DIGIR_METADATA.format(RESOURCE.format("herb") + RESOURCE.format("fungi")),
            {"said_by": "digir", "title": "The provider", "publisher": "Museum"},
        ),
        (
            DIGIR_METADATA.format(RESOURCE.format("herb").replace("unknown", "2443")),
            {"said_by": "digir", "title": "Plants herb", "publisher": "Museum", "contact": MAIL, "licence": "CC0",
             "citation": "Cite", "declared_count": "2443", "last_update": "2004-01-02", "identifier": "herb"},
        ),
        (
            TAPIR_METADATA,
            {"said_by": "tapir", "title": "Birds", "publisher": "Museum", "contact": MAIL, "licence": "CC BY 4.0",
             "last_update": "2011-06-10"},
        ),
        (
            BIOCASE,
            {"said_by": "biocase", "title": "Pontaurus", "contact": MAIL, "licence": "Open data", "citation": "Cite",
             "last_update": "20110624"},
        ),
        (IDENTIFY, {"said_by": "oai-pmh", "title": "Trees", "publisher": "Trees", "contact": "ada@example.org"}),
    ],
    ids=["digir", "digir of several", "digir that counts", "tapir", "biocase", "oai-pmh"],
)  # fmt: skip
def test_what_a_provider_says_of_itself_among_the_pages_describes_its_endpoint(collection, zipped, page, said):
    tasks = json.dumps({"plugin": "digir", "tasks": [{"page": "000001.xml", "request": "GET x"}]})
    keep(collection, day(0), "harvest", zipped({"tasks.json": tasks, "000001.xml": page}))
    derive_day_records(collection, day(0))
    (found,) = describe(collection)
    assert {name: value for name, value in asdict(found).items() if value and name in said} == said
    assert (found.declared_count, found.licence) == (said.get("declared_count", ""), said.get("licence", ""))


def digir_pages(zipped, declared: object) -> bytes:
    tasks = json.dumps({"plugin": "digir", "tasks": [{"page": "000001.xml", "request": "GET x"}]})
    metadata = DIGIR_METADATA.format(RESOURCE.format("herb").replace("unknown", str(declared)))
    return zipped({"tasks.json": tasks, "000001.xml": metadata})


def test_what_the_provider_told_the_harvest_goes_before_the_number_in_its_document(collection, zipped):
    keep(collection, day(0), "herb", digir_pages(zipped, 2443))
    keep(collection, day(1), "herb", digir_pages(zipped, 2443), declared_count=2500)
    keep(collection, day(2), "herb", digir_pages(zipped, 2444))
    for number in range(3):
        derive_day_records(collection, day(number))
    assert [describe(collection, day(n))[0].declared_count for n in range(3)] == ["2443", "2500", "2500"]
    assert [(said.said_by, said.title) for said in describe(collection)] == [("digir", "Plants herb")]


def keep_part(collection, number: int, content: bytes) -> None:
    """As a collector keeps it, whose logs have the canonical hash."""
    sha256 = hashlib.sha256(content).hexdigest()
    (path := collection.resources.path(sha256)).write_bytes(content)
    canonical = canonical_hash(path, sha256)
    keep(collection, day(number), "herb", content, partial=True, canonical_hash=canonical)


def test_what_only_ever_came_in_part_is_described_by_its_newest_part_and_else_the_whole_speaks(collection, zipped):
    keep_part(collection, 0, digir_pages(zipped, 1))
    keep_part(collection, 1, digir_pages(zipped, 2))
    for number in range(2):
        derive_day_records(collection, day(number))
    (said,) = describe(collection)
    assert (said.title, said.licence, said.declared_count, said.entry_date) == ("Plants herb", "CC0", "2", str(day(1)))
    assert said.coverage == "part"
    keep(collection, day(2), "herb", digir_pages(zipped, 3))
    keep_part(collection, 3, digir_pages(zipped, 4))
    for number in range(2, 4):
        derive_day_records(collection, day(number))
    (said,) = describe(collection)
    assert (said.declared_count, said.entry_date, said.coverage) == ("3", str(day(2)), "full")


def test_a_count_that_a_failed_harvest_learned_describes_what_has_no_resource_yet(collection, zipped):
    keep(collection, day(0), "herb", None, plugin="tapir", declared_count=7)
    (said,) = describe(collection)
    assert (said.endpoint_url, said.said_by, said.declared_count) == ("https://example.org/herb", "tapir", "7")
    assert (said.entry_date, said.records) == (str(day(0)), "")


def test_the_last_good_resource_up_to_a_day_speaks(collection, zipped):
    keep(collection, day(0), "archive", archive(zipped))
    keep(collection, day(1), "archive", archive(zipped, EML.replace("Herbarium", "Fungarium")))
    keep(collection, day(2), "archive", None)
    for number in range(3):
        derive_day_records(collection, day(number))
    assert [said.title for said in describe(collection)] == ["Fungarium of Å"]
    assert [said.title for said in describe(collection, day(0))] == ["Herbarium of Å"]


def test_source_csv_has_rows_of_its_own(collection, zipped):
    keep(collection, day(0), "archive", archive(zipped))
    endpoint = endpoint_id("https://example.org/archive")
    (collection.registers / "source.csv").write_text(
        "source,attribution,collection,documentation-url,endpoint,licence,organisation,pipelines\n"
        f"s,Cite us,c,https://example.org/about,{endpoint},ogl3,museum:1,plants;fungi\n"
    )
    derive_day_records(collection, day(0))
    by = {said.said_by: said for said in describe(collection)}
    assert set(by) == {"eml", "source.csv"}
    assert (by["source.csv"].licence, by["source.csv"].publisher) == ("ogl3", "museum:1")
    assert (by["source.csv"].citation, by["source.csv"].datasets) == ("Cite us", "plants;fungi")
    assert by["source.csv"].documentation_url == "https://example.org/about"


@pytest.mark.parametrize(
    "eml", ["<eml", b"\xff\xfe", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>']
)
def test_eml_that_cannot_be_read_is_a_note_and_the_records_count(collection, zipped, eml):
    keep(collection, day(0), "archive", archive(zipped, eml))
    (report,) = derive_day_records(collection, day(0)).reports.values()
    assert (report.records, report.problem) == (2, "")
    assert "root:" not in json.dumps(dict(report.about))


def test_the_table_is_written_and_the_same_each_time(collection, zipped):
    keep(collection, day(0), "archive", archive(zipped))
    derive_day_records(collection, day(0))
    path = write_descriptions(collection, describe(collection))
    first = path.read_bytes()
    assert write_descriptions(collection, describe(collection)).read_bytes() == first
    with duckdb.connect() as connection:
        assert connection.execute("SELECT title, records FROM read_parquet(?)", [str(path)]).fetchall() == [
            ("Herbarium of Å", "2")
        ]


def test_before_anything_is_read_the_command_says_what_to_do(collection, zipped):
    keep(collection, day(0), "archive", archive(zipped))
    shown = CliRunner().invoke(main, ["describe", "-c", str(collection.registers)])
    assert (shown.exit_code, "`collect-assets index` reads them" in shown.output) == (0, True)


def test_the_command_shows_what_is_said(collection, zipped):
    keep(collection, day(0), "archive", archive(zipped))
    derive_day_records(collection, day(0))
    shown = CliRunner().invoke(main, ["describe", "-c", str(collection.registers)])
    assert (shown.exit_code, "title: Herbarium of Å" in shown.output) == (0, True)
    listed = CliRunner().invoke(main, ["describe", "-c", str(collection.registers), "--json"])
    assert json.loads(listed.output)[0]["said-by"] == "eml"
