package enrolment

import (
	"errors"

	"github.com/zkkex/zkkex"
)

// rejection is a [zkkex.RejectError] that keeps its cause for [errors.Is].
type rejection struct {
	no    *zkkex.RejectError
	cause error
}

// rejectBecause returns a rejection for what package keys said. A request that
// could be read and is refused is not malformed any more, so the cause is what
// stands below the [zkkex.ParseError].
func rejectBecause(reason zkkex.Reason, err error) error {
	if parse := (*zkkex.ParseError)(nil); errors.As(err, &parse) {
		return &rejection{&zkkex.RejectError{Reason: reason, Detail: err.Error()}, parse.Err}
	}
	return &rejection{&zkkex.RejectError{Reason: reason, Detail: err.Error()}, err}
}

func (r *rejection) Error() string { return r.no.Error() }

func (r *rejection) Unwrap() []error { return []error{r.no, r.cause} }
