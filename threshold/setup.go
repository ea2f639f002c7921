package threshold

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/threshold/frost"
)

// Limits of a setup.
const (
	// MaxRequesters bounds the number of requesters.
	MaxRequesters = 16
	// MaxName bounds a name, in bytes.
	MaxName = 32
	// MaxSetup bounds a setup's text, in bytes.
	MaxSetup = 16 << 10
)

const setupFirst = "zkkex/v1 threshold setup"

// Member is a participant or a requester: a name, and the key that signs its
// messages.
type Member struct {
	// Name is for people: 1 to 32 of a-z, 0-9, hyphen and dot.
	Name string
	// Key is a long-term Ed25519 key.
	Key ed25519.PublicKey
}

// Setup says who is in a group. All its members have the same text, and compare its
// [Setup.Digest] by other means than those that brought it. Participants are
// identified by their place in it, for good.
type Setup struct {
	// Threshold is how many participants sign.
	Threshold int
	// Participants hold a share each, in the order of their identifiers, from 1.
	Participants []Member
	// Requesters may ask for signatures, as participants may, and hold no share.
	Requesters []Member
}

// String returns the member's line: name, space, key in hexadecimal digits.
func (m Member) String() string { return m.Name + " " + hex.EncodeToString(m.Key) }

// ParseMember reads the line that [Member.String] returns. It returns an error
// wrapping [zkkex.ErrMalformed] for any other.
func ParseMember(line string) (Member, error) {
	const format = "threshold member"
	name, key, _ := strings.Cut(line, " ")
	if err := checkName(name); err != nil {
		return Member{}, malformed(format, "%w", err)
	}
	b, err := parseHex(key, ed25519.PublicKeySize)
	if err != nil {
		return Member{}, malformed(format, "key of %s: %w", name, err)
	}
	return Member{Name: name, Key: b}, nil
}

func checkName(name string) error {
	if len(name) < 1 || len(name) > MaxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return fmt.Errorf("expected a name of 1 to %d of a-z, 0-9, hyphen and dot, got %.40q", MaxName, name)
	}
	return nil
}

// parseHex decodes exactly so many bytes, lower-case.
func parseHex(text string, size int) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != size || hex.EncodeToString(b) != text {
		return nil, fmt.Errorf("expected %d lower-case hexadecimal digits", 2*size)
	}
	return b, nil
}

// Check returns an error if there can be no such group, or two of its members share
// a name or a key.
func (s *Setup) Check() error {
	if err := frost.CheckSize(s.Threshold, len(s.Participants)); err != nil {
		return err
	}
	if len(s.Requesters) > MaxRequesters {
		return fmt.Errorf("expected at most %d requesters, got %d", MaxRequesters, len(s.Requesters))
	}
	names, keys := make(map[string]bool), make(map[string]bool)
	for _, m := range s.members() {
		if err := checkName(m.Name); err != nil {
			return err
		}
		if len(m.Key) != ed25519.PublicKeySize {
			return fmt.Errorf("the key of %s has %d bytes, expected %d", m.Name, len(m.Key), ed25519.PublicKeySize)
		}
		if names[m.Name] || keys[string(m.Key)] {
			return fmt.Errorf("%s or its key stands there twice", m.Name)
		}
		names[m.Name], keys[string(m.Key)] = true, true
	}
	return nil
}

func (s *Setup) members() []Member {
	return append(append([]Member(nil), s.Participants...), s.Requesters...)
}

// Encode returns the setup's text, as docs/spec/threshold.md has it.
func (s *Setup) Encode() []byte {
	text := []byte(setupFirst + "\n")
	text = lines.Append(text, "threshold", strconv.Itoa(s.Threshold))
	text = lines.Append(text, "participants", strconv.Itoa(len(s.Participants)))
	text = lines.Append(text, "requesters", strconv.Itoa(len(s.Requesters)))
	for _, m := range s.Participants {
		text = lines.Append(text, "participant", m.String())
	}
	for _, m := range s.Requesters {
		text = lines.Append(text, "requester", m.String())
	}
	return text
}

// ParseSetup reads a setup's text. It returns an error wrapping [zkkex.ErrMalformed]
// unless it is exactly what [Setup.Encode] writes of a setup that passes
// [Setup.Check].
func ParseSetup(text []byte) (*Setup, error) {
	const format = "threshold setup"
	s, err := readSetup(text)
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	if err := s.Check(); err != nil {
		return nil, malformed(format, "%w", err)
	}
	if !bytes.Equal(s.Encode(), text) {
		return nil, malformed(format, "expected numbers without signs or leading zeros")
	}
	return s, nil
}

func readSetup(text []byte) (*Setup, error) {
	if len(text) > MaxSetup {
		return nil, fmt.Errorf("expected at most %d bytes, got %d", MaxSetup, len(text))
	}
	rest, err := lines.CutFirst(text, setupFirst)
	if err != nil {
		return nil, err
	}
	values, rest, err := lines.Cut(rest, "threshold", "participants", "requesters")
	if err != nil {
		return nil, err
	}
	var numbers [3]int
	for i, most := range []int{frost.MaxParticipants, frost.MaxParticipants, MaxRequesters} {
		if numbers[i], err = parseNumber(values[i], most); err != nil {
			return nil, err
		}
	}
	s := &Setup{Threshold: numbers[0]}
	if s.Participants, rest, err = readMembers(rest, "participant", numbers[1]); err != nil {
		return nil, err
	}
	if s.Requesters, rest, err = readMembers(rest, "requester", numbers[2]); err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow", len(rest))
	}
	return s, nil
}

func parseNumber(text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("expected a number of at most %d, got %.20q", most, text)
	}
	return n, nil
}

func readMembers(text []byte, role string, count int) (members []Member, rest []byte, err error) {
	for range count {
		var values []string
		if values, text, err = lines.Cut(text, role); err != nil {
			return nil, nil, err
		}
		m, err := ParseMember(values[0])
		if err != nil {
			return nil, nil, err
		}
		members = append(members, m)
	}
	return members, text, nil
}

// Digest identifies the setup, for members to compare.
func (s *Setup) Digest() [32]byte { return domain.Hash(domain.ThresholdSetup, s.Encode()) }
