package descriptor

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/registry"
)

const (
	// MaxIdentityKeys bounds the keys of an identity, one per algorithm.
	MaxIdentityKeys = 4
	// maxIdentity bounds an identity's text, in bytes: four keys of algorithms
	// with large ones.
	maxIdentity = 16 << 10
)

// VenueID identifies a venue: a hash of all its identity keys. It is the Venue
// of [zkkex.VenueScope].
type VenueID [32]byte

// String returns the value as 64 lower-case hexadecimal digits.
func (id VenueID) String() string { return hex.EncodeToString(id[:]) }

// Identity is a venue's long-term public keys, one or more, each of another
// algorithm. All of them sign every descriptor: none can be left out, so adding
// a stronger one cannot be undone by whoever breaks a weaker one.
type Identity struct {
	name string
	keys []*identityKey
	id   VenueID
}

// identityKey is one public key. It is a [note.Verifier].
type identityKey struct {
	name      string
	hash      uint32
	algorithm Algorithm
	key       []byte
	verify    func(message, signature []byte) bool
}

var _ note.Verifier = (*identityKey)(nil)

func (k *identityKey) Name() string              { return k.name }
func (k *identityKey) KeyHash() uint32           { return k.hash }
func (k *identityKey) Verify(msg, s []byte) bool { return k.verify(msg, s) }

// String returns the key as text: name, hash and encoding, joined by "+".
func (k *identityKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.hash, base64.StdEncoding.EncodeToString(append([]byte(k.algorithm), k.key...)))
}

// ParseIdentity decodes an identity: one to [MaxIdentityKeys] verifier keys of
// one name, a line each without a newline at the end, in ascending order of
// their algorithms, the first of which is [Ed25519]. A key is the text
// "name+hash+base64" of c2sp.org/signed-note, in the one spelling its writer
// uses.
//
// It returns an error wrapping [zkkex.ErrMalformed], or [zkkex.ErrUnsupported]
// for an algorithm that this version does not know: it could not check all
// signatures.
func ParseIdentity(text string) (*Identity, error) { return parseIdentity(text, known()) }

func parseIdentity(text string, table algorithms) (*Identity, error) {
	if len(text) > maxIdentity {
		return nil, malformed(identityFormat, "expected at most %d bytes, got %d", maxIdentity, len(text))
	}
	lines := strings.Split(text, "\n")
	if len(lines) > MaxIdentityKeys {
		return nil, malformed(identityFormat, "%d keys, expected at most %d", len(lines), MaxIdentityKeys)
	}
	keys := make([]*identityKey, len(lines))
	for i, line := range lines {
		var err error
		if keys[i], err = parseKey(line, table); err != nil {
			return nil, err
		}
	}
	return newIdentity(keys)
}

func newIdentity(keys []*identityKey) (*Identity, error) {
	if len(keys) == 0 || keys[0].algorithm != Ed25519 {
		return nil, malformed(identityFormat, "expected an Ed25519 key first")
	}
	id := &Identity{name: keys[0].name, keys: keys}
	fields := make([][]byte, len(keys))
	for i, k := range keys {
		if k.name != id.name {
			return nil, malformed(identityFormat, "keys of %s and %s, expected one name", id.name, k.name)
		}
		if i > 0 && k.algorithm <= keys[i-1].algorithm {
			return nil, malformed(identityFormat, "key %d is of %v after one of %v, expected ascending algorithms, each once", i+1, k.algorithm, keys[i-1].algorithm)
		}
		if slices.ContainsFunc(keys[:i], func(o *identityKey) bool { return o.hash == k.hash }) {
			return nil, malformed(identityFormat, "two keys have the hash %08x; make another one", k.hash)
		}
		fields[i] = []byte(k.String())
	}
	id.id = domain.Hash(domain.VenueID, fields...)
	return id, nil
}

func parseKey(text string, table algorithms) (*identityKey, error) {
	name, rest, _ := strings.Cut(text, "+")
	_, key64, found := strings.Cut(rest, "+")
	if !found {
		return nil, malformed(keyFormat, "expected name+hash+key as the venue writes it")
	}
	if err := registry.CheckName(name); err != nil {
		return nil, malformed(keyFormat, "%w", err)
	}
	encoded, err := base64.StdEncoding.Strict().DecodeString(key64)
	if err != nil || len(encoded) == 0 {
		return nil, malformed(keyFormat, "expected the key in standard base64")
	}
	a, key, ok := table.cut(encoded)
	if !ok {
		return nil, fmt.Errorf("%w: venue key of %v, expected %s; a newer version may know it", zkkex.ErrUnsupported, Algorithm(encoded), table.names())
	}
	k, err := newKey(name, a, key, table)
	if err != nil {
		return nil, err
	}
	if k.String() != text {
		return nil, malformed(keyFormat, "not in the one accepted form, or its hash does not fit the key: it was mistyped, or cut; copy it again from where it came")
	}
	return k, nil
}

func newKey(name string, a Algorithm, key []byte, table algorithms) (*identityKey, error) {
	known := table[a]
	if len(key) != known.keySize {
		return nil, malformed(keyFormat, "%v key of %d bytes, expected %d", a, len(key), known.keySize)
	}
	return &identityKey{name: name, hash: keyHash(name, a, key), algorithm: a, key: key, verify: known.verifier(key)}, nil
}

// keyHash is the key id of c2sp.org/signed-note.
func keyHash(name string, a Algorithm, key []byte) uint32 {
	h := sha256.Sum256(slices.Concat([]byte(name+"\n"+string(a)), key))
	return binary.BigEndian.Uint32(h[:])
}

// Name returns the venue's name, which is the origin of its log.
func (id *Identity) Name() string { return id.name }

// ID returns the venue's identifier.
func (id *Identity) ID() VenueID { return id.id }

// String returns the text that [ParseIdentity] decodes.
func (id *Identity) String() string {
	keys := make([]string, len(id.keys))
	for i, k := range id.keys {
		keys[i] = k.String()
	}
	return strings.Join(keys, "\n")
}

// Fingerprint returns the identifier in eight groups of eight digits, for two
// people to compare by another way than the network.
func (id *Identity) Fingerprint() string {
	digits := id.id.String()
	groups := make([]string, 0, 8)
	for group := range slices.Chunk([]byte(digits), 8) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// verifiers returns the keys for opening notes.
func (id *Identity) verifiers() note.Verifiers { return note.VerifierList(id.list()...) }

// list returns the keys, in a slice of the caller's.
func (id *Identity) list() []note.Verifier {
	list := make([]note.Verifier, len(id.keys))
	for i, k := range id.keys {
		list[i] = k
	}
	return list
}
