"""A registered endpoint of some plugin, and what collecting it came to."""

from __future__ import annotations

from typing import Any

from collect_assets.collecting.log import Log
from collect_assets_tests.collecting.kit import Folder
from collect_assets_tests.servers import WebServer


class Served:
    """One endpoint at a server that is running."""

    def __init__(self, folder: Folder, server: WebServer, url: str) -> None:
        self.folder, self.server, self.url = folder, server, url

    def collect(self, **options: Any) -> Log:
        """Collects the day; what the server was asked before is forgotten."""
        self.server.asked.clear()
        self.folder.collect(**options)
        return self.folder.log(self.url)

    def content(self, log: Log) -> bytes:
        """The resource, or the part of one."""
        return self.folder.resources()[log.resource or log.partial_resource]
