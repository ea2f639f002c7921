package pinfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	for _, text := range []string{"1234", "1234\n", "1234\r\n"} {
		if pin, err := Read(write(t, text, 0o600)); err != nil || pin != "1234" {
			t.Errorf("%q: %q, %v", text, pin, err)
		}
	}
	longest := strings.Repeat("9", MaxSize)
	if pin, err := Read(write(t, longest+"\r\n", 0o400)); err != nil || pin != longest {
		t.Errorf("the longest: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "a line break": "\n", "two lines": "hunter2\nhunter3\n", "NUL": "hunter2\x00",
		"too long": "hunter2" + strings.Repeat("9", MaxSize),
	} {
		_, err := Read(write(t, text, 0o600))
		if err == nil || !strings.Contains(err.Error(), "expected one line") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the PIN", name)
		}
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o602} {
		if _, err := Read(write(t, "1234", mode)); !errors.Is(err, ErrMode) {
			t.Errorf("mode %04o: %v, want ErrMode", mode, err)
		}
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}
