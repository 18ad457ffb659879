"""Small documents of the protocols, written for the tests after what providers really answer."""

from __future__ import annotations

from collections.abc import Iterable

DIGIR = "http://digir.net/schema/protocol/2003/1.0"
DARWIN = "http://digir.net/schema/conceptual/darwin/2003/1.0"
ENDED = '<diagnostic code="END_OF_RECORDS" severity="info">true</diagnostic>'


def digir_record(**terms: str) -> str:
    elements = "".join(f"<darwin:{name}>{value}</darwin:{name}>" for name, value in terms.items())
    return f"<record>{elements}<darwin:Sex xsi:nil='true'/><darwin:Notes></darwin:Notes></record>\n"


def specimen(number: int, **terms: str) -> str:
    known = {"InstitutionCode": "BPBM", "CollectionCode": "ent", "CatalogNumber": str(number)}
    return digir_record(**known, **terms)


def digir_page(records: Iterable[str], diagnostics: str = ENDED, declaration: str = "<?xml version='1.0'?>") -> str:
    return (
        f"{declaration}<response xmlns='{DIGIR}'><header><version>$Revision: 1.21 $</version>"
        "<sendTime>2010-10-07THawaiian St:andard Time</sendTime><type>search</type></header>"
        f"<content xmlns:darwin='{DARWIN}' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>"
        f"{''.join(records)}</content><diagnostics>{diagnostics}</diagnostics></response>"
    )


ABCD = "http://www.tdwg.org/schemas/abcd/2.06"
BIOCASE = "http://www.biocase.org/schemas/protocol/1.3"
TAPIR = "http://rs.tdwg.org/tapir/1.0"
OAI = "http://www.openarchives.org/OAI/2.0/"


def unit(number: int, inside: str = "") -> str:
    who = f"<SourceInstitutionID>B</SourceInstitutionID><SourceID>Algae</SourceID><UnitID>{number}</UnitID>"
    return f"<Unit>{who}{inside}</Unit>"


def data_sets(units: Iterable[str], before: str = "") -> str:
    content = f"<DataSet>{before}<Metadata><Title>Algae</Title></Metadata><Units>{''.join(units)}</Units></DataSet>"
    return f"<DataSets xmlns='{ABCD}'>{content}</DataSets>"


def biocase_page(content: str, counts: str = "", diagnostics: str = "", kind: str = "search") -> str:
    return (
        f"<b:response xmlns:b='{BIOCASE}'><b:header><b:type>{kind}</b:type></b:header>"
        f"<b:content {counts}>{content}</b:content><b:diagnostics>{diagnostics}</b:diagnostics></b:response>"
    )


def tapir_page(content: str, summary: str = "", diagnostics: str = "") -> str:
    return (
        f"<response xmlns='{TAPIR}' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><header/>"
        f"<search>{content}<summary start='0' {summary}/></search>"
        f"<diagnostics>{diagnostics}</diagnostics></response>"
    )


def oai_page(records: str, verb: str = "ListRecords") -> str:
    return (
        f"<?xml version='1.0'?><OAI-PMH xmlns='{OAI}'><responseDate>2013-02-27T09:10:56Z</responseDate>"
        f"<request verb='{verb}'>http://x/oai</request><{verb}>{records}"
        f"<resumptionToken cursor='0'>abc</resumptionToken></{verb}></OAI-PMH>"
    )


def oai_header(number: int, *sets: str, status: str = "") -> str:
    parts = "".join(f"<setSpec>{name}</setSpec>" for name in sets)
    said = f" status='{status}'" if status else ""
    return (
        f"<header{said}><identifier>oai:x:{number}</identifier><datestamp>2020-01-0{number}</datestamp>{parts}</header>"
    )
