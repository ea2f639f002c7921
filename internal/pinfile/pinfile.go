// Package pinfile reads the PIN of a device from a file, for machines that start
// without a person.
package pinfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// MaxSize bounds a PIN, in bytes.
const MaxSize = 256

// ErrMode reports a file that others than its owner may read or write.
var ErrMode = errors.New("others may read or write this PIN file")

// Read returns the PIN in a file: its one line, without the line break. It returns an
// error for a file that is no regular file, that others than its owner may read or
// write, that is empty, longer than [MaxSize], of several lines, or with a NUL byte.
// The error holds nothing of the PIN.
func Read(path string) (string, error) {
	// A named pipe blocks when it is opened, so look before.
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: expected a regular file with the PIN", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return "", fmt.Errorf("%s: %w: its mode is %04o, expected 0600: run chmod 600, and consider the PIN known to them", path, ErrMode, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+3))
	if err != nil {
		return "", err
	}
	defer clear(text)
	pin := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if pin == "" || len(pin) > MaxSize || bytes.ContainsAny([]byte(pin), "\n\r\x00") {
		return "", fmt.Errorf("%s: expected one line of 1 to %d bytes, the PIN", path, MaxSize)
	}
	return pin, nil
}
