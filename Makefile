# `make lab` opens the course, `make test` checks everything. Both build their own .venv first.
# Without make (Windows): CONTRIBUTING.md gives each target as one plain command.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin

# Types are checked against the libraries' current ones; the last NumPy for Python 3.10 has others.
RECENT := $(BIN)/python -c "import sys; sys.exit(sys.version_info < (3, 11))"
TYPES = @if $(RECENT); then echo mypy && $(BIN)/mypy; else echo "mypy: needs Python 3.11, left out"; fi

.PHONY: lab test test-all notebooks weights bench docs badges clean

lab: .venv/.course
	$(BIN)/camkit lab

test: .venv/.course,test
test-all: .venv/.course,test,bench,docs
test-all: MARKS := -m "slow or not slow"

test test-all:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(TYPES)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(MARKS)

notebooks: .venv/.course,test
	OMP_NUM_THREADS=1 $(BIN)/python course/build.py

weights: .venv/.course
	$(BIN)/python -m camkit.recipes
	for numbers in make framing scenes actions birds discover; do \
		$(BIN)/python -m camkit.tables $$numbers || exit 1; done
	$(BIN)/python -m camkit.weak
	$(BIN)/python -m camkit.trust

bench: .venv/.course,bench
	@for file in benchmarks/*.py; do echo "== $$file"; OMP_NUM_THREADS=1 $(BIN)/python $$file || exit 1; done

docs: .venv/.course,docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build

badges:
	$(PYTHON) tools/badges.py "$(REPO)"

clean:
	rm -rf build dist docs/_build docs/notebooks *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +

# One stamp for each set of extras: the file's name is the set, and it is as old as the last install.
.venv/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -e ".[$*]"
	@touch "$@"

$(BIN)/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; \
	echo "No virtual environment: on Debian and Ubuntu, install python3-venv first."; exit 1; }
