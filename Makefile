# The commands of the project; `make help` lists them. They need only make and Python 3.11 or newer.
PYTHON ?= python3
STAGE ?=
ONLY ?=
SEEDS ?= 1000
REQUESTS ?= 5000

VENV := .venv
RUN := $(VENV)/bin/python
UV := $(VENV)/bin/uv
UV_VERSION := $(shell sed -n 's/^ *"uv==\([0-9.]*\)".*/\1/p' pyproject.toml)
RUN_READY := $(VENV)/.run-ready
READY := $(VENV)/.ready
STACK_READY := .stack/venv/.ready
# uv does not read pip's settings. Behind a company's proxy or mirror, it and its subprocesses need these two.
AS_PIP = $(shell $(RUN) -m pip config list 2>/dev/null | sort -r | sed -n \
	-e 's/^.*\.cert=/SSL_CERT_FILE=/p' -e 's/^.*\.index-url=/UV_DEFAULT_INDEX=/p')
COMPILE = $(AS_PIP) $(UV) pip compile --quiet --generate-hashes --universal --no-header --no-emit-index-url -p 3.11
EXTRAS = $(shell $(RUN) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"])')

# If PYTHON is given, an environment of another version is replaced.
VERSION := -c 'import sys; print(sys.version_info[:2])'
ifneq ($(origin PYTHON),file)
ifneq ($(shell $(PYTHON) $(VERSION) 2>/dev/null),$(shell $(RUN) $(VERSION) 2>/dev/null))
OTHER_PYTHON := 1
.PHONY: $(VENV)/bin/uv
endif
endif

export PYTHONPATH := $(CURDIR)
# Without bytecode, each of the hundreds of processes that the tests start compiles 2,000 modules.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
# A folder has the name of the target `docs`.
.PHONY: docs help setup run test coverage proof sim audit peers contract bench chart lint format lock package deploy stack-stop clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done

setup: $(READY) $(STACK_READY) ## install all locked environments: .venv, and .stack/venv for the local stack

$(VENV)/bin/uv: pyproject.toml
	@[ -z "$(OTHER_PYTHON)" ] && $(RUN) -c '' 2>/dev/null || { \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
			echo "error: Laurel needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
				"Choose one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }; \
		echo "setting up, once (make run: 80 MB of downloads, 220 MB on disk) ..."; \
		$(PYTHON) -m venv --clear $(VENV); }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-input uv==$(UV_VERSION)
	@touch $@

# .venv grows in two steps. The first holds all that runs Laurel; Python compiles of it what it imports.
$(RUN_READY): $(VENV)/bin/uv requirements/run.txt pyproject.toml
	@echo "installing requirements/run.txt in $(VENV) ..."
	@$(AS_PIP) $(UV) pip install --quiet --require-hashes --python $(RUN) -r requirements/run.txt
	@$(AS_PIP) $(UV) pip install --quiet --no-deps --no-build-isolation --python $(RUN) --editable .
	@touch $@

# The second step adds all that tests and checks need, compiled: the tests start hundreds of processes.
$(READY): $(RUN_READY) requirements/dev.txt
	@echo "installing requirements/dev.txt in $(VENV) (400 MB more on disk) ..."
	@$(AS_PIP) $(UV) pip sync --quiet --compile-bytecode --require-hashes --python $(RUN) requirements/dev.txt
	@$(AS_PIP) $(UV) pip install --quiet --no-deps --no-build-isolation --python $(RUN) --editable .
	@touch $@

$(STACK_READY): $(VENV)/bin/uv requirements/stack.txt
	@echo "installing requirements/stack.txt in .stack/venv ..."
	@$(UV) venv --quiet --clear --python $(RUN) .stack/venv
	@$(AS_PIP) $(UV) pip sync --quiet --require-hashes --python .stack/venv/bin/python requirements/stack.txt
	@touch $@

run: $(RUN_READY) $(STACK_READY) ## run Laurel on this machine with a sample of real traffic (ONCE=1: print and exit)
	@$(AS_PIP) ONCE=$(ONCE) exec $(RUN) -m infra.local.run

stack-stop: $(RUN_READY) ## stop the local stack
	@$(RUN) -m infra.local.stack stop

# The tests of the local stack have a process of their own, which mostly waits: three processes for two cores.
test: setup ## run all tests except the long ones
	@$(AS_PIP) $(RUN) -m pytest -n 3

coverage: setup ## run all tests and measure branch coverage of domain, services and store (at least 95%)
	@$(AS_PIP) $(RUN) -m pytest -n 3 --cov --cov-report=term:skip-covered --cov-fail-under=95

proof: setup ## run the long tests: 200 seeds of each simulation, searches for mutants and unused grants, proof tests
	@$(RUN) -m tests.simulations --seeds 200
	@$(RUN) -m tests.grants
	@$(AS_PIP) $(RUN) -m pytest -n 2 -m proof

sim: setup ## run the simulations and their mutants: exactly-once, boards, economy (SEEDS=1000)
	@$(RUN) -m tests.simulations --seeds $(SEEDS)

audit: $(READY) ## check the locked packages for known vulnerabilities (needs the network)
	@$(RUN) -m infra.audit

peers: setup ## compare the simulated DynamoDB with Amazon's engine (needs Java 17 and Maven; REQUESTS=5000)
	@$(RUN) -m tests.simulated.differential --engine dynamodb-local --requests $(REQUESTS)

contract: $(READY) $(STACK_READY) ## call every operation through generated clients (needs Node 20, Go 1.26 and the network)
	@$(AS_PIP) $(RUN) -m tests.contract

bench: setup ## measure; print one JSON object per line (ONLY=prefix)
	@$(AS_PIP) ONLY=$(ONLY) $(RUN) -m tests.bench

chart: setup ## measure the cost of ranks and draw the chart of docs/architecture/costs.md (minutes)
	@$(RUN) -m tests.bench.chart

docs: $(READY) ## record the examples of the API document, and generate docs/reference from the code
	@$(RUN) -m tests.contract.record
	@$(RUN) -m infra.reference

lint: $(READY) ## run ruff and mypy
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(READY) ## apply the fixes and the format of ruff
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

# The extras build on each other: a later one takes the versions of the earlier ones.
lock: $(VENV)/bin/uv ## compile requirements/*.txt: runtime, one for each extra, stack
	@$(COMPILE) pyproject.toml -o requirements/runtime.txt
	@set -- -c requirements/runtime.txt; for extra in $(EXTRAS); do \
		$(COMPILE) pyproject.toml --extra $$extra "$$@" -o requirements/$$extra.txt || exit 1; \
		set -- "$$@" -c requirements/$$extra.txt; done
	@$(COMPILE) requirements/stack.in -o requirements/stack.txt

package: $(RUN_READY) ## build zip and template in build/aws (STAGE=..., RULESET=file, TRACING=1, CORS_ORIGIN=..., RUNBOOK=url, TABLE=name)
	@$(AS_PIP) $(RUN) -m infra.package "$(or $(STAGE),prod)" aws

deploy: $(RUN_READY) ## build and deploy to AWS (STAGE=..., BUCKET=..., ALARM_TOPIC=arn, IMPORT=1)
	@$(AS_PIP) $(RUN) -m infra.deploy "$(STAGE)"

clean: ## remove build output; the local stack's data in .stack is kept
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* *.egg-info
	@find . -name __pycache__ -not -path './.venv/*' -not -path './.stack/*' -prune -exec rm -rf {} +
