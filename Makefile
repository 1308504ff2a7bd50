# Every command that a person or CI runs. `make score` and `make test` need Python 3.11 or newer, its venv module, and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= out
UV     ?= $(BIN)/uv

SCORING     := requirements/scoring.lock
REVIEW      := requirements/review.lock
DEVELOPMENT := requirements/development.lock
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
# Nothing is installed whose hash the lock does not hold, and nothing is built from source but Safelight itself.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED  = $(INSTALL) --require-hashes --only-binary :all: -r
ITSELF  = $(INSTALL) --no-deps --no-build-isolation -e .

.PHONY: score test check check-all lint types lock baseline ablation transfer bench bench-explain bench-ingest bench-serving bench-link bench-walk fuzz audit matrix container clean

score: $(VENV)/scoring         ## score data/samples with the shipped model and write out/report.html
	$(BIN)/safelight score data/samples --model models/default --out $(OUT) --text include --overwrite
	@$(BIN)/python examples/harmless_samples.py $(OUT)

test: $(VENV)/development      ## install the rest and pass the suite
	$(BIN)/python -m pytest -m "not slow" -n auto --durations=10

check: lint types test         ## what must pass before a commit

check-all: lint types          ## the same, and the slow tests; property tests draw new examples
	$(BIN)/python -m pytest -n auto --hypothesis-profile=random

lint: $(VENV)/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/development
	$(BIN)/pyright --pythonpath $(BIN)/python

baseline: $(VENV)/development  ## train the baseline again: make baseline ORDINARY="chats.jsonl.gz more.jsonl.gz"
	$(BIN)/safelight train --config configs/baseline.toml --corpus data/synthetic $(addprefix --ordinary ,$(ORDINARY)) \
		--out models/baseline --overwrite

ablation: $(VENV)/development  ## what each choice of the model is worth: make ablation ENCODER=PATH ORDINARY="chats.jsonl.gz …" SHARE=0.3
	$(BIN)/python tests/bench_ablation.py --encoder $(ENCODER) --corpus data/synthetic $(addprefix --ordinary ,$(ORDINARY)) \
		$(if $(SHARE),--share $(SHARE))

transfer: $(VENV)/development  ## what carries over to other writers and sources: make transfer MODEL=models/default ORDINARY="chats.jsonl.gz more.jsonl.gz"
	$(BIN)/safelight evaluate transfer --model $(or $(MODEL),models/default) --written data/transfer --plain data/synthetic \
		$(addprefix --ordinary ,$(ORDINARY)) $(addprefix --beside ,$(BESIDE)) --out transfer --overwrite

bench-ingest: $(VENV)/bench    ## readers on large exports beside other parsers: make bench-ingest MESSAGES=1000000
	$(VENV)/bench/bin/python tests/bench_ingest.py --messages $(or $(MESSAGES),1000000)

bench: $(VENV)/development     ## scoring beside what else there is: make bench MODEL=models/default ENCODER=PATH BASELINE=PATH MESSAGES=20000 UPTO=1000000
	$(BIN)/python tests/bench_scoring.py $(if $(MODEL),--model $(MODEL)) $(if $(ENCODER),--encoder $(ENCODER)) \
		$(addprefix --ordinary ,$(ORDINARY)) $(if $(BASELINE),--baseline $(BASELINE)) --messages $(or $(MESSAGES),20000) --upto $(or $(UPTO),0)
	$(BIN)/python tests/bench_explaining.py $(if $(MODEL),--model $(MODEL)) --messages 4000

bench-explain: $(VENV)/development ## what explaining costs where about half is flagged: make bench-explain MODEL=models/default MESSAGES=8000 ROUNDS=3
	$(BIN)/python tests/bench_explaining.py $(if $(MODEL),--model $(MODEL)) --messages $(or $(MESSAGES),8000) --rounds $(or $(ROUNDS),3)

bench-serving: $(VENV)/development ## load test of `safelight serve` beside MLflow's: make bench-serving CLIENTS=8 SECONDS=20 ROUNDS=3
	$(BIN)/python tests/bench_serving.py --mlflow --clients $(or $(CLIENTS),8) --seconds $(or $(SECONDS),20) --rounds $(or $(ROUNDS),3)

bench-walk: $(VENV)/development ## clicks, keys and seconds a case in the review, by three ways of working: make bench-walk CASES=20
	PYTHONPATH=tests $(BIN)/python tests/bench_review_walk.py --cases $(or $(CASES),20)

bench-link: $(VENV)/development ## what `safelight link` finds, takes and needs on simulated networks: make bench-link MESSAGES="100000 1000000 10000000"
	$(BIN)/python tests/bench_link.py --messages $(or $(MESSAGES),100000 1000000 10000000) --accounts $(or $(ACCOUNTS),100000)

fuzz: $(VENV)/development      ## fuzz a reader: make fuzz FORMAT=whatsapp SECONDS=600
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python tests/fuzz_readers.py $(FORMAT) -max_total_time=$(or $(SECONDS),600) -timeout=20 -rss_limit_mb=1024

# requirements.lock holds everything; each install has a lock of its own with the same versions, and hatchling, which builds.
lock: | $(UV)                  ## write all lock files anew, with hashes, from pyproject.toml
	$(COMPILE) --upgrade --all-extras --output-file requirements.lock pyproject.toml requirements/build.in
	$(COMPILE) --constraints requirements.lock --output-file $(SCORING) pyproject.toml requirements/build.in
	$(COMPILE) --constraints requirements.lock --extra review --output-file $(REVIEW) pyproject.toml requirements/build.in
	$(COMPILE) --constraints requirements.lock --extra train --extra review --extra dev --extra docs --output-file $(DEVELOPMENT) \
		pyproject.toml requirements/build.in

matrix: $(VENV)/scoring        ## score in every other Python that is here, and compare the scores
	.ci/matrix

audit: $(VENV)/development     ## known vulnerabilities and licences of all that the lock files name
	$(BIN)/python tests/audit.py requirements.lock

docs: $(VENV)/development      ## the documentation site, offline: build/docs/index.html
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --clean --config-file configs/mkdocs.yml

BUILDER = $(firstword $(foreach tool,docker podman buildah,$(shell command -v $(tool))))
container:                     ## build an image with docker, podman or buildah: make container TARGET=review
	$(or $(BUILDER),$(error Install docker, podman or buildah)) build --target $(or $(TARGET),scoring) -t safelight:$(or $(TARGET),scoring) .

clean:
	rm -rf $(VENV) $(OUT) build *.egg-info

# An install is a mark inside the environment; a change of what is needed makes it anew.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(BIN)/uv: | $(VENV)/development

$(VENV)/scoring: $(SCORING) pyproject.toml | $(VENV)/bin/python
	$(LOCKED) $(SCORING)
	$(ITSELF)
	touch $@

# The other parsers pin old libraries: they have an environment of their own, and are needed for nothing else.
$(VENV)/bench: | $(VENV)/bin/python
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check -e . chatpack==0.1.0 chat-miner==0.6.0 whatstk==0.9.1

$(VENV)/development: $(DEVELOPMENT) $(VENV)/scoring
	$(LOCKED) $(DEVELOPMENT)
	touch $@
