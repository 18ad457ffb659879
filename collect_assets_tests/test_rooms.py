"""Who may import whom (architecture, "The rooms"): the imports of every module are read, none is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import collect_assets

PACKAGE = Path(collect_assets.__file__).parent
ORDER = (
    ("store", "collection", "registers", "csv_rows", "errors", "version"),
    ("network",),
    ("plugins",),
    ("collecting",),
    ("tables",),
    ("discovery",),
    ("readers",),
    ("items",),
    ("checking",),
    ("index",),
    ("folding",),
    ("searching",),
    ("exporting",),
    ("tending",),
    ("cli", "orchestration", "sample"),
    ("definitions",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
ONLY_WITH_DAGSTER = {"orchestration", "definitions"}
DAGSTER = {"dagster", "dagster_aws", "dagster_webserver", "dagster_shared", "dagster_graphql"}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    return module.parts[0].removesuffix(".py")


def imports(source: str, module: Path) -> Iterator[tuple[int, str]]:
    """The modules that a source imports, wherever the statement stands, as absolute names."""
    package = ["collect_assets", *module.parts[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, origin
            if origin == "collect_assets":
                yield from ((node.lineno, f"{origin}.{name.name}") for name in node.names)


def wrong_imports(source: str, module: Path) -> list[str]:
    room = room_of(module)
    found = []
    for line, name in imports(source, module):
        top, _, rest = name.partition(".")
        target = rest.split(".")[0]
        if top in DAGSTER and room not in ONLY_WITH_DAGSTER:
            found.append(f"{module}:{line} imports {name}; only orchestration/ may")
        if top == "collect_assets" and target in RANK and not may(room, target):
            found.append(f"{module}:{line} imports {name}, which is to its right")
    return found


def may(room: str, target: str) -> bool:
    """Of the last rooms, the shell may start the others; they know nothing of each other."""
    if RANK[room] == RANK[target] == RANK["cli"]:
        return room in {target, "cli"}
    return RANK[target] <= RANK[room]


@pytest.mark.parametrize("module", [m for m in MODULES if m.name != "__init__.py" or len(m.parts) > 1], ids=str)
def test_a_module_imports_only_rooms_to_its_left(module: Path) -> None:
    assert room_of(module) in RANK, f"{module}: its room has no place in the order yet"
    assert wrong_imports((PACKAGE / module).read_text(), module) == []


def test_the_package_itself_imports_only_the_version_when_it_is_imported() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    names = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {name for name in names if name and name.startswith("collect_assets")} == {"collect_assets.version"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("store/local.py", "from collect_assets.network.gate import Gate"),
        ("store/local.py", "from ..network import gate"),
        ("network/gate.py", "def f():\n    import collect_assets.plugins.get"),
        ("plugins/get.py", "from collect_assets.collecting.log import Log"),
        ("collecting/day.py", "from collect_assets import readers"),
        ("index/fold.py", "import dagster as dg"),
        ("cli/run.py", "from dagster import Definitions"),
        ("sample/make.py", "from collect_assets.cli import main"),
        ("orchestration/build.py", "from collect_assets.cli.collect import command"),
        ("cli/index.py", "import collect_assets.definitions"),
    ],
)
def test_an_import_to_the_right_is_found(module: str, source: str) -> None:
    assert len(wrong_imports(source, Path(module))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("index/fold.py", "from collect_assets.readers.source import Source\nfrom collect_assets.errors import X"),
        ("orchestration/build.py", "import dagster\nfrom collect_assets.collecting.day import collect_day"),
        ("definitions.py", "from collect_assets.orchestration.build import build_definitions"),
        ("network/gate.py", "from collect_assets.network.turns import Turns\nfrom . import queues"),
        ("cli/sample.py", "from collect_assets.sample.make import make"),
    ],
)
def test_an_import_to_the_left_is_let_pass(module: str, source: str) -> None:
    assert wrong_imports(source, Path(module)) == []
