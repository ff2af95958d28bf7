# TinyML Studio. `make` lists the targets; everything that they install goes into .venv.
#
#   PYTHON           Python to make .venv with (3.11 or newer)
#   TORCH_INDEX_URL  package index to take torch from, such as PyTorch's own with the CPU builds;
#                    without it pip takes what it is set up to take
#   PYTEST           arguments for pytest: make test PYTEST="tests/compiler -k conv"
#   WORKERS          processes that run the tests side by side; 0: in pytest's own

PYTHON ?= python3
PYTEST ?=
WORKERS ?= 2
BIN := .venv/bin
TORCH := $(shell sed -n 's/^\(torch==.*\)/\1/p' constraints.txt)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check screenshots bench bench-compression bench-recipes bench-equality
.PHONY: soak bench-window bench-models bench-inspect bench-budget bench-costs bench-arena bench-plans
.PHONY: bench-flash bench-stream size-tables
.PHONY: cost-tables stack-tables wheel clean system-demo system-test

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/installed system-demo ## open the motion example; without a display, run both into build/demo
	$(BIN)/python packaging/demo.py

test: .venv/installed system-test ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST)

check: .venv/installed ## style, types, layers, sizes, C format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python packaging/size_marks.py
	find runtime_c -name '*.[ch]' -print0 | xargs -0 $(BIN)/clang-format --dry-run --Werror

screenshots: .venv/installed system-demo ## the window's pictures, made by the window: build/screenshots, docs/pictures
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m studio.gui.screenshots --all --docs docs/pictures build/screenshots

bench: .venv/installed system-test ## how fast it answers: start-up, previews, budgets
	PYTHONPATH=tests $(BIN)/python tests/bench/speed.py

bench-window: .venv/installed system-test ## how fast the window is: start, drawing, held up while all runs
	PYTHONPATH=tests $(BIN)/python tests/bench/window.py

soak: .venv/installed system-test ## random mouse, keys and commands at the window, ten minutes
	QT_QPA_PLATFORM=offscreen PYTHONPATH=tests $(BIN)/python tests/bench/soak.py

bench-compression: .venv/installed system-test ## the bars of the compression steps
	PYTHONPATH=tests $(BIN)/python tests/bench/compression.py

bench-recipes: .venv/installed system-test ## the ready-made recipes on five nets, by the generated C
	PYTHONPATH=tests $(BIN)/python tests/bench/recipes.py

bench-equality: .venv/installed system-test ## host against every virtual board, zig and gcc, byte for byte
	PYTHONPATH=tests $(BIN)/python tests/bench/equality.py

bench-models: .venv/installed system-test ## real models on a virtual board, byte for byte
	PYTHONPATH=tests $(BIN)/python tests/bench/models.py

bench-inspect: .venv/installed system-test ## time and memory of inspect for every file of the test data
	PYTHONPATH=tests $(BIN)/python tests/bench/inspect_files.py

bench-budget: .venv/installed system-test ## flash, RAM and stack before the build against images and boards
	PYTHONPATH=tests $(BIN)/python tests/bench/budget.py

bench-costs: .venv/installed system-test ## predicted against counted instructions, layer by layer
	PYTHONPATH=tests $(BIN)/python tests/bench/costs.py

bench-arena: .venv/installed ## 1 000 random graphs: the arena against its lower bound
	PYTHONPATH=tests $(BIN)/python tests/bench/arena.py

bench-flash: .venv/installed system-test ## flash of linked images: float, int8, int4, sparse
	PYTHONPATH=tests $(BIN)/python tests/bench/flash.py

bench-stream: .venv/installed system-test ## windows taken in hops against whole ones, zig and gcc
	PYTHONPATH=tests $(BIN)/python tests/bench/stream.py

bench-plans: .venv/installed system-test ## arena and instructions of every plan, zig and gcc
	PYTHONPATH=tests $(BIN)/python tests/bench/plans.py

size-tables: .venv/installed system-test ## measure the kernels' code sizes anew: resources/sizes
	$(BIN)/python packaging/size_tables.py

cost-tables: .venv/installed system-test ## measure the kernels' instructions anew: resources/costs
	$(BIN)/python packaging/cost_tables.py

stack-tables: .venv/installed system-test ## measure stack frames anew: resources/stacks
	$(BIN)/python packaging/stack_tables.py

wheel: .venv/installed ## build the wheel into dist
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## remove what the other targets made, but not .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

system-demo system-test: system-%:
	@sh packaging/system-packages.sh $*

# torch comes first and by itself, so that the CPU build is chosen before others ask for any torch.
.venv/torch: constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $(if $(TORCH_INDEX_URL),--index-url $(TORCH_INDEX_URL)) \
	  --no-deps $(TORCH)
	@touch $@

# aeon is taken for the recordings that it carries; its own dependencies are not needed. tflite-micro
# judges in tests; it has pre-releases only and asks for TensorFlow, which its interpreter does without.
.venv/installed: .venv/torch pyproject.toml constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet -c constraints.txt --no-deps aeon
	$(BIN)/pip install --quiet -c constraints.txt --no-deps --pre "tflite-micro; sys_platform == 'linux'"
	@touch $@
