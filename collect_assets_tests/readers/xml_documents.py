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
