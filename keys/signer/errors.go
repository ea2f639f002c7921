package signer

import (
	"errors"
	"fmt"
	"strings"
)

// Why a key was not opened, or did not sign. Nothing is lost with any of them: the call
// can be repeated once the reason is gone.
var (
	// ErrNoDevice reports a device, agent, wallet or module that is not there.
	ErrNoDevice = errors.New("no such device")
	// ErrNoKey reports a device that is there without the key. A [KeysError] lists what
	// it has.
	ErrNoKey = errors.New("no such key")
	// ErrAmbiguous reports a URI that fits several keys. A [KeysError] lists them.
	ErrAmbiguous = errors.New("several keys fit")
	// ErrPIN reports a PIN, password or passphrase that is wrong or missing. It was
	// tried once.
	ErrPIN = errors.New("wrong or missing PIN")
	// ErrPINLocked reports a device that takes no PIN any more, or so few that it was
	// not asked.
	ErrPINLocked = errors.New("the PIN is locked")
	// ErrRefused reports a person or an agent that said no.
	ErrRefused = errors.New("refused")
	// ErrGone reports a device that was there and is not any more.
	ErrGone = errors.New("the device is gone")
	// ErrClosed reports a signer that was closed.
	ErrClosed = errors.New("the key was closed")
	// ErrWrongCurve reports a key on a curve that is neither P-256 nor secp256k1.
	ErrWrongCurve = errors.New("wrong curve")
	// ErrUnsupportedKey reports a key that cannot sign for a registry.
	ErrUnsupportedKey = errors.New("unsupported key")
	// ErrWrongChain reports a wallet that is on another chain than its URI names.
	ErrWrongChain = errors.New("wrong chain")
	// ErrMAC reports a keystore whose MAC does not fit: the passphrase is wrong, or
	// the file was changed. Which of them cannot be told.
	ErrMAC = errors.New("wrong passphrase or damaged keystore")
	// ErrBadSignature reports a device that signed something else, or with another key.
	ErrBadSignature = errors.New("not a signature of what was asked for")
)

// KeysError says which keys there are. It matches [ErrNoKey] or [ErrAmbiguous].
type KeysError struct {
	// Err is ErrNoKey or ErrAmbiguous.
	Err error
	// Where names the device, such as `the wallet at http://127.0.0.1:8545`.
	Where string
	// Keys are the URIs of the keys that could have been meant, to choose from.
	Keys []string
}

// Error returns the reason and the keys to choose from, one a line.
func (e *KeysError) Error() string {
	if len(e.Keys) == 0 {
		return fmt.Sprintf("%v: %s has none that fits", e.Err, e.Where)
	}
	return fmt.Sprintf("%v: %s has\n  %s\nname one of them", e.Err, e.Where, strings.Join(e.Keys, "\n  "))
}

// Unwrap returns ErrNoKey or ErrAmbiguous.
func (e *KeysError) Unwrap() error { return e.Err }
