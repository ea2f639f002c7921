package handshake

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
)

// Reasons for which a handshake goes no further. All but the first four are for
// the local log: a stranger who sent the bytes learns nothing of them.
var (
	// ErrConfig reports a configuration, or a choice, that is not acceptable.
	// Nothing was sent.
	ErrConfig = errors.New("configuration is not acceptable")
	// ErrUnavailable reports that the venue could not decide, by no fault of the
	// peer's. It is not a no: nothing is spent, and trying again later is right.
	ErrUnavailable = errors.New("the venue cannot tell now: try again later")
	// ErrCookie reports that the responder is under load and wants its cookie
	// back: an initiator passes the answer to [Initiator.Cookie].
	ErrCookie = errors.New("the responder is under load and asks for its cookie")
	// ErrUsed reports a second use of what is good once: an initiator that has
	// finished, a channel secret that was handed over, an admission that opens no
	// channel.
	ErrUsed = errors.New("used up, or not for this kind of handshake")

	// ErrLength reports a message of a length that there is not. The error matches
	// [zkkex.ErrMalformed] as well.
	ErrLength = errors.New("wrong length")
	// ErrVersion reports a message of another version of the format. The error
	// matches [zkkex.ErrUnsupported] as well.
	ErrVersion = errors.New("unknown version")
	// ErrType reports a message that is not due, such as our own come back. The
	// error matches [zkkex.ErrMalformed] as well.
	ErrType = errors.New("wrong message type")
	// ErrSuite reports a suite that the descriptor does not offer.
	ErrSuite = errors.New("suite is not offered")
	// ErrRate reports an address that sent more first messages than it may.
	ErrRate = errors.New("too many first messages from this address")
	// ErrHalfOpen reports that as many handshakes are in progress as there may be.
	ErrHalfOpen = errors.New("too many handshakes in progress")
	// ErrReplay reports a first message whose ephemeral key was seen before.
	ErrReplay = errors.New("first message was seen before")
	// ErrMAC reports a first message of somebody who does not know the descriptor.
	ErrMAC = errors.New("outer MAC does not fit the descriptor")
	// ErrUnauthentic reports a message that the keys it was sealed with do not
	// fit: changed, of other peers, of another transcript. It wraps the reason of
	// the Noise machine.
	ErrUnauthentic = errors.New("message is not authentic")
	// ErrPayload reports an authentic message whose inside is not canonical. The
	// error matches [zkkex.ErrMalformed] as well.
	ErrPayload = errors.New("wrong payload")
)

const (
	messageFormat = "handshake message"
	payloadFormat = "handshake payload"
)

// malformed returns an error that matches [zkkex.ErrMalformed] and reason.
func malformed(format string, reason error, text string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf("%w: "+text, append([]any{reason}, args...)...)}
}
