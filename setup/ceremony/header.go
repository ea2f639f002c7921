package ceremony

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/setup/params"
)

// Limits of a header.
const (
	// MaxHeaderSize bounds a header, in bytes.
	MaxHeaderSize = 4096
	// MaxNumber is the highest number of a contribution.
	MaxNumber = 9999
	// MinBeaconSize and MaxBeaconSize bound the value of a beacon, in bytes.
	MinBeaconSize = 16
	MaxBeaconSize = 256
)

// HeaderFormat is the format of a contribution's header.
const HeaderFormat = "zkkex/v1 contribution"

// Kind says what a contribution file is.
type Kind string

// Kinds of contribution files.
const (
	// Contribution is made by somebody who drew secrets and forgot them.
	Contribution Kind = "contribution"
	// Beacon is a public value that closes a phase. It has no payload: everybody
	// computes what it does.
	Beacon Kind = "beacon"
)

// Header says what a contribution file is, and what it follows. It is what is
// signed.
type Header struct {
	// Format is [HeaderFormat].
	Format string `json:"format"`
	// Ceremony is the SHA-256 of the definition.
	Ceremony params.Digest `json:"ceremony"`
	// Circuit is the name of the circuit.
	Circuit string `json:"circuit"`
	// Phase is 1 or 2.
	Phase int `json:"phase"`
	// Number counts the files of both phases, from 1.
	Number int `json:"number"`
	// Previous is the SHA-256 of the whole file before this one, of the definition
	// for number 1.
	Previous params.Digest `json:"previous"`
	// Kind is [Contribution] or [Beacon].
	Kind Kind `json:"kind"`
	// Contributor is who made a contribution, as they call themselves.
	Contributor string `json:"contributor,omitempty"`
	// Beacon is the public value of a beacon.
	Beacon *BeaconValue `json:"beacon,omitempty"`
	// Created is a date in UTC, in whole seconds. Nobody has verified it.
	Created time.Time `json:"created"`
	// Key is the SSH key that signed the header, as in an authorized_keys file
	// without a comment, or "".
	Key string `json:"key,omitempty"`
	// Payload is the size and digest of the payload.
	Payload params.File `json:"payload"`
}

// BeaconValue is a public value.
type BeaconValue struct {
	// Source says where everybody finds the value.
	Source string `json:"source"`
	// Value is the value, 16 to 256 bytes.
	Value Hex `json:"value"`
}

// Hex is bytes that are lower-case hexadecimal digits in text.
type Hex []byte

// MarshalText returns the digits.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads the one form that MarshalText writes.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	if !bytes.Equal(hex.AppendEncode(nil, b), text) {
		return errors.New("expected lower-case hexadecimal digits")
	}
	*h = b
	return nil
}

// Who returns the contributor's name, or the source of a beacon.
func (h *Header) Who() string {
	if h.Beacon != nil {
		return h.Beacon.Source
	}
	return h.Contributor
}

const headerFormat = "contribution header"

// ParseHeader decodes a header, strictly: it accepts exactly what [Header.Bytes]
// returns. It returns an error wrapping [zkkex.ErrMalformed], or
// [zkkex.ErrUnsupported] for another format or type of key.
func ParseHeader(b []byte) (*Header, error) {
	var h Header
	if err := strictjson.Decode(b, MaxHeaderSize, &h); err != nil {
		return nil, malformed(headerFormat, "%w", err)
	}
	again, err := h.Bytes()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, malformed(headerFormat, "not in the one accepted form: fields in their order, indented by two spaces, ended by a newline")
	}
	return &h, nil
}

// Bytes returns the encoding of h, its canonical JSON. It returns an error
// wrapping [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if [ParseHeader] would
// refuse it.
func (h *Header) Bytes() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	b := strictjson.Encode(h)
	if len(b) > MaxHeaderSize {
		return nil, malformed(headerFormat, "expected at most %d bytes, got %d", MaxHeaderSize, len(b))
	}
	return b, nil
}

func (h *Header) check() error {
	if h.Format != HeaderFormat {
		return fmt.Errorf("%w: contribution of format %q, expected %q", zkkex.ErrUnsupported, h.Format, HeaderFormat)
	}
	if err := checkText(h.Circuit, MaxName); err != nil {
		return malformed(headerFormat, "circuit: %w", err)
	}
	switch {
	case h.Phase != 1 && h.Phase != 2:
		return malformed(headerFormat, "phase %d, expected 1 or 2", h.Phase)
	case h.Number < 1 || h.Number > MaxNumber:
		return malformed(headerFormat, "number %d, expected 1 to %d", h.Number, MaxNumber)
	}
	if err := checkDate(h.Created); err != nil {
		return malformed(headerFormat, "created: %w", err)
	}
	switch h.Kind {
	case Contribution:
		return h.checkContribution()
	case Beacon:
		return h.checkBeacon()
	}
	return malformed(headerFormat, "kind %q, expected %q or %q", h.Kind, Contribution, Beacon)
}

func (h *Header) checkContribution() error {
	if h.Beacon != nil {
		return malformed(headerFormat, "a contribution with a beacon, expected none")
	}
	if err := checkText(h.Contributor, MaxName); err != nil {
		return malformed(headerFormat, "contributor: %w", err)
	}
	if h.Payload.Size < 1 {
		return malformed(headerFormat, "a contribution with a payload of %d bytes, expected at least 1", h.Payload.Size)
	}
	if h.Key == "" {
		return nil
	}
	if _, err := parseKey(h.Key); err != nil {
		return err
	}
	return nil
}

func (h *Header) checkBeacon() error {
	switch {
	case h.Beacon == nil:
		return malformed(headerFormat, "a beacon without its value")
	case h.Contributor != "" || h.Key != "":
		return malformed(headerFormat, "a beacon with a contributor or key, expected none: nobody makes it")
	case h.Payload != params.Describe(nil):
		return malformed(headerFormat, "a beacon with a payload, expected none: everybody computes what it does")
	}
	if err := checkText(h.Beacon.Source, MaxSource); err != nil {
		return malformed(headerFormat, "beacon's source: %w", err)
	}
	if n := len(h.Beacon.Value); n < MinBeaconSize || n > MaxBeaconSize {
		return malformed(headerFormat, "beacon of %d bytes, expected %d to %d", n, MinBeaconSize, MaxBeaconSize)
	}
	return nil
}

// parseKey reads a key of a header.
func parseKey(text string) (ssh.PublicKey, error) {
	key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return nil, malformed(headerFormat, "key: %w", err)
	}
	if key.Type() != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("%w: key of type %s, expected %s", zkkex.ErrUnsupported, key.Type(), ssh.KeyAlgoED25519)
	}
	if len(rest) != 0 || formatKey(key) != text {
		return nil, malformed(headerFormat, "key: expected %q and the key in base64, without options or comment", ssh.KeyAlgoED25519)
	}
	return key, nil
}

// formatKey returns the form of a key in a header.
func formatKey(key ssh.PublicKey) string {
	return string(bytes.TrimSuffix(ssh.MarshalAuthorizedKey(key), []byte("\n")))
}
