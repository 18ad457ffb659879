"""`collect-assets ui`: Dagster's pages on a folder of collections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from collect_assets.cli.options import address_rules, allow, collections_option, home_option, sample_option

PATIENCE = 10.0  # seconds that Dagster has to end by itself


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
@sample_option
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

    signal.signal(signal.SIGTERM, lambda *_: _send(process, signal.SIGTERM))
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[Any]) -> None:
    """Asks a process and its group to end, and ends what is left of it after a while, or at the next Ctrl-C."""
    try:
        _send(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    finally:
        _send(process, signal.SIGKILL)
        process.wait()


def _send(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
