"""Every fault of harvests and of formats, through two days of collecting, reading and folding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from copy import copy
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from collect_assets.folding.fold import fold
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import NEXT_DAY, QUICK, Folder
from collect_assets_tests.faults.harvest_cases import CASES, HarvestCase, page, parameters_of
from collect_assets_tests.plugins.digir_provider import PATH, DigirProvider
from collect_assets_tests.servers import Asked, Page, WebServer

PAGE = Path(__file__).parents[2] / "docs" / "harvest-faults.md"
SETTINGS = """
[items]
absences-before-deletion = 1
"""
CHANGES = """
SELECT count(*) FILTER (first_date = $day AND change = 'created'),
    count(*) FILTER (first_date = $day AND change = 'updated'),
    count(*) FILTER (last_date = $day - 1 AND ended = 'deleted')
FROM item_version JOIN endpoint USING (endpoint_no) WHERE endpoint = $endpoint
"""
READ = """
SELECT coalesce(max(records), 0), coalesce(max(rejected), 0), coalesce(max(without_id), 0), coalesce(max(problem), '')
FROM observation JOIN endpoint USING (endpoint_no) WHERE endpoint = $endpoint AND entry_date = $day
"""
HELD = """
SELECT count(*) FROM hold JOIN endpoint ON hold.scope_no = endpoint.scope_no
WHERE endpoint = $endpoint AND entry_date = $day
"""


class Site:
    """All cases on one server, each under its number."""

    def __init__(self) -> None:
        self._served = {n: copy(case.before) for n, case in enumerate(CASES)}

    def spoil(self) -> None:
        """The second day begins."""
        for number, case in enumerate(CASES):
            served = self._served[number]
            if isinstance(served, DigirProvider):
                assert callable(case.after)
                served.searches, served.asked = [], []
                case.after(served)
            else:
                assert isinstance(case.after, bytes)
                self._served[number] = case.after

    def __call__(self, asked: Asked) -> Page:
        number, _, rest = asked.path[1:].partition("/")
        served = self._served[int(number)]
        return served(replace(asked, path=f"/{rest}")) if isinstance(served, DigirProvider) else Page(served)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the second day came to, by the name of the case."""
    site, folder = Site(), Folder(tmp_path_factory.mktemp("harvests")).settings(QUICK + SETTINGS)
    with ExitStack() as stack:
        server = stack.enter_context(WebServer(site))
        urls = {case.name: server.url(_path(number, case)) for number, case in enumerate(CASES)}
        plugins = {case.name: "digir" if isinstance(case.before, DigirProvider) else "" for case in CASES}
        folder.register(*(
            {"endpoint-url": urls[case.name], "plugin": plugins[case.name], "parameters": parameters_of(case)}
            for case in CASES
        ))  # fmt: skip
        folder.collect()
        site.spoil()
        folder.tomorrow()
    assert set(folder.left_in_work()) <= {"pending"}
    good = [folder.log(url).good for url in urls.values()]
    assert all(good), "the first day is one without faults"
    index = fold(folder.collection, NEXT_DAY).index
    with duckdb.connect(str(index), read_only=True) as connection:
        yield {case.name: _seen(folder, connection, urls[case.name]) for case in CASES}
    assert not list(folder.wrong_files())


def _path(number: int, case: HarvestCase) -> str:
    return f"/{number}{PATH}" if isinstance(case.before, DigirProvider) else f"/{number}/file"


def _seen(folder: Folder, connection: duckdb.DuckDBPyConnection, url: str) -> str:
    bound = {"endpoint": endpoint_id(url), "day": NEXT_DAY}
    records, rejected, without, problem = connection.execute(READ, bound).fetchone() or (0, 0, 0, "")
    created, updated, deleted = connection.execute(CHANGES, bound).fetchone() or (0, 0, 0)
    held = (connection.execute(HELD, bound).fetchone() or (0,))[0]
    read = f"not readable: {problem}" if problem else f"{records} records" + (f", {rejected} !" if rejected else "")
    read += f", {without} ?" if without else ""
    changes = f"+{created} ~{updated} -{deleted}" + (", held" if held else "")
    return f"{folder.log(url, NEXT_DAY).outcome}; {read}; {changes}"


@pytest.mark.parametrize("case", CASES, ids=[f"test_{case.name}" for case in CASES])
def test_a_fault_of_a_harvest_ends_as_expected(seen: dict[str, str], case: HarvestCase) -> None:
    assert seen[case.name] == case.expected


def test_the_docs_say_what_was_seen_of_harvests(seen: dict[str, str]) -> None:
    before = PAGE.read_text() if PAGE.is_file() else ""
    if page(seen) != before:
        PAGE.write_text(page(seen))
    assert page(seen) == before, f"{PAGE.name} was not what was seen and is written anew: look at it and commit it"


def test_no_fault_deletes_what_it_does_not_prove_gone(seen: dict[str, str]) -> None:
    proven = {"F78", "F88"}
    others = [case.name for case in CASES if case.number not in proven]
    assert [name for name in others if " -0" not in seen[name]] == []
