"""The `sparql` plugin: the answer to a query, as CSV. The URL is that of the service, then `#`, then the query's file.

The file lies in the folder of the registers. The table is that of digital-land-python's plugin of this name: columns in
order of name, `-` in place of `_`, and Wikidata's entities by their short names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import ijson

from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer, Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.document import Document
from collect_assets.plugins.tasks import Kept, Tasks
from collect_assets.store.local import storage_errors, temporary

NAME = "sparql"
SHORT_NAMES = {"https://query.wikidata.org/sparql": "http://www.wikidata.org/entity/"}
LONGEST_QUERY = 2000  # characters that go into a URL; a longer query is posted
MOST_BYTES_OF_A_QUERY = 1 << 20
RESULTS = "application/sparql-results+json"


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Asks the query.

    Raises:
        FetchError: there is no such query, or the service did not answer it.
        StorageError: the disk is full.
    """
    service, query = _query(request.url, request.registers)
    tasks = Tasks(request.pending, request.work, gate)
    table = tasks.ask("query", _question(service, query), _Table(SHORT_NAMES.get(service, ""), request.work))
    with Document(request.work) as document:
        page = tasks.page(table.key)
        with storage_errors(page), page.open("rb") as rows:
            while piece := rows.read(1 << 16):
                document.write(piece)
        return document.finish(request.url, tasks)


def _query(url: str, registers: Path) -> tuple[str, str]:
    """The service and the query that a registered URL names.

    Raises:
        FailedError: `no-query`.
    """
    service, _, name = url.partition("#")
    if not name:
        raise FailedError("no-query", f"{url}: names no query; write the file after a #, such as "
                          "https://example.org/sparql#sparql/places.rq")  # fmt: skip
    top = registers.resolve()
    try:
        path = (top / name).resolve()
        if not path.is_relative_to(top):
            raise FailedError("no-query", f"{url}: {name} lies outside of {top}, the folder of the registers")
        if path.stat().st_size > MOST_BYTES_OF_A_QUERY:
            raise FailedError("no-query", f"{path}: has more than {MOST_BYTES_OF_A_QUERY} bytes, and is no query")
        return service, path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FailedError("no-query", f"{url}: the query {name} cannot be read from {top}: {reason}") from error


def _question(service: str, query: str) -> Request:
    """By GET, which every service has to take; by POST where the URL would be too long for some."""
    form = urlencode({"query": query})
    if len(form) > LONGEST_QUERY:
        headers = {"Accept": RESULTS, "Content-Type": "application/x-www-form-urlencoded"}
        return Request(service, headers, "POST", form.encode())
    return Request(f"{service}{'&' if '?' in service else '?'}{form}", {"Accept": RESULTS})


@dataclass(frozen=True)
class _Table:
    """Accepts the results of a SELECT, and keeps them as CSV."""

    prefix: str
    work: Path

    def __call__(self, answer: Answer, body: Path) -> Kept:
        """The results as a table.

        Raises:
            FailedError: they are none, or end in the middle, where some services report a timeout.
        """
        part = temporary(self.work)
        try:
            with storage_errors(part), part.open("w", encoding="utf-8", newline="") as file:
                return Kept(part, sum(1 for _ in map(file.write, self._rows(body))) - 1)
        except (ijson.JSONError, KeyError, TypeError, AttributeError, UnicodeError, _NoTableError) as error:
            part.unlink(missing_ok=True)
            raise FailedError("not-json", f"{answer.url}: expected the results of a SELECT as JSON: "
                              f"{_reason(error)}; it begins {answer.start[:60]!r} and ends {_end(body)!r}",
                              transient=isinstance(error, ijson.JSONError)) from error  # fmt: skip
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _rows(self, body: Path) -> Iterator[str]:
        with body.open("rb") as file:
            names = next(ijson.items(file, "head.vars"), None)
        if not isinstance(names, list):
            raise _NoTableError("no head.vars")
        line = _Line(sorted(name.replace("_", "-") for name in names))
        yield line.header()
        with body.open("rb") as file:
            for binding in ijson.items(file, "results.bindings.item"):
                yield line.row({name.replace("_", "-"): self._value(binding, name) for name in names})
        with body.open("rb") as file:
            if ("results.bindings", "start_array", None) not in ijson.parse(file):
                raise _NoTableError("no results.bindings")

    def _value(self, binding: Mapping[str, Any], name: str) -> str:
        cell = binding.get(name)
        return str(cell["value"]).removeprefix(self.prefix) if cell else ""


class _NoTableError(ValueError):
    """JSON, but something else than the results of a SELECT."""


class _Line:
    """Lines of a CSV, one at a time."""

    def __init__(self, columns: list[str]) -> None:
        self._text = StringIO(newline="")
        self._writer = csv.DictWriter(self._text, columns)

    def header(self) -> str:
        """The names of the columns."""
        self._writer.writeheader()
        return self._taken()

    def row(self, cells: Mapping[str, str]) -> str:
        """One row."""
        self._writer.writerow(cells)
        return self._taken()

    def _taken(self) -> str:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _end(body: Path) -> bytes:
    with body.open("rb") as file:
        file.seek(max(body.stat().st_size - 200, 0))
        return file.read()[-120:]
