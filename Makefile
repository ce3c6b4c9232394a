# Every target sets up what it needs from a bare clone: a virtual environment in .venv with pinned packages, and Debian
# packages when run as root. A second run reuses both.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# 93 is measured; daemons that a test kills take what they ran along, and how much that is differs a little.
COVERAGE_FLOOR := 91
SIDE_BY_SIDE := --numprocesses auto --dist worksteal

# espeak-ng and flite speak for the tests, libportaudio2 records from PulseAudio; Xvfb and D-Bus are their desktop, tk its
# text field, tmux the terminal of the live view
DEBIAN := espeak-ng flite libportaudio2 xvfb xdotool xclip dbus libtk8.6 tmux libasound2-plugins pulseaudio pulseaudio-utils
# zsh and fish answer for their completions, systemd checks the units, pipx installs the package, rsync fills folders,
# strace tells what a process opens
DEBIAN += zsh fish systemd pipx rsync strace

# The two set-ups wait for the network, each for its own: pip and apt-get run side by side.
MAKEFLAGS += --jobs=2

# How long `make attack` goes on, and what it draws from: a seed that is given makes the same attack again.
ATTACK := --seconds 3600

.PHONY: help demo test coverage lint bench attack real-data debian
help:
	@echo 'make demo      transcribe the speech that ships with the repository, in a temporary home'
	@echo 'make test      lint and all tests'
	@echo 'make coverage  all tests, and which lines and branches they reach, with a floor'
	@echo 'make lint      ruff, pyright, import-linter'
	@echo 'make bench     the figures of the README, each with its limit'
	@echo 'make real-data real weights and real voices for tests and benchmarks, checked, into .real-data (340 MB)'
	@echo 'make attack    an hour of damaged files, requests and kills; make attack ATTACK="--seconds 60 --seed 7" another one'

.venv/installed: pyproject.toml constraints.txt
	@test -n '$(PYTHON)' || { echo 'whisperd needs Python 3.11 or newer: install python3.11 and its venv module'; exit 1; }
	@echo 'setting up .venv …'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint,torch,train,chinese]'
	@$(BIN)/python -m compileall -q whisperd whisperctl
	@touch $@

debian:
	@missing=; for p in $(DEBIAN); do \
		[ "$$(dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing$$missing …"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } \
			>/dev/null; \
	else echo "please install:$$missing   (sudo apt-get install$$missing)"; exit 1; fi

demo: .venv/installed
	@$(BIN)/python tools/demo.py

lint: .venv/installed
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@$(BIN)/lint-imports --no-logo 2>/dev/null

test: .venv/installed debian lint
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

# Not a part of `test`: each of two thousand small programs that the tests start takes 0.2 s to have itself measured.
coverage: .venv/installed debian
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest $(SIDE_BY_SIDE)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --fail-under=$(COVERAGE_FLOOR)

bench: .venv/installed debian
	@$(BIN)/python -m benchmarks

real-data: .venv/installed
	@$(BIN)/python -m tools.real_data

attack: .venv/installed debian
	@$(BIN)/python -m tests.attack $(ATTACK)
