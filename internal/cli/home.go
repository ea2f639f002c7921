package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/slots"
)

// homeEnv names the variable that --home defaults to.
const homeEnv = "ZKKEX_HOME"

// homeDir returns the state directory.
func (a *app) homeDir() (string, error) {
	if a.home != "" {
		return a.home, nil
	}
	if dir := a.env.Getenv(homeEnv); dir != "" {
		return dir, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", withHint(err, "name a state directory with --home")
	}
	return filepath.Join(dir, "zkkex"), nil
}

// options returns what a member's state directory is opened with.
func (a *app) options(ctx context.Context) (member.Options, error) {
	dial, err := a.dial()
	if err != nil {
		return member.Options{}, err
	}
	return member.Options{Passphrase: a.passphrase(ctx), Dial: dial, Now: a.env.Now}, nil
}

// withMember opens the state directory for a command.
func (a *app) withMember(ctx context.Context, change func(*member.Options), use func(*member.Member) (result, error)) (result, error) {
	dir, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	o, err := a.options(ctx)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(&o)
	}
	m, err := member.Open(dir, o)
	if err != nil {
		return nil, err
	}
	r, err := use(m)
	if closeErr := m.Close(); err == nil {
		err = closeErr
	}
	return r, err
}

// parseRange reads "first+count".
func parseRange(text string) (slots.Range, error) {
	if text == "" {
		return slots.Range{}, nil
	}
	first, count, found := strings.Cut(text, "+")
	f, err := strconv.ParseUint(first, 10, 32)
	if err != nil || !found {
		return slots.Range{}, rangeError(text)
	}
	if count == "" {
		return slots.Range{First: uint32(f)}, nil
	}
	n, err := strconv.ParseUint(count, 10, 32)
	if err != nil || n == 0 {
		return slots.Range{}, rangeError(text)
	}
	return slots.Range{First: uint32(f), Count: uint32(n)}, nil
}

func rangeError(text string) error {
	return usagef("--slots %q: expected first+count, such as 8+4, or first+ for all from there on", text)
}

const slotsUsage = "take slots from this range alone, `first+count`, such as 8+4: for several devices with one key"

// tooLong reports input that is longer than its format can be.
func tooLong(what string, limit int) error {
	return &zkkex.ParseError{Format: what, Err: fmt.Errorf("expected at most %d bytes, got more", limit)}
}
