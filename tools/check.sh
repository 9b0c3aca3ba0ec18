#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Style, types and spelling.
set -euo pipefail
cd "$(dirname "$0")/.."
ruff format --check .
ruff check .
mypy
codespell
