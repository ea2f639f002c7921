package slots

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/lines"
)

// Magic is the first line of a state.
const Magic = "zkkex/v1 slots"

// Bounds on a state. A state in use has a handful of scopes.
const (
	// MaxScopes is how many scopes a state can hold at a time.
	MaxScopes = 1024
	// MaxSchedules is how many schedules' last dropped epochs a state holds.
	MaxSchedules = 1024
	// MaxStateSize bounds a state, in bytes.
	MaxStateSize = 512 << 10
)

const (
	lineGeneration = "generation"
	linePlace      = "place"
	lineKey        = "key"
	lineRange      = "range"
	lineRecovered  = "recovered"
	lineScope      = "scope"
	lineOver       = "over"
	lineSum        = "sum"
)

// none and unchecked are values of lines that have none.
const (
	none      = "none"
	unchecked = "unchecked"
)

// state is what a folder remembers.
type state struct {
	generation uint64 // of replacements, from 1 on
	place      place
	unchecked  bool // place is not compared
	key        *[32]byte
	slots      Range
	recovered  *int64 // Unix seconds
	scopes     map[zkkex.Scope]record
	over       map[zkkex.Schedule]uint64 // number of the last epoch dropped
}

// record is what is known of a scope.
type record struct {
	epoch zkkex.Epoch
	next  uint32 // the lowest slot not taken
}

func newState() *state {
	return &state{scopes: map[zkkex.Scope]record{}, over: map[zkkex.Schedule]uint64{}}
}

// encode returns the text form; see docs/spec/slots.md.
func (s *state) encode() []byte {
	b := []byte(Magic + "\n")
	b = lines.Append(b, lineGeneration, strconv.FormatUint(s.generation, 10))
	b = lines.Append(b, linePlace, s.placeValue())
	b = lines.Append(b, lineKey, s.keyValue())
	b = lines.Append(b, lineRange, fmt.Sprintf("%d %d", s.slots.First, s.slots.Count))
	b = lines.Append(b, lineRecovered, s.recoveredValue())
	for _, schedule := range slices.SortedFunc(maps.Keys(s.over), compareSchedules) {
		e := zkkex.Epoch{Schedule: schedule, Number: s.over[schedule]}
		b = lines.Append(b, lineOver, epochValue(e))
	}
	for _, scope := range slices.SortedFunc(maps.Keys(s.scopes), compareScopes) {
		r := s.scopes[scope]
		b = lines.Append(b, lineScope, fmt.Sprintf("%v %s %d", scope, epochValue(r.epoch), r.next))
	}
	sum := sha256.Sum256(b)
	return lines.Append(b, lineSum, hex.EncodeToString(sum[:]))
}

func (s *state) placeValue() string {
	if s.unchecked {
		return unchecked
	}
	return fmt.Sprintf("%d %d", s.place.inode, s.place.birth)
}

func (s *state) keyValue() string {
	if s.key == nil {
		return none
	}
	return hex.EncodeToString(s.key[:])
}

func (s *state) recoveredValue() string {
	if s.recovered == nil {
		return none
	}
	return strconv.FormatInt(*s.recovered, 10)
}

// parseState decodes a state, strictly: it accepts exactly what encode writes.
func parseState(text []byte) (*state, error) {
	if len(text) > MaxStateSize {
		return nil, malformed("expected at most %d bytes, got more", MaxStateSize)
	}
	s, err := parseLines(text)
	if err != nil {
		return nil, malformed("%w", err)
	}
	if !bytes.Equal(s.encode(), text) {
		return nil, malformed("the checksum does not match, or it is not in the one accepted form")
	}
	return s, nil
}

func parseLines(text []byte) (*state, error) {
	rest, err := lines.CutFirst(text, Magic)
	if err != nil {
		return nil, err
	}
	values, rest, err := lines.Cut(rest, lineGeneration, linePlace, lineKey, lineRange, lineRecovered)
	if err != nil {
		return nil, err
	}
	s := newState()
	if err := s.parseHeader(values); err != nil {
		return nil, err
	}
	for line := range bytes.Lines(rest) {
		name, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), ": ")
		switch name {
		case lineOver:
			err = s.parseOver(value)
		case lineScope:
			err = s.parseScope(value)
		case lineSum: // compared by parseState, with all the rest
		default:
			err = fmt.Errorf("unexpected line %.16q", name)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *state) parseHeader(values []string) error {
	if _, err := fmt.Sscanf(values[0], "%d", &s.generation); err != nil {
		return fmt.Errorf("%s: %w", lineGeneration, err)
	}
	s.unchecked = values[1] == unchecked
	if !s.unchecked {
		if _, err := fmt.Sscanf(values[1], "%d %d", &s.place.inode, &s.place.birth); err != nil {
			return fmt.Errorf("%s: %w", linePlace, err)
		}
	}
	if values[2] != none {
		key, err := zkkex.ParseHex(values[2])
		if err != nil {
			return fmt.Errorf("%s: %w", lineKey, err)
		}
		s.key = &key
	}
	if _, err := fmt.Sscanf(values[3], "%d %d", &s.slots.First, &s.slots.Count); err != nil {
		return fmt.Errorf("%s: %w", lineRange, err)
	}
	if values[4] == none {
		return nil
	}
	at, err := strconv.ParseInt(values[4], 10, 64)
	if err != nil {
		return fmt.Errorf("%s: %w", lineRecovered, err)
	}
	s.recovered = &at
	return nil
}

func (s *state) parseOver(value string) error {
	var e zkkex.Epoch
	if _, err := fmt.Sscanf(value, "%d %d %d", &e.Origin, &e.Length, &e.Number); err != nil {
		return fmt.Errorf("%s: %w", lineOver, err)
	}
	if len(s.over) == MaxSchedules {
		return fmt.Errorf("more than %d schedules", MaxSchedules)
	}
	s.over[e.Schedule] = e.Number
	return checkEpoch(e)
}

func (s *state) parseScope(value string) error {
	digits, numbers, _ := strings.Cut(value, " ")
	scope, err := zkkex.ParseHex(digits)
	if err != nil {
		return fmt.Errorf("%s: %w", lineScope, err)
	}
	var r record
	if _, err := fmt.Sscanf(numbers, "%d %d %d %d", &r.epoch.Origin, &r.epoch.Length, &r.epoch.Number, &r.next); err != nil {
		return fmt.Errorf("%s: %w", lineScope, err)
	}
	if len(s.scopes) == MaxScopes {
		return fmt.Errorf("more than %d scopes", MaxScopes)
	}
	s.scopes[scope] = r
	return checkEpoch(r.epoch)
}

func checkEpoch(e zkkex.Epoch) error {
	if _, err := e.Start(); err != nil {
		return err
	}
	_, err := e.End()
	return err
}

func epochValue(e zkkex.Epoch) string {
	return fmt.Sprintf("%d %d %d", e.Origin, e.Length, e.Number)
}

func compareScopes(a, b zkkex.Scope) int { return bytes.Compare(a[:], b[:]) }

func compareSchedules(a, b zkkex.Schedule) int {
	return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Length, b.Length))
}

func malformed(msg string, args ...any) error {
	return &zkkex.ParseError{Format: "slot state", Err: fmt.Errorf(msg, args...)}
}
