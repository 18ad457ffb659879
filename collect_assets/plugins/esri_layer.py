"""A layer of an ArcGIS server: its URL, the questions that can be put to it, and what its answers say.

From Esri's REST API for "Query (Feature Service/Layer)", and from what servers do: errors come with status 200, names
of statistics are made up, and whether pages are supported stands in one of two places.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import ijson

from collect_assets.errors import FailedError, FetchError
from collect_assets.network.gate import Answer, Request
from collect_assets.plugins.answers import service_failure
from collect_assets.plugins.esri_geojson import esri_features, to_geojson
from collect_assets.plugins.tasks import Kept
from collect_assets.store.local import storage_errors, temporary

MOST_BYTES_OF_AN_OBJECT = 64 << 20  # of an answer that is no page: metadata, counts, ids
DEFAULT_PAGE_SIZE, USUAL_PAGE_SIZE = 500, 1000
_OURS = frozenset({"f", "outsr", "resultoffset", "resultrecordcount", "returnidsonly", "returncountonly", "callback",
                   "outstatistics", "returngeometry", "geometryprecision", "orderbyfields"})  # fmt: skip
_TOKEN_NEEDED = frozenset({498, 499})


@dataclass(frozen=True)
class LayerUrl:
    """Where a layer is. What the registered URL says beyond that (a token, a filter) goes with every question."""

    url: str
    extra: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, registered: str) -> LayerUrl:
        """The layer that a registered URL means, which may end in a slash or in `/query?where=…`."""
        parts = urlsplit(registered)
        path = parts.path.rstrip("/")
        if path.lower().endswith("/query"):
            path = path[: -len("/query")].rstrip("/")
        extra = [(key, value) for key, value in parse_qsl(parts.query) if key.lower() not in _OURS]
        return cls(urlunsplit((parts.scheme, parts.netloc, path, "", "")), tuple(extra))

    def about(self) -> Request:
        """The question for what the layer is."""
        kept = {key: value for key, value in self.extra if key.lower() == "token"}
        return Request(f"{self.url}?{urlencode({**kept, 'f': 'json'})}")

    def query(self, where: str = "1=1", **asked: object) -> Request:
        """A question for what is in it. As a form in a POST: some servers take only short URLs."""
        extra = {key.lower() if key.lower() == "where" else key: value for key, value in self.extra}
        own = extra.pop("where", "")
        if own and own != "1=1":
            where = own if where == "1=1" else f"({where}) AND ({own})"
        form = {"outFields": "*", **extra, "where": where, **asked, "f": "json"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request(f"{self.url}/query", headers, "POST", urlencode(form).encode())


@dataclass(frozen=True)
class Layer:
    """What a layer says about itself.

    Attributes:
        oid: the field that numbers its features; blank where there is none.
    """

    oid: str
    page_size: int
    pages: bool
    orders: bool
    statistics: bool
    extent: Mapping[str, Any] | None

    @classmethod
    def of(cls, url: str, about: Mapping[str, Any]) -> Layer:
        """Reads the metadata.

        Raises:
            FailedError: `not-a-layer`.
        """
        fields = about.get("fields")
        if not isinstance(fields, list) and not about.get("objectIdField"):
            raise FailedError("not-a-layer", f"{url}: is no layer of an ArcGIS server{_layers(about)}; the URL has to "
                              "end in the number of a layer, such as …/FeatureServer/0")  # fmt: skip
        advanced = about.get("advancedQueryCapabilities") or {}
        oids = [field.get("name") for field in fields or () if field.get("type") == "esriFieldTypeOID"]
        most = about.get("maxRecordCount")
        extent = about.get("extent")
        return cls(
            oid=str(about.get("objectIdField") or next(iter(oids), "") or ""),
            page_size=most if isinstance(most, int) and most > 0 else DEFAULT_PAGE_SIZE,
            pages=bool(about.get("supportsPagination") or advanced.get("supportsPagination")),
            orders=bool(advanced.get("supportsOrderBy")),
            statistics=bool(about.get("supportsStatistics") or advanced.get("supportsStatistics")),
            extent=extent if isinstance(extent, dict) and _is_box(extent) else None,
        )


def _is_box(extent: Mapping[str, Any]) -> bool:
    return all(isinstance(extent.get(side), int | float) for side in ("xmin", "ymin", "xmax", "ymax"))


def _layers(about: Mapping[str, Any]) -> str:
    layers = about.get("layers")
    named = [f"{layer.get('id')} ({layer.get('name')})" for layer in layers or () if isinstance(layer, dict)]
    return f" but a service with the layers {', '.join(named[:10])}" if named else ""


def read_object(answer: Answer, body: Path) -> dict[str, Any]:
    """An answer that is one small JSON object.

    Raises:
        FailedError: it is none, or it says that something went wrong.
    """
    if answer.size > MOST_BYTES_OF_AN_OBJECT:
        raise FailedError("not-json", f"{answer.url}: answered with {answer.size} bytes to a small question")
    with storage_errors(body):
        content = body.read_bytes()
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FailedError("not-json", f"{answer.url}: expected JSON, got {answer.start[:60]!r}") from error
    if not isinstance(value, dict):
        raise FailedError("not-json", f"{answer.url}: expected a JSON object, got {answer.start[:60]!r}")
    if value.get("error"):
        raise service_error(answer.url, value["error"])
    return value


def service_error(url: str, error: object) -> FetchError:
    """The failure that an `error` in an answer with status 200 means."""
    known = error if isinstance(error, dict) else {"message": str(error)}
    details = known.get("details")
    said = [str(known.get("message") or ""), *(map(str, details) if isinstance(details, list) else [])]
    text = ": ".join(dict.fromkeys(filter(None, said))) or "no message"
    code = known.get("code")
    if code in _TOKEN_NEEDED:
        return FailedError("token-needed", f"{url}: the service wants a token (error {code}: {text}); ask its owner "
                           "for a public layer, or give a credential")  # fmt: skip
    passing = code == 429 or (isinstance(code, int) and 500 <= code < 600)
    return service_failure(url, f"error {code}: {text}", passing=passing)


def keep_object(answer: Answer, body: Path) -> Kept:
    """Accepts an answer that is a JSON object without an error."""
    read_object(answer, body)
    return Kept(body)


def keep_layer(answer: Answer, body: Path) -> Kept:
    """Accepts the metadata of a layer."""
    Layer.of(answer.url.partition("?")[0], read_object(answer, body))
    return Kept(body)


@dataclass(frozen=True)
class PageOf:
    """Accepts pages of a layer, and keeps them as lines of its number, a tab, and the feature as GeoJSON.

    Both are JSON, in which a tab is always escaped.
    """

    oid: str
    work: Path

    def __call__(self, answer: Answer, body: Path) -> Kept:
        """The page converted.

        Raises:
            FailedError: it is no page, or an error in place of one.
        """
        part = temporary(self.work)
        try:
            with storage_errors(part), part.open("w", encoding="ascii") as lines:
                records = sum(1 for _ in map(lines.write, self._lines(body)))
            if not records:
                self._check_empty(answer, body)
            return Kept(part, records, {"exceeded": _exceeded(body)})
        except (ijson.JSONError, UnicodeDecodeError, KeyError, TypeError, IndexError, AttributeError) as error:
            part.unlink(missing_ok=True)
            raise FailedError("not-json", f"{answer.url}: not a page of features: {type(error).__name__}: "
                              f"{_first_line(error)}", transient=True) from error  # fmt: skip
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _lines(self, body: Path) -> Iterator[str]:
        for feature in esri_features(body):
            number = (feature.get("attributes") or {}).get(self.oid)
            yield f"{json.dumps(number)}\t{to_geojson(feature)}\n"

    @staticmethod
    def _check_empty(answer: Answer, body: Path) -> None:
        if not isinstance(read_object(answer, body).get("features"), list):
            raise FailedError("not-json", f"{answer.url}: expected `features`, got {answer.start[:60]!r}")


def _exceeded(body: Path) -> bool:
    """Whether the server says that it holds something back."""
    with body.open("rb") as file:
        return next(ijson.items(file, "exceededTransferLimit"), False) is True


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
