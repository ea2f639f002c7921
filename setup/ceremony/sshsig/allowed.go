package sshsig

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
)

// MaxAllowedSize bounds a file of allowed signers, in bytes.
const MaxAllowedSize = 1 << 20

const allowedFormat = "allowed_signers file"

// AllowedSigners says which keys belong to whom.
type AllowedSigners struct{ signers []allowed }

type allowed struct {
	principals []string
	key        []byte
}

// ParseAllowedSigners reads a file of allowed signers, the part of the format of
// ssh-keygen (section ALLOWED SIGNERS of its manual) that says who a key belongs
// to: lines of a comma-separated list of principals, "ssh-ed25519" and the key,
// and perhaps a comment; empty lines and lines that begin with "#". Options, such
// as cert-authority or a time of validity, patterns and other types of keys are
// refused: nothing is skipped that ssh-keygen would heed. It returns an error
// wrapping [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] that names the line.
func ParseAllowedSigners(b []byte) (*AllowedSigners, error) {
	if len(b) > MaxAllowedSize {
		return nil, &zkkex.ParseError{Format: allowedFormat, Err: fmt.Errorf("expected at most %d bytes, got %d", MaxAllowedSize, len(b))}
	}
	var a AllowedSigners
	number := 0
	for line := range strings.Lines(string(b)) {
		number++
		line = strings.Trim(line, " \t\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		one, err := parseAllowed(line)
		if err != nil {
			return nil, &zkkex.ParseError{Format: allowedFormat, Err: fmt.Errorf("line %d: %w", number, err)}
		}
		a.signers = append(a.signers, *one)
	}
	return &a, nil
}

func parseAllowed(line string) (*allowed, error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return nil, fmt.Errorf(`expected principals, "%s" and a key`, ssh.KeyAlgoED25519)
	}
	if fields[1] != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("%q after the principals, expected %q: options and other types of keys are not supported", fields[1], ssh.KeyAlgoED25519)
	}
	principals := strings.Split(fields[0], ",")
	for _, p := range principals {
		if p == "" || strings.ContainsAny(p, `"*?!`) || !printable(p) {
			return nil, fmt.Errorf("principal %q: expected a name that prints, without quotes and patterns", p)
		}
	}
	text := ssh.KeyAlgoED25519 + " " + fields[2]
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key))) != text {
		return nil, fmt.Errorf("key: not in the one accepted form")
	}
	return &allowed{principals: principals, key: key.Marshal()}, nil
}

// printable reports whether a text looks the same to everyone who reads it.
func printable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// Principals returns whom a key belongs to, in the order of the file and without
// repetitions; none if the file does not have the key.
func (a *AllowedSigners) Principals(key ssh.PublicKey) []string {
	var names []string
	for _, s := range a.signers {
		if !bytes.Equal(s.key, key.Marshal()) {
			continue
		}
		for _, p := range s.principals {
			if !slices.Contains(names, p) {
				names = append(names, p)
			}
		}
	}
	return names
}
