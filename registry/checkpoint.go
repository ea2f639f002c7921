package registry

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
)

// Checkpoint is a registry's state as its registrar states it. The text form
// is a C2SP tlog-checkpoint with extension lines:
//
//	registry.example/members
//	3
//	RMqbFZ1C5+OeqAiJ0vDg+nyPu22kA5MKNqOY5qQ6HBs=
//	zkkex-root 20 26675007ba22c6e24d18c58169eacac102ca987e0204a78300a4a1c9759f392e
//	zkkex-time 1795253400
//	zkkex-members babyjubjub 1
//
// Origin, sequence and log root are the checkpoint proper; then come capacity
// and member root, the time, and a line for every key type that has members,
// in the order of the types' numbers.
type Checkpoint struct {
	// Origin is the registry's name.
	Origin string
	// Sequence is the number of operations in the log, and the sequence
	// number of Root.
	Sequence uint64
	// LogRoot is the RFC 6962 tree head over those operations.
	LogRoot tlog.Hash
	// Root is the root of the member tree after them.
	Root zkkex.Root
	// CapacityBits is the base-2 logarithm of the member tree's capacity.
	CapacityBits int
	// Time is when the checkpoint was signed, in whole seconds, UTC.
	Time time.Time
	// Members is the number of live leaves of every key type that has any.
	Members map[zkkex.KeyType]uint64
}

const (
	checkpointFormat = "checkpoint"
	// maxCheckpointBody bounds the text before the signatures. Origin, numbers
	// and hashes take less than 600 bytes, and a line per key type 60.
	maxCheckpointBody = 4096
	// latestUnix is the last second of the year 9999.
	latestUnix = 253402300799

	rootLine    = "zkkex-root"
	timeLine    = "zkkex-time"
	membersLine = "zkkex-members"
)

// MarshalText returns the text that is signed. It returns an error wrapping
// [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if [ParseCheckpoint] would
// refuse the result.
func (c *Checkpoint) MarshalText() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Sequence, base64.StdEncoding.EncodeToString(c.LogRoot[:]))
	out = fmt.Appendf(out, "%s %d %v\n", rootLine, c.CapacityBits, c.Root)
	out = fmt.Appendf(out, "%s %d\n", timeLine, c.Time.Unix())
	for _, k := range slices.Sorted(maps.Keys(c.Members)) {
		out = fmt.Appendf(out, "%s %v %d\n", membersLine, k, c.Members[k])
	}
	return out, nil
}

