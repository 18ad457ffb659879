"""The table of faults in the docs: what was expected and what was seen, as the tests saw it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from collect_assets_tests.faults.cases import Case

PATH = Path(__file__).parents[2] / "docs" / "faults.md"
_BEFORE = """# Faults that providers have, and what comes of them

Written by the tests (`collect_assets_tests/faults/`): each row was served by a real server on loopback, all were
collected in one run of `collect_day`, and *seen* is what stood in the log afterwards, or in the run's file. Whatever
the row says, the run went on, nothing was left in `work/`, and only what was collected whole lies under its hash.
`first` means collected, for the first time. A failure never replaces what an earlier run kept.

| no | fault | expected | seen | |
|---|---|---|---|---|
"""
_AFTER = """
F24 (a kept connection that the server closed), F30 (a server that answers 304 and lies), F31 (another ETag for the same
bytes) and F50 (credentials at a redirect) need more than one answer, and have tests of their own, which carry their
numbers in their names: in `collect_assets_tests/network/` and `collect_assets_tests/collecting/`. F53 and later are the
business of the readers, the store and the items; those of harvests stand in [harvest-faults.md](harvest-faults.md).
"""


def table(cases: Sequence[Case], seen: dict[str, str]) -> str:
    """The page."""
    rows = (f"| {c.number} | {c.fault} | `{c.expected}` | `{seen[c.name]}` | {c.why} |\n" for c in cases)
    return _BEFORE + "".join(rows) + _AFTER
