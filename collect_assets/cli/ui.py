"""`collect-assets ui`: Dagster's pages on a folder of collections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from collect_assets.cli.options import address_rules, allow, collections_option, home_option


@click.command("ui")
@collections_option
@home_option
@click.option(
    "--port",
    default=3000,
    show_default=True,
    envvar="COLLECT_ASSETS_PORT",
    show_envvar=True,
    help="Where the pages are.",
)
@click.option(
    "--sample", is_flag=True, help="Put the sample's collections there where they are missing, and serve them."
)
@allow
def command(
    collections: Path, home: Path, port: int, sample: bool, allowed: str, allow_private_addresses: bool
) -> None:
    """Opens Dagster's pages, its schedules and its sensors, on this machine only, until Ctrl-C.

    The pages have no login: whoever can reach the port can start runs. They listen on loopback.

    \b
    Examples:
      collect-assets ui --sample
      collect-assets ui --collections my-collections --port 3001
    """
    from collect_assets.orchestration.home import prepare_home
    from collect_assets.sample.install import install
    from collect_assets.sample.provider import serving

    with ExitStack() as stack:
        if sample:
            install(collections)
            stack.enter_context(serving())
            allowed = allowed or "127.0.0.1"
        address_rules(allowed, allow_private_addresses)
        prepare_home(home)
        environment = {
            **os.environ,
            "COLLECTIONS": str(collections.absolute()),
            "DAGSTER_HOME": str(home.absolute()),
            "COLLECT_ASSETS_ALLOW": "private" if allow_private_addresses else allowed,
            "PYTHONWARNINGS": "ignore",
        }
        click.echo(f"Dagster's pages: http://127.0.0.1:{port}  (Ctrl-C ends)")
        raise click.exceptions.Exit(_dagster(port, environment))


def _dagster(port: int, environment: dict[str, str]) -> int:
    """Runs `dagster dev` in a group of its own, so that none of its processes outlives the command."""
    module = ["-m", "collect_assets.definitions"]
    command = [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        *module,
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - our own arguments

    def end(*_: object) -> None:
        os.killpg(process.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
