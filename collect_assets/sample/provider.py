"""The provider of the sample: a small web server on loopback that serves one state of the sample's files.

It honours conditional requests where a file has validators, and answers 404 to whatever it does not have. `/__sample`
says which state it serves, so that a second one that is started finds the first and uses it.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import http.client
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from collect_assets.errors import SettingsError
from collect_assets.sample.catalogue import FOLDER, HOST, PORT, SERVED, STATES, TODAY, Served, state_of, stored_file

ABOUT = "/__sample"
NOT_FOUND = (
    b'<!DOCTYPE html>\n<html lang="en"><head><title>Not found</title></head><body><p>Not found.</p></body></html>\n'
)
LAST_CHANGE_TODAY = dt.date(2026, 11, 4)  # today's files are fixed, whichever day today is

Now = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The time, for the `Date` header."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Reply:
    """An answer, ready to be sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Shelf:
    """The files of one state, by the path of their URL."""

    def __init__(self, state: str, folder: Path) -> None:
        self.state = state
        self._files = {served.path: (served, stored_file(served, state, folder)) for served in SERVED}

    def reply(self, path: str, if_none_match: str | None, if_modified_since: str | None) -> Reply:
        """What is answered to a GET with these validators."""
        if path == ABOUT:
            return Reply(200, (("Content-Type", "application/json"),), self.about)
        if path not in self._files:
            return Reply(404, (("Content-Type", "text/html; charset=utf-8"),), NOT_FOUND)
        served, file = self._files[path]
        body = file.read_bytes()
        validators = _validators(served, file, body)
        if validators and _unchanged(dict(validators), if_none_match, if_modified_since):
            return Reply(304, validators, b"")
        return Reply(200, (("Content-Type", served.content_type), *validators), body)

    @cached_property
    def about(self) -> bytes:
        """Which sample this is: two providers with the same answer serve the same."""
        digest = hashlib.sha256()
        for path, (_, file) in sorted(self._files.items()):
            digest.update(f"{path}\n{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        return json.dumps({"sample": "collect_assets", "state": self.state, "sha256": digest.hexdigest()}).encode()


def _validators(served: Served, file: Path, body: bytes) -> tuple[tuple[str, str], ...]:
    if not served.validators:
        return ()
    state = state_of(file)
    day = LAST_CHANGE_TODAY if state == TODAY else dt.date.fromisoformat(state) - dt.timedelta(days=1)
    changed = dt.datetime.combine(day, dt.time(4, 15), dt.UTC)
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return (("ETag", etag), ("Last-Modified", format_datetime(changed, usegmt=True)))


def _unchanged(validators: dict[str, str], if_none_match: str | None, if_modified_since: str | None) -> bool:
    """RFC 9110, 13.1: `If-Modified-Since` counts only where there is no `If-None-Match`."""
    if if_none_match is not None:
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in tags or validators["ETag"] in tags
    try:
        since = parsedate_to_datetime(if_modified_since or "")
        return parsedate_to_datetime(validators["Last-Modified"]) <= since
    except (ValueError, TypeError):  # not a date, or one without a zone: such a header is ignored
        return False


def _handler(shelf: Shelf, now: Now) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = self.headers
            reply = shelf.reply(self.path, headers["If-None-Match"], headers["If-Modified-Since"])
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status != 304:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def version_string(self) -> str:
            return "sample"  # the default names the version of Python, which would stand in the sample's logs

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(now(), usegmt=True) if timestamp is None else super().date_time_string(timestamp)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Says nothing: a terminal belongs to whoever started it."""

    return Handler


@contextmanager
def serving(port: int = PORT, state: str = TODAY, *, folder: Path = FOLDER, now: Now = utc_now) -> Iterator[str]:
    """Serves a state of the sample while the `with` lasts, or uses a provider that already serves the same.

    Args:
        port: the registers of the sample say 8799; 0 takes any free one.
        state: an earlier day, such as `2026-11-01`, or `today`.
        folder: where `served/` is.
        now: the clock of the `Date` header.

    Yields:
        Where it is served, such as `http://127.0.0.1:8799`.

    Raises:
        SettingsError: no such state, or the port is taken by something else.
    """
    if state not in STATES:
        raise SettingsError(f"the sample has no state {state!r}; it has {', '.join(STATES)}")
    shelf = Shelf(state, folder)
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(shelf, now))
    except OSError as error:
        _same_provider(port, shelf, error)
        yield f"http://{HOST}:{port}"
        return
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="sample-provider", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _same_provider(port: int, shelf: Shelf, error: OSError) -> None:
    """Passes if the port is held by a provider of the same state of the same sample."""
    if error.errno != errno.EADDRINUSE:
        raise SettingsError(f"{HOST}:{port} cannot be listened on: {error.strerror or error}") from error
    about = _about(port)
    if about == shelf.about:
        return
    holder = f"another state of the sample ({about.decode()})" if about.startswith(b'{"sample"') else "another program"
    raise SettingsError(
        f"{HOST}:{port} is held by {holder}, so the sample as of {shelf.state} cannot be served there; stop that "
        "program and try again (the port is fixed, because the sample's registers name it)"
    ) from error


def _about(port: int) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}{ABOUT}", timeout=1) as answer:
            return bytes(answer.read(4096))
    except (OSError, http.client.HTTPException):
        return b""


@click.command()
@click.option("--port", default=PORT, show_default=True, help="The registers of the sample name this one.")
@click.option("--state", default=TODAY, show_default=True, type=click.Choice(STATES), help="What is served.")
def main(port: int, state: str) -> None:
    """Serves the sample on loopback until it is interrupted, such as by Ctrl-C."""
    try:
        with serving(port, state) as address:
            click.echo(f"The sample as of {state} is served at {address}")
            threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("Stopped.")
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
