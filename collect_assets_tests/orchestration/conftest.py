"""A provider on loopback, a collection of two of its files, and a Dagster instance with its files in a folder."""

import dagster as dg
import pytest

from collect_assets_tests.orchestration.runs import PONDS, TREES, write_collection
from collect_assets_tests.servers import Page, WebServer


@pytest.fixture
def web():
    with WebServer({"/trees.csv": Page(TREES), "/ponds.csv": Page(PONDS)}) as server:
        yield server


@pytest.fixture
def trees(tmp_path, web):
    return write_collection(tmp_path / "root", "trees", [web.url("/trees.csv"), web.url("/ponds.csv")])


@pytest.fixture
def root(trees):
    return trees.folder.parent


@pytest.fixture
def instance():
    with dg.instance_for_test() as instance:
        yield instance
