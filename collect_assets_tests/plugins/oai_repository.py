"""A small OAI-PMH repository with the habits of real ones: it evaluates requests, lists by date, keeps tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

from collect_assets_tests.servers import Asked, Page

PATH = "/oai"
NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
EXCLUSIVE = {"verb", "resumptionToken"}
ARGUMENTS = {"verb", "metadataPrefix", "from", "until", "set", "resumptionToken", "identifier"}
LISTS = {"ListRecords", "ListIdentifiers"}


@dataclass(frozen=True)
class Item:
    """A record of the repository."""

    number: int
    datestamp: str
    title: str = ""
    sets: tuple[str, ...] = ()
    deleted: bool = False


class _Error(Exception):
    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code, self.text = code, text


@dataclass
class Repository:
    """What it serves and how; tests change it between the days.

    Attributes:
        now: its clock, the response date of all answers.
        tokens_live: for how many requests of lists a token can be used after it was given; None: for ever.
        loops: the token of each page is that of the first.
        endless: behind the last page come pages that were there before.
        blank: behind the last page come empty pages, each with a token.
        lists: what a list declares as its size, made of the true one; None: nothing.
        status: of answers with an error.
        skips: the second page begins this many records too late.
        shuffled: lists come in order of number.
        garbage: makes the bytes of an answer worse.
    """

    items: list[Item]
    page: int = 3
    now: str = "2026-03-01T10:00:00Z"
    granularity: str = "YYYY-MM-DDThh:mm:ssZ"
    deleted_record: str = "persistent"
    earliest: str = "2010-01-01T00:00:00Z"
    formats: tuple[str, ...] = ("oai_dc", "eml")
    has_sets: bool = True
    tokens_live: int | None = None
    loops: bool = False
    endless: bool = False
    blank: bool = False
    lists: Callable[[int], int | None] = lambda true: true
    status: int = 200
    skips: int = 0
    shuffled: bool = False
    garbage: Callable[[dict[str, str], bytes], bytes | Page] = lambda _, body: body
    lists_asked: int = 0
    given: dict[str, tuple[int, int, dict[str, str]]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Page:
        path, _, query = asked.path.partition("?")
        if path != PATH:
            return Page(b"no such page", 404)
        pairs = parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        status = 200
        try:
            content = self._answer(given) if given.keys() <= ARGUMENTS and len(given) == len(pairs) else self._bad()
        except _Error as error:
            status = self.status
            content = f"<error code={quoteattr(error.code)}>{escape(error.text)}</error>"
        said = "".join(f" {name}={quoteattr(value)}" for name, value in given.items())
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="{NAMESPACE}">'
            f"<responseDate>{self.now}</responseDate><request{said}>http://repository.test/oai</request>"
            f"{content}</OAI-PMH>"
        ).encode()
        worse = self.garbage(given, body)
        return worse if isinstance(worse, Page) else Page(worse, status, {"Content-Type": "text/xml"})

    def _answer(self, given: dict[str, str]) -> str:
        verb = given.get("verb", "")
        if verb == "Identify":
            return (
                "<Identify><repositoryName>Trees &amp; shrubs</repositoryName>"
                "<baseURL>http://repository.test/oai</baseURL><protocolVersion>2.0</protocolVersion>"
                f"<adminEmail>trees@repository.test</adminEmail><earliestDatestamp>{self._own(self.earliest)}"
                f"</earliestDatestamp><deletedRecord>{self.deleted_record}</deletedRecord>"
                f"<granularity>{self.granularity}</granularity></Identify>"
            )
        if verb == "ListMetadataFormats":
            formats = "".join(
                f"<metadataFormat><metadataPrefix>{name}</metadataPrefix><schema>http://x.test/{name}.xsd</schema>"
                f"<metadataNamespace>http://x.test/{name}</metadataNamespace></metadataFormat>"
                for name in self.formats
            )
            return f"<ListMetadataFormats>{formats}</ListMetadataFormats>"
        if verb == "ListSets":
            return self._sets()
        if verb in LISTS:
            return self._list(verb, given)
        raise _Error("badVerb", verb)

    def _bad(self) -> str:
        raise _Error("badArgument", "a repeated or unknown argument")

    def _sets(self) -> str:
        if not self.has_sets:
            raise _Error("noSetHierarchy")
        names = sorted({name for item in self.items for name in item.sets})
        sets = "".join(f"<set><setSpec>{n}</setSpec><setName>Set {n}</setName></set>" for n in names)
        return f"<ListSets>{sets}</ListSets>"

    def _list(self, verb: str, given: dict[str, str]) -> str:
        self.lists_asked += 1
        offset, wanted = 0, given
        if (token := given.get("resumptionToken")) is not None:
            if given.keys() - EXCLUSIVE:
                raise _Error("badArgument", "resumptionToken is exclusive")
            offset, born, wanted = self.given.get(token, (-1, 0, {}))
            if offset < 0 or (self.tokens_live is not None and self.lists_asked - born > self.tokens_live):
                raise _Error("badResumptionToken", "the token is unknown or has expired")
        matching = self._matching(wanted)
        if not matching:
            raise _Error("noRecordsMatch")
        page = matching[offset : offset + self.page]
        if self.endless and not page:
            page = matching[-self.page :]
        rows = "".join(self._row(verb, wanted, item) for item in page)
        return f"<{verb}>{rows}{self._token(wanted, offset, len(matching))}</{verb}>"

    def _matching(self, wanted: dict[str, str]) -> list[Item]:
        if wanted.get("metadataPrefix") not in self.formats:
            code = "badArgument" if "metadataPrefix" not in wanted else "cannotDisseminateFormat"
            raise _Error(code)
        if "set" in wanted and not self.has_sets:
            raise _Error("noSetHierarchy")
        since = wanted.get("from", "")
        if since and len(since) > len(self._own("2000-01-01T00:00:00Z")):
            raise _Error("badArgument", "from is finer than the granularity")
        found = [
            item for item in self.items
            if self._own(item.datestamp) >= since and (not wanted.get("set") or wanted["set"] in item.sets)
            and not (item.deleted and self.deleted_record == "no")
        ]  # fmt: skip
        key: Callable[[Item], object] = (lambda i: i.number) if self.shuffled else (lambda i: (i.datestamp, i.number))
        return sorted(found, key=key)  # type: ignore[arg-type]

    def _row(self, verb: str, wanted: dict[str, str], item: Item) -> str:
        status = ' status="deleted"' if item.deleted else ""
        specs = "".join(f"<setSpec>{name}</setSpec>" for name in item.sets)
        header = (
            f"<header{status}><identifier>{identifier(item.number)}</identifier>"
            f"<datestamp>{self._own(item.datestamp)}</datestamp>{specs}</header>"
        )
        if verb == "ListIdentifiers":
            return header
        metadata = (
            '<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(item.title or f"Tree {item.number}")}'
            "</dc:title></oai_dc:dc></metadata>"
        )
        return f"<record>{header}{'' if item.deleted else metadata}</record>"

    def _token(self, wanted: dict[str, str], offset: int, true: int) -> str:
        following = offset + self.page + (self.skips if offset == 0 else 0)
        more = following < true or self.endless or self.blank
        size = self.lists(true)
        attributes = f' cursor="{offset}"' + ("" if size is None else f' completeListSize="{size}"')
        if not more:
            return f"<resumptionToken{attributes}/>" if offset else ""
        name = f"{following}|from={wanted.get('from', '')}&x <1>"
        if self.loops and self.given:
            name = next(iter(self.given))
        self.given[name] = (following, self.lists_asked, wanted)
        return f"<resumptionToken{attributes}>{escape(name)}</resumptionToken>"

    def _own(self, datestamp: str) -> str:
        return datestamp if "ss" in self.granularity else datestamp[: len("2000-01-01")]


def identifier(number: int) -> str:
    return f"oai:repository.test:{number}"


def trees(count: int, *, first: int = 1) -> list[Item]:
    """Records of consecutive minutes."""
    return [
        Item(n, f"2026-02-{1 + n // 1440 % 27:02d}T{n // 60 % 24:02d}:{n % 60:02d}:00Z") for n in _numbers(first, count)
    ]


def _numbers(first: int, count: int) -> Iterator[int]:
    return iter(range(first, first + count))
