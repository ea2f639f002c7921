package member

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/order"
)

const (
	// orderSecretName is the file with the order secret.
	orderSecretName = "order-secret"
	// First lines of the file.
	orderSecretMagic            = "zkkex/v1 order secret\n\n"
	unencryptedOrderSecretMagic = "zkkex/v1 unencrypted order secret\n\n"
	// maxOrderSecret bounds the file, in bytes.
	maxOrderSecret = 4096
)

// OrderSecret returns the secret that the member's order IDs and keys come from. It
// is drawn when it is first asked for, independently of the key, and kept in a file
// of its own, encrypted under the key's passphrase if the key is. The file does not
// change, and is no part of [Member.Backup]: a copy of it is the backup, and without
// one, orders of a state directory that is lost can be cancelled by nobody.
//
// It is wiped by [Member.Close]. It returns an error wrapping
// [keys.ErrPassphrase], [keys.ErrFileMode] or [zkkex.ErrMalformed].
func (m *Member) OrderSecret() (*order.Secret, error) {
	m.mu.Lock()
	s := m.orders
	m.mu.Unlock()
	if s != nil {
		return s, nil
	}
	// A passphrase that was mistyped here would be asked for in vain ever after:
	// take the one that opens the key.
	if _, err := m.open(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	passphrase := m.passphrase
	m.mu.Unlock()
	err := m.locked(func() (err error) {
		s, err = readOrderSecret(m.dir, passphrase)
		if errors.Is(err, fs.ErrNotExist) {
			s, err = m.createOrderSecret(passphrase)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the order secret: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.orders == nil {
		m.orders = s
	}
	return m.orders, nil
}

func (m *Member) createOrderSecret(passphrase func() (string, error)) (*order.Secret, error) {
	s := order.NewSecret()
	raw := s.Reveal()
	line := append([]byte(hex.EncodeToString(raw[:])), '\n')
	defer clear(line)
	clear(raw[:])
	text := append([]byte(unencryptedOrderSecretMagic), line...)
	defer clear(text)
	if m.Encrypted() {
		p, err := passphrase()
		if err != nil {
			return nil, err
		}
		sealed, err := keys.Seal(line, p)
		if err != nil {
			return nil, err
		}
		text = append([]byte(orderSecretMagic), sealed...)
	}
	return s, atomicfile.Create(filepath.Join(m.dir, orderSecretName), text, 0o600)
}

// readOrderSecret reads the file. It is strict: it accepts what createOrderSecret
// writes.
func readOrderSecret(dir string, passphrase func() (string, error)) (*order.Secret, error) {
	path := filepath.Join(dir, orderSecretName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o, expected 0600", keys.ErrFileMode, path, mode)
	}
	text, err := readBounded(path, maxOrderSecret)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	s, err := parseOrderSecret(text, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parseOrderSecret(text []byte, passphrase func() (string, error)) (*order.Secret, error) {
	if len(text) > maxOrderSecret {
		return nil, badOrderSecret("expected at most %d bytes", maxOrderSecret)
	}
	line, ok := bytes.CutPrefix(text, []byte(unencryptedOrderSecretMagic))
	if !ok {
		sealed, ok := bytes.CutPrefix(text, []byte(orderSecretMagic))
		if !ok {
			return nil, badOrderSecret("expected the first line %q or %q, and an empty one", orderSecretMagic, unencryptedOrderSecretMagic)
		}
		p, err := passphrase()
		if err != nil {
			return nil, err
		}
		if line, err = keys.Unseal(sealed, p); err != nil {
			return nil, err
		}
		defer clear(line)
	}
	var raw [order.SecretSize]byte
	defer clear(raw[:])
	if len(line) != 2*len(raw)+1 || line[2*len(raw)] != '\n' {
		return nil, badOrderSecret("expected a line of 64 hexadecimal digits")
	}
	if _, err := hex.Decode(raw[:], line[:2*len(raw)]); err != nil || bytes.ContainsAny(line, "ABCDEF") {
		return nil, badOrderSecret("expected lower-case hexadecimal digits")
	}
	return order.ParseSecret(raw)
}

func badOrderSecret(text string, args ...any) error {
	return &zkkex.ParseError{Format: "order secret", Err: fmt.Errorf(text, args...)}
}
