package keys

import (
	"fmt"
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
	if got := samples(t, "leaf.md", 1)[0]; got != want {
		t.Errorf("leaf.md shows\n%s\nwant\n%s", got, want)
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
