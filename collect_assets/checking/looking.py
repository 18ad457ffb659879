"""The requests of a check: the URL as it was typed, the plugin that fits it, and a look at what that would harvest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from collect_assets.checking.asking import Asking, CheckLimits, open_gate
from collect_assets.checking.kinds import Kind, kind_of
from collect_assets.checking.report import Choice
from collect_assets.checking.services import ask_feature_types, feature_types, find_plugin, layers
from collect_assets.checking.typed import check_parameters
from collect_assets.collection import Collection
from collect_assets.errors import Evidence, FailedError, FetchError, SettingsError
from collect_assets.network.addresses import AddressRules
from collect_assets.network.gate import Gate
from collect_assets.plugins import Harvest, HarvestRequest, plugins
from collect_assets.plugins.parameters import options_of
from collect_assets.plugins.wfs_pages import check_no_error

PAGE = 100  # features of a layer that are enough for a look
_LOOKED_AT_FIRST = frozenset({None, "", "wfs"})


@dataclass(frozen=True)
class Wanted:
    """What is to be checked, and how.

    Attributes:
        plugin: the one that was given; None to find the one that fits.
        began: when the time of the check began, by `time.monotonic`.
    """

    url: str
    plugin: str | None
    parameters: Mapping[str, Any]
    limits: CheckLimits
    rules: AddressRules
    user_agent: str
    headers: Mapping[str, str]
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self.began


@dataclass(frozen=True)
class Came:
    """What came of it: a harvest, or why there is none.

    Attributes:
        kind: what the URL itself answered with.
        choices: what the service holds whose door the URL is.
        first: how the URL itself was reached, whatever the plugin asked after that.
        landed: the URL that answered then.
        start: the first bytes of what it answered.
        sent: how many requests were sent.
    """

    plugin: str = ""
    kind: Kind = "data"
    harvest: Harvest | None = None
    error: Exception | None = None
    choices: tuple[Choice, ...] = ()
    first: Evidence | None = None
    landed: str = ""
    start: bytes = b""
    sent: int = 0

    @property
    def evidence(self) -> Evidence:
        """How what counts was reached."""
        if self.harvest is not None:
            return self.harvest.answer.evidence
        return self.error.evidence if isinstance(self.error, FetchError) else Evidence()

    @property
    def why(self) -> str:
        """Why it cannot be collected, as a word; blank where it can, or where it is no fault of the provider."""
        return self.error.why if isinstance(self.error, FetchError) else ""


def look(wanted: Wanted, scratch: Collection) -> Came:
    """Asks, and never raises for what a server does. The files that came lie in the scratch.

    Raises:
        SettingsError: the parameters do not fit the plugin that was found.
    """
    came = Came(wanted.plugin or "")
    with open_gate(wanted.limits, wanted.rules, wanted.user_agent, wanted.headers, scratch.work) as gate:
        try:
            options = options_of(wanted.plugin or "", wanted.parameters)
            ends = wanted.began + wanted.limits.seconds
            asking = Asking(gate.for_endpoint(wanted.url, options), wanted.limits, ends)
        except FetchError as error:  # its credential
            return replace(came, error=error)
        try:
            came = _looked(came, wanted, asking)
            came = _harvested(came, wanted, gate, asking, scratch)
        except SettingsError:
            raise
        except Exception as error:  # noqa: BLE001 - the outermost edge of one URL: it ends in the report
            came = replace(came, error=error)
        return replace(_with_choices(came, wanted.url, asking), sent=asking.sent)


def _looked(came: Came, wanted: Wanted, asking: Asking) -> Came:
    """The URL asked as it stands, for what it is, and for the plugin where none was given."""
    if wanted.plugin not in _LOOKED_AT_FIRST:
        return came
    found = find_plugin(wanted.url, asking, guess=wanted.plugin is None)
    plugin = found.plugin if wanted.plugin is None else wanted.plugin
    check_parameters(plugin, wanted.parameters)
    answer = found.answer
    return replace(came, plugin=plugin, kind=found.kind, choices=found.choices, first=answer.evidence,
                   landed=answer.url, start=answer.start)  # fmt: skip


def _harvested(came: Came, wanted: Wanted, gate: Gate, asking: Asking, scratch: Collection) -> Came:
    parameters = {**_of_a_look(came.plugin, wanted.limits), **wanted.parameters}
    asking.gate = gate.for_endpoint(wanted.url, options_of(came.plugin, parameters))
    request = HarvestRequest(wanted.url, parameters, work=scratch.work, pending=scratch.work / "pending",
                             registers=scratch.registers, look=True)  # fmt: skip
    harvest = plugins()[came.plugin](request, asking)
    return replace(came, harvest=harvest, error=harvest.incomplete or _no_data(wanted.url, harvest))


def _of_a_look(plugin: str, limits: CheckLimits) -> dict[str, Any]:
    """What a look at a layer asks for where the parameters say nothing."""
    return {"max_page_size": PAGE, "retries": limits.attempts - 1} if plugin == "arcgis" else {}


def _no_data(url: str, harvest: Harvest) -> FetchError | None:
    """What is wrong with what came with status 200 and is no data: a service's error, or its description."""
    if harvest.part is None:
        return None
    kind = kind_of(harvest.start, harvest.answer.header("content-type"), harvest.part)
    if kind == "wfs-capabilities":
        return FailedError("not-features", f"{url}: describes a service and holds no features")
    if kind not in {"error", "arcgis-error", "ogc-report"}:
        return None
    try:
        check_no_error(url, harvest.part, harvest.start)
    except FetchError as error:
        return error
    return None


def _with_choices(came: Came, url: str, asking: Asking) -> Came:
    """With what there is to choose from, where the URL is the door of a service and a plugin was given for it."""
    if came.choices:
        return came
    if came.why == "not-a-layer":
        return replace(came, choices=layers(url, asking))
    if came.why == "not-features" and came.harvest is not None:
        return replace(came, choices=feature_types(url, came.harvest.part))
    if came.why in {"service-error", "status"} and came.plugin == "wfs":
        return replace(came, choices=ask_feature_types(url, asking) or ())
    return came
