"""Secrets that an endpoint is asked with: found by name in the operator's environment, and hidden everywhere after.

A register names a credential and never holds it. Whoever writes a register could name any, for a host of theirs: a
credential may therefore say which origin it is for, and is then refused to others.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, quote_plus, urlsplit

from collect_assets.errors import FailedError, hide_url_secrets
from collect_assets.network.addresses import origin_of

PREFIX = "COLLECT_ASSETS_CREDENTIAL_"
FOLDER = "COLLECT_ASSETS_CREDENTIALS"
HIDDEN = "***"
SHORTEST = 4  # characters; hiding shorter texts would only deface what is around them
_LARGEST = 65_536  # characters of a file
_HEADER = re.compile(r"(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]+): +(?P<value>[\x21-\x7e][\x20-\x7e]*)")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FORMS = (
    'write `Header-Name: value`, `user:password`, or JSON such as {"headers": {"X-Api-Key": "…"}, '
    '"origin": "https://api.example.org"}'
)

Value = TypeVar("Value")


@dataclass(frozen=True, repr=False)
class Credential:
    """The headers that carry a secret, and every text in which it could show."""

    headers: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def hide(self, value: Value) -> Value:
        """The same text, mapping or sequence without the secret."""
        if not self.secrets:
            return value
        return self._hidden(value)  # type: ignore[return-value]

    def _hidden(self, value: object) -> object:
        if isinstance(value, str):
            for secret in self.secrets:
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, Mapping):
            return {self._hidden(key): self._hidden(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self._hidden, value))
        return value


NO_CREDENTIAL = Credential({})


@dataclass(frozen=True, repr=False)
class Credentials:
    """Where credentials are found: in the environment, and as files in a folder, as containers mount secrets."""

    environment: Mapping[str, str]

    @classmethod
    def from_environment(cls) -> Credentials:
        """Those of this process."""
        return cls(os.environ)

    def find(self, name: str, url: str) -> Credential:
        """The credential of a name, for an endpoint's registered URL; none for a blank name.

        Raises:
            FailedError: `credential`: it is not there, cannot be understood, or is not for this origin.
        """
        if not name:
            return NO_CREDENTIAL
        return _read(name, self._text(name), url)

    def _text(self, name: str) -> str:
        variable = PREFIX + name.upper().replace("-", "_")
        if text := self.environment.get(variable, "").strip():
            return text
        folder = self.environment.get(FOLDER, "")
        if folder and (text := _file(Path(folder) / name, name)):
            return text
        where = f" or the file {name} in {folder}" if folder else ""
        raise _failed(name, f"there is none; set {variable}{where}, and run the day again with mode failed")


def _file(path: Path, name: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST).strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text in UTF-8"
        raise _failed(name, f"{path} cannot be read: {reason}") from None


def _read(name: str, text: str, url: str) -> Credential:
    if text.startswith("{"):
        return _of_json(name, text, url)
    if header := _HEADER.fullmatch(text):
        return _of_headers({header["name"]: header["value"]})
    user, colon, password = text.partition(":")
    if not colon or not user or "\n" in text:
        raise _failed(name, f"it cannot be understood; {_FORMS}")
    return _basic(user, password)


def _of_json(name: str, text: str, url: str) -> Credential:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise _failed(name, f"it begins like JSON and is none; {_FORMS}") from None
    origin = given.pop("origin", None)
    if origin is not None and not (isinstance(origin, str) and _same_origin(origin, url)):
        raise _failed(name, "it is for another origin than that of the endpoint's URL; correct the register, or the "
                      "`origin` of the credential")  # fmt: skip
    match given:
        case {"headers": dict(headers), **rest} if headers and not rest and _are_headers(headers):
            return _of_headers(headers)
        case {"user": str(user), "password": str(password), **rest} if not rest and user and ":" not in user:
            return _basic(user, password)
    raise _failed(name, f"its JSON has other keys than expected; {_FORMS}")


def _are_headers(headers: Mapping[object, object]) -> bool:
    return all(
        isinstance(name, str) and isinstance(value, str) and _NAME.fullmatch(name) and _VALUE.fullmatch(value)
        for name, value in headers.items()
    )


def _same_origin(origin: str, url: str) -> bool:
    try:
        return origin_of(urlsplit(origin)) == origin_of(urlsplit(url))
    except ValueError:
        return False


def _basic(user: str, password: str) -> Credential:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Credential({"Authorization": f"Basic {token}"}, _spellings([token, password]))


def _of_headers(headers: Mapping[str, str]) -> Credential:
    """A scheme before a token (`Bearer …`) is no secret; the token alone is, and so is the whole."""
    parts = (part for value in headers.values() for part in (value, value.partition(" ")[2]))
    return Credential(dict(headers), _spellings(parts))


def _spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """A secret as it stands and as a URL or a JSON text has it; the longest first, so that no rest of one stays."""
    found = {
        spelling
        for secret in secrets
        for spelling in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        if len(spelling) >= SHORTEST
    }
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))


def _failed(name: str, reason: str) -> FailedError:
    return FailedError("credential", hide_url_secrets(f"credential {name}: {reason}"), exception="CredentialError")
