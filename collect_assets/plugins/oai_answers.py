"""Answers of OAI-PMH repositories, read as streams: what is in a list's page, and what a repository says of itself.

Errors of the protocol come with status 200, or, from some repositories, with a status that fits them. Two of them are
no failures: `noRecordsMatch` is an empty list, and `badResumptionToken` a token that has expired.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lxml import etree

from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer, Fetcher, Request
from collect_assets.plugins.answers import service_failure
from collect_assets.plugins.oai_requests import Granularity
from collect_assets.plugins.tasks import Kept
from collect_assets.plugins.xml_pages import Repairs, Step, free, steps
from collect_assets.store.local import storage_errors, temporary

EMPTY, EXPIRED = "noRecordsMatch", "badResumptionToken"
MOST_FORMATS = 100
LONGEST_ERROR = 300
_END = 1 << 16
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?resumptionToken\b[^>]*>\s*([^<\s][^<]*?)\s*</")
_WITH_ERRORS = frozenset({400, 404, 410, 422})
_IDENTIFY = ("repositoryName", "protocolVersion", "earliestDatestamp", "deletedRecord", "granularity")


@dataclass
class OaiAnswer:
    """What an answer holds, counted while it is read.

    Attributes:
        verb: the element that the content stands in.
        newest: the newest datestamp, in the repository's granularity.
        at_newest: how many records have it.
        ordered: whether no datestamp is older than one before it, and all are there.
        declared: how many records the whole list has.
        cursor: how many came before this page.
    """

    response_date: str = ""
    verb: str = ""
    error: str = ""
    error_text: str = ""
    records: int = 0
    deleted: int = 0
    newest: str = ""
    at_newest: int = 0
    ordered: bool = True
    token: str = ""
    declared: int | None = None
    cursor: int | None = None
    said: dict[str, str] = field(default_factory=dict)
    formats: list[str] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    def note_datestamp(self, datestamp: str) -> None:
        """Takes a record's datestamp into account."""
        self.ordered = self.ordered and datestamp >= self.newest and datestamp != ""
        if datestamp == self.newest:
            self.at_newest += 1
        elif datestamp > self.newest:
            self.newest, self.at_newest = datestamp, 1


@dataclass(frozen=True)
class ListFacts:
    """What is known of a page of a list, beside how many records are in it; the words are those of `OaiAnswer`."""

    response_date: str
    error: str
    token: str
    digest: str
    declared: int | None
    cursor: int | None
    newest: str
    at_newest: int
    ordered: bool
    deleted: int

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> ListFacts:
        """From the facts of a task."""
        return cls(**facts)


class BrokenPageError(FailedError):
    """A page that cannot be read, though it says where the list goes on."""

    def __init__(self, error: FailedError, token: str) -> None:
        super().__init__(error.why, str(error), transient=error.transient, exception=error.exception)
        self.token = token


@dataclass(frozen=True)
class ListReader:
    """Accepts pages of a list; also an empty one, and the answer that a token has expired."""

    granularity: Granularity

    def __call__(self, answer: Answer, body: Path) -> Kept:
        """A page.

        Raises:
            BrokenPageError: it cannot be read.
            FailedError: it is none, or the repository answers with an error.
        """
        repairs = Repairs()
        try:
            read = read_answer(answer.url, body, repairs, self.granularity)
        except FailedError as error:
            raise BrokenPageError(error, _token_in(body)) from error
        if read.error not in {"", EMPTY, EXPIRED}:
            raise _failure(answer.url, read)
        if not read.error and read.verb not in {"ListRecords", "ListIdentifiers"}:
            raise _other(answer.url, "a list", read)
        names = ListFacts.__dataclass_fields__.keys() - {"digest"}
        facts = ListFacts(digest=read.digest.hexdigest(), **{name: getattr(read, name) for name in names})
        said = f"{read.error}: {read.error_text}" if read.error else ""
        records = None if read.error == EXPIRED else read.records
        return Kept(body, records, asdict(facts), "; ".join(filter(None, (said, str(repairs)))))


def keep_identify(answer: Answer, body: Path) -> Kept:
    """Accepts what a repository says of itself.

    Raises:
        FailedError: it is something else.
    """
    read = read_answer(answer.url, body, Repairs())
    if read.error:
        raise _failure(answer.url, read)
    if read.verb != "Identify":
        raise _other(answer.url, "the answer to Identify", read)
    return Kept(body, None, {**read.said, "responseDate": read.response_date})


