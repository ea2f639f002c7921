package pkcs11

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

// maxKeys bounds how many keys of a token are looked at.
const maxKeys = 256

// object is a private key in a token.
type object struct {
	handle             uint
	label, id          string
	curve              eckey.Curve
	public             eckey.PublicKey
	alwaysAuthenticate bool // wants the PIN for every signature
	derives            bool
	kept               bool // never leaves the token
}

// findKey returns the one key that fits the URI and can sign; with want not nil, the
// one with that public key. It returns an error wrapping [signer.ErrNoKey],
// [signer.ErrAmbiguous], [signer.ErrWrongCurve] or [signer.ErrUnsupportedKey].
func findKey(m module, session uint, u *uri, want *eckey.PublicKey) (*object, error) {
	handles, err := m.find(session, template(u), maxKeys)
	if err != nil {
		return nil, err
	}
	var fits []*object
	var refused []error
	for _, h := range handles {
		o, err := readObject(m, session, h)
		switch {
		case gone(err):
			return nil, err
		case err != nil:
			refused = append(refused, err)
		case want == nil || o.public == *want:
			fits = append(fits, o)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		return nil, &signer.KeysError{Err: signer.ErrAmbiguous, Where: "the token", Keys: list(u, fits)}
	case len(refused) > 0:
		return nil, errors.Join(refused...)
	default:
		return nil, noKey(m, session, u)
	}
}

func template(u *uri) []attribute {
	t := []attribute{{attrClass, uint(classPrivateKey)}, {attrKeyType, uint(keyEC)}}
	if u.object != "" {
		t = append(t, attribute{attrLabel, u.object})
	}
	if u.id != "" {
		t = append(t, attribute{attrID, u.id})
	}
	return t
}

// noKey lists the keys that the token has, instead.
func noKey(m module, session uint, u *uri) error {
	any := *u
	any.object, any.id = "", ""
	handles, err := m.find(session, template(&any), maxKeys)
	if err != nil {
		return err
	}
	var has []*object
	for _, h := range handles {
		if o, err := readObject(m, session, h); err == nil {
			has = append(has, o)
		}
	}
	return &signer.KeysError{Err: signer.ErrNoKey, Where: "the token", Keys: list(&any, has)}
}

// list names keys by their URIs, and by what tells keys of one name apart.
func list(u *uri, keys []*object) (uris []string) {
	for _, o := range keys {
		exact, point := *u, o.public.Bytes()
		exact.object, exact.id = o.label, o.id
		uris = append(uris, fmt.Sprintf("%v (%v, public key %x)", &exact, o.curve, point))
	}
	return uris
}

// readObject reads what must be known of a private key.
func readObject(m module, session, handle uint) (*object, error) {
	o := &object{handle: handle}
	for _, a := range []struct {
		kind  uint
		value *string
	}{{attrLabel, &o.label}, {attrID, &o.id}} {
		b, err := optional(m, session, handle, a.kind)
		if err != nil {
			return nil, err
		}
		*a.value = string(b)
	}
	if err := o.readFlags(m, session); err != nil {
		return nil, o.explain(err)
	}
	params, err := m.attribute(session, handle, attrECParams)
	if err != nil {
		return nil, o.explain(err)
	}
	if o.curve, err = parseCurve(params); err != nil {
		return nil, o.explain(err)
	}
	if o.public, err = o.readPublic(m, session); err != nil {
		return nil, o.explain(err)
	}
	return o, nil
}

func (o *object) explain(err error) error { return fmt.Errorf("%s: %w", o.name(), err) }

// name names the key for people.
func (o *object) name() string {
	if o.label == "" {
		return "key with id " + hex.EncodeToString([]byte(o.id))
	}
	return fmt.Sprintf("key %q", o.label)
}

func (o *object) readFlags(m module, session uint) error {
	var sign, sensitive, extractable bool
	for _, f := range []struct {
		kind uint
		set  *bool
	}{
		{attrSign, &sign}, {attrDerive, &o.derives}, {attrAlwaysAuthenticate, &o.alwaysAuthenticate},
		{attrSensitive, &sensitive}, {attrExtractable, &extractable},
	} {
		b, err := optional(m, session, o.handle, f.kind)
		if err != nil {
			return err
		}
		*f.set = len(b) == 1 && b[0] != 0
	}
	o.kept = sensitive && !extractable
	if !sign {
		return fmt.Errorf("%w: it may not sign (CKA_SIGN is not set)", signer.ErrUnsupportedKey)
	}
	return nil
}

// optional reads an attribute that an object may not have.
func optional(m module, session, handle, kind uint) ([]byte, error) {
	b, err := m.attribute(session, handle, kind)
	if errors.Is(err, rvAttributeTypeInvalid) {
		return nil, nil
	}
	return b, err
}

// readPublic reads the public key: from the private key, where some tokens have it, or
// from the public key object that has the same id, or the same label if there is no id.
func (o *object) readPublic(m module, session uint) (eckey.PublicKey, error) {
	if b, err := m.attribute(session, o.handle, attrECPoint); err == nil && len(b) > 0 {
		return parsePoint(o.curve, b)
	} else if gone(err) {
		return eckey.PublicKey{}, err
	}
	t := []attribute{{attrClass, uint(classPublicKey)}, {attrKeyType, uint(keyEC)}}
	if o.id != "" {
		t = append(t, attribute{attrID, o.id})
	} else {
		t = append(t, attribute{attrLabel, o.label})
	}
	handles, err := m.find(session, t, maxKeys)
	if err != nil {
		return eckey.PublicKey{}, err
	}
	var found eckey.PublicKey
	for _, h := range handles {
		b, err := m.attribute(session, h, attrECPoint)
		if err != nil {
			return eckey.PublicKey{}, err
		}
		p, err := parsePoint(o.curve, b)
		if err != nil {
			return eckey.PublicKey{}, err
		}
		if found != (eckey.PublicKey{}) && found != p {
			return eckey.PublicKey{}, fmt.Errorf("%w: the token has two public keys of this id, and which belongs to the private key cannot be told; remove one", signer.ErrAmbiguous)
		}
		found = p
	}
	if found == (eckey.PublicKey{}) {
		return eckey.PublicKey{}, fmt.Errorf("%w: the token has no public key object of the same id beside it; write it there, as pkcs11-tool --write-object does", signer.ErrUnsupportedKey)
	}
	return found, nil
}
