package channel

import "errors"

var (
	// ErrConfig reports a configuration that is incomplete.
	ErrConfig = errors.New("configuration is not acceptable")
	// ErrBacklog reports a message that was not queued, because the peer takes
	// none of those before it. Send it again later, or give the channel up.
	ErrBacklog = errors.New("too many messages wait for the peer")
	// ErrConfirm reports a peer that has the keys, and that the configuration's
	// Confirmed refused all the same. The reason is in the chain.
	ErrConfirm = errors.New("the peer was not confirmed")
)
