"""Answers of DiGIR providers: what is in a page of a search, and what metadata says of a resource.

The protocol's namespace is `http://digir.net/schema/protocol/2003/1.0`; providers' diagnostics are free in words and
often wrong in severity, and come with status 200. `docs/harvesting.md` says which of them fail a task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer
from collect_assets.plugins.answers import service_failure
from collect_assets.plugins.range_pages import PageFacts
from collect_assets.plugins.tasks import Kept
from collect_assets.plugins.xml_pages import Repairs, Step, free, steps

PROTOCOL = "http://digir.net/schema/protocol/2003/1.0"
MOST_DIAGNOSTICS, LONGEST_DIAGNOSTIC, MOST_CODES = 200, 300, 20
_FAILING = frozenset({"error", "fatal"})
_EMPTY = "QUERY_PRODUCED_NO_RESULTS"  # met as an error too
_NO_FAILURE = frozenset({_EMPTY, "LOG_ERROR"})
_PASSING = frozenset({"DATABASE_ERROR", "INTERNAL_DATABASE_ERROR", "TOO_MANY_ERRORS", "GENERAL_ERROR"})
_COUNTING = frozenset({"STATUS_INTERVAL", "STATUS_DATA", "MATCH_COUNT", "RECORD_COUNT", "END_OF_RECORDS"})


@dataclass(frozen=True)
class Diagnostic:
    """One of the notes behind an answer."""

    code: str
    severity: str
    text: str

    def __str__(self) -> str:
        return f"{self.code or 'no code'} ({self.severity}){': ' if self.text else ''}{self.text}"


@dataclass
class DigirAnswer:
    """What an answer holds, counted while it is read."""

    records: int = 0
    content: bool = False
    metadata: bool = False
    namespace: str = PROTOCOL
    diagnostics: list[Diagnostic] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    def said(self, code: str) -> str:
        """The text of a diagnostic; blank where there is none."""
        return next((one.text for one in self.diagnostics if one.code == code), "")

    def number(self, code: str) -> int | None:
        """The number that a diagnostic says."""
        return number(self.said(code))

    @property
    def end(self) -> bool | None:
        """Whether it is the last page."""
        words = {"true": True, "1": True, "false": False, "0": False}
        nothing = any(one.code == _EMPTY for one in self.diagnostics)
        return words.get(self.said("END_OF_RECORDS").lower(), True if nothing and not self.records else None)


def number(text: str | None) -> int | None:
    """A number as providers write it; None for `unknown`, nothing, and what is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def keep_page(answer: Answer, body: Path) -> Kept:
    """Accepts a page of a search.

    Raises:
        FailedError: it is none, or its diagnostics report a failure.
    """
    repairs = Repairs()
    read = read_answer(answer.url, body, repairs)
    if read.metadata:
        raise FailedError("not-a-page", f"{answer.url}: answers a search with its metadata", transient=True)
    _check_diagnostics(answer.url, read)
    facts = PageFacts(
        read.digest.hexdigest(),
        read.number("MATCH_COUNT"),
        read.end,
        said=read.number("RECORD_COUNT"),
        blank=not read.content and read.end is None,
    )
    return Kept(body, read.records, asdict(facts), _note(read, repairs))


def keep_probe(answer: Answer, body: Path) -> Kept:
    """Accepts any answer to a small search; its facts say whether the provider took it for one, and what it counts.

    Raises:
        FailedError: it is no answer of the protocol, or the resource is unknown.
    """
    read = read_answer(answer.url, body, Repairs())
    failures = [str(one) for one in _failures(read)]
    if any(one.code == "RESOURCE_NOT_FOUND" for one in read.diagnostics):
        _check_diagnostics(answer.url, read)
    malformed = any(one.code in {"INVALID_REQUEST", "UNSUPPORTED_ACCESSPOINT"} for one in _failures(read))
    taken = not read.metadata and not malformed
    return Kept(body, None, {"taken": taken, "matched": read.number("MATCH_COUNT"), "like": not failures})


def read_answer(url: str, body: Path, repairs: Repairs) -> DigirAnswer:
    """Reads an answer as a stream.

    Raises:
        FailedError: it is not XML, or another document.
    """
    read = DigirAnswer()
    for step in steps(url, body, repairs):
        _take(url, read, step)
    return read


def _take(url: str, read: DigirAnswer, step: Step) -> None:
    depth, element = len(step.path), step.element
    if step.begins:
        if depth == 1:
            _check_root(url, read, element)
        elif step.path[1:] == ("content",):
            read.content = True
        elif step.path[1:] == ("content", "metadata"):
            read.metadata = True
    elif depth == 3 and step.path[1] == "content":
        read.digest.update(etree.tostring(element, with_tail=False))
        read.records += 1
        free(element)
    elif depth >= 2 and step.path[1] == "diagnostics" and step.path[-1] == "diagnostic":
        if len(read.diagnostics) < MOST_DIAGNOSTICS:
            read.diagnostics.append(_diagnostic(element))
        free(element)


