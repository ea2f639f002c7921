package signer

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Options is what opening a key may need. The zero value serves keys that need nothing.
type Options struct {
	// PIN asks a person for what opens the key: a PIN, a password, a passphrase. what
	// names the key, such as `the passphrase of key.pem`. It is called at most once per
	// [Open]: a PIN that is wrong is never tried again, since devices count. An error
	// of it is returned by Open as it is. If it is nil, a key that needs a PIN gives
	// [ErrPIN].
	PIN func(what string) (string, error)
	// Unattended says that PIN answers without a person, from a file say. A device that
	// was given a wrong PIN since the last right one is then given none: a program that is
	// started again and again must not lock it.
	Unattended bool
	// Notify tells a person that something waits for them: a wallet that shows what it
	// is to sign, a token that wants to be touched. It must return at once, and may be
	// nil.
	Notify func(text string)
	// Dial, if set, makes the connections to a wallet's address: a SOCKS5 proxy's, say.
	// Otherwise the proxy of the environment is used, if there is one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// once returns a copy whose PIN asks once.
func (o Options) once() *Options {
	if o.PIN == nil {
		return &o
	}
	ask := o.PIN
	var mu sync.Mutex
	asked := false
	o.PIN = func(what string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if asked {
			return "", fmt.Errorf("%w: asked once already; open the key again", ErrPIN)
		}
		asked = true
		return ask(what)
	}
	return &o
}

// AskPIN asks for a PIN, or returns [ErrPIN] if there is nobody to ask or the answer is
// empty. It is for the packages that implement signers.
func (o *Options) AskPIN(what string) (string, error) {
	if o.PIN == nil {
		return "", fmt.Errorf("%w: %s is needed, and there is nobody to ask", ErrPIN, what)
	}
	pin, err := o.PIN(what)
	if err != nil {
		return "", err
	}
	if pin == "" {
		return "", fmt.Errorf("%w: %s is needed, and was given empty", ErrPIN, what)
	}
	return pin, nil
}

// Tell tells a person something, if there is one. It is for the packages that implement
// signers.
func (o *Options) Tell(format string, args ...any) {
	if o.Notify != nil {
		o.Notify(fmt.Sprintf(format, args...))
	}
}
