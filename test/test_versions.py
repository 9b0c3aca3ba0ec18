# SPDX-License-Identifier: Apache-2.0
"""One version and one licence everywhere."""

import configparser
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import yaml

import affordance_seg_ros

ROOT = Path(__file__).resolve().parent.parent
VERSION = ElementTree.parse(ROOT / "package.xml").getroot().findtext("version")


def test_the_package_has_the_version_of_package_xml() -> None:
    assert affordance_seg_ros.__version__ == VERSION


def test_setup_cfg_has_the_version_of_package_xml() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["version"] == VERSION


def test_the_citation_has_the_version_of_package_xml() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION


def test_the_changelog_begins_with_the_version_of_package_xml() -> None:
    versions = re.findall(r"^(\d+\.\d+\.\d+) ", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE)
    assert versions[0] == VERSION


def test_every_source_file_names_its_licence() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.sh", "*.msg", "*.toml", "CMakeLists.txt", "Makefile"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = listed.stdout.split()
    assert names
    missing = [
        name for name in names
        if "SPDX-License-Identifier: Apache-2.0" not in (ROOT / name).read_text()[:300]
    ]  # fmt: skip
    assert missing == []
