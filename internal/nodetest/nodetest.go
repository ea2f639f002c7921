// Package nodetest runs what others wrote in JavaScript, for tests: verifiers (snarkjs,
// the Solidity compiler) and a signer of Ethereum's (micro-eth-signer).
// scripts/node-install puts them in place, pinned by digest in package-lock.json.
package nodetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// Serve starts a script of the test's own, in the file path, which runs until the test
// ends, and returns the first line that it prints: where it listens, say. It must end
// when its standard input does.
func Serve(t testing.TB, path string, args ...string) (line string) {
	t.Helper()
	c := command(t, context.WithoutCancel(t.Context()), "", append([]string{path}, args...))
	c.Stderr = os.Stderr
	in, inErr := c.StdinPipe()
	out, outErr := c.StdoutPipe()
	if err := errors.Join(inErr, outErr, c.Start()); err != nil {
		t.Fatalf("running node: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.Wait() // its exit code is nobody's concern
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s printed %q: %v: run ./scripts/node-install", path, line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func run(t testing.TB, dir string, args []string) (output string, code int) {
	t.Helper()
	var out bytes.Buffer
	c := command(t, t.Context(), dir, args)
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running node: %v", err)
	}
	return out.String(), c.ProcessState.ExitCode()
}

func command(t testing.TB, ctx context.Context, dir string, args []string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(ctx, "node", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(root(t), modules))
	return c
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
