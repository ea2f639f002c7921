// Package bench measures zkkex, on the machine it runs on.
//
// [Run] is behind "zkkex bench". What is compared is measured in one run, side
// by side: each round runs all of the tasks that belong together, in turns, and
// the report gives the ratio of the medians of their CPU times. Ratios hold on
// noisy machines; absolute times are for orientation and name the machine.
//
// Two peers stand beside our own code. Proving is compared with the circuit that
// gnark's documentation leads to, frozen in internal/textbook and proved by
// gnark alone; our side of the ratio includes checking the witness first and
// verifying the proof afterwards. Verifying is compared with gnark's own Verify,
// one by one.
//
// The functions for "go test -bench" are in this package's tests; their output
// is for benchstat. How to rerun everything, and figures, are in
// docs/benchmarks.
package bench
