"""Servers whose one endpoint is registered with a plugin."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from collect_assets_tests.collecting.kit import Folder
from collect_assets_tests.plugins.served import Served
from collect_assets_tests.servers import Asked, Page, WebServer


@pytest.fixture
def register(folder: Folder) -> Iterator[Callable[..., Served]]:
    """Starts a server and registers its URL with a plugin and parameters."""
    with ExitStack() as stack:

        def start(pages: Callable[[Asked], Page], plugin: str, path: str, **parameters: Any) -> Served:
            server = stack.enter_context(WebServer(pages))
            url = server.url(path)
            folder.register({"endpoint-url": url, "plugin": plugin, "parameters": json.dumps(parameters)})
            return Served(folder, server, url)

        yield start
