package keys

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkkex/zkkex/internal/lines"
)

// First lines of the three files a secret is kept in.
const (
	// FileMagic begins a key file, encrypted under a passphrase.
	FileMagic = "zkkex/v1 key"
	// UnencryptedFileMagic begins a key file that anybody who reads it can use.
	UnencryptedFileMagic = "zkkex/v1 unencrypted key"
	// BackupMagic begins a backup, encrypted under a passphrase.
	BackupMagic = "zkkex/v1 key backup"
)

// MaxFileSize bounds the files, in bytes. A reader need not take in more.
const MaxFileSize = 4096

// Reasons why a file is refused.
var (
	// ErrPassphrase reports a wrong passphrase.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrNoPassphrase reports an empty passphrase, or none where one is needed.
	ErrNoPassphrase = errors.New("a passphrase is needed, and it must not be empty")
	// ErrKeyMismatch reports public lines that do not belong to the secrets
	// beside them: somebody changed the file.
	ErrKeyMismatch = errors.New("the public lines do not belong to the secret key")
	// ErrBackup reports a backup where a key file was expected.
	ErrBackup = errors.New("this is a backup, not a key file: restore it, so that slots already used are not used again")
	// ErrNotBackup reports a key file where a backup was expected.
	ErrNotBackup = errors.New("this is a key file, not a backup")
)

const (
	lineCommitment   = "commitment"
	lineCreated      = "created"
	lineSaved        = "saved"
	lineScalar       = "identity-key"
	lineNullifierKey = "nullifier-key"
)

const fileFormat = "key file"

// File is a parsed key file or backup, before it is opened: the public lines,
// and the secrets, encrypted or not. The format is docs/spec/key-file.md.
type File struct {
	magic   string
	public  Public
	created time.Time
	saved   time.Time // of backups
	sealed  []byte    // an age file; nil if unencrypted
	secret  *Secret   // of unencrypted files
}

// Public returns the public part. The commitment has been recomputed from it.
// In an encrypted file, the lines are authenticated only by [File.Open].
func (f *File) Public() *Public {
	p := f.public
	return &p
}

// Created returns when the key was made, in whole seconds.
func (f *File) Created() time.Time { return f.created }

// Encrypted reports whether a passphrase is needed to open the file.
func (f *File) Encrypted() bool { return f.sealed != nil }

// Backup reports whether the file is a backup, and when it was saved, in whole
// seconds.
func (f *File) Backup() (saved time.Time, ok bool) { return f.saved, f.magic == BackupMagic }

// Open returns the secret. It calls passphrase if, and only if, the file is
// encrypted. It returns an error wrapping [ErrPassphrase] if the passphrase is
// wrong, [ErrNoPassphrase] if it is empty, [zkkex.ErrMalformed] if the file was
// damaged or changed, among them [ErrKeyMismatch], and passphrase's own error.
func (f *File) Open(passphrase func() (string, error)) (*Secret, error) {
	if !f.Encrypted() {
		return ParseSecret(f.secret.RevealScalar(), f.secret.RevealNullifierKey())
	}
	if passphrase == nil {
		return nil, ErrNoPassphrase
	}
	p, err := passphrase()
	if err != nil {
		return nil, err
	}
	payload, err := decrypt(f.sealed, p)
	if err != nil {
		return nil, err
	}
	defer clear(payload)
	secret, found := bytes.CutPrefix(payload, append(f.header(), '\n'))
	if !found {
		return nil, malformed(fileFormat, "%w", ErrKeyMismatch)
	}
	return parseSecret(fileFormat, secret, &f.public)
}

// Encode returns the file's bytes. Those of an unencrypted file are the secret.
func (f *File) Encode() []byte {
	text := append(f.header(), '\n')
	if !f.Encrypted() {
		return appendSecret(text, f.secret)
	}
	return appendArmor(text, f.sealed)
}

// ParseFile decodes a key file, encrypted or not, or a backup. It is strict: it
// accepts exactly what [File.Encode] writes. It returns an error wrapping
// [zkkex.ErrMalformed] or [zkkex.ErrUnsupported].
func ParseFile(text []byte) (*File, error) {
	if len(text) > MaxFileSize {
		return nil, malformed(fileFormat, "expected at most %d bytes, got more", MaxFileSize)
	}
	f, body, err := cutHeader(text)
	if err != nil {
		return nil, err
	}
	if f.magic == UnencryptedFileMagic {
		f.secret, err = parseSecret(fileFormat, body, &f.public)
	} else {
		f.sealed, err = parseArmor(body)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// newFile returns the file of s without its secrets.
func newFile(magic string, s *Secret, created time.Time) (*File, error) {
	f := &File{magic: magic, public: *s.Public(), created: created.UTC().Truncate(time.Second)}
	if err := checkYear(f.created); err != nil {
		return nil, err
	}
	return f, nil
}

// payload is what gets encrypted: the public lines, so that they are
// authenticated, and the secrets.
func (f *File) payload(s *Secret) []byte { return appendSecret(append(f.header(), '\n'), s) }

func (f *File) header() []byte {
	b := f.public.appendLines([]byte(f.magic + "\n"))
	b = lines.Append(b, lineCommitment, f.public.Commitment().String())
	b = lines.Append(b, lineCreated, f.created.Format(time.RFC3339))
	if f.magic == BackupMagic {
		b = lines.Append(b, lineSaved, f.saved.Format(time.RFC3339))
	}
	return b
}

func cutHeader(text []byte) (f *File, body []byte, err error) {
	magic, rest, _ := bytes.Cut(text, []byte("\n"))
	known := []string{FileMagic, UnencryptedFileMagic, BackupMagic}
	if !slices.Contains(known, string(magic)) {
		return nil, nil, malformed(fileFormat, "expected one of the first lines %q", known)
	}
	public, rest, err := cutPublic(fileFormat, rest)
	if err != nil {
		return nil, nil, err
	}
	f = &File{magic: string(magic), public: *public}
	names := []string{lineCommitment, lineCreated}
	if f.magic == BackupMagic {
		names = append(names, lineSaved)
	}
	values, rest, err := lines.Cut(rest, names...)
	if err != nil {
		return nil, nil, malformed(fileFormat, "%w", err)
	}
	if values[0] != public.Commitment().String() {
		return nil, nil, malformed(fileFormat, "the line %q does not follow from the key: expected %v", lineCommitment, public.Commitment())
	}
	if f.created, err = parseTime(lineCreated, values[1]); err != nil {
		return nil, nil, err
	}
	if f.magic == BackupMagic {
		if f.saved, err = parseTime(lineSaved, values[2]); err != nil {
			return nil, nil, err
		}
	}
	body, found := bytes.CutPrefix(rest, []byte("\n"))
	if !found {
		return nil, nil, malformed(fileFormat, "expected an empty line after the line %q", names[len(names)-1])
	}
	return f, body, nil
}

// parseTime accepts one form of each second, in UTC.
func parseTime(name, value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil || t.UTC().Format(time.RFC3339) != value || checkYear(t) != nil {
		return time.Time{}, malformed(fileFormat, "%s: expected a time like 2026-01-31T23:59:59Z", name)
	}
	return t.UTC(), nil
}

// checkYear refuses times whose text form has no fixed width.
func checkYear(t time.Time) error {
	if y := t.Year(); y < 1970 || y > 9999 {
		return fmt.Errorf("the year %d is out of range, expected 1970 to 9999: check the clock", y)
	}
	return nil
}
