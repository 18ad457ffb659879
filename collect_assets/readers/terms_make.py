"""`python -m collect_assets.readers.terms_make <term_versions.csv>`: makes `term_table.py` from Darwin Core's own list.

The list is `vocabulary/term_versions.csv` of the repository tdwg/dwc: each version of each term, with the versions that
it replaces. An old term's successors are the recommended terms that lead back to it. What the list leaves open is
filled in `darwin_terms.py`, with reasons, and not here.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

TABLE = Path(__file__).with_name("term_table.py")
_IRIS = "http://rs.tdwg.org/dwc/iri/"  # the same terms with IRIs for values; the successors of none
_HEAD = '''"""Darwin Core's terms, and the successors of old ones: generated, not to be edited.

Made by `python -m collect_assets.readers.terms_make` from `vocabulary/term_versions.csv` of the repository tdwg/dwc
(CC BY 4.0), newest issue {issued}, {versions} versions, sha256
{sha256}.
"""

from __future__ import annotations

from collections.abc import Mapping
'''


def table_text(content: bytes) -> str:
    """The module, from the bytes of the list."""
    versions = list(csv.DictReader(content.decode("utf-8").splitlines(keepends=True)))
    head = _HEAD.format(
        issued=max(version["issued"] for version in versions),
        versions=f"{len(versions):,}",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    current: dict[str, list[str]] = defaultdict(list)
    for version in versions:
        if version["status"] == "recommended":
            namespace, name = _parts(version["term_iri"])
            current[namespace].append(name)
    return "\n".join([head, *_names(current), "", *_successors(successors(versions))]) + "\n"


def successors(versions: Iterable[Mapping[str, str]]) -> dict[str, dict[str, list[str]]]:
    """By namespace and name of an old term, the names of the recommended terms that replace it."""
    by_iri = {version["iri"]: version for version in versions}
    recommended = {v["term_iri"] for v in by_iri.values() if v["status"] == "recommended"}
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for iri, version in by_iri.items():
        if version["status"] != "recommended" or version["term_iri"].startswith(_IRIS):
            continue
        name = _parts(version["term_iri"])[1]
        for old in _replaced(iri, by_iri) - recommended:
            namespace, old_name = _parts(old)
            names = found[namespace].setdefault(old_name, [])
            if name not in names:
                names.append(name)
    return found


def _replaced(iri: str, by_iri: Mapping[str, Mapping[str, str]]) -> set[str]:
    """The terms that a version replaces, directly or through others."""
    seen, waiting = set[str](), [iri]
    while waiting:
        found = waiting.pop()
        if found in by_iri and found not in seen:
            seen.add(found)
            waiting += by_iri[found]["replaces"].split("|")
    return {by_iri[found]["term_iri"] for found in seen}


def _parts(iri: str) -> tuple[str, str]:
    cut = max(iri.rfind("/"), iri.rfind("#")) + 1
    return iri[:cut], iri[cut:]


def _names(current: Mapping[str, list[str]]) -> list[str]:
    lines = ["CURRENT: Mapping[str, tuple[str, ...]] = {"]
    for namespace in sorted(current):
        lines += [f"    {json.dumps(namespace)}: ("]
        lines += [f"        {json.dumps(name)}," for name in sorted(set(current[namespace]))]
        lines += ["    ),"]
    return [*lines, "}"]


def _successors(found: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    lines = ["SUCCESSORS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"]
    for namespace in sorted(found):
        lines += [f"    {json.dumps(namespace)}: {{"]
        for old in sorted(found[namespace]):
            names = sorted(found[namespace][old])
            comma = "," if len(names) == 1 else ""
            lines += [f"        {json.dumps(old)}: ({', '.join(map(json.dumps, names))}{comma}),"]
        lines += ["    },"]
    return [*lines, "}"]


if __name__ == "__main__":
    TABLE.write_text(table_text(Path(sys.argv[1]).read_bytes()), encoding="utf-8")
