package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/zkkex/zkkex/internal/filelock"
)

// TestFailedStepSaysWhatToDo: where a folder takes no file, the hint says why and
// what helps, and the error stays what it was.
func TestFailedStepSaysWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		cause error
		hint  string
	}{
		{filelock.ErrLocked, "somebody else works in shared"},
		{&fs.PathError{Op: "open", Path: "shared/.lock", Err: syscall.EACCES}, "copy the folder"},
		{syscall.EROFS, "copy the folder"},
		{&fs.PathError{Op: "write", Path: "shared/0001.contribution", Err: syscall.ENOSPC}, "the disk is full"},
	} {
		err := explainStep("shared", nil, fmt.Errorf("contributing: %w", tc.cause))
		if !errors.Is(err, tc.cause) {
			t.Errorf("%v is no %v", err, tc.cause)
		}
		if hint := hintOf(err); !strings.Contains(hint, tc.hint) {
			t.Errorf("%v: the hint is %q, and does not say %q", err, hint, tc.hint)
		}
	}
	other := errors.New("of another kind")
	if err := explainStep("shared", nil, other); err != other {
		t.Errorf("got %v, want it as it was", err)
	}
}
