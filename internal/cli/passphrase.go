package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/zkkex/zkkex/keys"
)

// maxPassphrase bounds a passphrase file, in bytes.
const maxPassphrase = 1024

// passphraseEnv names the variable that --passphrase-file defaults to.
const passphraseEnv = "ZKKEX_PASSPHRASE_FILE"

// passphrase returns the function that opens a key file: it reads the
// passphrase file, if there is one, and asks on the terminal otherwise.
func (a *app) passphrase(ctx context.Context) func() (string, error) {
	return func() (string, error) {
		a.doneWaiting() // while a person types
		passphrase, err := a.askPassphrase(ctx)
		a.progress("opening the key") // what the caller does next takes a second
		return passphrase, err
	}
}

func (a *app) askPassphrase(ctx context.Context) (string, error) {
	if name := a.passphraseName(); name != "" {
		return a.readPassphrase(name)
	}
	return a.env.ReadPassword(ctx, "Passphrase: ")
}

// newPassphrase reads the passphrase of a key file to be written. On the
// terminal it is asked for twice.
func (a *app) newPassphrase(ctx context.Context) (string, error) {
	if name := a.passphraseName(); name != "" {
		return a.readPassphrase(name)
	}
	first, err := a.env.ReadPassword(ctx, "New passphrase: ")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", keys.ErrNoPassphrase
	}
	second, err := a.env.ReadPassword(ctx, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passphrases differ; nothing was written")
	}
	return first, nil
}

func (a *app) passphraseName() string {
	if a.passphraseFile != "" {
		return a.passphraseFile
	}
	return a.env.Getenv(passphraseEnv)
}

// readPassphrase reads the first line of a passphrase file.
func (a *app) readPassphrase(name string) (string, error) {
	return a.readSecret(name, "--passphrase-file, or $"+passphraseEnv)
}

// readSecret reads the first line of a file that from named.
func (a *app) readSecret(name, from string) (string, error) {
	a.warnOpenMode(name)
	data, err := a.read(name, "passphrase file", maxPassphrase)
	if err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	defer clear(data)
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return "", keys.ErrNoPassphrase
	}
	return string(line), nil
}

// warnOpenMode warns if others can read a passphrase file.
func (a *app) warnOpenMode(name string) {
	info, err := os.Stat(name)
	if name == stdStream || err != nil || !info.Mode().IsRegular() || runtime.GOOS == "windows" {
		return
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		a.warnf("others can read the passphrase file %s, its mode is %04o: run chmod 600 on it", name, fs.FileMode(mode))
	}
}
