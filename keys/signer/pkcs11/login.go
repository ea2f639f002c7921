package pkcs11

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/internal/pinfile"
	"github.com/zkkex/zkkex/keys/signer"
)

// pin is a token's PIN, and whether it may be asked for.
type pin struct {
	value  []byte // wiped when the key is closed, or when the token refuses it
	source string // path of a file, or ""
	asked  bool   // a person or the file was asked: never again
	o      *signer.Options
}

// errAskedOnce is why a PIN is not asked for again.
var errAskedOnce = fmt.Errorf("%w: the token wants its PIN again; open the key again", signer.ErrPIN)

// get returns the PIN, for a token as it is now. What is not typed by a person just now
// is withheld from a token that has seen a wrong PIN: a program that is started again
// and again must not lock it.
func (p *pin) get(ctx context.Context, t tokenInfo) (string, error) {
	typed := p.value == nil && p.source == "" && !p.o.Unattended
	switch {
	case t.flags&flagPINLocked != 0:
		return "", fmt.Errorf("%s: %w", t.name(), rvPINLocked)
	case typed:
	case t.flags&flagPINFinalTry != 0:
		return "", fmt.Errorf("%w: %s has one try left, and gets no PIN without a person: log in by hand once, as with pkcs11-tool --login", signer.ErrPINLocked, t.name())
	case t.flags&flagPINCountLow != 0:
		return "", fmt.Errorf("%w: %s was given a wrong PIN, and gets none without a person: log in by hand once, as with pkcs11-tool --login", signer.ErrPINLocked, t.name())
	}
	if p.value != nil {
		return string(p.value), nil
	}
	if p.asked {
		return "", errAskedOnce
	}
	p.asked = true
	value, err := p.ask(t)
	if err != nil {
		return "", err
	}
	p.value = []byte(value)
	return value, ctx.Err() // nobody waits any more: use it for nothing
}

func (p *pin) ask(t tokenInfo) (string, error) {
	if p.source == "" {
		return p.o.AskPIN("the PIN of " + t.name() + warning(t))
	}
	value, err := pinfile.Read(p.source)
	if err != nil {
		return "", fmt.Errorf("%w: %w", signer.ErrPIN, err)
	}
	return value, nil
}

// warning says what a person must know before they type.
func warning(t tokenInfo) string {
	switch {
	case t.flags&flagPINFinalTry != 0:
		return " (the last try: a wrong PIN locks it)"
	case t.flags&flagPINCountLow != 0:
		return " (a wrong PIN was given before)"
	default:
		return ""
	}
}

// forget wipes the PIN.
func (p *pin) forget() {
	clear(p.value)
	p.value = nil
}

// login logs in at the session's token, unless the process is logged in already: the
// login belongs to the process. With again, nobody is asked.
func (k *key) login(ctx context.Context, session uint, t tokenInfo, again bool) error {
	if t.flags&flagLoginRequired == 0 {
		return nil
	}
	if in, err := k.module.loggedIn(session); err != nil || in {
		return err
	}
	k.pin.asked = k.pin.asked || again
	return k.authenticate(ctx, session, userRegular, t)
}

// authenticate gives the token a PIN, once: one that it refuses is forgotten.
func (k *key) authenticate(ctx context.Context, session, user uint, t tokenInfo) error {
	var value string
	if t.flags&flagPINPad != 0 {
		if t.flags&flagPINLocked != 0 {
			return fmt.Errorf("%s: %w", t.name(), rvPINLocked)
		}
		k.options.Tell("type the PIN%s at %s", warning(t), t.name())
	} else {
		var err error
		if value, err = k.pin.get(ctx, t); err != nil {
			return err
		}
	}
	err := k.module.login(session, user, value)
	if err == nil || errors.Is(err, rvUserAlreadyLoggedIn) && user == userRegular {
		return nil
	}
	if errors.Is(err, signer.ErrPIN) || errors.Is(err, signer.ErrPINLocked) {
		k.pin.forget()
	}
	return fmt.Errorf("%s: %w", t.name(), err)
}
