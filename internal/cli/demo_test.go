package cli

import (
	"strings"
	"testing"
)

// A demo that cannot be played is a usage error, before anything is done.
func TestDemoOptions(t *testing.T) {
	for _, args := range [][]string{{"--members", "1"}, {"--traders", "2"}, {"--traders", "99"}, {"somebody"}} {
		exit, stdout, stderr := run(t, append([]string{"demo"}, args...)...)
		if exit != int(ExitUsage) || stdout != "" || !strings.Contains(stderr, "zkkex: error: ") {
			t.Errorf("demo %v: exit code %d, %q, %q", args, exit, stdout, stderr)
		}
	}
}

// What does not go to a terminal has no colours.
func TestDemoIsPlainInFiles(t *testing.T) {
	exit, stdout, stderr := run(t, "demo", "--members", "20", "--traders", "3", "--headless")
	if exit != 0 || !strings.Contains(stdout, "Everything came out as it must") || stderr != "" {
		t.Errorf("exit code %d, %q, %q", exit, stdout, stderr)
	}
	if strings.ContainsAny(stdout, "\x1b\r") {
		t.Errorf("more than plain lines: %q", stdout)
	}
}
