"""Checking the `parameters` of endpoints: every key belongs to how it is asked, to its plugin, or to the reader.

A value that cannot be right means that the row is not collected until somebody corrects it: silently taking the default
would ask a server for pages of 1000 where somebody had found out that it stands 20. A key that nobody knows is reported
and ignored, because it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ConfigDict, ValidationError

from collect_assets.collection import reasons
from collect_assets.errors import FailedError
from collect_assets.network.options import OPTIONS, EndpointOptions, EndpointParameters
from collect_assets.plugins import plugin_parameters
from collect_assets.registers import Endpoint, EndpointRegister, Problem, Skip

OF_READERS = frozenset({"id", "id-separator", "id-case", "encoding", "delimiter"})
OF_ITEMS = frozenset({"max-untouched-age"})
S = TypeVar("S", bound="PluginParameters")


class PluginParameters(EndpointParameters):
    """The parameters of a plugin. Keys are spelled as other software spells them: with underscores."""

    model_config = ConfigDict(alias_generator=None)

    @classmethod
    def of(cls: type[S], parameters: Mapping[str, Any]) -> S:
        """Those among the parameters of an endpoint.

        Raises:
            FailedError: `bad-parameters`: one has the wrong type or is out of range.
        """
        given = {key: value for key, value in parameters.items() if key in cls.model_fields}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise FailedError("bad-parameters", f"parameters: {reasons(error)}; correct the row in endpoint.csv",
                              exception="ValidationError") from error  # fmt: skip

    def options(self) -> dict[str, Any]:
        """What they say about how the endpoint is asked, in the words of `EndpointOptions`."""
        return {}


def options_of(plugin: str, parameters: Mapping[str, Any]) -> EndpointOptions:
    """How an endpoint is asked: by its own options, and where they say nothing by what its plugin's parameters mean.

    Raises:
        FailedError: `bad-parameters`.
    """
    kind = plugin_parameters().get(plugin)
    meant = kind.of(parameters).options() if kind is not None and issubclass(kind, PluginParameters) else {}
    return EndpointOptions.of({**meant, **parameters})


def check_parameters(register: EndpointRegister) -> EndpointRegister:
    """The register without the endpoints whose parameters are wrong: those are skipped, with the reason."""
    good: list[Endpoint] = []
    skips: list[Skip] = []
    problems: list[Problem] = []
    for endpoint in register.endpoints:
        name = register.path.name
        problems += [Problem(name, endpoint.row, reason, code="parameters") for reason in _unknown(endpoint)]
        try:
            options_of(endpoint.plugin, endpoint.parameters)
            good.append(endpoint)
        except FailedError as error:
            problems.append(Problem(name, endpoint.row, str(error), error.why))
            skips.append(Skip(endpoint.endpoint, endpoint.url, error.why, endpoint.row, str(error)))
    if not problems:
        return register
    return replace(
        register,
        endpoints=tuple(good),
        skips=(*register.skips, *skips),
        problems=tuple(sorted((*register.problems, *problems), key=lambda problem: problem.row)),
    )


def known_parameters(plugin: str) -> frozenset[str]:
    """The keys that an endpoint with this plugin may have."""
    kind = plugin_parameters().get(plugin)
    return OPTIONS | OF_READERS | OF_ITEMS | (frozenset(kind.model_fields) if kind else frozenset())


def _unknown(endpoint: Endpoint) -> list[str]:
    known = known_parameters(endpoint.plugin)
    return [_unknown_key(key, endpoint.plugin, known) for key in endpoint.parameters if key not in known]


def _unknown_key(key: str, plugin: str, known: frozenset[str]) -> str:
    meant = get_close_matches(key, sorted(known), 1)
    hint = f"did you mean {meant[0]!r}?" if meant else f"plugin {plugin or 'GET'} takes {', '.join(sorted(known))}"
    return f"parameters: unknown key {key!r}, which is ignored; {hint}"
