package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/internal/turn"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// silent is embedded where there are secrets.
type silent = redact.Silent

// key is a key in a token, and a [signer.Signer]. What may change is used by who has
// the turn.
type key struct {
	silent
	uri     *uri
	options *signer.Options
	turn    *turn.Turn
	module  module
	pin     *pin

	// Since the key was first opened, and never changed.
	curve    eckey.Curve
	public   eckey.PublicKey
	showName string

	// Of the session, which is 0 sessions or one.
	open    bool
	session uint
	token   tokenInfo
	slot    uint
	object  *object
}

// derivingKey is a key that may derive, and a [signer.Deriver].
type derivingKey struct{ *key }

// openKey opens the key that a URI names. load loads a module.
func openKey(ctx context.Context, rest string, o *signer.Options, load func(path string) (module, error)) (signer.Signer, error) {
	u, err := parseURI(rest, os.Getenv(moduleVariable))
	if err != nil {
		return nil, err
	}
	k := &key{uri: u, options: o, turn: turn.New(), pin: &pin{source: u.pinSource, o: o}}
	derives, err := turn.Do(ctx, k.turn, func() (bool, error) { return k.first(ctx, load) })
	if err != nil {
		_ = k.Close() // the error is known already
		return nil, err
	}
	if derives {
		return derivingKey{k}, nil
	}
	return k, nil
}

// first opens the key for the first time, and reports whether it may derive.
func (k *key) first(ctx context.Context, load func(string) (module, error)) (derives bool, err error) {
	if k.module, err = load(k.uri.module); err != nil {
		return false, err
	}
	if err := k.connect(ctx, false); err != nil {
		return false, err
	}
	mechanisms, err := k.module.mechanisms(k.slot)
	if err != nil {
		return false, err
	}
	if !contains(mechanisms, mechanismECDSA) {
		return false, fmt.Errorf("%w: %s does not sign digests (CKM_ECDSA)", signer.ErrUnsupportedKey, k.token.name())
	}
	if !k.object.kept {
		k.options.Tell("%s can be read out of the token: it is not sensitive, or extractable", k.showName)
	}
	return k.object.derives && contains(mechanisms, mechanismECDH), nil
}

func contains(list []uint, x uint) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

// connect opens a session with the key. With again, the token and the key must be the
// same as before, and nobody is asked for a PIN.
func (k *key) connect(ctx context.Context, again bool) (err error) {
	wanted := k.uri
	var public *eckey.PublicKey
	if again {
		wanted, public = k.uri.at(k.token), &k.public
	}
	slot, token, err := findToken(k.module, wanted)
	if err != nil {
		return err
	}
	if k.session, err = k.module.openSession(slot); err != nil {
		return fmt.Errorf("%s: %w", token.name(), err)
	}
	k.open, k.slot, k.token = true, slot, token
	defer func() {
		if err != nil {
			k.drop()
		}
	}()
	if err := k.login(ctx, k.session, token, again); err != nil {
		return err
	}
	o, err := findKey(k.module, k.session, k.uri, public)
	if err != nil {
		return fmt.Errorf("%s: %w", token.name(), err)
	}
	if o.alwaysAuthenticate && token.flags&flagPINPad == 0 && k.pin.value == nil {
		if _, err := k.pin.get(ctx, token); err != nil {
			return err
		}
	}
	k.object = o
	if !again {
		k.curve, k.public, k.showName = o.curve, o.public, token.name()+", "+o.name()
	}
	return nil
}

// drop ends the session.
func (k *key) drop() {
	if k.open {
		_ = k.module.closeSession(k.session) // it may be gone already
		k.open = false
	}
}

// use calls do with a session. If the token was away, it is opened again, once, and do
// is called once more. A session that saw an error is not used again: who knows what
// it still has under way.
func use[T any](ctx context.Context, k *key, do func() (T, error)) (T, error) {
	return turn.Do(ctx, k.turn, func() (none T, err error) {
		fresh := !k.open
		if fresh {
			if err := k.reconnect(ctx); err != nil {
				return none, err
			}
		}
		v, err := do()
		if gone(err) && !fresh && ctx.Err() == nil {
			k.drop()
			if err := k.reconnect(ctx); err != nil {
				return none, err
			}
			v, err = do()
		}
		if err != nil {
			k.drop()
			return none, fmt.Errorf("%s: %w", k.showName, err)
		}
		return v, nil
	})
}

func (k *key) reconnect(ctx context.Context) error {
	if err := k.connect(ctx, true); err != nil {
		return fmt.Errorf("%w: the session with the token ended, and could not be opened again: %w", signer.ErrGone, err)
	}
	return ctx.Err()
}

// KeyType returns [zkkex.KeyP256] or [zkkex.KeySecp256k1].
func (k *key) KeyType() zkkex.KeyType { return k.curve.KeyType() }

// Envelope returns [envelope.Raw]: the token signs a digest.
func (k *key) Envelope() envelope.Kind { return envelope.Raw }

// PublicKey returns the compressed public key.
func (k *key) PublicKey() []byte {
	b := k.public.Bytes()
	return b[:]
}

// Name names token and key.
func (k *key) Name() string { return k.showName }

// Sign signs a message. See [signer.Signer].
func (k *key) Sign(ctx context.Context, m *envelope.Message) (*signer.Signature, error) {
	digest, err := envelope.Raw.Digest(m)
	if err != nil {
		return nil, err
	}
	b, err := use(ctx, k, func() ([]byte, error) { return k.signDigest(ctx, digest) })
	if err != nil {
		return nil, closed(err)
	}
	if len(b) != eckey.SignatureSize {
		return nil, fmt.Errorf("%w: %s gave %d bytes, expected r and s of 32 each", signer.ErrBadSignature, k.showName, len(b))
	}
	r, s := new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])
	return signer.NewECDSA(k.KeyType(), envelope.Raw, k.PublicKey(), m, r, s)
}

func closed(err error) error {
	if errors.Is(err, turn.ErrClosed) {
		return signer.ErrClosed
	}
	return err
}

func (k *key) signDigest(ctx context.Context, digest [32]byte) ([]byte, error) {
	if err := k.module.signInit(k.session, mechanismECDSA, k.object.handle); err != nil {
		return nil, err
	}
	if k.object.alwaysAuthenticate {
		// The flags may have changed since the session was opened.
		token, err := k.module.token(k.slot)
		if err != nil {
			return nil, err
		}
		if err := k.authenticate(ctx, k.session, userContextSpecific, token); err != nil {
			return nil, err
		}
	}
	return k.module.sign(k.session, digest[:])
}

// Close ends the session and wipes the PIN: at once, or when the call that is under way
// returns from the token.
func (k *key) Close() error {
	return k.turn.Close(func() error {
		k.drop()
		k.pin.forget()
		if k.module == nil {
			return nil
		}
		return k.module.close()
	})
}
