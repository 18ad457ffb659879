"""The door for Dagster."""

import subprocess
import sys

from collect_assets_tests.orchestration.runs import write_collection

LOADED = """
from collect_assets import definitions
import pathlib
assert not pathlib.Path("collections").exists(), "importing must do no work"
loaded = definitions.defs()
print(sorted(key.to_user_string() for key in loaded.resolve_asset_graph().get_all_asset_keys()))
"""


def test_the_collections_of_the_environment_are_loaded_when_dagster_asks(tmp_path):
    write_collection(tmp_path / "mine", "trees", ["https://example.org/a.csv"])
    environment = {"COLLECTIONS": str(tmp_path / "mine"), "PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'trees/item_index'" in done.stdout


def test_dagster_itself_finds_the_definitions(tmp_path):
    write_collection(tmp_path / "mine", "trees", ["https://example.org/a.csv"])
    environment = {
        "COLLECTIONS": str(tmp_path / "mine"),
        "PYTHONPATH": ":".join(filter(None, sys.path)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-m", "dagster", "asset", "list", "-m", "collect_assets.definitions"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "trees/item_index" in done.stdout
