package cli

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Env is everything outside of a command that it uses, beside files and the
// network.
type Env struct {
	// Stdin, Stdout and Stderr are the standard streams.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Getenv returns the value of an environment variable, or "".
	Getenv func(name string) string
	// ReadPassword shows a prompt on the terminal and reads a line without
	// echo. It returns an error wrapping [ErrNoTerminal] where there is no
	// terminal, and ctx's error when ctx ends.
	ReadPassword func(ctx context.Context, prompt string) (string, error)
	// Redraw says that Stderr is a terminal, where a line can be drawn again.
	Redraw bool
	// Now is the clock.
	Now func() time.Time
}

// SystemEnv returns the environment of this process.
func SystemEnv() Env {
	return Env{
		Stdin:        os.Stdin,
		Stdout:       os.Stdout,
		Stderr:       os.Stderr,
		Getenv:       os.Getenv,
		ReadPassword: readPassword,
		Redraw:       term.IsTerminal(int(os.Stderr.Fd())),
		Now:          time.Now,
	}
}
