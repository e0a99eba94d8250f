# make play       install what is missing and open the demo
# make test       install what is missing and run every check and the tests
# make test-all   that, with the slow tests and more examples by chance
# make test-windows   what touches the system, with a Windows Python under Wine; ALL=1 the rest too: .ci/test-windows
# make picture    record the moving picture of the README
#
# PYTHON=python3.12 make play   chooses the interpreter (3.11 or newer)

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
# Four at a time on any machine: most of a test is waiting for another process or a clock.
PYTEST := $(BIN)/python -m pytest -n 4 --dist worksteal

.PHONY: play test test-all test-windows setup setup-test check format faults cluster bench simulate picture clean

play: setup
	$(BIN)/python main.py $(ARGS)

test: setup-test check
	$(PYTEST) $(ARGS)

test-all: setup-test check
	$(PYTEST) -m "" --hypothesis-profile=thorough $(ARGS)

test-windows:
	.ci/test-windows $(ARGS)

setup: .venv/.ready-to-play

setup-test: .venv/.ready-to-test

.venv/.ready-to-%: pyproject.toml .ci/setup
	PYTHON="$(PYTHON)" sh .ci/setup $*
	touch $@

check: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

faults: setup-test
	$(BIN)/python -m tests.faults $(ARGS)

# Three nodes over PostgreSQL, broken in each way: make cluster ARGS=--quick does each twice.
cluster: setup-test
	$(BIN)/python -m tests.faults cluster $(ARGS)

bench: setup-test
	$(BIN)/python -m tests.bench $(ARGS)

SEEDS ?= 1-200
simulate: setup-test
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

# Without a screen, a sound device and data of earlier talks, so that it is the same anywhere.
picture: setup-test
	data=$$(mktemp -d) && SDL_VIDEODRIVER=dummy SDL_AUDIODRIVER=dummy $(BIN)/python main.py --microphone none \
		--data "$$data" --script assets/screenshots/talk.toml --record-gif assets/screenshots/talk.gif $(ARGS); \
		status=$$?; rm -r "$$data"; exit $$status

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
