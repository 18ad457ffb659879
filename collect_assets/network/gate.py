"""The gate: the one way to fetch something.

What is asked, in which order, and what an answer means is decided elsewhere. The parts of the gate are the modules
beside this one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from collect_assets.collection import Limits, Politeness
from collect_assets.errors import Attempt, Evidence, FailedError, FetchError, Redirect, RefusedError
from collect_assets.network.addresses import AddressRules, host_of, origin_of
from collect_assets.network.connection import Wire
from collect_assets.network.credentials import Credentials
from collect_assets.network.deadline import Watchdog
from collect_assets.network.direct import Direct
from collect_assets.network.endpoint_gate import EndpointGate
from collect_assets.network.exchange import Exchange, Reply
from collect_assets.network.hosts import Hosts, Lanes
from collect_assets.network.journey import Journey, location_of
from collect_assets.network.messages import Answer, Fetcher, Request
from collect_assets.network.names import Names, Resolver, resolve
from collect_assets.network.options import NO_OPTIONS, EndpointOptions, Terms
from collect_assets.network.proxied import Proxied
from collect_assets.network.proxy import Proxy
from collect_assets.network.queues import each_in_turn, queues_of
from collect_assets.network.redirects import STATUSES, next_request
from collect_assets.network.retries import Retries
from collect_assets.network.stopping import Halt, current_halt
from collect_assets.network.tls import Contexts, authorities_of_environment
from collect_assets.network.turns import Turns
from collect_assets.network.unreachable import UnreachableHosts

__all__ = ["Answer", "Attempt", "Evidence", "Fetcher", "Gate", "Redirect", "Request"]

T = TypeVar("T")
R = TypeVar("R")


class Gate:
    """The one way to the outside.

    A fetch goes like this. The URL is checked, the turn of its host is taken (one request at a time, a pause in
    between, for all processes of this machine), the name is resolved, every address is checked, and the one that is
    connected to is a checked one. The body is decoded, counted and hashed on its way into a file in `work`. A redirect
    gives the turn back and starts over with its own URL, without credentials if it leads elsewhere. What is transient
    is tried again, after a while that grows. The whole of an attempt has a time limit that no server can stretch. A
    host that cannot be connected to is given up. The result is an `Answer` whatever its status, or a `FetchError`
    whose `evidence` tells what was tried. Threads may share a gate; `each` is how to ask many hosts at once.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        politeness: Politeness,
        user_agent: str,
        headers: Mapping[str, str] | None = None,
        rules: AddressRules,
        work: Path,
        locks: Path | None = None,
        hosts: Hosts | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
        resolver: Resolver = resolve,
        authorities: Path | None = None,
        proxy: Proxy | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """Sets the gate up; nothing is opened yet.

        Args:
            limits: of bytes, seconds and attempts.
            politeness: how hosts are treated.
            user_agent: who we say we are; it should name a contact.
            headers: sent with every request, beside the user agent.
            rules: the addresses that may be connected to.
            work: the folder for bodies, on the file system of the resources.
            locks: the folder for the hosts' locks; by default one that all processes of the user share.
            hosts: which of them share a queue, or take more than one request at a time.
            clock: counts seconds for pauses and elapsed times.
            sleep: waits for pauses and between attempts; by default it wakes up when `each` is being stopped.
            resolver: finds the addresses of a host.
            authorities: certificates in PEM that are trusted beside the usual ones; by default those that the
                environment names.
            proxy: the operator's, that all requests go through; by default the one that the environment names.
            credentials: where those that endpoints name are found; by default in the environment.
        """
        self._terms = Terms(limits)
        self._politeness = politeness
        self._headers = {"User-Agent": user_agent, **(headers or {})}
        self._rules = rules
        self._work = work
        self._clock = clock
        self._sleep = sleep or _sleep
        self._names = Names(resolver)
        self._contexts = Contexts(authorities or authorities_of_environment())
        self._proxy = proxy or Proxy.from_environment()
        self._credentials = credentials or Credentials.from_environment()
        self._hosts = hosts or Hosts()
        self._turns = Turns(locks, politeness, longest=limits.max_backoff, clock=clock, sleep=self._sleep,
                            hosts=self._hosts)  # fmt: skip
        # Through a proxy it is another question whether a host can be reached than for others on this machine.
        self._unreachable = UnreachableHosts(politeness.give_up_host_after, clock=clock,
                                             folder=None if self._proxy else self._turns.folder,
                                             remembered=politeness.remember_unreachable)  # fmt: skip
        self._watchdog = Watchdog()
        self._local = threading.local()

    def fetch(self, request: Request) -> Answer:
        """Asks for one thing.

        Raises:
            FailedError: it did not come; `why` is dns, dns-timeout, connect, no-response, timeout, deadline, too-slow,
                protocol, tls, truncated, encoding, redirects or host-given-up.
            RefusedError: we did not want it; `why` is address, scheme, url, too-large or downgrade.
            StorageError: the body cannot be written.
        """
        return self._fetch(request, self._terms)

    def for_endpoint(self, url: str, options: EndpointOptions = NO_OPTIONS) -> EndpointGate:
        """The gate for the requests of one endpoint.

        Args:
            url: as registered: credentials go to its origin only.
            options: what its `parameters` say about how it is asked.

        Raises:
            FailedError: `credential`: the one that the options name cannot be used.
        """
        credential = self._credentials.find(options.credential, url)
        scheme, host = self._origin_of(url)
        terms = Terms(options.limits(self._terms.limits), options, host.rpartition(":")[0])
        return EndpointGate(terms, self._fetch, (scheme, host), credential)

    def _fetch(self, request: Request, terms: Terms) -> Answer:
        """Tries until there is an answer, or no use in trying."""
        attempts: list[Attempt] = []
        retries = Retries(terms.limits)
        while True:
            journey = Journey(request, terms)
            try:
                reply = self._follow(journey)
            except FetchError as error:
                if journey.begun:
                    attempts.append(journey.attempt(error.exception))
                error.evidence = journey.evidence(attempts)
                wait = retries.after_error(error, len(attempts))
                if wait is None or self._given_up(journey) or self._is_over(terms, wait):
                    raise
            else:
                attempts.append(journey.attempt(None))
                wait = retries.after_status(reply.status, journey.cooling, len(attempts))
                if wait is None or self._is_over(terms, wait):
                    return journey.answer(reply, attempts)
            self._sleep(wait)

    def each(
        self, things: Iterable[T], *, url: Callable[[T], str], work: Callable[[T], R]
    ) -> Iterator[list[tuple[T, R]]]:
        """Runs `work` for each thing in threads and yields, each time, all that finished meanwhile, in no order.

        The things of a host (of the URL that `url` names) come one after the other, in their order; the host with the
        most things is begun first. When `work` raises, or the caller stops iterating, what runs is cut off.
        """
        lanes = Lanes(self._hosts)
        queues = queues_of(things, lambda thing: lanes.next_of(self._host_of(url(thing))))
        return each_in_turn(queues, work, at_once=self._politeness.hosts_at_once, leave=self.close)

    def close(self) -> None:
        """Closes the connections that this thread kept open; they are opened again when needed."""
        exchange: Exchange | None = self._local.__dict__.pop("exchange", None)
        if exchange is not None:
            exchange.close()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self, journey: Journey) -> Reply:
        """Goes where redirects lead, until something else is answered."""
        while True:
            reply = self._ask(journey)
            location = location_of(reply)
            if reply.status not in STATUSES or not location:
                return reply
            journey.redirects.append(Redirect(reply.status, journey.request.url, location))
            most = journey.terms.limits.max_redirects
            if len(journey.redirects) > most:
                raise FailedError("redirects", f"{journey.first.url}: more than {most} redirects, the last one to "
                                  f"{location}", exception="TooManyRedirects")  # fmt: skip
            after = next_request(journey.request, reply.status, location, self._rules,
                                 downgrade=journey.terms.options.allow_downgrade)  # fmt: skip
            journey.request = journey.cookies.along(journey.request, reply.headers, after)

    def _ask(self, journey: Journey) -> Reply:
        """One request, in its turn."""
        parts = self._rules.check_url(journey.request.url)
        if self._proxy is not None:
            self._proxy.check(parts, self._rules)
        host = host_of(parts)
        terms = journey.terms
        self._check_given_up(host)
        halt = current_halt()
        with self._turns.take(host, terms.ends, terms.limits.max_backoff) as turn:
            halt.check()
            self._unreachable.look(host, terms.limits.connect_timeout)
            self._check_given_up(host)
            seconds = min(terms.limits.total_timeout - journey.elapsed, terms.ends - self._clock())
            with self._watchdog.limit(seconds) as deadline, halt.cutting(deadline):
                exchange = self._exchange()
                begun = self._clock()
                try:
                    reply = exchange.ask(journey.request, terms, deadline)
                except FetchError as error:
                    halt.check()
                    self._count(host, error, terms, connected=exchange.address is not None)
                    raise
                else:
                    self._unreachable.connected(host)
                    _check_whole(reply, halt)
                finally:
                    turn.elapsed = self._clock() - begun
                    journey.note(exchange, turn.elapsed)
            turn.status = reply.status
            turn.cooling = journey.cooling = Retries(terms.limits).cooling(reply.status, reply.headers)
        return reply

    def _count(self, host: str, error: FetchError, terms: Terms, *, connected: bool) -> None:
        if connected:
            self._unreachable.connected(host)
        elif error.why in {"connect", "dns-timeout"}:
            self._unreachable.failed(host, terms.limits.connect_timeout)

    def _is_over(self, terms: Terms, wait: float) -> bool:
        """Whether there would be no time left after a wait."""
        return self._clock() + wait >= terms.ends

    def _given_up(self, journey: Journey) -> bool:
        return bool(self._unreachable.reason(self._host_of(journey.request.url)))

    def _check_given_up(self, host: str) -> None:
        if reason := self._unreachable.reason(host):
            raise FailedError("host-given-up", reason, transient=True)

    def _host_of(self, url: str) -> str:
        """The host of a URL; bad URLs share a blank one, their fetch will say what is wrong with them."""
        return self._origin_of(url)[1]

    def _origin_of(self, url: str) -> tuple[str, str]:
        try:
            return origin_of(self._rules.check_url(url))
        except RefusedError:
            return "", ""

    def _exchange(self) -> Exchange:
        """The connections of this thread."""
        exchange: Exchange | None = getattr(self._local, "exchange", None)
        if exchange is None:
            wire = Wire(self._rules, self._names)
            proxy = self._proxy
            connections = Proxied(wire, self._contexts, proxy) if proxy else Direct(wire, self._contexts)
            exchange = self._local.exchange = Exchange(wire, connections, self._headers, self._work)
        return exchange


def _check_whole(reply: Reply, halt: Halt) -> None:
    """Drops a body that may end where it was cut off: without a length that looks like its end."""
    if halt.stopped and reply.body.part is not None:
        reply.body.part.unlink(missing_ok=True)
    halt.check()


def _sleep(seconds: float) -> None:
    if seconds > 0:
        current_halt().sleep(seconds)
