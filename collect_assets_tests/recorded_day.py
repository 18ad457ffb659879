"""A provider's day on loopback, of the shape of a real one: many hosts, some of them broken, slow or silent.

It is made from a seed, so that what a collector must find is known: `Day.expected`. Hosts are addresses of their own in
127.0.0.0/8; how many requests each had open at once is measured. No test stands here.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HOSTS = 24
SILENT = "127.77.1.250"
HTML = b"<!doctype html><html><head><title>Not what you wanted</title></head><body><p>Sorry.</p></body></html>"
COUNTS = {"data": 38, "same": 6, "404": 4, "403": 2, "html": 4, "500": 1, "502": 1, "410": 1, "401": 1, "dropped": 3}
TRANSIENT = frozenset({"500", "502", "dropped", "silent"})
OUTCOMES = {"data": "first", "same": "first", "html": "refused:html", "dropped": "failed:no-response"}


@dataclass(frozen=True)
class Answer:
    """What one endpoint serves on that day."""

    address: str
    path: str
    kind: str
    body: bytes
    latency: float

    @property
    def outcome(self) -> str:
        """The word that its log must have, but for those of the silent host."""
        return OUTCOMES.get(self.kind, "failed:status")


def recorded(seed: int = 20240307) -> list[Answer]:
    """The endpoints in the order of their register; three of them are at a host that never accepts a connection."""
    chance = random.Random(seed)
    kinds = list(Counter(COUNTS).elements())
    chance.shuffle(kinds)
    answers = []
    for number, kind in enumerate(kinds):
        host = number if number < HOSTS else min(int(chance.expovariate(0.2)), HOSTS - 1)
        rows = [
            f"{number if kind == 'data' else 'same'}-{row},Site {row},2024-01-01"
            for row in range(chance.randrange(9, 900))
        ]
        same = [f"same-{row},Site {row}" for row in range(20)]
        body = "\n".join(["reference,name,entry-date", *(same if kind == "same" else rows), ""]).encode()
        latency = min(chance.lognormvariate(-4.5, 0.8), 0.08)
        answers.append(Answer(f"127.77.0.{host + 1}", f"/{number}.csv", kind, body, latency))
    for number in range(3):
        answers.insert(chance.randrange(len(answers)), Answer(SILENT, f"/silent{number}.csv", "silent", b"", 0.0))
    return answers


@dataclass
class Day:
    """A day that is being served."""

    answers: list[Answer]
    port: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    most_open: Counter[str] = field(default_factory=Counter)
    _open: Counter[str] = field(default_factory=Counter)

    @property
    def urls(self) -> list[str]:
        """In the order of the register."""
        return [self.url(answer) for answer in self.answers]

    def url(self, answer: Answer) -> str:
        return f"http://{answer.address}:{self.port}{answer.path}"

    @property
    def bodies(self) -> set[bytes]:
        """The distinct resources that there are."""
        return {answer.body for answer in self.answers if answer.kind in {"data", "same"}}

    @property
    def expected(self) -> Counter[str]:
        """How often each outcome must come; of a silent host the first endpoint fails, the others are given up."""
        outcomes = Counter(answer.outcome for answer in self.answers if answer.kind != "silent")
        return outcomes + Counter({"failed:connect": 1, "failed:host-given-up": 2})

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self._open[address] += 1
                self.most_open[address] = max(self.most_open[address], self._open[address])
                try:
                    alive = await self._answer(address, head.split(b" ")[1].decode(), writer)
                finally:
                    self._open[address] -= 1
                if not alive:
                    break
        writer.close()

    async def _answer(self, address: str, path: str, writer: asyncio.StreamWriter) -> bool:
        self.requests[path] += 1
        answer = next(answer for answer in self.answers if (answer.address, answer.path) == (address, path))
        await asyncio.sleep(answer.latency)
        if answer.kind == "dropped":
            return False
        found = answer.kind in {"data", "same"}
        status = 200 if found or answer.kind == "html" else int(answer.kind)
        body, kind = (answer.body, "text/csv") if found else (HTML, "text/html; charset=utf-8")
        head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return True


@contextmanager
def served(answers: list[Answer]) -> Iterator[Day]:
    """Serves a day on a port that is free at all its addresses."""
    addresses = sorted({answer.address for answer in answers} - {SILENT})
    sockets = _listeners(addresses)
    day = Day(answers, sockets[0].getsockname()[1])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers = [asyncio.run_coroutine_threadsafe(asyncio.start_server(day._connection, sock=s), loop) for s in sockets]
    try:
        with _never_accepting(day.port):
            yield day
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.result(5).close)
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _listeners(addresses: list[str]) -> list[socket.socket]:
    for _ in range(50):
        found: list[socket.socket] = []
        try:
            for address in addresses:
                port = found[0].getsockname()[1] if found else 0
                found.append(socket.create_server((address, port), backlog=128))
        except OSError:  # another program has that port at one of the addresses
            for sock in found:
                sock.close()
        else:
            return found
    raise OSError("no port is free at all addresses")


@contextmanager
def _never_accepting(port: int) -> Iterator[None]:
    """A listener whose queue is full: the kernel drops every further SYN, so that connecting hangs."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((SILENT, port))
        listener.listen(0)
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((SILENT, port))
        yield
