# What people type; `make help` lists it. Needs Python 3.11 to 3.13 and nothing else.

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_REQUIRE_VIRTUALENV := 1

.DEFAULT_GOAL := help
.PHONY: help install run test check format lint types imports evaluate-filters bench serve worker migration clean

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Build .venv with the pinned versions of everything

# Installing writes to standard error: `make run` owns standard output. torch goes first, so
# that whichever build of it is there, or comes, is the one that the rest is resolved around.
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Corral needs Python 3.11, 3.12 or 3.13 with venv" >&2; exit 1; }
	@echo "Installing into .venv; the first time takes minutes" >&2
	@$(PYTHON) -m venv .venv >&2
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' >&2
	@$(BIN)/python -m pip install --constraint constraints.txt torch >&2
	@$(BIN)/python -m pip install --constraint constraints.txt --editable . --group dev >&2
	@touch $@

run: $(INSTALLED)  ## Start the whole service and try it; ARGS="--once" ends after the table
	@$(BIN)/corral up $(ARGS)

test: $(INSTALLED)  ## Run the tests that this machine can run; T=path runs some
	@$(BIN)/pytest --numprocesses 3 --no-loadscope-reorder $(T)

check: lint types imports test  ## Everything that must hold before a commit

format: $(INSTALLED)  ## Rewrite the code in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

lint: $(INSTALLED)  ## Check the format and the rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(INSTALLED)  ## Check the types, of the tests too
	@$(BIN)/mypy .

imports: $(INSTALLED)  ## Check who imports whom
	@$(BIN)/lint-imports

evaluate-filters: $(INSTALLED)  ## Measure the filters on DATA=folder and write docs/filters.md
	@test -n "$(DATA)" || { echo 'say where the data sets are: make evaluate-filters DATA=folder' >&2; exit 2; }
	@$(BIN)/corral filter evaluate --all $(DATA) --write docs $(ARGS)

bench: $(INSTALLED)  ## Measure; B=benchmarks/NAME.py runs one
	@for each in $(or $(B),$(filter-out %/llama_cpp.py,$(wildcard benchmarks/*.py))); do $(BIN)/python $$each || exit 1; done

serve: $(INSTALLED)  ## Start the API alone
	@$(BIN)/corral serve $(ARGS)

worker: $(INSTALLED)  ## Start one worker; ARGS="--queue score"
	@$(BIN)/corral worker $(ARGS)

migration: $(INSTALLED)  ## Write a schema change from the models; m="add job lease"
	@test -n "$(m)" || { echo 'say what it does: make migration m="add job lease"' >&2; exit 2; }
	@$(BIN)/alembic revision --autogenerate --message "$(m)"

clean:  ## Remove what can be built again; var/ holds records and stays
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
