# SPDX-License-Identifier: Apache-2.0
"""The report page in a real browser, where one is installed."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from page_sample import write_sample

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium")

# Clicks and keys as a person would give them, and what then stands there.
PROBE = """
<script>
const found = { errors: [] };
window.addEventListener("error", function (event) { found.errors.push(event.message); });
document.addEventListener("securitypolicyviolation", function (event) {
  found.errors.push(event.violatedDirective);
});
</script>
"""
ACTIONS = """
<script>
(async function () {
  const seek = document.getElementById("seek");
  const caption = document.getElementById("caption");
  const picture = document.getElementById("picture");
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const state = () => ({ at: Number(seek.value), caption: caption.textContent,
    shown: picture.complete && picture.naturalWidth > 0, alt: picture.alt });
  await wait(100);
  found.start = state();
  seek.value = 7;
  seek.dispatchEvent(new Event("input"));
  await wait(100);
  found.scrubbed = state();
  const plot = document.querySelector(".seekable .plot");
  const box = plot.getBoundingClientRect();
  plot.dispatchEvent(new MouseEvent("click", { clientX: box.left + box.width / 2 }));
  await wait(100);
  found.clicked = state();
  found.cursor = document.querySelector(".cursor").style.left;
  document.getElementById("play").click();
  await wait(1050);
  document.getElementById("play").click();
  found.played = state();
  found.overflow = document.documentElement.scrollWidth - window.innerWidth;
  found.images = Array.from(document.images).filter((image) => image.loading !== "lazy")
    .every((image) => image.naturalWidth > 0);
  const pre = document.createElement("pre");
  pre.id = "found";
  pre.textContent = JSON.stringify(found);
  document.body.append(pre);
})();
</script>
</body>
"""


def browse(page: Path, width: int) -> tuple[dict[str, Any], str]:
    """Open a page, act on it; return what was found and what the console said."""
    text = page.read_text()
    probed = page.with_name("probed.html")
    probed.write_text(text.replace("<style>", PROBE + "<style>", 1).replace("</body>", ACTIONS))
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={page.parent / 'profile'}", f"--window-size={width},1000",
        "--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom",
        probed.as_uri(),
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(page.parent)}
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True, env=environment
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, re.S)
    assert found is not None, run.stderr
    console = "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)
    return json.loads(unescape(found[1])), console


@pytest.mark.parametrize("width", [1200, 500])
def test_the_film_can_be_scrubbed_clicked_and_played(tmp_path: Path, width: int) -> None:
    page = tmp_path / "report.html"
    write_sample(page)
    found, console = browse(page, width)
    assert (found["errors"], console) == ([], "")
    assert found["start"]["at"] == 0
    assert found["scrubbed"]["at"] == 7
    assert found["scrubbed"]["caption"].startswith("frame 8, 0.70 s")
    assert found["clicked"]["at"] in (19, 20)
    assert abs(float(found["cursor"].rstrip("%")) - 50) < 2
    # A second of a film of ten frames a second.
    assert 5 <= found["played"]["at"] - found["clicked"]["at"] <= 12
    assert all(found[moment]["shown"] for moment in ("start", "scrubbed", "clicked", "played"))
    assert found["images"]
    assert found["overflow"] <= 0


def test_the_probe_sees_what_a_browser_complains_of(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_sample(page)
    broken = '<img src="http://127.0.0.1:9/x.png"><script>nothing();</script></main>'
    page.write_text(page.read_text().replace("</main>", broken))
    found, console = browse(page, 1200)
    assert any("nothing" in error for error in found["errors"])
    assert "img-src" in found["errors"]
    assert console
