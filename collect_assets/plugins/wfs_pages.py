"""Pages of a Web Feature Service, of GML or GeoJSON: read as streams, and merged into one document.

A page is kept as its members, each with its length before it. In the document they stand in the root of the first page,
so the namespaces that it declares are not declared again; any other stay with the member. XML is read without
entities, network or DTD, and within libxml2's limits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import quoteattr

import ijson
from lxml import etree

from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer
from collect_assets.plugins.answers import service_failure
from collect_assets.plugins.esri_geojson import esri_features as json_features
from collect_assets.plugins.esri_layer import service_error
from collect_assets.plugins.tasks import Kept
from collect_assets.store.local import storage_errors, temporary

MOST_OF_A_REPORT = 1 << 20
XML_OPTIONS: Mapping[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "recover": False,
}
_REPORTS = frozenset({"ExceptionReport", "ServiceExceptionReport"})
_MEMBERS = frozenset({"member", "featureMember"})
_OF_A_PAGE = frozenset({"numberMatched", "numberReturned", "numberOfFeatures", "timeStamp", "next", "previous"})
# GeoServer makes up ids for layers without a key: they differ in every answer.
_MADE_UP = re.compile(rb'\s(?:[\w.-]+:)?(?:id|fid)="[^"]*"|"id": "[^"]*"')
Facts = Mapping[str, Any]


def check_no_error(url: str, body: Path, start: bytes) -> None:
    """Passes everything but a service's report of an error.

    Raises:
        FailedError: it is such a report; the message has its text.
    """
    head = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    with storage_errors(body):
        if body.stat().st_size > MOST_OF_A_REPORT:
            return
        content = body.read_bytes()
    if head.startswith(b"{"):
        try:
            value = json.loads(content)
        except ValueError:
            return
        if isinstance(value, dict) and value.get("error"):
            raise service_error(url, value["error"])
    elif head.startswith(b"<") and any(name.encode() in start for name in _REPORTS):
        try:
            root = etree.fromstring(content, etree.XMLParser(**XML_OPTIONS))
        except etree.XMLSyntaxError:
            return
        if _name(root) in _REPORTS:
            raise service_failure(url, _report(root))


def _report(root: etree._Element) -> str:
    codes = [e.get("exceptionCode") or e.get("code") or "" for e in root.iter() if isinstance(e.tag, str)]
    words = " ".join(" ".join(str(text).split()) for text in root.itertext() if text.strip())
    return f"an exception report: {': '.join(filter(None, (next(filter(None, codes), ''), words))) or 'without a text'}"


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


@dataclass(frozen=True)
class PageReader:
    """Accepts pages, and keeps their members."""

    work: Path

    def __call__(self, answer: Answer, body: Path) -> Kept:
        """The page as members.

        Raises:
            FailedError: it is a report of an error, no page, or less of one than it says.
        """
        check_no_error(answer.url, body, answer.start)
        part = temporary(self.work)
        try:
            with storage_errors(part), part.open("wb") as file:
                members = _Members(file)
                facts = _read(body, answer.start, members)
            _check_returned(answer.url, facts, members.count)
            return Kept(part, members.count, {**facts, "digest": members.digest.hexdigest()})
        except (etree.XMLSyntaxError, ijson.JSONError, UnicodeDecodeError, _NoPageError) as error:
            part.unlink(missing_ok=True)
            raise FailedError("not-a-page", f"{answer.url}: not a page of features: {error}", transient=True) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def keep_hits(answer: Answer, body: Path) -> Kept:
    """Accepts the answer to `resultType=hits`.

    Raises:
        FailedError: it does not say how many features match.
    """
    check_no_error(answer.url, body, answer.start)
    try:
        with storage_errors(body), body.open("rb") as file:
            root = next(iter(etree.iterparse(file, events=("start",), **XML_OPTIONS)))[1]
    except etree.XMLSyntaxError as error:
        raise FailedError("not-a-page", f"{answer.url}: not an answer to resultType=hits: {error}") from error
    matched = _number(root.get("numberMatched") or root.get("numberOfFeatures"))
    if matched is None:
        raise FailedError("not-a-page", f"{answer.url}: does not say how many features match")
    return Kept(body, None, {"matched": matched})


def counts_at_start(body: Path) -> tuple[int | None, int | None]:
    """How many features match, and how many an answer in GML has, as its root says; JSON may say it behind them all."""
    try:
        with storage_errors(body), body.open("rb") as file:
            root = next(iter(etree.iterparse(file, events=("start",), **XML_OPTIONS)))[1]
    except (etree.XMLSyntaxError, StopIteration):
        return None, None
    return _number(root.get("numberMatched")), _number(root.get("numberReturned"))


class _NoPageError(ValueError):
    """Something else than a collection of features."""


class _Members:
    """The members of a page in a file; with a digest that leaves made-up ids out."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.count = 0

    def add(self, member: bytes) -> None:
        self._file.write(b"%d\n" % len(member))
        self._file.write(member)
        self.digest.update(_MADE_UP.sub(b"", member))
        self.count += 1


def _read(body: Path, start: bytes, members: _Members) -> dict[str, Any]:
    json_ = start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return _read_json(body, members) if json_ else _read_xml(body, members)


def _check_returned(url: str, facts: Facts, count: int) -> None:
    said = facts["returned"]
    if said is not None and said != count:
        raise FailedError("truncated", f"{url}: says numberReturned={said} and has {count} members", transient=True)


