# Two commands do everything: `make operate` and `make test`. Both install what is missing of the system libraries.

PACKAGES := libopenblas-dev liblapacke-dev libjson-c-dev
PREFIX ?= /usr/local
RUN ?= runs/demo
# Parallel test processes fight over two cores with the program's own threads.
SWIFT_TEST_FLAGS ?=
# Test targets that `make sanitize` runs.
SANITIZED ?= ^(LayersTests|RuntimeTests|TensorsTests|LinearAlgebraTests)\.

.PHONY: operate test build lint install sanitize dependencies organism clean

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

## Runs the tests of the kernels and of what calls them on several threads under AddressSanitizer and ThreadSanitizer. Each
## builds everything anew (10 to 20 minutes on two cores). The test runner itself leaks two objects, so leaks are not looked for.
sanitize: export ASAN_OPTIONS := detect_leaks=0
sanitize: dependencies
	for kind in address thread; do \
	  swift build --build-tests --sanitize=$$kind --scratch-path .build/$$kind && \
	  swift test --skip-build --sanitize=$$kind --scratch-path .build/$$kind --filter '$(SANITIZED)' || exit 1; \
	done

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

## Trains the embedded model anew (some 13 minutes of one core), measures it beside the one that is there and puts it in that one's place.
organism: dependencies
	swift build -c release
	.build/release/Bench make-corpus -o datasets/organism/corpus
	.build/release/surgeon train datasets/organism/recipe-1.yaml -o runs/organism-1
	.build/release/surgeon train datasets/organism/recipe-2.yaml -o runs/organism-2
	test -d runs/organism-mean || .build/release/Bench average runs/organism-1/model runs/organism-2/model -o runs/organism-mean
	.build/release/surgeon train datasets/organism/recipe-3.yaml -o runs/organism
	.build/release/Bench held-out runs/organism/model
	cp runs/organism/model/* Sources/COrganism/checkpoint/

clean:
	swift package clean
