"""What an endpoint's `parameters` may say about how it is asked: they override the collection's settings for it alone.

Keys with hyphens, as in `collection.toml`. Other keys of `parameters` are the plugin's and the readers'. What holds for
one fetch in the end are its `Terms`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from collect_assets.collection import DAY, HOUR, MOST_BYTES, Headers, Limits, Section, reasons
from collect_assets.errors import FailedError
from collect_assets.network.addresses import ascii_host
from collect_assets.network.tls import STRICT, Tls

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
CREDENTIAL_NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$"


class EndpointParameters(Section):
    """Parameters of an endpoint, by their own types: no text is taken for a truth value, no number for a text.

    Except that a number may be written as text, `"30"`, or with a point, `30.0`: digital-land-python takes both, so
    registers have them, and they can mean nothing else.
    """

    model_config = ConfigDict(strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _number(cls, value: object, info: ValidationInfo) -> object:
        kinds = _kinds(cls.model_fields[info.field_name or ""].annotation)
        if kinds.isdisjoint({int, float}):
            return value
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = float(value) if "." in value else int(value)
        return int(value) if int in kinds and isinstance(value, float) and value.is_integer() else value


def _kinds(annotation: object) -> set[object]:
    return set(get_args(annotation)) or {annotation}


class EndpointOptions(EndpointParameters):
    """How one endpoint is asked; what is left out is as the collection has it.

    Attributes:
        ssl_verify: false takes any certificate of the registered host; the log then says `ssl-verify: false`.
        tls_legacy: true also speaks TLS 1.0 and 1.1, short keys, and renegotiation without RFC 5746.
        credential: the name of a secret of the operator's; sent to the origin of the registered URL and nowhere else.
        headers: sent with every request of the endpoint.
        conditional: false never sends validators; true sends them also where the audit found that the server lies.
        allow_downgrade: true follows a redirect from https to http.
        decode: false keeps bodies in the Content-Encoding that they came in.
        allow_cut: true takes a body for whole that looks cut off and whose length the server did not say.
    """

    connect_timeout: float | None = Field(None, gt=0, le=DAY)
    read_timeout: float | None = Field(None, gt=0, le=DAY)
    total_timeout: float | None = Field(None, gt=0, le=DAY)
    max_bytes: int | None = Field(None, gt=0, le=MOST_BYTES)
    max_wire_bytes: int | None = Field(None, gt=0, le=MOST_BYTES)
    max_ratio: float | None = Field(None, ge=1, le=1e9)
    min_rate: float | None = Field(None, ge=0, le=MOST_BYTES)
    rate_window: float | None = Field(None, gt=0, le=DAY)
    max_redirects: int | None = Field(None, ge=0, le=100)
    attempts: int | None = Field(None, ge=1, le=100)
    backoff: float | None = Field(None, ge=0, le=HOUR)
    max_backoff: float | None = Field(None, ge=0, le=DAY)
    ssl_verify: bool = True
    tls_legacy: bool = False
    credential: str = Field("", pattern=rf"{CREDENTIAL_NAME}|^$")
    headers: Headers = Field(default_factory=dict)
    conditional: bool | None = None
    allow_downgrade: bool = False
    decode: bool = True
    allow_cut: bool = False

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> EndpointOptions:
        """The options among the parameters of an endpoint.

        Raises:
            FailedError: `bad-parameters`: one has the wrong type or is out of range.
        """
        given = {key: value for key, value in parameters.items() if key in OPTIONS}
        try:
            return cls.model_validate(given) if given else NO_OPTIONS
        except ValidationError as error:
            raise FailedError("bad-parameters", f"parameters: {reasons(error)}; correct the row in endpoint.csv",
                              exception="ValidationError") from error  # fmt: skip

    def limits(self, limits: Limits) -> Limits:
        """The collection's limits with those of the endpoint over them."""
        own = {name: value for name in _LIMITS if (value := getattr(self, name)) is not None}
        return limits.model_copy(update=own) if own else limits

    def short(self, limits: Limits) -> EndpointOptions:
        """The same with one attempt that soon gives up, for what failed for days."""
        own = self.limits(limits)
        shorter = {name: min(getattr(own, name), most) for name, most in _SHORT.items()}
        return self.model_copy(update={**shorter, "attempts": 1})


OPTIONS = frozenset(name.replace("_", "-") for name in EndpointOptions.model_fields)
_SHORT = {"connect_timeout": 5.0, "read_timeout": 15.0, "total_timeout": 60.0}
NO_OPTIONS = EndpointOptions()
_LIMITS = tuple(name for name in EndpointOptions.model_fields if name in Limits.model_fields)


@dataclass(frozen=True)
class Terms:
    """What holds for every request of one endpoint: its limits and options, worked out once.

    Attributes:
        host: the registered one, the only one whose certificate may go unchecked.
        ends: when everything has to be over, by the gate's clock, also the waiting for turns and between attempts. A
            run waits as long as it takes: its limits are of attempts.
    """

    limits: Limits
    options: EndpointOptions = NO_OPTIONS
    host: str = ""
    ends: float = inf

    def tls(self, url: str) -> Tls:
        """The kind of connection for a URL: what may go unchecked is the registered host, not where it redirects to."""
        options = self.options
        if options.ssl_verify and not options.tls_legacy:
            return STRICT
        here = ascii_host(urlsplit(url).hostname or "").rstrip(".") == self.host
        return Tls(verify=options.ssl_verify or not here, legacy=options.tls_legacy)
