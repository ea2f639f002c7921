package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Work factors of scrypt, as base-2 logarithms of N, with r = 8 and p = 1
// (RFC 7914). Memory is 1 KiB * N.
const (
	// ScryptWorkFactor is what files are written with: about a second and
	// 256 MiB.
	ScryptWorkFactor = 18
	// MaxScryptWorkFactor is the most that a file is read with: 1 GiB. A file
	// that asks for more is refused before any work is done.
	MaxScryptWorkFactor = 20
)

// encrypt returns payload as an age file (age-encryption.org/v1) with one
// scrypt recipient.
func encrypt(payload []byte, passphrase string, workFactor int) ([]byte, error) {
	if passphrase == "" {
		return nil, ErrNoPassphrase
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return nil, fmt.Errorf("encrypting the key: %w", err)
	}
	if _, err := w.Write(payload); err != nil {
		return nil, fmt.Errorf("encrypting the key: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypting the key: %w", err)
	}
	return sealed.Bytes(), nil
}

// decrypt returns the payload of an age file that has one scrypt recipient.
func decrypt(sealed []byte, passphrase string) ([]byte, error) {
	if passphrase == "" {
		return nil, ErrNoPassphrase
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(MaxScryptWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		if slices.Equal(noMatch.StanzaTypes, []string{"scrypt"}) {
			return nil, ErrPassphrase
		}
		return nil, malformed(fileFormat, "expected it to be encrypted under a passphrase, got recipients %q", noMatch.StanzaTypes)
	}
	if err != nil {
		return nil, malformed(fileFormat, "%w", err)
	}
	payload, err := io.ReadAll(io.LimitReader(r, MaxFileSize))
	if err != nil {
		return nil, malformed(fileFormat, "%w", err)
	}
	return payload, nil
}

// appendArmor appends an age file in age's ASCII armour.
func appendArmor(b, sealed []byte) []byte {
	out := bytes.NewBuffer(b)
	w := armor.NewWriter(out)
	_, err := w.Write(sealed)
	if err := errors.Join(err, w.Close()); err != nil {
		panic("zkkex: internal error: " + err.Error()) // a buffer takes every write
	}
	return out.Bytes()
}

// parseArmor reads what appendArmor writes, and nothing else: age's own reader
// lets white space pass at both ends.
func parseArmor(text []byte) ([]byte, error) {
	sealed, err := io.ReadAll(io.LimitReader(armor.NewReader(bytes.NewReader(text)), MaxFileSize))
	if err != nil {
		return nil, malformed(fileFormat, "%w", err)
	}
	if len(sealed) == 0 || !bytes.Equal(appendArmor(nil, sealed), text) {
		return nil, malformed(fileFormat, "the encrypted part is not in age's armour, or something follows it")
	}
	return sealed, nil
}
