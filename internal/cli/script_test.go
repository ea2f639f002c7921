package cli

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"filippo.io/torchwood"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) < 12 {
		t.Fatalf("found %d scripts, %v", len(scripts), err)
	}
	testscript.Run(t, scriptParams("testdata/script", func(t testscript.T, leaks []string) {
		if len(leaks) > 0 {
			t.Fatal("secrets were printed: ", leaks)
		}
	}))
}

// The planted fault: a command that prints a secret is found out.
func TestSearchForSecretsCatchesALeak(t *testing.T) {
	planted, err := filepath.Glob("testdata/leak/*.txtar")
	if err != nil || len(planted) == 0 {
		t.Fatalf("found %d scripts, %v", len(planted), err)
	}
	var caught atomic.Int32
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, scriptParams("testdata/leak", func(_ testscript.T, leaks []string) {
			if len(leaks) > 0 {
				caught.Add(1)
			}
		}))
	})
	if int(caught.Load()) != len(planted) {
		t.Errorf("%d of %d secrets that were printed were found", caught.Load(), len(planted))
	}
}

// scriptParams returns how scripts are run. When one is done, everything it printed
// is searched for every secret it left.
func scriptParams(dir string, judge func(t testscript.T, leaks []string)) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			output := filepath.Join(env.WorkDir, ".output")
			if err := os.Mkdir(output, 0o700); err != nil {
				return err
			}
			env.Setenv(outputEnv, output)
			env.Setenv("HOME", env.WorkDir)
			witness, err := newWitnessKey()
			if err != nil {
				return err
			}
			env.Setenv("WITNESS", witness)
			env.Setenv(passphraseEnv, "")
			// Verifiers by others, of scripts/node-install, for npx.
			modules, err := filepath.Abs("../../.node/node_modules")
			if err != nil {
				return err
			}
			env.Setenv("NODE_MODULES", modules)
			env.Setenv("npm_config_offline", "true")
			env.Setenv("npm_config_update_notifier", "false")
			env.Defer(func() {
				leaks, err := findLeaks(env.WorkDir, output)
				if err != nil {
					env.T().Fatal(err)
				}
				judge(env.T(), leaks)
			})
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"object": object,
			"serve":  serve,
			"stop":   stop,
			"flip":   flip,
			"mode":   mode,
			"setenv": setenv,
			"word":   word,
			// In script_venue_test.go:
			"background": background,
			"finish":     finish,
			"says":       says,
			"advance":    advance,
			"web":        web,
			"port":       port,
			"get":        get,
			"hold":       hold,
			"again":      again,
			"cut":        cut,
		},
	}
}

// newWitnessKey returns the cosignature key of a witness that nobody is.
func newWitnessKey() (string, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", err
	}
	signer, err := torchwood.NewCosignatureSigner("witness.example", key)
	if err != nil {
		return "", err
	}
	return signer.Verifier().String(), nil
}

// exits CODE COMMAND... runs a command and demands its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// object [NAME VALUE]... demands that the last output was one JSON object, and
// that it has fields of these names and values. A dot goes into an object.
func object(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile("stdout")
	d := json.NewDecoder(strings.NewReader(text))
	var o map[string]any
	ts.Check(d.Decode(&o))
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("something follows the object: %v", err)
	}
	for i := 0; i+1 < len(args); i += 2 {
		got := field(o, strings.Split(args[i], "."))
		if shown, _ := json.Marshal(got); (string(shown) == args[i+1] || got == args[i+1]) == neg {
			ts.Fatalf("%s is %s, want %s", args[i], shown, args[i+1])
		}
	}
}

func field(v any, path []string) any {
	for _, name := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// servers are the servers of the scripts that run, by script.
var servers sync.Map

// scriptServer is a registry that a script serves.
type scriptServer struct {
	cancel context.CancelFunc
	exit   chan int
}

// serve ARGS... runs "zkkex registry serve" in this process, and sets URL.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithCancel(context.Background())
	address, out := io.Pipe()
	kept, err := os.CreateTemp(ts.Getenv(outputEnv), "output-serve-")
	ts.Check(err)
	env := Env{
		Stdin: strings.NewReader(""), Stdout: io.MultiWriter(out, kept), Stderr: kept,
		Getenv: ts.Getenv, ReadPassword: typed(""), Now: SystemEnv().Now,
	}
	s := &scriptServer{cancel, make(chan int, 1)}
	go func() {
		s.exit <- Main(ctx, env, append([]string{"registry", "serve", "--listen", "127.0.0.1:0"}, args...))
		out.CloseWithError(io.EOF)
	}()
	line, err := bufio.NewReader(address).ReadString('\n')
	if err != nil {
		cancel()
		said, _ := os.ReadFile(kept.Name())
		ts.Fatalf("the server did not start: %v\n%s", err, said)
	}
	ts.Setenv("URL", strings.TrimSpace(line))
	servers.Store(ts, s)
	ts.Defer(func() { stopServer(ts) })
}

// stop stops the server, and demands that it exits with 0.
func stop(ts *testscript.TestScript, _ bool, _ []string) {
	if exit := stopServer(ts); exit != 0 {
		ts.Fatalf("the server exited with %d", exit)
	}
}

func stopServer(ts *testscript.TestScript) int {
	s, ok := servers.LoadAndDelete(ts)
	if !ok {
		return 0
	}
	s.(*scriptServer).cancel()
	return <-s.(*scriptServer).exit
}

// flip FILE LINE changes a letter in the middle of a line of a file, counted
// from 1, so that base64 stays base64.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	line := []byte(lines[n-1])
	if line[len(line)/2] != 'A' {
		line[len(line)/2] = 'A'
	} else {
		line[len(line)/2] = 'B'
	}
	lines[n-1] = string(line)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "")), 0o600))
}

// mode FILE OCTAL demands a file's mode.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	want, err := strconv.ParseUint(args[1], 8, 32)
	ts.Check(err)
	if got := info.Mode().Perm(); uint64(got) != want {
		ts.Fatalf("%s has mode %04o, want %s", args[0], got, args[1])
	}
}

// word NAME N sets a variable to a word of the last output, counted from 1.
func word(ts *testscript.TestScript, _ bool, args []string) {
	words := strings.Fields(ts.ReadFile("stdout"))
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n < 1 || n > len(words) {
		ts.Fatalf("the output has %d words", len(words))
	}
	ts.Setenv(args[0], words[n-1])
}

// setenv NAME sets a variable to the last output, without the newline.
func setenv(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}
