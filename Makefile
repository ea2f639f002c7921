# Aliases. The commands behind them need no make.
.PHONY: demo test bench install

demo:
	go run ./cmd/zkkex demo

test:
	./scripts/test

bench:
	go run ./cmd/zkkex bench

install:
	go install ./cmd/zkkex
