"""Answers of TAPIR providers: capabilities, and what is in a page of a search.

The protocol's namespace is `http://rs.tdwg.org/tapir/1.0` (TDWG standard 449). An error is an `error` in place of the
content, or a diagnostic, with status 200. TapirLink drops records that lack what their model requires, says so in a
diagnostic, and goes on counting as if it had not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer
from collect_assets.plugins.answers import service_failure
from collect_assets.plugins.digir_pages import LONGEST_DIAGNOSTIC, MOST_DIAGNOSTICS, Diagnostic, number
from collect_assets.plugins.range_pages import PageFacts
from collect_assets.plugins.tasks import Kept
from collect_assets.plugins.xml_pages import Repairs, Step, free, steps

RECORDS = frozenset({"DarwinRecord", "SimpleDarwinRecord", "record", "Unit"})
MOST_LISTED = 200  # concepts, templates or models of which capabilities tell
_FAILING = frozenset({"error", "fatal"})
_PASSING = frozenset({"CONTENT_UNAVAILABLE", "IO_ERROR"})
_DROPPED = re.compile(r"dropped ([0-9]{1,9}) times")
_NAMES = re.compile(r"(?:scientificname|fullscientificnamestring|nameauthoryearstring)$", re.IGNORECASE)


@dataclass
class TapirAnswer:
    """What an answer holds, counted while it is read."""

    kind: str = ""
    records: int = 0
    other: bool = False
    summary: Mapping[str, str] = field(default_factory=dict)
    error: Diagnostic | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def dropped(self) -> int:
        """Records that the provider left out, as its diagnostics say."""
        truncated = (one.text for one in self.diagnostics if one.code == "TRUNCATED_RESPONSE")
        return sum(int(found[1]) for text in truncated if (found := _DROPPED.search(text)))


def keep_page(answer: Answer, body: Path) -> Kept:
    """Accepts a page of a search.

    Raises:
        FailedError: it is none, or says that it failed.
    """
    repairs = Repairs()
    read = read_answer(answer.url, body, repairs)
    if read.kind != "search":
        raise FailedError("not-a-page", f"{answer.url}: answers a search with {read.kind or 'nothing'}", transient=True)
    matched, start = number(read.summary.get("totalMatched")), number(read.summary.get("start")) or 0
    returned, following = number(read.summary.get("totalReturned")), number(read.summary.get("next"))
    records = returned or 0 if read.records == 0 and read.other else read.records
    facts = PageFacts(
        read.digest.hexdigest(),
        matched,
        _is_last(read, matched, start + records + read.dropped),
        following,
        said=returned,
        blank=not read.summary and not records,
        dropped=read.dropped,
    )
    odd = [str(one) for one in read.diagnostics if one.severity not in {"debug", "info"}]
    note = "; ".join(filter(None, (str(repairs), *odd[:3])))
    return Kept(body, records, asdict(facts), note)


def _is_last(read: TapirAnswer, matched: int | None, reached: int) -> bool | None:
    """A page without `next` is the last one, unless there is no summary, or more match than were reached."""
    if not read.summary or "next" in read.summary:
        return None
    return True if matched is None or reached >= matched else None


def keep_other(answer: Answer, body: Path) -> Kept:
    """Accepts an answer to another operation than search; its facts say which.

    Raises:
        FailedError: it is no answer of the protocol, or an error.
    """
    return Kept(body, None, {"kind": read_answer(answer.url, body, Repairs()).kind})


def read_answer(url: str, body: Path, repairs: Repairs) -> TapirAnswer:
    """Reads an answer as a stream.

    Raises:
        FailedError: it is not XML, another document, or reports a failure.
    """
    read = TapirAnswer()
    for step in steps(url, body, repairs):
        _take(url, read, step)
    failures = [one for one in read.diagnostics if one.severity in _FAILING]
    if read.error is not None or (failures and not read.records):
        raise _failure(url, read.error or failures[0])
    return read


def count_records(name: str, document: Path) -> int:
    """The records of a document of an archive, with or without the protocol around them.

    Raises:
        FailedError: it is not XML, or an error of the protocol.
    """
    count = 0
    for step in steps(name, document, Repairs()):
        path = step.path
        if step.begins:
            continue
        if path in {("error",), ("response", "error")}:
            raise _failure(name, _diagnostic(step.element))
        if path[-1] in RECORDS and not RECORDS.intersection(path[:-1]):
            count += 1
            free(step.element)
    return count


def _take(url: str, read: TapirAnswer, step: Step) -> None:
    path, element = step.path, step.element
    if step.begins:
        if len(path) == 1 and path[0] != "response" and path[0] != "error":
            raise FailedError("not-a-page", f"{url}: expected a response of a TAPIR provider, got a document whose "
                              f"first element is {path[0]}", transient=True)  # fmt: skip
        if len(path) == 2 and path[1] not in {"header", "diagnostics"}:
            read.kind = path[1]
    elif path in {("error",), ("response", "error")}:
        read.error = _diagnostic(element)
    elif path == ("response", "search", "summary"):
        read.summary = {str(name): str(value) for name, value in element.attrib.items()}
    elif path[-1] in RECORDS and path[:2] == ("response", "search") and not RECORDS.intersection(path[:-1]):
        read.digest.update(etree.tostring(element, with_tail=False))
        read.records += 1
        free(element)
    elif len(path) == 3 and path[1] == "search":
        read.other = True
        read.digest.update(etree.tostring(element, with_tail=False))
    elif path == ("response", "diagnostics", "diagnostic"):
        if len(read.diagnostics) < MOST_DIAGNOSTICS:
            read.diagnostics.append(_diagnostic(element))
        free(element)


def _diagnostic(element: etree._Element) -> Diagnostic:
    text = " ".join("".join(map(str, element.itertext())).split())[:LONGEST_DIAGNOSTIC]
    severity = (element.get("level") or "error").strip().lower()
    return Diagnostic((element.get("code") or "").strip(), severity, text)


def _failure(url: str, said: Diagnostic) -> FailedError:
    if said.code == "RESOURCE_NOT_FOUND":
        return FailedError("no-resource", f"{url}: the provider has no such resource: {said}; correct the URL, or give "
                           "the row an end-date")  # fmt: skip
    return service_failure(url, f"an error: {said}", passing=said.code in _PASSING)


@dataclass(frozen=True)
class Archive:
    """A dump that a provider offers in place of a first harvest."""

    location: str
    created: str = ""
    records: int | None = None


@dataclass(frozen=True)
class Capabilities:
    """What a provider can do.

    Attributes:
        names: ids of the searchable concepts that hold a scientific name.
        concepts: ids of all that it has.
        templates: locations and aliases of the query templates that it knows, each by itself.
        models: the same of output models.
        any_model: whether it takes any output model.
        nulls: whether its filters know `isNull`.
        most: records that it gives at once.
        least: letters that a bound has at least.
    """

    names: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    any_model: bool = False
    nulls: bool = False
    most: int | None = None
    least: int | None = None
    archives: tuple[Archive, ...] = ()

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Capabilities:
        """From the facts of a task."""
        lists = {name: tuple(facts[name]) for name in ("names", "concepts", "templates", "models")}
        return cls(**{**facts, **lists, "archives": tuple(Archive(**row) for row in facts["archives"])})


def keep_capabilities(answer: Answer, body: Path) -> Kept:
    """Accepts capabilities.

    Raises:
        FailedError: it is something else.
    """
    found = _Found()
    for step in steps(answer.url, body, Repairs()):
        _take(answer.url, found.answer, step)
        if not step.begins:
            found.take(step.path, step.element)
    if found.answer.error is not None:
        raise _failure(answer.url, found.answer.error)
    if found.answer.kind != "capabilities":
        raise FailedError("not-a-page", f"{answer.url}: expected the capabilities of a TAPIR provider, got "
                          f"{found.answer.kind or 'nothing'}", transient=True)  # fmt: skip
    return Kept(body, None, asdict(found.capabilities()))


class _Found:
    """Capabilities in the making."""

    def __init__(self) -> None:
        self.answer = TapirAnswer()
        self._lists: dict[str, list[str]] = {"names": [], "concepts": [], "templates": [], "models": []}
        self._flags: set[str] = set()
        self._numbers: dict[str, int | None] = {}
        self._archives: list[Archive] = []

    def take(self, path: tuple[str, ...], element: etree._Element) -> None:
        """Notes what an element says."""
        name = path[-1]
        if name == "mappedConcept":
            self._add("concepts", element.get("id"))
            if _NAMES.search(element.get("id") or "") and element.get("searchable", "true") in {"true", "1"}:
                self._add("names", element.get("id"))
        elif "search" in path and "template" in name.lower():
            self._add("templates", element.get("location"), element.get("alias"))
        elif "search" in path and name == "outputModel":
            self._add("models", element.get("location"), element.get("alias"))
        elif name in {"anyOutputModels", "isNull"}:
            self._flags.add(name)
        elif path[-2:-1] == ("settings",):
            self._numbers[name] = number(element.text) or None
        elif name == "archive" and element.get("location"):
            self._archives.append(Archive(element.get("location", ""), element.get("creation") or "",
                                          number(element.get("numberOfRecords"))))  # fmt: skip

    def _add(self, name: str, *texts: str | None) -> None:
        self._lists[name] += filter(None, texts)
        del self._lists[name][MOST_LISTED:]

    def capabilities(self) -> Capabilities:
        """What was found."""
        return Capabilities(
            names=tuple(self._lists["names"]),
            concepts=tuple(self._lists["concepts"]),
            templates=tuple(self._lists["templates"]),
            models=tuple(self._lists["models"]),
            any_model="anyOutputModels" in self._flags,
            nulls="isNull" in self._flags,
            most=self._numbers.get("maxElementRepetitions"),
            least=self._numbers.get("minQueryTermLength"),
            archives=tuple(self._archives[:MOST_LISTED]),
        )
