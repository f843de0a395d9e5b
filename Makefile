PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

EXAMPLES := $(sort $(wildcard $(addprefix examples/*.,pdf png jpg tif docx html txt)))
RESULTS := $(addsuffix .json,$(addprefix out/,$(notdir $(basename $(EXAMPLES)))))

# uv has its own names for pip's settings.
empty :=
comma := ,
space := $(empty) $(empty)
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_FIND_LINKS)))
endif
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_EXTRA_INDEX_URL
export UV_INDEX ?= $(strip $(PIP_EXTRA_INDEX_URL))
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif
export UV_HTTP_TIMEOUT ?= 180

.PHONY: help setup demo test test-slow test-kill lint check bench bench-batch eval labels simulate sheet clean

help:
	@echo "make demo       set up .venv, read the examples into out/, show the results"
	@echo "make test       set up .venv, run the tests (make test-slow: the long ones)"
	@echo "make check      what CI runs: ruff, mypy, pytest"
	@echo "make eval       read the labelled fixtures, print the table, write out/evaluation.html"
	@echo "make labels     label the tokens of the fixtures by every labeller, write out/labels/labels.html"
	@echo "make simulate   repair noisy readings of made-up reports by their sums alone, beside the limit: an hour"
	@echo "make sheet      make 40 reports and a contact sheet of them in out/sheet"
	@echo "make bench      time the labelling of a page; scans against stock PaddleOCR, RapidOCR and img2table, digital"
	@echo "                PDF files against pdfplumber: a quarter of an hour, 10 GB of memory"
	@echo "make bench-batch  rates of giar batch, what its manifest costs, whether time and memory stay flat"
	@echo "make test-kill  kill a batch of 500 texts 200 times and compare (part of make test-slow)"
	@echo "make clean      remove .venv and out/"

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml tools/check_system.py
	@$(PYTHON) tools/check_system.py
	@echo "Setting up .venv: some 2.5 GB, some minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python -e '.[dev]'
	@touch $@

# Exit status 3 says that a report needs review, which some examples are made for.
demo: setup
	$(BIN)/giar extract $(EXAMPLES) -o out --format json --format xlsx || test $$? -eq 3
	$(BIN)/giar show $(RESULTS)

test: setup
	$(BIN)/pytest -m "not slow"

test-slow: setup
	$(BIN)/pytest -m slow
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest tests/test_solve_properties.py

test-kill: setup
	$(BIN)/pytest -m slow tests/test_batch_kill.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

bench: setup
	$(BIN)/python -m eval.bench_labels
	$(BIN)/python -m eval.bench_scan
	$(BIN)/python -m eval.bench_rates

bench-batch: setup
	$(BIN)/python -m eval.bench_batch

eval: setup
	$(BIN)/giar evaluate eval/fixtures -o out/evaluation --workers 2

labels: setup
	$(BIN)/python -m eval.labels eval/fixtures -o out/labels

simulate: setup
	@mkdir -p out
	$(BIN)/python -m eval.simulate --rivals 100 -o out/simulate.json
	$(BIN)/python -m eval.simulate --ablation --n 100 --wrong 4 8 -o out/simulate-ablation.json

sheet: setup
	rm -rf out/sheet
	$(BIN)/giar synth out/sheet --n 40 --seed $(or $(SEED),1) --profile scans --contact-sheet

clean:
	rm -rf .venv out
