"""What a term of Darwin Core is called in records: by its current name, in whatever version and case it came.

The published list (`term_table.py`) goes first; what it leaves open is filled here (`_FILLED`, and the terms that make
sense only together, `darwin_parts.py`). A term without a successor stays under its own IRI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collect_assets.errors import UnreadableError
from collect_assets.readers.darwin_parts import PARTS
from collect_assets.readers.term_table import CURRENT, SUCCESSORS

ENTITY = "an entity stands in it, which is not read"
DARWIN_2 = "http://digir.net/schema/conceptual/darwin/2003/1.0/"
MAX_NAMES = 10_000  # are remembered: whoever uses ids for names shall not fill the memory
_DUBLIN_CORE = ("http://purl.org/dc/elements/1.1", "http://purl.org/dc/terms", "http://purl.org/dc/dcmitype")
_IRIS = "http://rs.tdwg.org/dwc/iri/"  # beside `dwc:recordedBy` stands its IRI, under a name of its own
_FILLED: Mapping[str, str] = {
    "DateLastModified": "modified",  # the list knows no successor; it is dcterms:modified by its definition
    "LatestEonOrHighestEonothem": "latestEonOrHighestEonothem",  # the chain of versions has a hole here
    # Darwin Core 2 defines it in metres, as today's uncertainty; today's coordinatePrecision is in degrees.
    "CoordinatePrecision": "coordinateUncertaintyInMeters",
}


class _Names(dict[str, str]):
    """The name of each tag that was asked for: `{namespace}Name`, as the parser writes it."""

    def __missing__(self, tag: str) -> str:
        if not isinstance(tag, str):
            raise UnreadableError(ENTITY)
        namespace, _, local = tag.rpartition("}")
        name = term_name(namespace[1:], local.rpartition(":")[2])
        if len(self) < MAX_NAMES:
            self[tag] = name
        return name


NAMES = _Names()


def term_name(namespace: str, local: str) -> str:
    """The name of a term in records; for one of `PARTS` its old name, which is to be resolved with the others."""
    if not namespace:
        return _of_no_namespace(local)
    if namespace.rstrip("/#") in _DUBLIN_CORE:
        return local
    iri = namespace if namespace.endswith(("/", "#")) else f"{namespace}/"
    known = _KNOWN.get(iri.casefold())
    found = known.get(local.casefold()) if known else None
    return found or f"{iri}{local}"


def _of_no_namespace(local: str) -> str:
    """By its name alone, among all that were ever in use."""
    names = (known.get(local.casefold()) for known in _KNOWN.values())
    return next(filter(None, names), local)


def _known() -> Iterator[tuple[str, dict[str, str]]]:
    """By namespace, the names of terms with their case folded."""
    for namespace in dict.fromkeys((*SUCCESSORS, *CURRENT)):
        if namespace == _IRIS:
            continue
        names = {name: _successor(name, found) for name, found in SUCCESSORS.get(namespace, {}).items()}
        if namespace not in CURRENT:
            names = {**_FILLED, **{name: name for name in PARTS}, **names}
        names |= {name: name for name in CURRENT.get(namespace, ())}
        yield namespace.casefold(), {name.casefold(): current for name, current in names.items() if current}


def _successor(name: str, found: tuple[str, ...]) -> str:
    """Blank where the list has several and nothing here says which."""
    if name in PARTS:
        return name
    return _FILLED.get(name) or (found[0] if len(found) == 1 else "")


_KNOWN = dict(_known())
