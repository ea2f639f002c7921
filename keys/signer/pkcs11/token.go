package pkcs11

import (
	"errors"
	"fmt"
	"strings"

	"github.com/zkkex/zkkex/keys/signer"
)

// findToken returns the one token that fits a URI, with its slot. It returns an error
// wrapping [signer.ErrNoDevice] or [signer.ErrAmbiguous].
func findToken(m module, u *uri) (slot uint, found tokenInfo, err error) {
	slots, err := m.slots()
	if err != nil {
		return 0, tokenInfo{}, err
	}
	var fits, all []string
	for _, s := range slots {
		info, err := m.token(s)
		if errors.Is(err, signer.ErrGone) {
			continue // taken out a moment ago
		}
		if err != nil {
			return 0, tokenInfo{}, err
		}
		if info.flags&flagInitialized == 0 {
			continue
		}
		all = append(all, info.name())
		if !u.fits(info) {
			continue
		}
		slot, found = s, info
		fits = append(fits, u.at(info).String())
	}
	switch len(fits) {
	case 1:
		return slot, found, nil
	case 0:
		return 0, tokenInfo{}, noToken(all)
	default:
		return 0, tokenInfo{}, &signer.KeysError{Err: signer.ErrAmbiguous, Where: "the module " + u.module, Keys: fits}
	}
}

func noToken(all []string) error {
	if len(all) == 0 {
		return fmt.Errorf("%w: the module sees no token; put it in", signer.ErrNoDevice)
	}
	return fmt.Errorf("%w: no token fits the URI; the module sees %s", signer.ErrNoDevice, strings.Join(all, ", "))
}

// fits reports whether a token is one that the URI names.
func (u *uri) fits(t tokenInfo) bool {
	return fit(u.token, t.label) && fit(u.manufacturer, t.manufacturer) && fit(u.model, t.model) && fit(u.serial, t.serial)
}

func fit(want, is string) bool { return want == "" || want == is }

// at returns the URI with the token that it turned out to name.
func (u *uri) at(t tokenInfo) *uri {
	exact := *u
	exact.token, exact.serial = t.label, t.serial
	return &exact
}

// name names the token for people. Labels are bytes of the token's.
func (t tokenInfo) name() string {
	if t.label == "" {
		return fmt.Sprintf("token with serial %q", t.serial)
	}
	return fmt.Sprintf("token %q", t.label)
}
