# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/bash
DEVICE ?= cpu
.PHONY: setup demo bench test coverage check format clean
setup: ; @tools/bootstrap.sh
demo: setup ; @. tools/env.sh && exec python tools/demo.py --out out/demo
bench: setup ; @. tools/env.sh && exec python benchmarks/all_tables.py --device $(DEVICE) --out out/bench
# Training in a process of its own: its loaders fork, which a process that has run the other tests'
# native libraries did not always survive.
test: setup ; @. tools/env.sh && pytest --ignore=test/training && exec pytest test/training
coverage: setup ; @. tools/env.sh && pytest --cov --cov-report= --ignore=test/training && \
	exec pytest --cov --cov-append --cov-report=term-missing test/training
check: setup ; @. tools/env.sh && exec tools/check.sh
format: setup ; @. tools/env.sh && ruff format . && ruff check --fix .
clean: ; rm -rf .colcon out
