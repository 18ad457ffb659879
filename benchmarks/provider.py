"""A provider without latency, in a process of its own: small files on any 127.x.y.z address, and a large one.

`/small/<number>` gives 2 kB that depend on the number, `/large/<bytes>` that many bytes that nothing compresses.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket

BLOCK = os.urandom(1 << 20)
HIGH_WATER = 4 << 20
SMALL = 2000


def small_body(path: str) -> bytes:
    """A CSV of about 2 kB that no other path has."""
    lines = ["reference,name,mark"]
    for number in range(SMALL // 50):
        mark = hashlib.md5(f"{path} {number}".encode(), usedforsecurity=False).hexdigest()
        lines.append(f"{number},Site {mark[:6]},{mark}")
    return "\n".join(lines).encode()


class Connection(asyncio.Protocol):
    """One connection, kept alive; requests come one after the other."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"{transport!r} cannot be written to")
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_WATER)
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops what was being sent."""
        if self._running is not None:
            self._running.cancel()

    def pause_writing(self) -> None:
        """The reader is slower than we are."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The reader took what was there."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Answers every request that is complete."""
        self._received += data
        while b"\r\n\r\n" in self._received and self._transport is not None:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode("latin-1")
            if path.startswith("/large/"):
                self._running = asyncio.ensure_future(self._send_large(self._transport, int(path.rsplit("/", 1)[1])))
            else:
                body = small_body(path)
                self._transport.write(_head(len(body), "text/csv") + body)

    async def _send_large(self, transport: asyncio.Transport, size: int) -> None:
        transport.write(_head(size, "application/octet-stream"))
        for start in range(0, size, len(BLOCK)):
            await self._writable.wait()
            transport.write(BLOCK[: size - start])


def _head(length: int, content_type: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n".encode()


async def _serve() -> None:
    listener = socket.create_server(("0.0.0.0", 0), backlog=1024)  # noqa: S104 - every 127.x.y.z is a host of its own
    server = await asyncio.get_running_loop().create_server(Connection, sock=listener)
    print(f"ready {listener.getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
