package keys

import (
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

// samples returns what stands between ``` lines of a document.
func samples(t testing.TB, name string, want int) (blocks []string) {
	t.Helper()
	b, err := os.ReadFile("../docs/spec/" + name)
	mustNot(t, err)
	parts := strings.Split(string(b), "```\n")
	for i := 1; i < len(parts); i += 2 {
		blocks = append(blocks, parts[i])
	}
	if len(blocks) != want {
		t.Fatalf("%s has %d samples, want %d", name, len(blocks), want)
	}
	return blocks
}

func table(rows ...string) (text string) {
	for i := 0; i < len(rows); i += 2 {
		text += fmt.Sprintf("%-20s%s\n", rows[i], rows[i+1])
	}
	return text
}

func TestSpecLeaf(t *testing.T) {
	s := vectorSecret(t, "a")
	want := table(
		"identity key", toHex(s.RevealScalar()),
		"nullifier key", toHex(s.RevealNullifierKey()),
		"public key", toHex([PointSize]byte(s.Public().Bytes())),
		"y", toHex(s.Public().Coordinate()),
		"H(nk)", toHex(s.Public().NullifierKeyHash()),
		"leaf", s.Commitment().String(),
	)
	if got := samples(t, "leaf.md", 2)[1]; got != want {
		t.Errorf("leaf.md shows\n%s\nwant\n%s", got, want)
	}
}

// The generators of SEC 2, as keys.
func TestSpecLeafOfECDSA(t *testing.T) {
	hash := vectorSecret(t, "a").Public().NullifierKeyHash()
	var want string
	for _, sample := range []struct {
		keyType zkkex.KeyType
		key     string
	}{
		{zkkex.KeyP256, "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"},
		{zkkex.KeySecp256k1, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"},
	} {
		key, err := hex.DecodeString(sample.key)
		mustNot(t, err)
		p, err := ParsePublic(sample.keyType, key, hash)
		mustNot(t, err)
		want += fmt.Sprintf("%-12s%x\n%-12s%s\n%-12s%v\n", sample.keyType, p.Bytes(), "coordinate", toHex(p.Coordinate()), "leaf", p.Commitment())
	}
	if got := samples(t, "leaf.md", 2)[0]; got != want {
		t.Errorf("leaf.md shows\n%s\nwant\n%s", got, want)
	}
}

// A key that many types could have has a leaf of its own for each of them, and one
// with its negative.
func TestLeavesOfTypes(t *testing.T) {
	s := vectorSecret(t, "a")
	hash := s.Public().NullifierKeyHash()
	group, err := ParsePublic(zkkex.KeyEdDSA, s.Public().Bytes(), hash)
	mustNot(t, err)
	if group.Commitment() == s.Commitment() || group.Coordinate() != s.Public().Coordinate() {
		t.Error("a group's key has the leaf of a member's")
	}
	if err := group.Verify(nil, [SignatureSize]byte{}); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a group's key verified a member's signature: %v", err)
	}
	leaves, found := map[zkkex.Commitment]bool{}, 0
	for _, ecdsa := range []zkkex.KeyType{zkkex.KeyP256, zkkex.KeySecp256k1} {
		for key := range candidates() {
			if p, err := ParsePublic(ecdsa, key, hash); err == nil {
				found++
				leaves[p.Commitment()] = true
			}
		}
	}
	if found < 40 || 2*len(leaves) != found {
		t.Errorf("%d keys of two curves have %d leaves, expected half as many", found, len(leaves))
	}
}

func TestSpecNullifier(t *testing.T) {
	s := vectorSecret(t, "a")
	scope := zkkex.NamedScope{Name: "rfq.example", Epoch: zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: 20455}}.Scope()
	want := table(
		"nullifier key", toHex(s.RevealNullifierKey()),
		"scope", scope.String(),
		"slot", "0",
		"nullifier", s.Nullifier(scope, 0).String(),
	)
	if got := samples(t, "nullifier.md", 1)[0]; got != want {
		t.Errorf("nullifier.md shows\n%s\nwant\n%s", got, want)
	}
}

// The encrypted samples are opened with the passphrase that the document
// publishes, at the full work factor.
func TestSpecKeyFile(t *testing.T) {
	s := vectorSecret(t, "a")
	blocks := samples(t, "key-file.md", 4)
	plain, err := unencryptedFile(s, created)
	mustNot(t, err)
	if string(plain.Encode()) != blocks[0] {
		t.Errorf("the unencrypted sample is\n%s\nwant\n%s", blocks[0], plain.Encode())
	}
	for i, magic := range []string{UnencryptedFileMagic, FileMagic, BackupMagic} {
		f, err := ParseFile([]byte(blocks[i]))
		mustNot(t, err)
		if f.magic != magic {
			t.Errorf("sample %d begins with %q, want %q", i, f.magic, magic)
		}
		opened, err := f.Open(give(passphrase))
		if err != nil || !opened.Equal(s) {
			t.Errorf("sample %d: %v", i, err)
		}
		if at, ok := f.Backup(); !f.Created().Equal(created) || ok && !at.Equal(saved) {
			t.Errorf("sample %d was created %v, saved %v", i, f.Created(), at)
		}
	}
	public, err := ParsePublicText([]byte(blocks[3]))
	if err != nil || *public != *s.Public() {
		t.Errorf("public key: %v, %v", public, err)
	}
}

// candidates yields encodings with a small x, of which each curve has about half.
func candidates() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for x := range byte(60) {
			for sign := byte(2); sign <= 3; sign++ {
				if !yield(append([]byte{sign}, append(make([]byte, 31), x)...)) {
					return
				}
			}
		}
	}
}