def _read_json(body: Path, members: _Members) -> dict[str, Any]:
    for feature in json_features(body):
        members.add(json.dumps(feature, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    said = {
        name: _json_value(body, name) for name in ("type", "numberMatched", "totalFeatures", "numberReturned", "crs")
    }
    if said["type"] != "FeatureCollection":
        raise _NoPageError(f"expected a FeatureCollection, got {said['type']!r}")
    matched = _number(said["numberMatched"])
    return {
        "json": True,
        "matched": _number(said["totalFeatures"]) if matched is None else matched,
        "returned": _number(said["numberReturned"]),
        "crs": said["crs"],
    }


def _json_value(body: Path, name: str) -> Any:  # noqa: ANN401 - whatever JSON has
    with body.open("rb") as file:
        value = next(ijson.items(file, name, use_float=True), None)
    return value if isinstance(value, dict | str | int) else None


def _read_xml(body: Path, members: _Members) -> dict[str, Any]:
    root: etree._Element | None = None
    depth = 0
    with body.open("rb") as file:
        for event, element in etree.iterparse(file, events=("start", "end"), **XML_OPTIONS):
            if event == "start":
                depth += 1
                root = element if root is None else root
                continue
            depth -= 1
            if root is not None and depth == 1 and isinstance(element.tag, str):
                _add_members(element, members)
                _free(element)
            elif depth == 2 and _name(element.getparent()) == "featureMembers":
                _add_feature(element, members)
                _free(element)
    if root is None or _name(root) != "FeatureCollection":
        raise _NoPageError(f"expected a FeatureCollection, got {None if root is None else root.tag}")
    return _facts_of(root)


def _facts_of(root: etree._Element) -> dict[str, Any]:
    attributes = {name: value for name, value in root.attrib.items() if name not in _OF_A_PAGE}
    return {
        "json": False,
        "matched": _number(root.get("numberMatched")),
        "returned": _number(root.get("numberReturned")),
        "counts": sorted(set(root.attrib) & {"numberMatched", "numberReturned", "numberOfFeatures"}),
        "root": root.tag,
        "namespaces": [[prefix, uri] for prefix, uri in root.nsmap.items()],
        "attributes": attributes,
    }


def _number(value: object) -> int | None:
    """A number that a service says; None for `unknown`."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else None


def _add_members(element: etree._Element, members: _Members) -> None:
    if _name(element) in _MEMBERS:
        members.add(etree.tostring(element, encoding="utf-8", with_tail=False))


def _add_feature(feature: etree._Element, members: _Members) -> None:
    """One of several in a `featureMembers`, in a `featureMember` of its own."""
    parent = feature.getparent()
    if parent is None or not isinstance(feature.tag, str):
        return
    names: dict[Any, str] = dict(parent.nsmap)
    own = etree.Element(f"{{{etree.QName(parent).namespace}}}featureMember", nsmap=names)
    own.append(deepcopy(feature))
    own[0].tail = None
    members.add(etree.tostring(own, encoding="utf-8"))


def _free(element: etree._Element) -> None:
    """Gives back the memory of what was read, but for the element that the parser still holds."""
    element.clear()
    while (before := element.getprevious()) is not None:
        before.getparent().remove(before)  # type: ignore[union-attr]


def merged(pages: Iterable[tuple[Path, Facts]]) -> Iterator[bytes]:
    """The one document that the pages make, in pieces."""
    pages = list(pages)
    first = pages[0][1]
    members = chain.from_iterable(_members(page) for page, _ in pages)
    if first["json"]:
        yield from _merged_json(first, members)
    else:
        yield from _merged_xml(first, members, sum(1 for page, _ in pages for _ in _members(page)))


def _members(page: Path) -> Iterator[bytes]:
    with storage_errors(page), page.open("rb") as file:
        while length := file.readline():
            yield file.read(int(length))


def _merged_json(first: Facts, members: Iterator[bytes]) -> Iterator[bytes]:
    crs = f'"crs":{json.dumps(first["crs"])},' if first["crs"] else ""
    yield f'{{"type":"FeatureCollection",{crs}"features":['.encode()
    separator = b"\n"
    for member in members:
        yield separator + member
        separator = b",\n"
    yield b"]}"


def _merged_xml(first: Facts, members: Iterator[bytes], count: int) -> Iterator[bytes]:
    declared = {_declaration(prefix, uri) for prefix, uri in first["namespaces"]}
    name, begin = _begin(first, count)
    yield begin
    for member in members:
        yield b"\n" + _declared_once(member, declared)
    yield f"\n</{name}>\n".encode()


def _begin(first: Facts, count: int) -> tuple[str, bytes]:
    """The name of the root, and its start tag, as the first page had it but for its counts."""
    prefixes = {uri: prefix for prefix, uri in sorted(first["namespaces"], key=lambda pair: bool(pair[0]))}
    attributes = [(_qualified(tag, prefixes), value) for tag, value in first["attributes"].items()]
    attributes += [(name, str(count)) for name in first["counts"]]
    words = [_qualified(first["root"], prefixes), *(_declaration(*each).decode() for each in first["namespaces"])]
    words += [f"{name}={quoteattr(value)}" for name, value in attributes]
    return words[0], f'<?xml version="1.0" encoding="UTF-8"?>\n<{" ".join(words)}>'.encode()


def _qualified(tag: str, prefixes: Mapping[str, str | None]) -> str:
    name = etree.QName(tag)
    prefix = "xml" if name.namespace == "http://www.w3.org/XML/1998/namespace" else prefixes.get(name.namespace or "")
    return f"{prefix}:{name.localname}" if prefix else name.localname


def _declaration(prefix: str | None, uri: str) -> bytes:
    text = uri.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return f'xmlns{f":{prefix}" if prefix else ""}="{text}"'.encode()


def _declared_once(member: bytes, declared: set[bytes]) -> bytes:
    """The member without the declarations in its start tag that the root has already."""
    tag, closing, rest = member.partition(b">")
    for declaration in declared:
        tag = tag.replace(b" " + declaration, b"")
    return tag + closing + rest
