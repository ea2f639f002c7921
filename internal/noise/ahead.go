package noise

import "slices"

// ahead is the DH that ends a message with a KEM in it, computed while the KEM is:
// the two do not depend on one another, only the order in which they are mixed in.
type ahead struct {
	secret []byte
	err    error
	done   chan struct{}
}

// goAhead begins to compute se, as soon as the keys for it are there. Only messages
// with a KEM are worth it, and none of those that a stranger can send a responder.
func (h *HandshakeState) goAhead() {
	tokens := h.protocol.pattern.messages[h.message]
	if !slices.Contains(tokens, tokenSE) || !slices.Contains(tokens, tokenEKEM1) {
		return
	}
	private, public := h.dhKeys(tokenSE)
	a := &ahead{done: make(chan struct{})}
	h.ahead = a
	go func() {
		defer close(a.done)
		a.secret, a.err = sharedSecret(private, public)
	}()
}

// take returns the secret, which the caller clears.
func (a *ahead) take() ([]byte, error) {
	<-a.done
	return a.secret, a.err
}

// forgetAhead waits until nobody uses our keys any more, and clears what came out.
func (h *HandshakeState) forgetAhead() {
	if h.ahead == nil {
		return
	}
	secret, _ := h.ahead.take()
	clear(secret)
	h.ahead = nil
}
