package tpm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/google/go-tpm/tpm2"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/pinfile"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/internal/turn"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

var scheme = signer.Scheme{
	Name:      "tpm",
	Usage:     "tpm:HANDLE?device=DEVICE, a P-256 key in a TPM 2.0 by its persistent handle",
	Example:   "tpm:0x81000001?device=/dev/tpmrm0",
	Available: true,
}

func init() {
	signer.Register(scheme, func(ctx context.Context, rest string, o *signer.Options) (signer.Signer, error) {
		return openKey(ctx, rest, o, dial)
	})
}

// silent is embedded where there are secrets.
type silent = redact.Silent

// maxAuth bounds an authorisation value: the TPM takes none that is longer than the
// digest of the key's name, and that has 32 bytes at least.
const maxAuth = 32

// maxSends bounds how often a command is sent while the TPM cannot begin with it.
const maxSends = 8

// Errors about the authorisation value.
var (
	errWrongAuth = fmt.Errorf("%w: the key's authorisation value is wrong; it was used once and will not be used again", signer.ErrPIN)
	errLocked    = fmt.Errorf("%w: the TPM is in lockout: wrong authorisation values were given too often; wait for its recovery time, or reset it (tpm2_dictionarylockout -c)", signer.ErrPINLocked)
	errLastTry   = fmt.Errorf("%w: the TPM locks itself with the next wrong authorisation value, and gets none without a person", signer.ErrPINLocked)
)

// key is a key in a TPM, and a [signer.Signer]. It connects for each signature. What may
// change is used by who has the turn.
type key struct {
	silent
	uri    *uri
	dial   func(ctx context.Context, device string) (line, error)
	turn   *turn.Turn
	object *object // since the key was opened

	auth   []byte
	typed  bool // by a person
	proven bool // the TPM took it before
	wrong  bool // the TPM refused it
}

func openKey(ctx context.Context, rest string, o *signer.Options, dial func(context.Context, string) (line, error)) (signer.Signer, error) {
	u, err := parseURI(rest)
	if err != nil {
		return nil, err
	}
	k := &key{uri: u, dial: dial, turn: turn.New()}
	if _, err := turn.Do(ctx, k.turn, func() (struct{}, error) { return struct{}{}, k.first(ctx, o) }); err != nil {
		_ = k.Close() // the error is known already
		return nil, err
	}
	return k, nil
}

// first reads the key, and asks for its authorisation value.
func (k *key) first(ctx context.Context, o *signer.Options) (err error) {
	var state lockout
	err = k.connected(ctx, func(t line) error {
		if k.object, err = readObject(t, k.uri.handle); err != nil || !k.object.guarded {
			return err
		}
		state, err = readLockout(t)
		return err
	})
	if err != nil {
		return err
	}
	if state.locked && !k.uri.noAuth {
		return errLocked
	}
	return k.ask(o, state)
}

// ask gets the authorisation value.
func (k *key) ask(o *signer.Options, state lockout) error {
	if k.uri.noAuth {
		return nil
	}
	var value string
	var err error
	if k.uri.pinSource != "" {
		if value, err = pinfile.Read(k.uri.pinSource); err != nil {
			return fmt.Errorf("%w: %w", signer.ErrPIN, err)
		}
	} else {
		warning := ""
		if state.lastTry {
			warning = " (the last try: a wrong one locks the TPM)"
		}
		if value, err = o.AskPIN("the authorisation value of " + k.Name() + warning); err != nil {
			return err
		}
		k.typed = !o.Unattended
	}
	if len(value) > maxAuth {
		return fmt.Errorf("%w: an authorisation value has at most %d bytes", signer.ErrPIN, maxAuth)
	}
	k.auth = []byte(value)
	return nil
}

// connected calls use with a connection. A TPM that cannot be reached gives
// [signer.ErrNoDevice].
func (k *key) connected(ctx context.Context, use func(line) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := k.dial(ctx, k.uri.device)
	if err != nil {
		return fmt.Errorf("%w: %w", signer.ErrNoDevice, err)
	}
	defer t.Close()
	w := &watched{line: t}
	err = use(w)
	var code tpm2.TPMRC
	var parse *zkkex.ParseError
	switch {
	case err == nil || signerError(err) || errors.As(err, &parse):
		return err
	case errors.Is(err, tpm2.TPMRCObjectMemory) || errors.Is(err, tpm2.TPMRCSessionMemory):
		return fmt.Errorf("the TPM says %w: use the device with a resource manager, %s, or have others give back what they hold (tpm2_flushcontext)", err, defaultDevice)
	case errors.As(err, &code):
		return fmt.Errorf("the TPM says %w", err)
	case ctx.Err() != nil:
		return ctx.Err()
	case w.broken != nil:
		return fmt.Errorf("%w: %s: %w", signer.ErrNoDevice, k.uri.device, w.broken)
	default:
		return malformed(err)
	}
}

// watched is a connection that keeps its first error, to tell it from what is wrong with
// a response.
type watched struct {
	line
	broken error
}

// Send sends a command, and again while the TPM says that it could not begin with it, as
// it does when it must write something down first. Nothing has been tried then.
func (w *watched) Send(command []byte) (response []byte, err error) {
	for range maxSends {
		response, err = w.line.Send(command)
		if err != nil {
			break
		}
		if len(response) < headerSize || tpm2.TPMRC(binary.BigEndian.Uint32(response[6:])) != tpm2.TPMRCRetry {
			return response, nil
		}
	}
	if err != nil && w.broken == nil && !errors.Is(err, errResponse) {
		w.broken = err
	}
	return response, err
}

