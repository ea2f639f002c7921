package enrolment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/keys"
)

// Request asks a registrar to admit a key that its owner holds; see
// [DeviceRequest] for others. It is public.
type Request struct {
	// KeyType is the type of the identity key, [zkkex.KeyBabyJubjub].
	KeyType zkkex.KeyType
	// PublicKey is the compressed public key.
	PublicKey [keys.PointSize]byte
	// NullifierKeyHash is H(nk), a canonical field element.
	NullifierKeyHash [32]byte
	// Challenge is the registrar's challenge.
	Challenge Challenge
	// Signature is the identity key's signature of [Request.SignedMessage].
	Signature [keys.SignatureSize]byte
}

// RequestMagic is the first line of a request's text form.
const RequestMagic = "zkkex/v1 enrolment request"

// MaxRequestText bounds the text form of a request, in bytes.
const MaxRequestText = 1024

const requestFormat = "enrolment request"

const (
	lineType          = "type"
	linePublicKey     = "public-key"
	lineNullifierHash = "nullifier-key-hash"
	lineRegistry      = "registry"
	lineNonce         = "nonce"
	lineExpiry        = "expiry"
	lineSignature     = "signature"
)

// New answers a challenge with the secret's identity key. It returns an error
// if the system has no randomness to give, or one wrapping
// [zkkex.ErrMalformed] if the expiry is negative.
func New(s *keys.Secret, c Challenge) (*Request, error) {
	if c.Expiry < 0 {
		return nil, malformed(challengeFormat, "expiry %d, expected 0 or later", c.Expiry)
	}
	public := s.Public()
	r := &Request{
		KeyType:          public.KeyType(),
		PublicKey:        [keys.PointSize]byte(public.Bytes()),
		NullifierKeyHash: public.NullifierKeyHash(),
		Challenge:        c,
	}
	var err error
	if r.Signature, err = s.Sign(possession(public.Commitment(), c)); err != nil {
		return nil, fmt.Errorf("signing the enrolment request: %w", err)
	}
	return r, nil
}

// Public checks the key and the hash of the nullifier key, and returns them. It
// returns an error as [keys.ParsePublic] does.
func (r *Request) Public() (*keys.Public, error) {
	return keys.ParsePublic(r.KeyType, r.PublicKey[:], r.NullifierKeyHash)
}

// SignedMessage returns what the signature is made of,
//
//	Frame("zkkex/v1 possession", registry, leaf, nonce, expiry),
//
// with the leaf recomputed from the request, and the expiry as 8 bytes
// big-endian. It returns an error as [Request.Public] does.
func (r *Request) SignedMessage() ([]byte, error) {
	public, err := r.Public()
	if err != nil {
		return nil, err
	}
	return possession(public.Commitment(), r.Challenge), nil
}

func possession(leaf zkkex.Commitment, c Challenge) []byte {
	return domain.Frame(domain.Possession, c.Registry[:], leaf[:], c.Nonce[:], domain.Uint64(uint64(c.Expiry)))
}

// Verify decides about a request to a registry, and returns the recomputed leaf
// to admit. It checks, in this order: that the challenge is of this registry;
// that it has not expired, with [ClockSkew] allowed; that the key type is
// [zkkex.KeyBabyJubjub], and key and H(nk) are canonical, the key on the curve, in the
// prime-order subgroup and not the identity; and the signature. It returns an
// error wrapping [zkkex.ErrRejected], with reason [zkkex.WrongRegistry],
// [Expired], [BadKey] or [BadSignature], or one wrapping [zkkex.ErrUnsupported]
// for another key type.
//
// Whether the challenge was issued by the registrar is for [Challenger.Check],
// and whether the key is in the registry already, for the registry: it compares
// y coordinates, as a key and its negative have one leaf.
func (r *Request) Verify(registry zkkex.RegistryID, now time.Time) (zkkex.Commitment, error) {
	var none zkkex.Commitment
	if err := checkRegistry(r.Challenge, registry); err != nil {
		return none, err
	}
	if err := checkExpiry(r.Challenge, now); err != nil {
		return none, err
	}
	if err := checkOwnType(r.KeyType); err != nil {
		return none, err
	}
	public, err := r.Public()
	if err != nil {
		return none, rejectBecause(BadKey, err)
	}
	leaf := public.Commitment()
	if err := public.Verify(possession(leaf, r.Challenge), r.Signature); err != nil {
		return none, rejectBecause(BadSignature, err)
	}
	return leaf, nil
}

// MarshalText returns the text form: the line [RequestMagic] and seven named
// lines. It never fails; the error is there for [encoding.TextMarshaler].
func (r *Request) MarshalText() ([]byte, error) {
	b := []byte(RequestMagic + "\n")
	b = lines.Append(b, lineType, r.KeyType.String())
	b = lines.Append(b, linePublicKey, hex.EncodeToString(r.PublicKey[:]))
	b = lines.Append(b, lineNullifierHash, hex.EncodeToString(r.NullifierKeyHash[:]))
	b = lines.Append(b, lineRegistry, r.Challenge.Registry.String())
	b = lines.Append(b, lineNonce, hex.EncodeToString(r.Challenge.Nonce[:]))
	b = lines.Append(b, lineExpiry, strconv.FormatInt(r.Challenge.Expiry, 10))
	return lines.Append(b, lineSignature, hex.EncodeToString(r.Signature[:])), nil
}

// ParseRequest decodes the text form, strictly: it accepts exactly what
// [Request.MarshalText] writes. It decides nothing; that is for
// [Request.Verify]. It returns an error wrapping [zkkex.ErrMalformed], or
// [zkkex.ErrUnsupported] for an unknown key type, or one that is not for it.
func ParseRequest(text []byte) (*Request, error) {
	if len(text) > MaxRequestText {
		return nil, malformed(requestFormat, "expected at most %d bytes, got %d", MaxRequestText, len(text))
	}
	rest, err := lines.CutFirst(text, RequestMagic)
	if err != nil {
		return nil, malformed(requestFormat, "%w", err)
	}
	values, rest, err := lines.Cut(rest, lineType, linePublicKey, lineNullifierHash,
		lineRegistry, lineNonce, lineExpiry, lineSignature)
	if err != nil {
		return nil, malformed(requestFormat, "%w", err)
	}
	if len(rest) != 0 {
		return nil, malformed(requestFormat, "expected the end after the line %q", lineSignature)
	}
	return parseValues(values)
}

func parseValues(values []string) (r *Request, err error) {
	r = new(Request)
	if r.KeyType, err = zkkex.ParseKeyType(values[0]); err != nil {
		return nil, err
	}
	if err := checkOwnType(r.KeyType); err != nil {
		return nil, err
	}
	if r.PublicKey, err = zkkex.ParseHex(values[1]); err != nil {
		return nil, malformed(requestFormat, "%s: %w", linePublicKey, err)
	}
	if r.NullifierKeyHash, err = zkkex.ParseHex(values[2]); err != nil {
		return nil, malformed(requestFormat, "%s: %w", lineNullifierHash, err)
	}
	if r.Challenge, err = parseChallenge(requestFormat, values[3], values[4], values[5]); err != nil {
		return nil, err
	}
	if r.Signature, err = parseSignature(requestFormat, values[6]); err != nil {
		return nil, err
	}
	return r, nil
}

// Digest returns the request's identifier, SHA-256 over the framed tag
// "zkkex/v1 enrolment request" and the text form.
func (r *Request) Digest() [sha256.Size]byte {
	text, _ := r.MarshalText()
	return domain.Hash(domain.EnrolmentRequest, text)
}
