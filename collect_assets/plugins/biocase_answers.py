"""Answers of BioCASe providers, read as streams: capabilities, scans, inventories of datasets, pages of units.

The protocol's namespace is `http://www.biocase.org/schemas/protocol/1.3`, that of inventories
`http://www.biocase.org/schemas/dsi/1.0`. Diagnostics repeat SQL, paths and configuration: of them, only the kind of an
error is said to people. A provider may report errors beside good content; those are no failure.
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
from collect_assets.plugins.range_pages import PageFacts
from collect_assets.plugins.tasks import Kept
from collect_assets.plugins.xml_pages import Repairs, Step, free, steps

UNIT = ("content", "DataSets", "DataSet", "Units", "Unit")
MOST_TITLES, MOST_CONCEPTS, MOST_KINDS = 10_000, 20_000, 3
_KIND = re.compile(r"\b[A-Z]\w*Error\b")
_PASSING = ("timeout", "timed out", "connection", "OperationalError", "too many")
_COUNTS = ("recordStart", "recordCount", "recordDropped", "totalSearchHits")


@dataclass(frozen=True)
class ArchiveOffer:
    """An archive that an inventory names."""

    url: str
    modified: str = ""
    records: int | None = None


@dataclass
class BiocaseAnswer:
    """What an answer holds, counted while it is read.

    Attributes:
        content: there is a content element, or an inventory.
        counts: of the content element; None where it does not say.
        concepts: by namespace, those that can be searched.
        titles: of datasets.
        archives: by title and namespace.
    """

    root: str = ""
    content: bool = False
    counts: dict[str, int | None] = field(default_factory=dict)
    units: int = 0
    concepts: dict[str, list[str]] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    archives: list[tuple[str, str, ArchiveOffer]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    passing: bool = False
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def end(self) -> bool | None:
        """Whether no page follows: told by all four counts, or not at all."""
        start, count, dropped, hits = (self.counts.get(name) for name in _COUNTS)
        if start is None or count is None or dropped is None or hits is None:
            return None
        return start + count + dropped >= hits

    @property
    def next(self) -> int | None:
        """Where the next page begins: behind what was returned, and what was dropped."""
        start, count, dropped = (self.counts.get(name) for name in _COUNTS[:3])
        if start is None or not ((count or 0) + (dropped or 0)):
            return None
        return start + (count or 0) + (dropped or 0)


def keep_page(answer: Answer, body: Path) -> Kept:
    """Accepts a page of units.

    Raises:
        FailedError: it is none, or the provider reports a failure.
    """
    repairs = Repairs()
    read = _search(answer.url, body, repairs)
    dropped = read.counts.get("recordDropped") or 0
    facts = PageFacts(
        read.digest.hexdigest(),
        None,  # the hits of a page may be a lower bound: the provider looks one record further, and counts to there
        read.end,
        None if read.end else read.next,
        said=read.counts.get("recordCount"),
        blank=not read.content,
        dropped=dropped,
    )
    notes = [f"{dropped} records were dropped by the provider"] if dropped else []
    return Kept(body, read.units, asdict(facts), "; ".join([*notes, *filter(None, (str(repairs),))]))


def keep_count(answer: Answer, body: Path) -> Kept:
    """Accepts the answer to a request to count.

    Raises:
        FailedError: it is none, or does not say how many records there are.
    """
    read = _search(answer.url, body, Repairs())
    hits = read.counts.get("totalSearchHits")
    if hits is None:
        raise FailedError("not-a-page", f"{answer.url}: does not say how many records match", transient=True)
    return Kept(body, None, {"hits": hits})


def keep_capabilities(answer: Answer, body: Path) -> Kept:
    """Accepts the schemas of a provider and what can be searched in them.

    Raises:
        FailedError: it is something else.
    """
    read = read_answer(answer.url, body, Repairs())
    if not read.concepts:
        _check_errors(answer.url, read)
        raise FailedError("not-a-page", f"{answer.url}: expected the capabilities of a BioCASe provider, and found no "
                          "schema in them", transient=True)  # fmt: skip
    return Kept(body, None, {"concepts": read.concepts})


def keep_datasets(answer: Answer, body: Path) -> Kept:
    """Accepts an inventory of datasets, or a scan of their titles; its facts have the titles and the archives.

    Raises:
        FailedError: it is neither.
    """
    read = read_answer(answer.url, body, Repairs())
    if not read.titles:
        _check_errors(answer.url, read)
        raise FailedError("no-titles", f"{answer.url}: names no dataset")
    archives = [[title, namespace, asdict(offer)] for title, namespace, offer in read.archives]
    return Kept(body, None, {"titles": read.titles, "archives": archives})


def offers(facts: Mapping[str, Any], title: str, namespace: str) -> ArchiveOffer | None:
    """The archive of a dataset in a schema, where an inventory names one."""
    found = (ArchiveOffer(**row[2]) for row in facts["archives"] if row[:2] == [title, namespace])
    return next(found, None)


def count_units(name: str, document: Path) -> int:
    """The units of an ABCD document, with or without the protocol around it.

    Raises:
        FailedError: it is not XML, or another document.
    """
    count = 0
    for step in steps(name, document, Repairs()):
        if step.begins and len(step.path) == 1 and step.path[0] not in {"DataSets", "response"}:
            raise FailedError("not-a-page", f"{name}: expected an ABCD document, got {step.path[0]}")
        if not step.begins and step.path[-len(UNIT) + 1 :] == UNIT[1:]:
            count += 1
            free(step.element)
    return count


def read_answer(url: str, body: Path, repairs: Repairs) -> BiocaseAnswer:
    """Reads an answer as a stream.

    Raises:
        FailedError: it is not XML, or another document.
    """
    read = BiocaseAnswer()
    for step in steps(url, body, repairs):
        if step.begins:
            _begin(url, read, step)
        else:
            _end(read, step)
    return read


def _search(url: str, body: Path, repairs: Repairs) -> BiocaseAnswer:
    read = read_answer(url, body, repairs)
    if read.concepts:
        raise FailedError("no-search", f"{url}: answers a search with its capabilities")
    if not read.units and read.end is None:
        _check_errors(url, read)
    return read


def _begin(url: str, read: BiocaseAnswer, step: Step) -> None:
    inner = step.path[1:]
    if not inner:
        read.root = step.path[0]
        read.content = read.root == "inventory"
        if read.root not in {"response", "inventory"}:
            raise FailedError("not-a-page", f"{url}: expected an answer of a BioCASe provider, got a document whose "
                              f"first element is {read.root}", transient=True)  # fmt: skip
    elif inner == ("content",):
        read.content = True
        read.counts = {name: _number(step.element.get(name)) for name in _COUNTS}
    elif inner == ("content", "capabilities", "SupportedSchemas"):
        read.concepts.setdefault(step.element.get("namespace") or "", [])


def _end(read: BiocaseAnswer, step: Step) -> None:
    element, inner = step.element, step.path[1:]
    if inner == UNIT:
        read.units += 1
        read.digest.update(etree.tostring(element, with_tail=False))
        free(element)
    elif inner == ("content", "capabilities", "SupportedSchemas", "Concept"):
        _add_concept(read, element)
    elif inner == ("content", "scan", "value") and len(read.titles) < MOST_TITLES:
        read.titles += filter(None, (_text(element),))
    elif inner == ("datasets", "dataset"):
        _add_dataset(read, element)
        free(element)
    elif inner[:1] == ("diagnostics",) and inner[-1] == "diagnostic":
        _add_error(read, element)
        free(element)


def _add_concept(read: BiocaseAnswer, element: etree._Element) -> None:
    parent = element.getparent()
    namespace = "" if parent is None else parent.get("namespace") or ""
    searchable = (element.get("searchable") or "").lower() in {"1", "true"}
    if searchable and len(read.concepts[namespace]) < MOST_CONCEPTS:
        read.concepts[namespace].append(_text(element))


def _add_dataset(read: BiocaseAnswer, element: etree._Element) -> None:
    title = _text(element.find("{*}title"))
    if not title or len(read.titles) >= MOST_TITLES:
        return
    read.titles.append(title)
    for archive in element.findall("{*}archives/{*}archive"):
        if namespace := archive.get("namespace"):
            offer = ArchiveOffer(_text(archive), archive.get("modified") or "", _number(archive.get("rcount")))
            read.archives.append((title, namespace, offer))


def _add_error(read: BiocaseAnswer, element: etree._Element) -> None:
    """What kind of error it was. Its text may hold SQL, paths and passwords, and is not passed on."""
    if (element.get("severity") or "").upper() != "ERROR":
        return
    text = _text(element)
    read.passing = read.passing or any(word.lower() in text.lower() for word in _PASSING)
    read.errors += [kind for kind in _KIND.findall(text) if kind not in read.errors][: MOST_KINDS - len(read.errors)]
    if not read.errors:
        read.errors.append("an error without a kind")
    elif len(read.errors) > 1 and read.errors[0] == "an error without a kind":
        read.errors.pop(0)


def _check_errors(url: str, read: BiocaseAnswer) -> None:
    if read.errors:
        raise service_failure(url, f"diagnostics: {', '.join(read.errors)}", passing=read.passing)


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
