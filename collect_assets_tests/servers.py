"""Small real servers on 127.0.0.1 for tests: one that speaks HTTP, and one that sends whatever a test wants.

Both are context managers on a free port; they note what they were asked. No test needs a network beyond loopback.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request that a server got; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Page:
    """What a server answers; `Content-Length` is added."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


Answering = Page | Callable[[Asked], Page]


class WebServer:
    """A threaded HTTP/1.1 server with a page, or a function that makes one, for each path; others are 404."""

    def __init__(self, pages: Mapping[str, Answering] | Callable[[Asked], Page], port: int = 0) -> None:
        self.pages = pages
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self.scheme = "http"

    @property
    def port(self) -> int:
        return self._http.server_port

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def secure(self, context: ssl.SSLContext) -> WebServer:
        """Makes it an https server; before it is entered."""
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.scheme = "https"
        return self

    def answer(self, asked: Asked) -> Page:
        with self._lock:
            self.asked.append(asked)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        try:
            page = self.pages(asked) if callable(self.pages) else self.pages.get(asked.path, Page(b"no such page", 404))
            page = page(asked) if callable(page) else page
            time.sleep(page.delay)
            return page
        finally:
            with self._lock:
                self._running -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                page = server.answer(Asked(self.command, self.path, headers, body))
                head = [f"HTTP/1.1 {page.status} X", f"Content-Length: {len(page.body)}"]
                head += [f"{name}: {value}" for name, value in page.headers.items()]
                with suppress(OSError):  # the client may have gone away: that is often the test
                    self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n")
                    if self.command != "HEAD":
                        self.wfile.write(page.body)

            do_GET = do_POST = do_HEAD = do_PUT = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

        return Handler

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@dataclass(frozen=True)
class Sleep:
    """In a script: wait so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Reset:
    """In a script: break the connection with a TCP reset."""


@dataclass(frozen=True)
class Hold:
    """In a script: send nothing more and keep the connection until the test ends."""


Step = bytes | Sleep | Reset | Hold
Script = list[Step] | Callable[[int], Iterator[Step]]


class RawServer:
    """Reads one request per connection and plays a script: bytes are sent as they are, then the connection is closed.

    Scripts are used in turn, the last one for all further connections. A script that is a function gets the number of
    the connection and may go on for ever.
    """

    def __init__(self, *scripts: Script, read_request: bool = True) -> None:
        self.scripts = scripts
        self.requests: list[bytes] = []
        self.connections = 0
        self._read_request = read_request
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def url(self, path: str = "/", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self._closing.is_set():
                connection.close()
                return
            number, self.connections = self.connections, self.connections + 1
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            if self._read_request:
                self.requests.append(self._head(connection))
            script = self.scripts[min(number, len(self.scripts) - 1)]
            for step in script(number) if callable(script) else script:
                if self._closing.is_set() or not self._play(connection, step):
                    return

    def _play(self, connection: socket.socket, step: Step) -> bool:
        if isinstance(step, bytes):
            connection.sendall(step)
        elif isinstance(step, Sleep):
            self._closing.wait(step.seconds)
        elif isinstance(step, Hold):
            self._closing.wait(60)
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        return True

    @staticmethod
    def _head(connection: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and (piece := connection.recv(65536)):
            head += piece
        return head

    def __enter__(self) -> RawServer:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        self._threads[0].join(5)
        self._socket.close()
        for thread in self._threads[1:]:
            thread.join(5)


def http(body: bytes = b"", *headers: str, status: int = 200, length: bool = True) -> bytes:
    """A raw answer; `length` adds Content-Length."""
    lines = [f"HTTP/1.1 {status} X", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections as long as the block runs: it is bound and does not listen."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]
