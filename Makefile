# Two commands do everything: `make operate` and `make test`. Both install what is missing of the system libraries.

PACKAGES := libopenblas-dev liblapacke-dev libjson-c-dev
PREFIX ?= /usr/local
RUN ?= runs/demo
# Parallel test processes fight over two cores with the program's own threads.
SWIFT_TEST_FLAGS ?=

.PHONY: operate test build lint install dependencies clean

## Performs the operation on the embedded model and prints where the report lies.
operate: dependencies
	swift build -c release --product surgeon
	.build/release/surgeon operate --demo -o $(RUN)

## Builds, lints and runs every test.
test: dependencies lint
	swift build --build-tests
	swift test --skip-build $(SWIFT_TEST_FLAGS)

build: dependencies
	swift build -c release --product surgeon

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

## One binary with the Swift runtime linked in: make install PREFIX=$HOME/.local
install: dependencies
	swift build -c release --product surgeon --static-swift-stdlib
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 .build/release/surgeon $(DESTDIR)$(PREFIX)/bin/surgeon

## Installs the system libraries that are missing, as root or through sudo; nothing when all are there.
dependencies:
	@missing=""; for package in $(PACKAGES); do \
	  dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  root=""; [ "$$(id -u)" = 0 ] || root="sudo"; \
	  echo "installing$$missing"; \
	  $$root apt-get update -qq && $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; \
	fi

clean:
	swift package clean
