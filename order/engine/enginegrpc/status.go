package enginegrpc

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order/engine"
)

// toStatus tells a client of an error.
func toStatus(err error) error {
	code := codes.Internal
	switch {
	case errors.Is(err, engine.ErrForgotten):
		code = codes.OutOfRange
	case errors.Is(err, errSlow):
		code = codes.ResourceExhausted
	case errors.Is(err, zkkex.ErrMalformed):
		code = codes.InvalidArgument
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		code = codes.Unavailable
	}
	return status.Error(code, err.Error())
}

// ErrRefused means that the engine understood a call, and will not do it however
// often it is made.
var ErrRefused = errors.New("the matching engine refuses the call")

// fromStatus is what a call's error means, and whether the call may be made again.
func fromStatus(err error) (cause error, again bool) {
	text := status.Convert(err).Message()
	switch status.Code(err) {
	case codes.FailedPrecondition:
		return fmt.Errorf("%w: %w: %s", engine.ErrUnavailable, engine.ErrForgotten, text), false
	case codes.OutOfRange:
		return fmt.Errorf("%w: %s", engine.ErrForgotten, text), false
	case codes.InvalidArgument, codes.Unimplemented, codes.PermissionDenied, codes.Internal:
		return fmt.Errorf("%w: %s", ErrRefused, text), false
	}
	return fmt.Errorf("%w: %s", engine.ErrUnavailable, text), true
}
