package enrolment

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
)

// DeviceRequestMagic is the first line of a device request's text form, which is
// at most [MaxRequestText] bytes.
const DeviceRequestMagic = "zkkex/v1 device request"

const deviceFormat = "device request"

const (
	lineEnvelope          = "envelope"
	lineDelegate          = "delegate"
	lineUntil             = "until"
	lineDelegateSignature = "delegate-signature"

	// nothing stands for a delegate and its signature where there is none.
	nothing = "none"
	// latestUntil is the last second of the year 9999.
	latestUntil = 253402300799
)

// MarshalText returns the text form: the line [DeviceRequestMagic] and eleven named
// lines. It never fails; the error is there for [encoding.TextMarshaler].
func (r *DeviceRequest) MarshalText() ([]byte, error) {
	delegate, until, signature := nothing, int64(0), nothing
	if d := r.Delegation; d != nil {
		delegate, until, signature = hex.EncodeToString(d.Delegate[:]), d.Until, hex.EncodeToString(d.Signature[:])
	}
	b := []byte(DeviceRequestMagic + "\n")
	b = lines.Append(b, lineType, r.KeyType.String())
	b = lines.Append(b, linePublicKey, hex.EncodeToString(r.PublicKey))
	b = lines.Append(b, lineEnvelope, r.Envelope.String())
	b = lines.Append(b, lineNullifierHash, hex.EncodeToString(r.NullifierKeyHash[:]))
	b = lines.Append(b, lineDelegate, delegate)
	b = lines.Append(b, lineUntil, strconv.FormatInt(until, 10))
	b = lines.Append(b, lineRegistry, r.Challenge.Registry.String())
	b = lines.Append(b, lineNonce, hex.EncodeToString(r.Challenge.Nonce[:]))
	b = lines.Append(b, lineExpiry, strconv.FormatInt(r.Challenge.Expiry, 10))
	b = lines.Append(b, lineSignature, hex.EncodeToString(r.Signature[:]))
	return lines.Append(b, lineDelegateSignature, signature), nil
}

// ParseDeviceRequest decodes the text form, strictly: it accepts exactly what
// [DeviceRequest.MarshalText] writes for the key type of a device. It decides
// nothing; that is for [DeviceRequest.Verify]. It returns an error wrapping
// [zkkex.ErrMalformed], or [zkkex.ErrUnsupported] for an unknown key type or
// envelope, or a key type that is not a device's.
func ParseDeviceRequest(text []byte) (*DeviceRequest, error) {
	if len(text) > MaxRequestText {
		return nil, malformed(deviceFormat, "expected at most %d bytes, got %d", MaxRequestText, len(text))
	}
	rest, err := lines.CutFirst(text, DeviceRequestMagic)
	if err != nil {
		return nil, malformed(deviceFormat, "%w", err)
	}
	values, rest, err := lines.Cut(rest, lineType, linePublicKey, lineEnvelope, lineNullifierHash, lineDelegate,
		lineUntil, lineRegistry, lineNonce, lineExpiry, lineSignature, lineDelegateSignature)
	if err != nil {
		return nil, malformed(deviceFormat, "%w", err)
	}
	if len(rest) != 0 {
		return nil, malformed(deviceFormat, "expected the end after the line %q", lineDelegateSignature)
	}
	return parseDeviceValues(values)
}

func parseDeviceValues(values []string) (r *DeviceRequest, err error) {
	r = new(DeviceRequest)
	if r.KeyType, err = zkkex.ParseKeyType(values[0]); err != nil {
		return nil, err
	}
	if err := checkDeviceType(r.KeyType); err != nil {
		return nil, err
	}
	if r.PublicKey, err = parseDigits(linePublicKey, values[1], keys.PublicSize(r.KeyType)); err != nil {
		return nil, err
	}
	if r.Envelope, err = envelope.Parse(values[2]); err != nil {
		return nil, err
	}
	if r.NullifierKeyHash, err = zkkex.ParseHex(values[3]); err != nil {
		return nil, malformed(deviceFormat, "%s: %w", lineNullifierHash, err)
	}
	if r.Delegation, err = parseDelegation(values[4], values[5], values[10]); err != nil {
		return nil, err
	}
	if r.Challenge, err = parseChallenge(deviceFormat, values[6], values[7], values[8]); err != nil {
		return nil, err
	}
	if r.Signature, err = parseSignature(deviceFormat, values[9]); err != nil {
		return nil, err
	}
	return r, nil
}

// parseDelegation decodes the three lines about a delegate, all of which say
// something, or none.
func parseDelegation(delegate, until, signature string) (*Delegation, error) {
	if delegate == nothing {
		if until != "0" || signature != nothing {
			return nil, malformed(deviceFormat, "without a delegate, expected %q and %q", lineUntil+": 0", lineDelegateSignature+": "+nothing)
		}
		return nil, nil
	}
	d := new(Delegation)
	key, err := parseDigits(lineDelegate, delegate, keys.PointSize)
	if err != nil {
		return nil, err
	}
	d.Delegate = [keys.PointSize]byte(key)
	if d.Until, err = strconv.ParseInt(until, 10, 64); err != nil || d.Until < 1 || d.Until > latestUntil || strconv.FormatInt(d.Until, 10) != until {
		return nil, malformed(deviceFormat, "%s: expected Unix seconds in decimal, 1 to %d, without leading zeros", lineUntil, int64(latestUntil))
	}
	b, err := parseDigits(lineDelegateSignature, signature, keys.SignatureSize)
	if err != nil {
		return nil, err
	}
	d.Signature = [keys.SignatureSize]byte(b)
	return d, nil
}

// parseDigits decodes lower-case hexadecimal digits of a number of bytes.
func parseDigits(line, digits string, size int) ([]byte, error) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != size || hex.EncodeToString(b) != digits {
		return nil, malformed(deviceFormat, "%s: expected %d lower-case hexadecimal digits", line, 2*size)
	}
	return b, nil
}

// Digest returns the request's identifier: a hash of the text form with zeros for the
// delegate's signature and for the sign of its key. What is left is what the device
// signed, and its signature. The delegate can sign again, and as the negative of its
// key, which has the same leaf; were that another request, who stole its key could
// have it admitted again in the place of the next.
func (r *DeviceRequest) Digest() [sha256.Size]byte {
	const signBit = 0x80
	once := *r
	if r.Delegation != nil {
		d := Delegation{Delegate: r.Delegation.Delegate, Until: r.Delegation.Until}
		d.Delegate[keys.PointSize-1] &^= signBit
		once.Delegation = &d
	}
	text, _ := once.MarshalText()
	return domain.Hash(domain.EnrolmentRequest, text)
}
