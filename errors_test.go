package zkkex_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/zkkex/zkkex"
)

func TestErrorClasses(t *testing.T) {
	classes := map[string]error{
		"rejected": zkkex.ErrRejected, "malformed": zkkex.ErrMalformed,
		"unsupported": zkkex.ErrUnsupported, "params": zkkex.ErrParamsMismatch,
	}
	for _, test := range []struct {
		err   error
		class string
		text  string
	}{
		{zkkex.Reject(zkkex.SlotUsed, "slot %d", 3), "rejected", "rejected: slot_used: slot 3"},
		{&zkkex.RejectError{Reason: zkkex.BadProof}, "rejected", "rejected: bad_proof"},
		{&zkkex.ParseError{Format: "key file", Err: io.ErrUnexpectedEOF}, "malformed", "malformed key file: unexpected EOF"},
	} {
		wrapped := fmt.Errorf("wrapped: %w", test.err)
		for name, class := range classes {
			if errors.Is(wrapped, class) != (name == test.class) {
				t.Errorf("%v: is %s: %v", test.err, name, errors.Is(wrapped, class))
			}
		}
		if test.err.Error() != test.text {
			t.Errorf("%q, want %q", test.err, test.text)
		}
	}
	if !errors.Is(&zkkex.ParseError{Err: io.EOF}, io.EOF) {
		t.Error("the cause of a ParseError is lost")
	}
}
