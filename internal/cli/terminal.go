package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/term"
)

// ErrNoTerminal reports that a passphrase is needed and nobody can be asked.
var ErrNoTerminal = errors.New("no terminal to ask for a passphrase on")

// readPassword asks on the terminal itself, so that standard input and output
// can be pipes.
func readPassword(ctx context.Context, prompt string) (string, error) {
	in, out, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer out.Close()
	defer in.Close()
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	return readWithoutEcho(ctx, in)
}

// readWithoutEcho reads a line. When ctx ends, it turns echo on again and
// leaves the read behind: there is no way to call it off.
func readWithoutEcho(ctx context.Context, in *os.File) (string, error) {
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	type answer struct {
		line []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(int(in.Fd()))
		answered <- answer{line, err}
	}()
	select {
	case a := <-answered:
		return string(a.line), a.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(int(in.Fd()), before))
	}
}

func openTerminal() (in, out *os.File, err error) {
	inName, outName := "/dev/tty", "/dev/tty"
	if runtime.GOOS == "windows" {
		inName, outName = "CONIN$", "CONOUT$"
	}
	in, err = os.OpenFile(inName, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	out, err = os.OpenFile(outName, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%w: %w", ErrNoTerminal, err), in.Close())
	}
	return in, out, nil
}