// signerError reports whether an error is one of package signer's.
func signerError(err error) bool {
	for _, known := range []error{
		signer.ErrNoKey, signer.ErrPIN, signer.ErrPINLocked, signer.ErrGone, signer.ErrWrongCurve, signer.ErrUnsupportedKey, signer.ErrBadSignature,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// KeyType returns [zkkex.KeyP256].
func (k *key) KeyType() zkkex.KeyType { return zkkex.KeyP256 }

// Envelope returns [envelope.Raw]: the TPM signs a digest.
func (k *key) Envelope() envelope.Kind { return envelope.Raw }

// PublicKey returns the compressed public key.
func (k *key) PublicKey() []byte {
	b := k.object.public.Bytes()
	return b[:]
}

// Name names the key by its handle, and says what the TPM says of it.
func (k *key) Name() string {
	guarded := "guarded against guessing"
	if !k.object.guarded {
		guarded = "not guarded against guessing"
	}
	return fmt.Sprintf("TPM key 0x%08x at %s (made in the TPM, cannot leave it, %s)", k.uri.handle, k.uri.device, guarded)
}

// Sign signs a message. See [signer.Signer].
func (k *key) Sign(ctx context.Context, m *envelope.Message) (*signer.Signature, error) {
	digest, err := envelope.Raw.Digest(m)
	if err != nil {
		return nil, err
	}
	sig, err := turn.Do(ctx, k.turn, func() (*tpm2.TPMSSignatureECC, error) { return k.signDigest(ctx, digest) })
	switch {
	case errors.Is(err, turn.ErrClosed):
		return nil, signer.ErrClosed
	case errors.Is(err, signer.ErrNoDevice) || errors.Is(err, signer.ErrNoKey):
		return nil, fmt.Errorf("%w: %w", signer.ErrGone, err)
	case err != nil:
		return nil, err
	}
	r, s := sig.SignatureR.Buffer, sig.SignatureS.Buffer
	if len(r) > 32 || len(s) > 32 {
		return nil, fmt.Errorf("%w: the TPM gave r of %d and s of %d bytes, expected at most 32", signer.ErrBadSignature, len(r), len(s))
	}
	return signer.NewECDSA(k.KeyType(), envelope.Raw, k.PublicKey(), m, new(big.Int).SetBytes(r), new(big.Int).SetBytes(s))
}

func (k *key) signDigest(ctx context.Context, digest [32]byte) (sig *tpm2.TPMSSignatureECC, err error) {
	if k.wrong {
		return nil, fmt.Errorf("%w; open the key again", errWrongAuth)
	}
	err = k.connected(ctx, func(t line) error {
		// A try with a key that took the handle's place would count, too.
		if err := k.same(t); err != nil {
			return err
		}
		if err := k.mayTry(t); err != nil {
			return err
		}
		sig, err = k.command(t, digest)
		return err
	})
	return sig, err
}

// same returns nil if the key is the one that was opened.
func (k *key) same(t line) error {
	o, err := readObject(t, k.uri.handle)
	if err != nil {
		return err
	}
	if !bytes.Equal(o.name.Buffer, k.object.name.Buffer) {
		return fmt.Errorf("%w: another key has taken its handle", signer.ErrGone)
	}
	return nil
}

// mayTry returns nil if the authorisation value may be used now: it was right before, or
// wrong ones are not counted, or are not counted to the end, or a person typed it.
func (k *key) mayTry(t line) error {
	if !k.object.guarded {
		return nil
	}
	state, err := readLockout(t)
	switch {
	case err != nil:
		return err
	case state.locked:
		return errLocked
	case state.lastTry && !k.proven && !k.typed:
		return errLastTry
	}
	return nil
}

// command has the TPM sign a digest, in an HMAC session.
func (k *key) command(t line, digest [32]byte) (*tpm2.TPMSSignatureECC, error) {
	response, err := tpm2.Sign{
		KeyHandle: tpm2.AuthHandle{
			Handle: tpm2.TPMHandle(k.uri.handle), Name: k.object.name,
			Auth: tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Auth(k.auth)),
		},
		Digest:     tpm2.TPM2BDigest{Buffer: digest[:]},
		InScheme:   tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUSigScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSchemeHash{HashAlg: tpm2.TPMAlgSHA256})},
		Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck, Hierarchy: tpm2.TPMRHNull}, // the digest is ours
	}.Execute(t)
	switch {
	case errors.Is(err, tpm2.TPMRCAuthFail) || errors.Is(err, tpm2.TPMRCBadAuth):
		k.wrong = true
		k.forget()
		return nil, errWrongAuth
	case errors.Is(err, tpm2.TPMRCLockout):
		return nil, errLocked
	case err != nil:
		return nil, err
	}
	k.proven = true
	if response.Signature.SigAlg != tpm2.TPMAlgECDSA {
		return nil, fmt.Errorf("%w: the TPM gave one of algorithm %#x", signer.ErrBadSignature, uint16(response.Signature.SigAlg))
	}
	sig, err := response.Signature.Signature.ECDSA()
	if err != nil {
		return nil, malformed(err)
	}
	return sig, nil
}

// forget wipes the authorisation value.
func (k *key) forget() {
	clear(k.auth)
	k.auth = nil
}

// Close wipes the authorisation value: at once, or when the call that is under way
// returns from the TPM.
func (k *key) Close() error {
	return k.turn.Close(func() error { k.forget(); return nil })
}
