"""The gate as one endpoint has it: the same `fetch`, under the endpoint's terms and with its credential."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from collect_assets.errors import Attempt, Evidence, FetchError, Redirect
from collect_assets.network.addresses import origin_of
from collect_assets.network.credentials import NO_CREDENTIAL, Credential
from collect_assets.network.messages import Answer, Request
from collect_assets.network.options import Terms


@dataclass(frozen=True)
class EndpointGate:
    """What a plugin asks through: every request of the endpoint gets its headers, limits and exceptions.

    Attributes:
        origin: of the registered URL, the only one that gets the credential.
    """

    terms: Terms
    ask: Callable[[Request, Terms], Answer]
    origin: tuple[str, str] = ("", "")
    credential: Credential = NO_CREDENTIAL

    def fetch(self, request: Request) -> Answer:
        """Asks for one thing, as `Gate.fetch` does and with the same errors."""
        request = self._with_headers(request)
        if not self.credential.headers:
            return self.ask(request, self.terms)
        try:
            return _hidden_answer(self.ask(self._with_credential(request), self.terms), self.credential)
        except FetchError as error:
            hidden = _hidden_error(error, self.credential)
        raise hidden  # from here, so that it has no chain: what stands in the chain is not hidden

    def _with_headers(self, request: Request) -> Request:
        headers = self.terms.options.headers
        return replace(request, headers={**headers, **request.headers}) if headers else request

    def _with_credential(self, request: Request) -> Request:
        try:
            ours = origin_of(urlsplit(request.url)) == self.origin
        except ValueError:  # no URL: the gate will say so
            ours = False
        if not ours:
            return request
        names = frozenset(name.lower() for name in self.credential.headers)
        kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
        return replace(request, headers={**kept, **self.credential.headers}, credentials=request.credentials | names)


def _hidden_answer(answer: Answer, credential: Credential) -> Answer:
    evidence = _hidden_evidence(answer.evidence, credential)
    return replace(answer, url=credential.hide(answer.url), response_headers=dict(evidence.response_headers),
                   request_headers=dict(evidence.request_headers), attempts=evidence.attempts,
                   redirects=evidence.redirects)  # fmt: skip


def _hidden_error(error: FetchError, credential: Credential) -> FetchError:
    hidden = type(error)(error.why, credential.hide(str(error)), transient=error.transient, exception=error.exception)
    hidden.evidence = _hidden_evidence(error.evidence, credential)
    return hidden


def _hidden_evidence(evidence: Evidence, credential: Credential) -> Evidence:
    hide = credential.hide
    return replace(
        evidence,
        attempts=tuple(Attempt(**hide(vars(attempt))) for attempt in evidence.attempts),
        redirects=tuple(Redirect(**hide(vars(redirect))) for redirect in evidence.redirects),
        request_headers=hide(evidence.request_headers),
        response_headers=hide(evidence.response_headers),
    )