def _check_root(url: str, read: DigirAnswer, root: etree._Element) -> None:
    name = etree.QName(root)
    if name.localname != "response":
        raise FailedError("not-a-page", f"{url}: expected a response of a DiGIR provider, got a document whose first "
                          f"element is {name.localname}", transient=True)  # fmt: skip
    read.namespace = name.namespace or ""
    if read.namespace not in {PROTOCOL, ""}:
        raise FailedError("not-a-page", f"{url}: a response in the namespace {read.namespace}; expected {PROTOCOL}, or "
                          "none: the reader takes no other for a page of DiGIR", transient=True)  # fmt: skip


def _diagnostic(element: etree._Element) -> Diagnostic:
    text = " ".join("".join(map(str, element.itertext())).split())[:LONGEST_DIAGNOSTIC]
    return Diagnostic((element.get("code") or "").strip(), (element.get("severity") or "").strip().lower(), text)


def _failures(read: DigirAnswer) -> list[Diagnostic]:
    return [one for one in read.diagnostics if one.severity in _FAILING and one.code not in _NO_FAILURE
            and not (read.records and one.code.lower().startswith("unknown php"))]  # fmt: skip


def _check_diagnostics(url: str, read: DigirAnswer) -> None:
    failures = _failures(read)
    if not failures:
        return
    first = failures[0]
    if first.code == "RESOURCE_NOT_FOUND":
        raise FailedError("no-resource", f"{url}: the provider has no such resource: {first}; correct `resource` in "
                          "parameters, or give the row an end-date")  # fmt: skip
    said = "; ".join(map(str, failures[:3]))
    raise service_failure(url, f"diagnostics: {said}", passing=first.code in _PASSING)


def _note(read: DigirAnswer, repairs: Repairs) -> str:
    odd = [str(one) for one in read.diagnostics if one.code not in _COUNTING and one.severity != "debug"]
    namespace = "" if read.namespace else "in no namespace"
    return "; ".join(filter(None, (str(repairs), namespace, *odd[:3])))


@dataclass(frozen=True)
class ResourceMetadata:
    """What a provider says of a resource. Numbers are None where it says none, or 0, or `unknown`."""

    code: str = ""
    name: str = ""
    declared: int | None = None
    most: int | None = None
    least: int | None = None
    updated: str = ""
    schemas: tuple[str, ...] = ()

    @property
    def manis(self) -> bool:
        """Whether its records have the structure of the MaNIS network."""
        return any("manis" in schema.lower() or "bnhm" in schema.lower() for schema in self.schemas)


@dataclass(frozen=True)
class MetadataReader:
    """Accepts metadata; its facts are of the resource with `code`, or of the only one."""

    code: str

    def __call__(self, answer: Answer, body: Path) -> Kept:
        """Metadata of at least one resource.

        Raises:
            FailedError: it is something else.
        """
        codes: list[str] = []
        found: ResourceMetadata | None = None
        for resource in resources_in(answer.url, body):
            codes.append(resource.code)
            if resource.code == self.code if self.code else len(codes) == 1:
                found = resource
        if not codes:
            raise FailedError("not-a-page", f"{answer.url}: expected the metadata of a DiGIR provider, and found no "
                              "resource in it", transient=True)  # fmt: skip
        if not self.code and len(codes) > 1:
            found = None
        facts = {"codes": codes[:MOST_CODES], "count": len(codes), "found": asdict(found) if found else None}
        return Kept(body, None, facts)


def resources_in(url: str, body: Path) -> Iterator[ResourceMetadata]:
    """All resources that metadata describes.

    Raises:
        FailedError: it is not XML, or another document.
    """
    read = DigirAnswer()
    for step in steps(url, body, Repairs()):
        if step.begins and len(step.path) == 1:
            _check_root(url, read, step.element)
        if not step.begins and step.path[-2:] == ("provider", "resource"):
            yield _resource(step.element)
            free(step.element)


def _resource(element: etree._Element) -> ResourceMetadata:
    texts: dict[str, str] = {}
    schemas: list[str] = []
    for child in element.iterchildren():
        if isinstance(child.tag, str):
            name, text = etree.QName(child).localname, " ".join((child.text or "").split())
            texts.setdefault(name, text)
            if name == "conceptualSchema":
                schemas += filter(None, (text, child.get("schemaLocation")))
    return ResourceMetadata(
        texts.get("code", ""),
        texts.get("name", ""),
        number(texts.get("numberOfRecords")) or None,
        number(texts.get("maxSearchResponseRecords")) or None,
        number(texts.get("minQueryTermLength")) or None,
        texts.get("dateLastUpdated", ""),
        tuple(schemas),
    )
