"""Dagster's pages in a real browser: a person materialises today of a sample collection by clicking."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.ui,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="Chromium is not installed; Debian's packages are chromium and chromium-driver",
    ),
]

BROWSER_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1700,560",
)
PATIENCE = 90.0
GROUP = "locations/collect_assets.definitions/asset-groups/brownfield_sites"
PICTURE = "COLLECT_ASSETS_PICTURE"  # where the picture of the asset graph is to be written, for the docs


@pytest.fixture
def pages(tmp_path):
    """`collect-assets ui` on a fresh folder, on a free port; nothing of it is left afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    places = ["--collections", str(tmp_path / "collections"), "--home", str(tmp_path / "home"), "--port", str(port)]
    command = [sys.executable, "-c", "from collect_assets.cli import main; main()", "ui", "--sample", *places]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield wait_for(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_for(address: str, process: subprocess.Popen) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/server_info", timeout=2).close()
        except OSError:
            time.sleep(0.3)
        else:
            return address
    raise AssertionError("the pages did not come up")


@pytest.fixture
def browser(tmp_path):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def button(browser, text: str):
    """The button with that text, as soon as it is there and can be clicked."""
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def found(driver):
        buttons = driver.find_elements(By.TAG_NAME, "button")
        return next((button for button in buttons if text in button.text and button.is_enabled()), None)

    return WebDriverWait(browser, PATIENCE, ignored_exceptions=[StaleElementReferenceException]).until(found)


def asked(address: str, query: str) -> dict:
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["data"]


def finished_run(address: str) -> dict:
    query = "{runsOrError{... on Runs{results{status tags{key value}}}}}"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        runs = asked(address, query)["runsOrError"]["results"]
        if runs and runs[0]["status"] in ("SUCCESS", "FAILURE", "CANCELED"):
            return runs[0]
        time.sleep(0.5)
    raise AssertionError("the run did not end")


def test_clicking_through_the_pages_materialises_today_of_a_sample_collection(pages, browser, tmp_path):
    browser.get(f"{pages}/{GROUP}")
    button(browser, "Materialize all").click()
    button(browser, "Latest").click()
    button(browser, "Launch 1 run").click()

    run = finished_run(pages)

    assert run["status"] == "SUCCESS"
    checks = asked(
        pages,
        '{assetNodeOrError(assetKey:{path:["brownfield-sites","log"]}){... on AssetNode{assetChecksOrError'
        "{... on AssetChecks{checks{name executionForLatestMaterialization{status}}}}}}}",
    )["assetNodeOrError"]["assetChecksOrError"]["checks"]
    assert checks
    assert {check["executionForLatestMaterialization"]["status"] for check in checks} == {"SUCCEEDED"}
    browser.get(f"{pages}/{GROUP}")
    wait_for_text(browser, "Passed")
    assert "% filled" in page_text(browser)
    assert "0% filled" not in page_text(browser)
    assert (tmp_path / "collections" / "brownfield-sites" / "derived" / "index.duckdb").exists()
    if picture := os.environ.get(PICTURE):
        time.sleep(2)  # the graph zooms in
        browser.save_screenshot(str(Path(picture)))


def page_text(browser) -> str:
    from selenium.webdriver.common.by import By

    return browser.find_element(By.TAG_NAME, "body").text


def wait_for_text(browser, text: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, PATIENCE).until(lambda driver: text in page_text(driver))
