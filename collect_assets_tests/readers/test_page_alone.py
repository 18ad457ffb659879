"""One page of a record protocol by itself, as a plain GET brings it: where it says that more follow, it is not all."""

from __future__ import annotations

import json

import pytest

OAI = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>
<record><header><identifier>a</identifier></header><metadata><x><y>1</y></x></metadata></record>{}</ListRecords></OAI-PMH>"""
TAPIR = """<response xmlns="http://rs.tdwg.org/tapir/1.0"><search><DarwinRecord><CatalogNumber>1</CatalogNumber>
</DarwinRecord><summary start="0" totalReturned="1" {}/></search></response>"""
DIGIR = """<response xmlns="http://digir.net/schema/protocol/2003/1.0"><header><type>search</type></header>
<content><record><CatalogNumber>1</CatalogNumber></record></content><diagnostics>
<diagnostic code="END_OF_RECORDS" severity="info">{}</diagnostic></diagnostics></response>"""
BIOCASE = """<response xmlns="http://www.biocase.org/schemas/protocol/1.3"><header><type>search</type></header>
<content recordStart="0" recordCount="1" recordDropped="0" {}><DataSets xmlns="http://www.tdwg.org/schemas/abcd/2.06">
<DataSet><Units><Unit><UnitID>1</UnitID></Unit></Units></DataSet></DataSets></content></response>"""

CASES = {
    "oai-pmh": (OAI, "<resumptionToken>x</resumptionToken>", "<resumptionToken completeListSize='1'/>"),
    "oai-pmh, no token": (OAI, "<resumptionToken>x</resumptionToken>", ""),
    "tapir": (TAPIR, 'next="1" totalMatched="9"', 'totalMatched="1"'),
    "digir": (DIGIR, " FALSE ", "true"),
    "digir that does not say": (DIGIR, "false", ""),
    "biocase": (BIOCASE, 'totalSearchHits="2"', 'totalSearchHits="1"'),
    "biocase that does not count": (BIOCASE, 'totalSearchHits="2"', ""),
}


@pytest.mark.parametrize("case", CASES)
def test_a_page_that_says_that_more_follow_proves_no_absence_unless_it_is_one_of_a_harvest(read, zipped, case):
    page, more, last = CASES[case]
    plugin = case.partition(",")[0].partition(" ")[0]
    alone = read(page.format(more).encode())
    assert (alone.report.records, alone.report.rejected, alone.report.proves_absence) == (1, 1, False)
    assert f"the page says that more records follow; the plugin {plugin} asks for all of them" in alone.rejects[0]
    assert read(page.format(last).encode()).report.rejected == 0
    tasks = json.dumps({"plugin": plugin, "tasks": [{"page": "000001.xml", "request": "GET x"}]})
    harvested = read(zipped({"tasks.json": tasks, "000001.xml": page.format(more)}))
    assert (harvested.report.records, harvested.report.rejected) == (1, 0)