def keep_formats(answer: Answer, body: Path) -> Kept:
    """Accepts the list of metadata formats; its facts have their prefixes.

    Raises:
        FailedError: it is something else.
    """
    read = read_answer(answer.url, body, Repairs())
    if read.error:
        raise _failure(answer.url, read)
    if not read.formats:
        raise _other(answer.url, "a list of metadata formats", read)
    return Kept(body, None, {"formats": read.formats})


@dataclass(frozen=True)
class WithErrors:
    """A gate for repositories that send an error of the protocol under a status of its own, such as 422."""

    gate: Fetcher
    work: Path

    def fetch(self, request: Request) -> Answer:
        """Asks; such an answer is one like any other."""
        answer = self.gate.fetch(request)
        if answer.status not in _WITH_ERRORS or not _is_whole_error(answer.start):
            return answer
        part = temporary(self.work)
        with storage_errors(part):
            part.write_bytes(answer.start)
        return replace(answer, status=200, part=part, size=len(answer.start))


def _is_whole_error(start: bytes) -> bool:
    return b"<error" in start and b"OAI-PMH" in start[:1000] and start.rstrip().endswith(b"OAI-PMH>")


def read_answer(url: str, body: Path, repairs: Repairs, granularity: Granularity | None = None) -> OaiAnswer:
    """Reads an answer as a stream.

    Raises:
        FailedError: it is not XML, or another document.
    """
    read, granularity = OaiAnswer(), granularity or Granularity(seconds=False)
    for step in steps(url, body, repairs):
        if step.begins:
            _begin(url, read, step)
        else:
            _end(read, step, granularity)
    return read


def _begin(url: str, read: OaiAnswer, step: Step) -> None:
    if len(step.path) == 1 and step.path[0] != "OAI-PMH":
        raise FailedError("not-a-page", f"{url}: expected an answer of an OAI-PMH repository, got a document whose "
                          f"first element is {step.path[0]}", transient=True)  # fmt: skip
    if len(step.path) == 2 and step.path[1] not in {"responseDate", "request", "error"}:
        read.verb = step.path[1]


def _end(read: OaiAnswer, step: Step, granularity: Granularity) -> None:
    element, inner = step.element, step.path[1:]
    match inner:
        case ("responseDate",):
            read.response_date = _text(element)
        case ("error",):
            if not read.error or read.error == EMPTY:
                read.error = (element.get("code") or "").strip() or "without a code"
                read.error_text = _text(element)[:LONGEST_ERROR]
        case ("ListRecords", "record"):
            header = element.find("{*}header")
            _add(read, element, element if header is None else header, granularity)
        case ("ListIdentifiers", "header"):
            _add(read, element, element, granularity)
        case (_, "resumptionToken"):
            read.token = "".join(map(str, element.itertext())).strip()
            read.declared, read.cursor = _number(element, "completeListSize"), _number(element, "cursor")
        case ("Identify", name) if name in _IDENTIFY:
            read.said[name] = _text(element)
        case ("ListMetadataFormats", "metadataFormat", "metadataPrefix"):
            if len(read.formats) < MOST_FORMATS:
                read.formats.append(_text(element))


def _add(read: OaiAnswer, element: etree._Element, header: etree._Element, granularity: Granularity) -> None:
    read.records += 1
    read.deleted += (header.get("status") or "").strip().lower() == "deleted"
    read.note_datestamp(granularity.datestamp(header.findtext("{*}datestamp") or ""))
    read.digest.update(etree.tostring(element, with_tail=False))
    free(element)


def _text(element: etree._Element) -> str:
    return " ".join("".join(map(str, element.itertext())).split())


def _number(element: etree._Element, name: str) -> int | None:
    text = (element.get(name) or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _token_in(body: Path) -> str:
    """The resumption token at the end of a page that is no XML; blank where none is seen."""
    with storage_errors(body), body.open("rb") as file:
        file.seek(max(0, body.stat().st_size - _END))
        found = _TOKEN.findall(file.read())
    text = found[-1].decode("utf-8", "replace") if found else ""
    for name, character in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{name};", character)
    return text


def _failure(url: str, read: OaiAnswer) -> FailedError:
    return service_failure(url, f"{read.error}{': ' if read.error_text else ''}{read.error_text}")


def _other(url: str, expected: str, read: OaiAnswer) -> FailedError:
    return FailedError("not-a-page", f"{url}: expected {expected}, got {read.verb or 'neither that nor an error'}",
                       transient=True)  # fmt: skip
