"""Every error this package raises, in one tree.

A message is written for the person who has to act: it names the file, row or URL, what was expected, and what to do.
Errors of fetching (with their outcome word for the log) stand here too, so that a plugin needs nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What stands behind a name like this in a URL is a secret; so is what stands before its host.
_IN_QUERY = re.compile(
    r"([?&;](?:[^=&;\s#]{0,80}[-_.])?(?:(?:api|access|auth|subscription)?[-_]?(?:key|token)|sig|signature|password"
    r"|passwd|pwd|secret|code)=)[^&;\s#'\"<>]+",
    re.IGNORECASE,
)
_BEFORE_HOST = re.compile(r"(?<=://)[^/?#@\s'\"]{1,500}@")


def hide_url_secrets(text: str) -> str:
    """A message whose URLs keep what looks like a secret to themselves (a register and a log have it verbatim)."""
    if "://" not in text and "?" not in text:
        return text
    return _BEFORE_HOST.sub("***@", _IN_QUERY.sub(r"\1***", text))


class CollectAssetsError(Exception):
    """The root: catch this to catch everything that this package raises on purpose."""


class SettingsError(CollectAssetsError):
    """A `collection.toml`, an environment variable or an option that cannot be used as it is."""


class DecisionError(CollectAssetsError):
    """A decision on what is held that cannot be read, or cannot be made."""


class RegisterError(CollectAssetsError):
    """A register that cannot be read at all; a single bad row is a `Problem` and raises nothing."""


class DayError(CollectAssetsError):
    """An entry-date for which the asked work is impossible."""


class FutureDayError(DayError):
    """The entry-date has not begun."""


class NoLogsError(DayError):
    """The entry-date is over and nothing was ever collected on it."""


class StorageError(CollectAssetsError):
    """A file could not be written or read: the disk is full, a folder is read-only, a device fails."""


class DamagedFileError(StorageError):
    """A file whose bytes are not what its name or its log says."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class UnreadableError(CollectAssetsError):
    """A resource that no reader can turn into records; the reason is kept with the day."""


class DescriptionError(UnreadableError):
    """An answer that describes a service, and by its kind has no records; among the pages of a harvest it is none."""


class IndexUnavailableError(CollectAssetsError):
    """There is no item index yet, or the one that is there cannot be opened."""


class QueryError(CollectAssetsError):
    """A search condition that cannot be understood."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a fetch: the request, and the redirects that it followed.

    Attributes:
        status: of the last answer, None where no answer came.
        elapsed: seconds on the wire, pauses for politeness left out.
        bytes: of the body, decoded.
        exception: the class name that `requests` has for what happened, as other readers of the log know it.
        address: the peer of the last connection.
        url: the last URL that was asked.
    """

    status: int | None
    elapsed: float
    bytes: int
    exception: str | None
    address: str | None
    url: str


@dataclass(frozen=True)
class Redirect:
    """One redirect: the status and URL that sent us on, and its Location as given."""

    status: int
    url: str
    location: str


@dataclass(frozen=True)
class Evidence:
    """What a fetch came to, for the log, whether it brought something or not. Credentials are left out of headers."""

    attempts: tuple[Attempt, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    elapsed: float = 0.0
    status: int | None = None
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    ssl_verify: bool = True


class FetchError(CollectAssetsError):
    """A fetch that brought no bytes to keep.

    Attributes:
        outcome: the word for the log, `failed:<why>` or `refused:<why>` (architecture, "The log").
        transient: whether the same request may well succeed later.
        exception: the class name that `requests` has for it, where it has one.
        evidence: what was tried; the gate sets it, it is empty where nothing was asked.
        tasks: of the harvest that it ended, as they stand in the log.
    """

    kind = "failed"

    def __init__(self, why: str, message: str, *, transient: bool = False, exception: str | None = None) -> None:
        super().__init__(hide_url_secrets(message))
        self.why = why
        self.transient = transient
        self.exception = exception
        self.evidence = Evidence()
        self.tasks: tuple[Mapping[str, Any], ...] = ()

    @property
    def outcome(self) -> str:
        """The word for the log, such as `failed:connect`."""
        return f"{self.kind}:{self.why}"


class FailedError(FetchError):
    """The provider did not deliver."""


class RefusedError(FetchError):
    """We did not want it: a forbidden address, too many bytes, a web page in place of data."""

    kind = "refused"
