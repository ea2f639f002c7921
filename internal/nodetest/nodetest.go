// Package nodetest runs the verifiers that others wrote in JavaScript, for tests:
// snarkjs and the Solidity compiler. scripts/node-install puts them in place,
// pinned by digest in package-lock.json.
package nodetest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// modules is where scripts/node-install puts packages, from the module's root.
const modules = ".node/node_modules"

// Snarkjs runs snarkjs with the arguments in the folder dir, and returns what it
// printed and its exit code. A test fails if it cannot be run at all.
func Snarkjs(t testing.TB, dir string, args ...string) (output string, code int) {
	t.Helper()
	return Run(t, dir, "snarkjs/build/cli.cjs", args...)
}

// Run runs a script of an installed package, named from node_modules, as Snarkjs
// does.
func Run(t testing.TB, dir, script string, args ...string) (output string, code int) {
	t.Helper()
	path := filepath.Join(root(t), modules, script)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run ./scripts/node-install", err)
	}
	return run(t, dir, append([]string{path}, args...))
}

// Script runs a script of the test's own, in the file path, as Run does those of
// packages. It can require the installed ones.
func Script(t testing.TB, dir, path string, args ...string) (output string, code int) {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, dir, append([]string{path}, args...))
}

func run(t testing.TB, dir string, args []string) (output string, code int) {
	t.Helper()
	var out bytes.Buffer
	c := exec.CommandContext(t.Context(), "node", args...)
	c.Dir, c.Stdout, c.Stderr = dir, &out, &out
	c.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(root(t), modules))
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running node: %v", err)
	}
	return out.String(), c.ProcessState.ExitCode()
}

// root is the module's root: the nearest folder above with this package in it.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "internal", "nodetest", "package-lock.json")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the module's root was not found above the test's folder")
		}
	}
}
