"""Faults of harvests (F53 to F88) and of DiGIR providers: what an endpoint served on one day, and on the next.

On the first day all is well, and three or more records become items. What the second day comes to is said as
`<outcome>; <records read>, <rejects>; +<items created> ~<updated> -<deleted>`, with `held` where deletions wait.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from collect_assets_tests.plugins.digir_provider import PROTOCOL, DigirProvider, diagnostic, plants
from collect_assets_tests.servers import Page

ROWS = 60
TERMS = "http://rs.tdwg.org/dwc/terms/"
GOOD_CORE = "id,name\n1,oak\n2,ash\n3,elm\n"


@dataclass(frozen=True)
class HarvestCase:
    """One fault.

    Attributes:
        number: of the fault; `1.7` for one of DiGIR's providers.
        before: what is served on the first day: a document, or a provider.
        after: what is served on the second; of a provider, what becomes of it.
        expected: what comes of it.
        why: for whoever wonders.
    """

    number: str
    fault: str
    before: bytes | DigirProvider
    after: bytes | Callable[[DigirProvider], object]
    expected: str
    why: str = ""

    @property
    def name(self) -> str:
        """As the name of a test has it."""
        words = "".join(c if c.isalnum() else "_" for c in self.fault.lower())
        return f"{self.number.lower().replace('.', '_')}_{words}"


def packed(members: Mapping[str, str | bytes], change: Callable[[zipfile.ZipInfo], object] = lambda _: None) -> bytes:
    """A zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, content)
    return file.getvalue()


def core(attributes: str = "", inside: str = "", location: str = "core.txt", fields: int = 2) -> str:
    """A descriptor."""
    named = ("taxonID", "scientificName", "kingdom")
    columns = "".join(f"<field index='{n}' term='{TERMS}{name}'/>" for n, name in enumerate(named[:fields]))
    said = attributes or "fieldsTerminatedBy=',' ignoreHeaderLines='1'"
    return (
        f"<archive xmlns='http://rs.tdwg.org/dwc/text/'>{inside}<core rowType='{TERMS}Taxon' {said}><files><location>"
        f"{location}</location></files><id index='0'/>{columns}</core></archive>"
    )


def archive(table: str = GOOD_CORE, **more: Any) -> bytes:
    """A Darwin Core Archive."""
    return packed({"meta.xml": core(**more), "core.txt": table})


EXTENSION = (
    f"<extension rowType='{TERMS}Description' fieldsTerminatedBy=',' ignoreHeaderLines='1'><files><location>more.txt"
    f"</location></files><coreid index='0'/><field index='1' term='{TERMS}taxonRemarks'/></extension>"
)
GOOD = archive()
JSON = b'[{"id": "1"}, {"id": "2"}, {"id": "3"}]'
CSV = b"id,name\n1,oak\n2,ash\n3,elm\n"


def link(info: zipfile.ZipInfo) -> None:
    info.create_system, info.external_attr = 3, 0o120777 << 16


def encrypted() -> bytes:
    changed = bytearray(GOOD)
    place = 0
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        while (place := changed.find(mark, place)) >= 0:
            changed[place + offset] |= 1
            place += 4
        place = 0
    return bytes(changed)


def lying_size() -> bytes:
    changed = bytearray(GOOD)
    place = changed.rfind(b"PK\x01\x02")
    changed[place + 24 : place + 28] = struct.pack("<I", 10)
    return bytes(changed)


def two_of_one_name() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as twice:
        twice.writestr("meta.xml", core())
        twice.writestr("core.txt", GOOD_CORE)
        twice.writestr("corf.txt", "id,name\n9,yew\n")
    return file.getvalue().replace(b"corf.txt", b"core.txt")


