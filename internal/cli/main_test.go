package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zkkex/zkkex/keys"
)

// What the scripts tell the command, beside what a user can.
const (
	// outputEnv names the folder in which everything that is printed is kept.
	outputEnv = "ZKKEX_TEST_OUTPUT"
	// typedEnv is what a person types at prompts, separated by commas. Without
	// it there is no terminal.
	typedEnv = "ZKKEX_TEST_TYPED"
	// nowEnv is what the clock says.
	nowEnv = "ZKKEX_TEST_NOW"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zkkex": func() { os.Exit(runMain(os.Args[1:])) },
		"leaky": func() { os.Exit(runLeaky(os.Args[1])) },
	})
}

func runMain(args []string) int {
	ctx, stop := Interruptible(context.Background())
	defer stop()
	return Main(ctx, testEnv(), args)
}

// runLeaky prints the secret of an unencrypted key file in a state directory, or of
// a venue's identity: the faults that the search for secrets must find.
func runLeaky(home string) int {
	if text, err := os.ReadFile(filepath.Join(home, "identity")); err == nil {
		secrets, err := secretsOfVenue(home, string(text))
		if err != nil {
			return 1
		}
		fmt.Fprintf(testEnv().Stderr, "zkkex: debug: %s\n", secrets[0].spellings[0])
		return 0
	}
	f, err := keys.ReadFile(filepath.Join(home, "key"))
	if err != nil {
		return 1
	}
	s, err := f.Open(nil)
	if err != nil {
		return 1
	}
	fmt.Fprintf(testEnv().Stderr, "zkkex: debug: %x\n", s.RevealScalar())
	return 0
}

// testEnv is the environment of a process that a script starts.
func testEnv() Env {
	env := SystemEnv()
	if dir := os.Getenv(outputEnv); dir != "" {
		kept, err := os.CreateTemp(dir, "output-")
		if err != nil {
			panic(err)
		}
		env.Stdout, env.Stderr = io.MultiWriter(os.Stdout, kept), io.MultiWriter(os.Stderr, kept)
	}
	env.ReadPassword = typed(os.Getenv(typedEnv))
	if now := os.Getenv(nowEnv); now != "" {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			panic(err)
		}
		env.Now = func() time.Time { return at }
	}
	return env
}

// typed returns a terminal at which a person types lines.
func typed(text string) func(context.Context, string) (string, error) {
	if text == "" {
		return func(context.Context, string) (string, error) { return "", ErrNoTerminal }
	}
	lines := strings.Split(text, ",")
	return func(_ context.Context, prompt string) (string, error) {
		if len(lines) == 0 {
			return "", errors.New("nobody types any more at: " + prompt)
		}
		line := lines[0]
		lines = lines[1:]
		return line, nil
	}
}
