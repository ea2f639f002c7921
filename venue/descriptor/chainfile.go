package descriptor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/lines"
)

const (
	chainMagic = "zkkex/v1 venue chain"
	// maxChainFile bounds a saved chain, in bytes: MaxRetained descriptors of
	// the largest size, and evidence.
	maxChainFile = (MaxRetained + 4) * MaxSigned
)

// MarshalText returns the chain as a file: the first line, the venue's
// identifier, each descriptor after a line with its length, and the evidence,
// if there is any.
func (c *Chain) MarshalText() ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	b := append([]byte(chainMagic), '\n')
	b = lines.Append(b, "venue", c.identity.ID().String())
	for _, s := range c.history {
		b = appendNote(b, "descriptor", s.note)
	}
	if c.fork != nil {
		b = lines.Append(b, "fork", string(c.fork.Rule))
		b = appendNote(b, "older", c.fork.Older)
		b = appendNote(b, "newer", c.fork.Newer)
	}
	return b, nil
}

// appendNote appends a line with a note's length in bytes, and the note.
func appendNote(b []byte, name string, signed []byte) []byte {
	return append(lines.Append(b, name, strconv.Itoa(len(signed))), signed...)
}

// cutNote reads what appendNote wrote.
func cutNote(text []byte, name string) (signed, rest []byte, err error) {
	value, rest, err := lines.Cut(text, name)
	if err != nil {
		return nil, nil, malformed(chainFormat, "%w", err)
	}
	n, err := strconv.ParseUint(value[0], 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != value[0] || n > MaxSigned || n > uint64(len(rest)) {
		return nil, nil, malformed(chainFormat, "%s of %.20q bytes, expected at most %d, and as many as follow", name, value[0], MaxSigned)
	}
	return rest[:n], rest[n:], nil
}

// ParseChain decodes what [Chain.MarshalText] wrote, for the same
// configuration. Signatures and succession are checked again; proofs of the log
// were when the descriptors were added. It returns an error wrapping
// [zkkex.ErrMalformed], [zkkex.ErrUnsupported], [ErrSignature] or [ErrFork].
func ParseChain(text []byte, config ChainConfig) (*Chain, error) {
	c, err := NewChain(config)
	if err != nil {
		return nil, err
	}
	rest, err := lines.CutFirst(text, chainMagic)
	if err != nil {
		return nil, malformed(chainFormat, "%w", err)
	}
	venue, rest, err := lines.Cut(rest, "venue")
	if err != nil {
		return nil, malformed(chainFormat, "%w", err)
	}
	if id := c.identity.ID().String(); venue[0] != id {
		return nil, malformed(chainFormat, "it is of the venue %.64q, expected %s", venue[0], id)
	}
	for bytes.HasPrefix(rest, []byte("descriptor: ")) {
		var signed []byte
		if signed, rest, err = cutNote(rest, "descriptor"); err != nil {
			return nil, err
		}
		if err := c.restore(signed); err != nil {
			return nil, fmt.Errorf("descriptor %d of the file: %w", len(c.history), err)
		}
	}
	if len(rest) == 0 {
		return c, nil
	}
	if err := c.restoreFork(rest); err != nil {
		return nil, err
	}
	return c, nil
}

// restore appends a descriptor that was checked when it was added.
func (c *Chain) restore(signed []byte) error {
	next, err := Open(signed, c.identity)
	if err != nil {
		return err
	}
	latest := c.history.latest()
	if latest != nil && next.Number != latest.Number+1 {
		return malformed(chainFormat, "number %d, expected %d", next.Number, latest.Number+1)
	}
	if len(c.history) == MaxRetained {
		return malformed(chainFormat, "more than %d descriptors", MaxRetained)
	}
	if latest != nil {
		if v := c.history.follow(next); v != nil {
			return v.fork(next)
		}
	}
	c.history = append(c.history, next)
	return nil
}

// restoreFork reads the evidence, which was checked when it was found. It is
// kept even if it could not be checked again: a chain with evidence refuses, so
// nobody gains by inventing some.
func (c *Chain) restoreFork(text []byte) error {
	rule, rest, err := lines.Cut(text, "fork")
	if err != nil {
		return malformed(chainFormat, "%w", err)
	}
	older, rest, err := cutNote(rest, "older")
	if err != nil {
		return err
	}
	newer, rest, err := cutNote(rest, "newer")
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return malformed(chainFormat, "%d bytes after the evidence, expected none", len(rest))
	}
	c.fork = &ForkError{Rule: Rule(rule[0]), Older: bytes.Clone(older), Newer: bytes.Clone(newer),
		Detail: "the venue broke the rule " + rule[0] + " before"}
	return nil
}

// SaveChain writes the chain to a file, which is replaced whole or not at all.
func SaveChain(path string, c *Chain) error {
	text, err := c.MarshalText()
	if err != nil {
		return err
	}
	return atomicfile.Write(path, text, 0o600)
}

// LoadChain reads what [SaveChain] wrote. It returns the errors of [ParseChain],
// and those of opening and reading the file: [fs.ErrNotExist] says that there is
// no chain yet.
func LoadChain(path string, config ChainConfig) (*Chain, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxChainFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(text) > maxChainFile {
		return nil, malformed(chainFormat, "%s has more than %d bytes", path, maxChainFile)
	}
	c, err := ParseChain(text, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