// ParseCheckpoint decodes the text that is signed, strictly: it accepts exactly
// what [Checkpoint.MarshalText] writes. It returns an error wrapping
// [zkkex.ErrMalformed] or [zkkex.ErrUnsupported]. It checks no signature: see
// [Open].
func ParseCheckpoint(text []byte) (*Checkpoint, error) {
	if len(text) > maxCheckpointBody {
		return nil, malformed(checkpointFormat, "expected at most %d bytes, got %d", maxCheckpointBody, len(text))
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 6 || lines[len(lines)-1] != "" {
		return nil, malformed(checkpointFormat, "expected at least 5 lines, each ended by a newline: origin, size, log root, %s and %s", rootLine, timeLine)
	}
	lines = lines[:len(lines)-1]
	c := &Checkpoint{Origin: lines[0], Members: make(map[zkkex.KeyType]uint64)}
	var err error
	if c.Sequence, err = parseNumber(lines[1]); err != nil {
		return nil, malformed(checkpointFormat, "size: %w", err)
	}
	if c.LogRoot, err = tlog.ParseHash(lines[2]); err != nil {
		return nil, malformed(checkpointFormat, "log root: expected 32 bytes in base64: %w", err)
	}
	if err := c.parseRootLine(lines[3]); err != nil {
		return nil, err
	}
	if err := c.parseTimeLine(lines[4]); err != nil {
		return nil, err
	}
	for _, line := range lines[5:] {
		if err := c.parseMembersLine(line); err != nil {
			return nil, err
		}
	}
	again, err := c.MarshalText()
	if err != nil {
		return nil, err
	}
	if string(again) != string(text) {
		return nil, malformed(checkpointFormat, "not in the one accepted form, which is:\n%s", again)
	}
	return c, nil
}

func (c *Checkpoint) parseRootLine(line string) error {
	fields := strings.Split(line, " ")
	if len(fields) != 3 || fields[0] != rootLine {
		return malformed(checkpointFormat, "line 4 is %q, expected %q, capacity bits and 64 digits", line, rootLine)
	}
	bits, err := parseNumber(fields[1])
	if err != nil {
		return malformed(checkpointFormat, "capacity: %w", err)
	}
	if c.CapacityBits = int(bits); uint64(c.CapacityBits) != bits {
		return malformed(checkpointFormat, "capacity: 2^%d is out of range", bits)
	}
	digits, err := zkkex.ParseHex(fields[2])
	if err != nil {
		return malformed(checkpointFormat, "member root: %w", err)
	}
	if c.Root, err = zkkex.ParseRoot(digits[:]); err != nil {
		return malformed(checkpointFormat, "member root: %w", err)
	}
	return nil
}

func (c *Checkpoint) parseTimeLine(line string) error {
	value, found := strings.CutPrefix(line, timeLine+" ")
	if !found {
		return malformed(checkpointFormat, "line 5 is %q, expected %q and Unix seconds", line, timeLine)
	}
	seconds, err := parseNumber(value)
	if err != nil {
		return malformed(checkpointFormat, "time: %w", err)
	}
	if seconds > latestUnix {
		return malformed(checkpointFormat, "time %d, expected at most %d", seconds, latestUnix)
	}
	c.Time = time.Unix(int64(seconds), 0).UTC()
	return nil
}

func (c *Checkpoint) parseMembersLine(line string) error {
	fields := strings.Split(line, " ")
	if len(fields) != 3 || fields[0] != membersLine {
		return malformed(checkpointFormat, "line %q, expected %q, a key type and a count", line, membersLine)
	}
	keyType, err := zkkex.ParseKeyType(fields[1])
	if err != nil {
		return fmt.Errorf("checkpoint, line %q: %w", line, err)
	}
	if c.Members[keyType], err = parseNumber(fields[2]); err != nil {
		return malformed(checkpointFormat, "members: %w", err)
	}
	return nil
}

func (c *Checkpoint) check() error {
	if err := CheckName(c.Origin); err != nil {
		return malformed(checkpointFormat, "origin: %w", err)
	}
	if c.Sequence > 1<<63-1 {
		return malformed(checkpointFormat, "size %d, expected below 2^63", c.Sequence)
	}
	if err := checkCapacity(c.CapacityBits); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if _, err := zkkex.ParseRoot(c.Root[:]); err != nil {
		return malformed(checkpointFormat, "member root: %w", err)
	}
	if s := c.Time.Unix(); s < 0 || s > latestUnix {
		return malformed(checkpointFormat, "time %d, expected 0 to %d", s, latestUnix)
	}
	return c.checkMembers()
}

func (c *Checkpoint) checkMembers() error {
	var live uint64
	for k, n := range c.Members {
		if !k.Known() {
			return fmt.Errorf("%w: key type %v in a checkpoint, expected one of %v", zkkex.ErrUnsupported, k, zkkex.KeyTypes())
		}
		if n == 0 {
			return malformed(checkpointFormat, "a line for %v, which has no members", k)
		}
		if n > c.Sequence-live {
			return malformed(checkpointFormat, "more members than the %d operations could admit", c.Sequence)
		}
		live += n
	}
	return nil
}

// sameState reports whether two checkpoints state the same, but for the time.
func (c *Checkpoint) sameState(d *Checkpoint) bool {
	return c.Origin == d.Origin && c.Sequence == d.Sequence && c.LogRoot == d.LogRoot &&
		c.Root == d.Root && c.CapacityBits == d.CapacityBits && maps.Equal(c.Members, d.Members)
}

// parseNumber decodes a decimal number in its one form, without sign and
// leading zeros.
func parseNumber(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("expected a decimal number, got %q", s)
	}
	if strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("expected the number without sign or leading zeros, got %q", s)
	}
	return n, nil
}
