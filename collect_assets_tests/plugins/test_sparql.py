"""The `sparql` plugin against a small service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from collect_assets.plugins.sparql import _Table
from collect_assets_tests.collecting.kit import Folder
from collect_assets_tests.plugins.served import Served
from collect_assets_tests.servers import Asked, Page

QUERY = 'SELECT ?wikidata ?local_authority WHERE { ?wikidata rdfs:label "é" }'
RESULTS: dict[str, Any] = {
    "head": {"vars": ["wikidata", "local_authority", "name"]},
    "results": {
        "bindings": [
            {"wikidata": {"type": "uri", "value": "http://www.wikidata.org/entity/Q1"},
             "name": {"type": "literal", "value": 'a "b", é'}},
            {"local_authority": {"type": "literal", "value": "line\nbreak"}, "other": {"value": "x"}},
        ]
    },
}  # fmt: skip


@pytest.fixture
def serve(register: Any, folder: Folder) -> Callable[..., Served]:
    def start(pages: Callable[[Asked], Page], path: str = "/sparql#sparql/places.rq", query: str = QUERY) -> Served:
        (folder.path / "sparql").mkdir()
        (folder.path / "sparql/places.rq").write_text(query)
        served: Served = register(pages, "sparql", path)
        return served

    return start


def test_results_become_a_table_with_the_columns_in_order(serve: Any) -> None:
    served = serve(lambda _: Page(json.dumps(RESULTS).encode()))
    log = served.collect()
    assert served.content(log) == (
        b"local-authority,name,wikidata\r\n"
        b',"a ""b"", \xc3\xa9",http://www.wikidata.org/entity/Q1\r\n'
        b'"line\nbreak",,\r\n'
    )
    assert (log.outcome, log.complete, log.status) == ("first", True, "200")
    assert [task["records"] for task in log.tasks] == [2]


def test_the_query_is_asked_as_the_file_has_it(serve: Any) -> None:
    served = serve(lambda _: Page(json.dumps(RESULTS).encode()))
    served.collect()
    asked = served.server.asked[0]
    assert (asked.method, urlsplit(asked.path).path) == ("GET", "/sparql")
    assert parse_qs(urlsplit(asked.path).query) == {"query": [QUERY]}
    assert asked.headers["accept"] == "application/sparql-results+json"


def test_a_long_query_is_posted(serve: Any) -> None:
    query = QUERY + "#" * 5000
    served = serve(lambda _: Page(json.dumps(RESULTS).encode()), query=query)
    assert served.collect().complete
    asked = served.server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/sparql")
    assert parse_qs(asked.body.decode()) == {"query": [query]}


def test_entities_of_wikidata_get_their_short_names(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text(json.dumps(RESULTS))
    rows = list(_Table("http://www.wikidata.org/entity/", tmp_path)._rows(body))
    assert rows[1] == ',"a ""b"", é",Q1\r\n'


@pytest.mark.parametrize(("path", "said"), [
    ("/sparql", "names no query"),
    ("/sparql#", "names no query"),
    ("/sparql#sparql/none.rq", "none.rq cannot be read"),
    ("/sparql#../outside.rq", "outside of"),
    ("/sparql#/etc/hostname", "outside of"),
    ("/sparql#sparql/link.rq", "outside of"),
    ("/sparql#sparql", "cannot be read"),
    ("/sparql#sparql/a%00b", "cannot be read"),
])  # fmt: skip
def test_a_query_that_is_not_in_the_registers_folder_is_a_failure(
    serve: Any, folder: Folder, path: str, said: str
) -> None:
    (folder.path.parent / "outside.rq").write_text(QUERY)
    served = serve(lambda _: Page(json.dumps(RESULTS).encode()), path)
    (folder.path / "sparql/link.rq").symlink_to(folder.path.parent / "outside.rq")
    log = served.collect()
    assert (log.outcome, served.server.asked) == ("failed:no-query", [])
    assert said in log.message


@pytest.mark.parametrize(("page", "outcome"), [
    (Page(b"MALFORMED QUERY", 400), "failed:status"),
    (Page(b"<html>busy</html>"), "refused:html"),
    (Page(b'{"head": {}, "boolean": true}'), "failed:not-json"),
    (Page(b'{"head": {"vars": ["a"]}}'), "failed:not-json"),
    (Page(b'{"head": {"vars": ["a"]}, "results": {"bindings": [{"a": {"value": "1"}}, '
          b"java.util.concurrent.TimeoutException"), "failed:not-json"),
    (Page(b'{"head": {"vars": ["a"]}, "results": {"bindings": [{"a": 1}]}}'), "failed:not-json"),
], ids=["status", "page", "ask", "no results", "timeout", "no value"])  # fmt: skip
def test_what_is_no_table_of_results_is_a_failure(serve: Any, page: Page, outcome: str) -> None:
    served = serve(lambda _: page)
    log = served.collect()
    assert (log.outcome, log.resource, log.partial_resource) == (outcome, "", "")
    assert [name for name in served.folder.left_in_work() if name != "pending"] == []
    assert "TimeoutException" in log.message or "Timeout" not in page.body.decode()


def test_results_without_rows_are_a_table_without_rows(serve: Any) -> None:
    served = serve(lambda _: Page(b'{"head": {"vars": ["b", "a_c"]}, "results": {"bindings": []}}'))
    assert served.content(served.collect()) == b"a-c,b\r\n"
