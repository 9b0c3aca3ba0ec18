# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/bash
DEVICE ?= cpu
# A test file in one process, files side by side. Restarting a process that crashed would hang.
PYTEST = exec pytest -n auto --maxprocesses 4 --dist loadfile --max-worker-restart 0
.PHONY: setup demo bench test coverage check format clean
setup: ; @tools/bootstrap.sh
demo: setup ; @. tools/env.sh && exec python tools/demo.py --out out/demo
bench: setup ; @. tools/env.sh && exec python benchmarks/all_tables.py --device $(DEVICE) --out out/bench
test: setup ; @. tools/env.sh && $(PYTEST)
coverage: setup ; @. tools/env.sh && $(PYTEST) --cov --cov-report=term-missing
check: setup ; @. tools/env.sh && exec tools/check.sh
format: setup ; @. tools/env.sh && ruff format . && ruff check --fix .
clean: ; rm -rf .colcon out/demo out/bench