def simple(inside: str = "", before: str = "") -> bytes:
    """Simple Darwin Core as XML."""
    records = "".join(f"<r><d:taxonID>{n}</d:taxonID><d:occurrenceID>{n}</d:occurrenceID></r>" for n in (1, 2, 3))
    space = f"xmlns='http://rs.tdwg.org/dwc/xsd/simpledarwincore/' xmlns:d='{TERMS}'"
    records = records.replace("<r>", "<SimpleDarwinRecord>").replace("</r>", "</SimpleDarwinRecord>")
    return f"{before}<SimpleDarwinRecordSet {space}>{records}{inside}</SimpleDarwinRecordSet>".encode()


def spoil(**changes: Any) -> Callable[[DigirProvider], object]:
    """Sets attributes of a provider."""

    def change(provider: DigirProvider) -> None:
        for name, value in changes.items():
            setattr(provider, name, value)

    return change


WRONG_DELIMITER = "fieldsTerminatedBy=';' ignoreHeaderLines='1'"
NO_HEADER_SAID = "fieldsTerminatedBy=',' ignoreHeaderLines='0'"
NAMED = "taxonID,scientificName\n1,oak\n2,ash\n3,elm\n"
GROWING = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OF_A_FILE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
DEEP_RECORD = f"<SimpleDarwinRecord>{'<a>' * 300}{'</a>' * 300}</SimpleDarwinRecord>"
HEADER_ONLY = f"<response xmlns='{PROTOCOL}'><header><type>search</type></header></response>"
WARNING = diagnostic("Unknown PHP Error [2]", "<b>x</b>", "warn") + "</diagnostics>"
ODD_TIME = "<sendTime>2010-10-07THawaiian St:andard Time "


OWN_TYPE = (
    "changed; not readable: XML with a document type of its own (<!DOCTYPE … [); such documents are not read; +0 ~0 -0"
)
NO_TABLE = (
    "changed; not readable: a zip without meta.xml needs exactly one table, JSON or spatial file; found: none among "
    "inner.zip; +0 ~0 -0"
)


def unlike(described: int, width: int, delimiter: str) -> str:
    """What is said of an archive that is not as its descriptor has it."""
    return (
        f"changed; not readable: meta.xml: describes column {described} of core.txt, which has {width}; is its "
        f"fieldsTerminatedBy '{delimiter}' right?; +0 ~0 -0"
    )


def rows(count: int, **changes: Any) -> Callable[[DigirProvider], object]:
    """Leaves it some rows."""
    return lambda provider: spoil(rows=provider.rows[:count], **changes)(provider)


def of_pages(change: Callable[[str], str | bytes]) -> Callable[[DigirProvider], object]:
    """Changes the pages that have records."""
    return spoil(change=lambda text: change(text) if "<record>" in text else text)


def in_one(page: Page | str, number: int = 4) -> Callable[[DigirProvider], object]:
    """Answers the same at every start of one range: that of the search of that number."""
    asked: list[bytes] = []

    def interfere(search: Any, at: int) -> Page | str | None:
        from lxml import etree

        text = etree.tostring(search.filter)
        if at == number:
            asked.append(text)
        return page if text in asked else None

    return spoil(interfere=interfere)


def provider(**options: Any) -> DigirProvider:
    """One with rows enough for several pages."""
    return DigirProvider(**{"rows": plants(ROWS), "most": 10, **options})


def response(content: str, said: str = "", namespace: str = PROTOCOL, kind: str = "search") -> str:
    return (
        f"<response xmlns='{namespace}'><header><sendTime>Standard Time</sendTime><type>{kind}</type></header>"
        f"{content}<diagnostics>{said}</diagnostics></response>"
    )


def shifted(provider: DigirProvider) -> None:
    """A row goes away while pages are asked for, so that a later one moves over the edge of a page."""
    moved = replace(provider)

    def interfere(_search: Any, at: int) -> None:
        if at == 2:
            provider.rows = moved.rows[1:]

    provider.rows = [{**row, "ScientificName": f"Abies {n:02d}"} for n, row in enumerate(moved.rows)]
    moved.rows = provider.rows
    provider.interfere = interfere


def as_latin_1(text: str) -> bytes:
    return text.replace("<darwin:InstitutionCode>K", "<darwin:InstitutionCode>Århus").encode("latin-1")


