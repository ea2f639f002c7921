package registry

import (
	"bytes"
	"fmt"
)

// checkpointsMagic begins a file of signed checkpoints.
const checkpointsMagic = "zkkex/v1 checkpoints"

const checkpointsFormat = "file of checkpoints"

// AppendCheckpointsHeader appends to b the beginning of a file of signed
// checkpoints: the line "zkkex/v1 checkpoints" and the registry's verifier key
// on a line.
func AppendCheckpointsHeader(b []byte, verifierKey string) []byte {
	return fmt.Appendf(b, "%s\n%s\n", checkpointsMagic, verifierKey)
}

// AppendCheckpoint appends to b one entry of a file of signed checkpoints: the
// note's length in bytes, decimal, on a line, and the note.
func AppendCheckpoint(b, signed []byte) []byte {
	return append(fmt.Appendf(b, "%d\n", len(signed)), signed...)
}

// CutCheckpointsHeader checks the beginning of a file of signed checkpoints and
// returns its verifier key and its entries. It returns an error wrapping
// [zkkex.ErrMalformed].
func CutCheckpointsHeader(b []byte) (verifierKey string, entries []byte, err error) {
	rest, found := bytes.CutPrefix(b, []byte(checkpointsMagic+"\n"))
	if !found {
		return "", nil, malformed(checkpointsFormat, "expected the first line %q", checkpointsMagic)
	}
	key, entries, found := bytes.Cut(rest, []byte("\n"))
	if !found {
		return "", nil, malformed(checkpointsFormat, "expected the registry's verifier key on the second line")
	}
	if _, err := NewVerifier(string(key)); err != nil {
		return "", nil, err
	}
	return string(key), entries, nil
}

// CutCheckpoint splits the first entry off the entries of a file of signed
// checkpoints. It returns an error wrapping [zkkex.ErrMalformed]. No signature
// is checked: see [Open].
func CutCheckpoint(entries []byte) (signed, rest []byte, err error) {
	const digits = len("32768")
	line, _, found := bytes.Cut(entries[:min(len(entries), digits+1)], []byte("\n"))
	if !found {
		return nil, nil, malformed(checkpointsFormat, "expected a length of at most %d digits on a line", digits)
	}
	n, err := parseNumber(string(line))
	if err != nil {
		return nil, nil, malformed(checkpointsFormat, "length of a checkpoint: %w", err)
	}
	rest = entries[len(line)+1:]
	if n == 0 || n > MaxCheckpoint {
		return nil, nil, malformed(checkpointsFormat, "a checkpoint of %d bytes, expected 1 to %d", n, MaxCheckpoint)
	}
	if uint64(len(rest)) < n {
		return nil, nil, malformed(checkpointsFormat, "the last checkpoint has %d bytes, expected %d", len(rest), n)
	}
	return rest[:n], rest[n:], nil
}
