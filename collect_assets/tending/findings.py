"""What can be found in registers: the words for it, how bad each is, and what mends it for certain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    """How bad a finding is: something is not collected; something misleads; something is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def less(self) -> Severity:
        """One step down: what is wrong in a row that has ended does less harm."""
        return Severity.WARNING if self is Severity.ERROR else Severity.NOTE


ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
CODES: Mapping[str, tuple[Severity, str]] = {
    "unreadable": (ERROR, "a register that cannot be read at all"),
    "settings": (ERROR, "a collection.toml that cannot be used"),
    "open-quote": (ERROR, "a quote that is opened and not closed in its row"),
    "too-long": (ERROR, "a cell of more than a megabyte"),
    "hash-mismatch": (ERROR, "endpoint is not the sha256 of endpoint-url: never collected"),
    "no-url": (ERROR, "a row without endpoint-url: never collected"),
    "bad-url": (ERROR, "a URL that cannot be asked: never collected"),
    "unknown-plugin": (ERROR, "a plugin that does not exist: never collected"),
    "bad-parameters": (ERROR, "parameters that cannot be understood: never collected"),
    "bad-date": (ERROR, "a date that is none"),
    "unknown-endpoint": (ERROR, "a source of an endpoint that is not in endpoint.csv"),
    "no-source": (ERROR, "an endpoint that no source names: belongs to no organisation and no dataset"),
    "bad-hash": (ERROR, "a resource that is not a sha256"),
    "bad-status": (ERROR, "a status other than 301 and 410"),
    "no-resource": (ERROR, "a resource that moved, and not where to"),
    "bad-host": (ERROR, "a host rule that does not hold"),
    "bad-sensitive": (ERROR, "a rule for sensitive places that does not do what it says"),
    "bom": (WARNING, "a byte order mark, at which digital-land-python stops"),
    "ragged": (WARNING, "more or fewer cells than columns"),
    "unknown-column": (WARNING, "a column that nothing reads"),
    "blank-row": (WARNING, "a row with nothing in it"),
    "duplicate-row": (WARNING, "the very same row again"),
    "duplicate": (WARNING, "the same key again, with something else in the row"),
    "spaces": (WARNING, "spaces around a value"),
    "url-space": (WARNING, "spaces in a URL"),
    "secret": (WARNING, "a URL with what looks like a secret"),
    "no-hash": (WARNING, "a URL whose endpoint is blank"),
    "parameters": (WARNING, "a parameter that nothing reads"),
    "date-form": (WARNING, "an end-date that is not YYYY-MM-DD, at which digital-land-python stops"),
    "date-order": (WARNING, "an end before the start"),
    "future-end": (WARNING, "a source that ends in the future, at which digital-land-python's planning stops"),
    "source-hash": (WARNING, "source is not the md5 of collection|organisation|endpoint"),
    "ended-endpoint": (WARNING, "an active source of an ended endpoint"),
    "only-ended-sources": (WARNING, "an active endpoint whose sources have all ended"),
    "other-collection": (WARNING, "a source whose collection is not the folder's"),
    "no-organisation": (WARNING, "a source of nobody"),
    "no-pipelines": (WARNING, "a source for no dataset"),
    "gone-with-resource": (WARNING, "a resource that is gone (410), and one in its place"),
    "moved-twice": (WARNING, "a resource that moved to one that is itself old"),
    "mixed-line-ends": (NOTE, "lines that end in different ways"),
    "future-start": (NOTE, "a start in the future, which is not looked at: it is collected already"),
    "duplicate-across": (NOTE, "an endpoint of more than one collection"),
    "other": (WARNING, "something else"),
}


@dataclass(frozen=True)
class Fix:
    """What mends a finding for certain: the row is taken out, or cells get other values."""

    remove: bool = False
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, in one row.

    Attributes:
        row: the line in the file, 0 where it is the file as a whole.
        code: a short word, a key of `CODES`.
        fix: what mends it for certain; None where a person has to decide.
    """

    collection: str
    file: Path
    row: int
    code: str
    severity: Severity
    reason: str
    fix: Fix | None = None

    def __str__(self) -> str:
        place = f"{self.file.name}, row {self.row}" if self.row else self.file.name
        return f"{place}: {self.reason}"
