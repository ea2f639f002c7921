package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/order"
)

// Exit is the exit code of a command.
type Exit int

// Exit codes.
const (
	// ExitYes: done, or the answer is yes.
	ExitYes Exit = 0
	// ExitFailure: the network, a file, anything else; nothing was decided.
	ExitFailure Exit = 1
	// ExitUsage: the command line is wrong.
	ExitUsage Exit = 2
	// ExitRejected: the answer is no.
	ExitRejected Exit = 3
	// ExitMalformed: the input is not in a known format, version or circuit.
	ExitMalformed Exit = 4
	// ExitParams: parameters are not the expected ones.
	ExitParams Exit = 5
)

// exitOf returns the exit code of an error.
func exitOf(err error) Exit {
	var remote *controlError
	switch {
	case err == nil:
		return ExitYes
	case errors.As(err, &remote):
		return Exit(remote.ExitCode)
	case errors.As(err, new(*usageError)):
		return ExitUsage
	case errors.Is(err, zkkex.ErrRejected), errors.As(err, new(*order.RejectError)), errors.Is(err, errNoQuote):
		return ExitRejected
	case errors.Is(err, zkkex.ErrParamsMismatch):
		return ExitParams
	case errors.Is(err, zkkex.ErrMalformed), errors.Is(err, zkkex.ErrUnsupported):
		return ExitMalformed
	default:
		return ExitFailure
	}
}

// classCodes name what no entry of knownErrors does, the first match counts.
var classCodes = []struct {
	target error
	code   string
}{
	{zkkex.ErrParamsMismatch, "params_mismatch"},
	{zkkex.ErrUnsupported, "unsupported"},
	{zkkex.ErrMalformed, "malformed"},
	{zkkex.ErrRejected, "rejected"},
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "timeout"},
	{fs.ErrExist, "exists"},
	{fs.ErrNotExist, "not_found"},
	{fs.ErrPermission, "permission"},
}

// codeOf returns the code of an error in JSON output. A rejection's is its
// reason.
func codeOf(err error) string {
	var usage *usageError
	if errors.As(err, &usage) {
		return "usage"
	}
	var remote *controlError
	if errors.As(err, &remote) {
		return remote.Code
	}
	var no *zkkex.RejectError
	if errors.As(err, &no) {
		return string(no.Reason)
	}
	var answer *enrolclient.AnswerError
	if errors.As(err, &answer) && answer.Code != "" {
		return answer.Code
	}
	if code, _ := known(err); code != "" {
		return code
	}
	for _, c := range classCodes {
		if errors.Is(err, c.target) {
			return c.code
		}
	}
	if errors.As(err, new(net.Error)) {
		return "network"
	}
	return "error"
}

// usageError reports a command line that cannot be carried out.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

// arguments demands from least to most arguments, which are named for the error.
func arguments(least, most int, names string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("expected %s, got %d arguments", names, len(args))
		}
		return nil
	}
}

// noArguments demands that there are none.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("expected no arguments, got %.80q", args[0])
	}
	return nil
}

func usagef(msg string, args ...any) error { return &usageError{fmt.Errorf(msg, args...)} }