def plain(name: str, value: str) -> Callable[[str], str]:
    """Puts a value into the records."""
    return lambda text: text.replace("</record>", f"<darwin:{name}>{value}</darwin:{name}></record>")


def numberless(provider: DigirProvider) -> None:
    provider.rows = [{**row, "CatalogNumber": None} if n < 3 else row for n, row in enumerate(provider.rows)]


DEEP = b"[" * 200_000 + b"]" * 200_000
UNKNOWN = diagnostic("RESOURCE_NOT_FOUND", "The requested resource (herb) is not available.", "error")
FAILED = response("<content/>", diagnostic("DATABASE_ERROR", "no such table", "error"))

CASES = (
    HarvestCase(
        "F53",
        "a member named ../core.txt",
        GOOD,
        packed({"meta.xml": core(location="../core.txt"), "../core.txt": GOOD_CORE}),
        "changed; 3 records; +0 ~0 -0",
        "read by name, written nowhere",
    ),
    HarvestCase(
        "F53",
        "a member that is a symbolic link",
        GOOD,
        packed({"meta.xml": core(), "core.txt": "/etc/passwd"}, link),
        unlike(2, 1, ","),
        "its text, as any file's",
    ),
    HarvestCase(
        "F54",
        "a zip bomb",
        GOOD,
        packed({"meta.xml": core(), "core.txt": b"id,name\n" + b"0" * 70_000_000}),
        "changed; not readable: core.txt unpacks to more than 200 times its size, as archive bombs do; +0 ~0 -0",
    ),
    HarvestCase(
        "F54",
        "a zip within a zip",
        GOOD,
        packed({"inner.zip": GOOD}),
        NO_TABLE,
    ),
    HarvestCase(
        "F55",
        "two members of one name",
        GOOD,
        two_of_one_name(),
        "changed; not readable: the archive has 2 files named core.txt; +0 ~0 -0",
    ),
    HarvestCase(
        "F55",
        "an encrypted zip",
        GOOD,
        encrypted(),
        "changed; not readable: meta.xml is encrypted; +0 ~0 -0",
    ),
    HarvestCase(
        "F55",
        "a zip that says another size",
        GOOD,
        lying_size(),
        "changed; not readable: core.txt is damaged or cut off: Bad CRC-32 for file 'core.txt'; +0 ~0 -0",
    ),
    HarvestCase(
        "F56",
        "entities that grow",
        simple(),
        simple("&b;", GROWING),
        OWN_TYPE,
    ),
    HarvestCase(
        "F56",
        "an entity of a file",
        simple(),
        simple("&b;", OF_A_FILE),
        OWN_TYPE,
    ),
    HarvestCase(
        "F57",
        "JSON of 200,000 levels",
        JSON,
        DEEP,
        "changed; not readable: nested deeper than 200 levels; +0 ~0 -0",
    ),
    HarvestCase(
        "F57",
        "a record of 300 levels of XML",
        simple(),
        simple(DEEP_RECORD),
        "changed; 3 records, 1 !; +0 ~0 -0",
    ),
    HarvestCase(
        "F57",
        "a cell of 2 MB",
        CSV,
        CSV + b"4," + b"x" * 2_000_000 + b"\n",
        "changed; 4 records; +1 ~0 -0",
    ),
    HarvestCase(
        "F57",
        "a line of 20 MB",
        CSV,
        CSV + b"4," + b"x" * 20_000_000 + b"\n",
        "changed; 3 records, 1 !; +0 ~0 -0",
    ),
    HarvestCase(
        "F75",
        "60 records declared, 45 delivered",
        provider(),
        rows(45, declared=60),
        "failed:incomplete; 45 records; +0 ~0 -0",
    ),
    HarvestCase(
        "F76",
        "an empty, valid answer",
        provider(),
        rows(0, declared=0),
        "changed; 0 records; +0 ~0 -0, held",
        "a loss of all",
    ),
    HarvestCase(
        "F77",
        "one range fails for good",
        provider(),
        in_one(Page(b"", 404)),
        "failed:incomplete; 57 records; +0 ~0 -0",
    ),
    HarvestCase(
        "F78",
        "a loss below the limit",
        provider(),
        rows(50, declared=50),
        "changed; 50 records; +0 ~0 -10",
    ),
    HarvestCase(
        "F78",
        "a loss above the limit",
        provider(),
        rows(20, declared=20),
        "changed; 20 records; +0 ~0 -0, held",
    ),
    HarvestCase(
        "F82",
        "records without an id",
        CSV,
        CSV.replace(b"3,elm", b",elm"),
        "changed; 3 records, 1 ?; +0 ~0 -0",
    ),
    HarvestCase(
        "F86",
        "every start gives the first page",
        provider(),
        spoil(ignores_start=True),
        "same; 60 records; +0 ~0 -0",
        "asked for smaller ranges",
    ),
    HarvestCase(
        "F86",
        "a row goes while pages are asked for",
        provider(),
        shifted,
        "failed:incomplete; 59 records; +0 ~59 -0",
        "noticed by the counts; all were renamed",
    ),
    HarvestCase(
        "F87",
        "an error among the diagnostics of a 200",
        provider(),
        in_one(FAILED),
        "failed:incomplete; 57 records; +0 ~0 -0",
    ),
    HarvestCase(
        "F87",
        "another namespace",
        provider(),
        spoil(change=lambda text: text.replace(PROTOCOL, "http://example.org/x")),
        "failed:not-a-page; 0 records; +0 ~0 -0",
        "no page is taken for one of the protocol's, and nothing of the day is kept",
    ),
    HarvestCase(
        "F87",
        "an ampersand that is not escaped",
        provider(),
        of_pages(plain("Locality", "Bed & breakfast")),
        "changed; 60 records; +0 ~60 -0",
        "its records are read, and a note counts them",
    ),
    HarvestCase(
        "F87",
        "illegal characters",
        provider(),
        of_pages(plain("Locality", "a\x02b")),
        "changed; 60 records; +0 ~60 -0",
        "left out, and counted in a note",
    ),
    HarvestCase(
        "F87",
        "ISO-8859-1 under the name of UTF-8",
        provider(),
        of_pages(as_latin_1),
        "changed; 60 records; +0 ~60 -0",
        "read as Windows-1252",
    ),
    HarvestCase(
        "F88",
        "no meta.xml",
        GOOD,
        packed({"core.txt": GOOD_CORE}),
        "changed; 3 records; +0 ~3 -0",
        "one table alone is read as that table",
    ),
    HarvestCase(
        "F88",
        "a wrong delimiter",
        GOOD,
        archive(attributes=WRONG_DELIMITER),
        unlike(2, 1, ";"),
    ),
    HarvestCase(
        "F88",
        "a row with a cell too many",
        GOOD,
        archive(GOOD_CORE + "4,yew,x\n"),
        "changed; 3 records, 1 !; +0 ~0 -0",
    ),
    HarvestCase(
        "F88",
        "an extension before the core",
        GOOD,
        packed({"meta.xml": core(inside=EXTENSION), "core.txt": GOOD_CORE, "more.txt": "id,x\n1,big\n"}),
        "changed; 3 records; +0 ~1 -0",
    ),
    HarvestCase(
        "F88",
        "no rows",
        GOOD,
        archive("id,name\n"),
        "changed; 0 records; +0 ~0 -0, held",
        "a loss of all",
    ),
    HarvestCase(
        "F88",
        "line breaks in quotes",
        GOOD,
        archive('id,name\n1,oak\n2,"ash\ntree"\n3,elm\n'),
        "changed; 3 records; +0 ~1 -0",
    ),
    HarvestCase(
        "F88",
        "ignoreHeaderLines is 0",
        GOOD,
        archive(NAMED, attributes=NO_HEADER_SAID),
        "changed; 3 records; +0 ~0 -0",
        "its first row names the columns",
    ),
    HarvestCase(
        "F88",
        "a column that no row has",
        GOOD,
        archive(fields=3),
        unlike(3, 2, ","),
    ),
    HarvestCase(
        "1.7",
        "a header only",
        provider(),
        in_one(HEADER_ONLY),
        "failed:incomplete; 57 records, 2 !; +0 ~0 -0",
        "the ranges that it answers are named",
    ),
    HarvestCase(
        "1.7",
        "fewer than asked for, and no end",
        provider(),
        spoil(most=7, ends="false"),
        "changed; 60 records; +0 ~0 -0",
        "the offset moves by what was returned",
    ),
    HarvestCase(
        "1.7",
        "the resource is unknown",
        provider(),
        in_one(response("", UNKNOWN), 0),
        "failed:no-resource; 0 records; +0 ~0 -0",
    ),
    HarvestCase(
        "1.7",
        "warnings of PHP among the diagnostics",
        provider(),
        of_pages(lambda text: text.replace("</diagnostics>", WARNING)),
        "same; 60 records; +0 ~0 -0",
    ),
    HarvestCase(
        "1.7",
        "no encoding declared, ISO-8859-1 used",
        provider(),
        of_pages(lambda text: as_latin_1(text.replace(" encoding='utf-8'", ""))),
        "changed; 60 records; +0 ~60 -0",
        "read as Windows-1252",
    ),
    HarvestCase(
        "1.7",
        "an encoding in odd case",
        provider(),
        of_pages(lambda text: text.replace("utf-8", "Utf-8")),
        "changed; 60 records; +0 ~0 -0",
    ),
    HarvestCase(
        "1.7",
        "documents cut off",
        provider(),
        of_pages(lambda text: text[: len(text) - 200]),
        "failed:not-a-page; 0 records; +0 ~0 -0",
        "asked again, and never taken",
    ),
    HarvestCase(
        "1.7",
        "stray closing tags",
        provider(),
        in_one(response("<content></record></content>")),
        "failed:incomplete; 57 records; +0 ~0 -0",
    ),
    HarvestCase(
        "1.7",
        "a web page with status 200",
        provider(),
        in_one("<html><body>busy</body></html>"),
        "failed:incomplete; 57 records; +0 ~0 -0",
        "no page of the protocol",
    ),
    HarvestCase(
        "1.7",
        "an odd time in the header",
        provider(),
        of_pages(lambda text: text.replace("<sendTime>", ODD_TIME)),
        "same; 60 records; +0 ~0 -0",
    ),
    HarvestCase(
        "1.7",
        "empty elements and years of two digits",
        provider(),
        of_pages(plain("YearCollected", "85")),
        "changed; 60 records; +0 ~60 -0",
        "kept as they are; a note counts them",
    ),
    HarvestCase(
        "1.7",
        "catalogue numbers that are null",
        provider(),
        numberless,
        "changed; 60 records, 3 ?; +0 ~0 -0",
        "records without an id prove no absence",
    ),
)


def page(seen: Mapping[str, str]) -> str:
    """The page in the docs."""
    rows = (f"| {c.number} | {c.fault} | `{seen[c.name]}` | {c.why} |\n" for c in CASES)
    return _BEFORE + "".join(rows)


_BEFORE = """# Faults of harvests, and what comes of them

Written by the tests (`collect_assets_tests/faults/test_harvest_faults.py`). Each endpoint served something good on one
day and the fault on the next; both days were collected from a real server on loopback, read and folded. *Seen* is what
the second day came to: the outcome in its log; how many records were read, and how many entries could not be (`!`), or
have no id (`?`); and the items that it created (`+`), updated (`~`) and deleted (`-`). `held` means that
deletions wait for somebody's decision. 1.7: what providers of DiGIR are known to do.

| no | fault | seen | |
|---|---|---|---|
"""


def parameters_of(case: HarvestCase) -> str:
    """What the register says of the endpoint."""
    return json.dumps({"id": ["catalogNumber"]}) if isinstance(case.before, DigirProvider) else ""
