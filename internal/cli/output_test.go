package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
)

// run runs a command line in this process.
func run(t *testing.T, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	env := testEnv()
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), &out, &said
	exit = Main(t.Context(), env, args)
	return exit, out.String(), said.String()
}

// tooSlow are commands whose scripts take care of this.
func tooSlow(c *cobra.Command) bool { return c.Name() == "demo" || c.Name() == "bench" }

func TestEveryCommandPrintsOneObject(t *testing.T) {
	everyCommand(t, func(t *testing.T, c *cobra.Command) {
		if tooSlow(c) {
			return
		}
		home := filepath.Join(t.TempDir(), "home")
		args := append(strings.Fields(c.CommandPath())[1:], "--json", "--home", home)
		exit, stdout, stderr := run(t, args...)
		d := json.NewDecoder(strings.NewReader(stdout))
		var object map[string]any
		if err := d.Decode(&object); err != nil {
			t.Fatalf("%v in %q", err, stdout)
		}
		if _, err := d.Token(); err != io.EOF {
			t.Errorf("something follows the object in %q", stdout)
		}
		said, failed := object["error"].(map[string]any)
		if failed != (exit != 0) {
			t.Errorf("exit code %d with %s", exit, stdout)
		}
		if failed && (said["code"] == "" || said["message"] == "") {
			t.Errorf("an error without code or message: %s", stdout)
		}
		if strings.Contains(stderr, "error:") {
			t.Errorf("an error beside the object: %s", stderr)
		}
	})
}

// Without --json, an error leaves standard output empty; doctor prints what it
// found.
func TestErrorsGoToStandardError(t *testing.T) {
	everyCommand(t, func(t *testing.T, c *cobra.Command) {
		if tooSlow(c) || c.Name() == "doctor" {
			return
		}
		args := append(strings.Fields(c.CommandPath())[1:], "--home", filepath.Join(t.TempDir(), "home"))
		exit, stdout, stderr := run(t, args...)
		if exit != 0 && stdout != "" {
			t.Errorf("exit code %d, and on standard output: %s", exit, stdout)
		}
		for line := range strings.Lines(stderr) {
			if !strings.HasPrefix(line, "zkkex: ") {
				t.Errorf("a line of standard error begins otherwise: %q", line)
			}
		}
	})
}

func TestControlCharactersAreEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b[31mb": `a\u001b[31mb`,
		"a\rb":       `a\u000db`,
		"a\u202eb":   `a\u202eb`,
		"a\u009bb":   `a\u009bb`,
		"a\nb":       "a\nb",
		"schön 中文":   "schön 中文",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	wrap := func(err error) error { return withHint(fmt.Errorf("doing something: %w", err), "do something else") }
	for _, c := range []struct {
		err  error
		exit Exit
		code string
	}{
		{nil, ExitYes, "error"},
		{errors.New("disk"), ExitFailure, "error"},
		{usagef("flag"), ExitUsage, "usage"},
		{zkkex.Reject(zkkex.SlotUsed, "before"), ExitRejected, "slot_used"},
		{&zkkex.ParseError{Format: "thing", Err: errors.New("short")}, ExitMalformed, "malformed"},
		{zkkex.ErrUnsupported, ExitMalformed, "unsupported"},
		{zkkex.ErrParamsMismatch, ExitParams, "params_mismatch"},
		{context.Canceled, ExitFailure, "canceled"},
		{&controlError{ExitCode: 3, Code: "slot_used", Message: "no"}, ExitRejected, "slot_used"},
	} {
		err := c.err
		if err != nil {
			err = wrap(err)
		}
		if got := exitOf(err); got != c.exit {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.exit)
		}
		if got := codeOf(err); got != c.code {
			t.Errorf("%v: code %s, want %s", c.err, got, c.code)
		}
	}
}

// lines is a writer that tells when a line with a text was written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	want string
	seen chan struct{}
	once sync.Once
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	if strings.Contains(l.text.String(), l.want) {
		l.once.Do(func() { close(l.seen) })
	}
	return len(b), nil
}

// A server and a member who waits for it end when they are interrupted.
func TestInterrupt(t *testing.T) {
	dir, home := filepath.Join(t.TempDir(), "registry"), filepath.Join(t.TempDir(), "home")
	_, key, _ := run(t, "registry", "--dir", dir, "init", "--name", "registry.example/members")
	if exit, _, stderr := run(t, "--home", home, "keygen", "--insecure-unencrypted-key-file"); exit != 0 {
		t.Fatal(stderr)
	}
	start := func(want string, args ...string) (wait *lines, stop func() int) {
		ctx, cancel := context.WithCancel(t.Context())
		wait = &lines{want: want, seen: make(chan struct{})}
		env := testEnv()
		env.Stdout, env.Stderr = wait, wait
		exit := make(chan int, 1)
		go func() { exit <- Main(ctx, env, args) }()
		select {
		case <-wait.seen:
		case <-time.After(20 * time.Second):
			t.Fatalf("%v: no %q in %s", args, want, wait.text.String())
		}
		return wait, func() int { cancel(); return <-exit }
	}
	server, stopServer := start("http://", "registry", "--dir", dir, "serve", "--listen", "127.0.0.1:0")
	server.mu.Lock()
	url, _, _ := strings.Cut(server.text.String(), "\n")
	server.mu.Unlock()
	member, stopMember := start("the request is pending",
		"--home", home, "enroll", "--registry", url, "--registry-key", strings.TrimSpace(key), "--wait", "--poll", "10ms")
	if exit := stopMember(); exit != 1 || !strings.Contains(member.text.String(), "error: interrupted") {
		t.Errorf("the member: exit code %d, %s", exit, member.text.String())
	}
	if exit := stopServer(); exit != 0 {
		t.Errorf("the server: exit code %d, %s", exit, server.text.String())
	}
}
