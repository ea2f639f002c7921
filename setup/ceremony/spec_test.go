package ceremony_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

// The samples of docs/spec/ceremony.md are what this package reads and writes.
func TestSpecification(t *testing.T) {
	ceremonytest.Cache(t)
	text := string(readFile(t, "../../docs/spec/ceremony.md"))
	json := blocks(text, "```json\n")
	if len(json) != 4 {
		t.Fatalf("%d samples of JSON, expected 4", len(json))
	}
	says := func(what, want string) {
		t.Helper()
		if !strings.Contains(text, want) {
			t.Errorf("the specification does not have the %s %s", what, want)
		}
	}
	d, err := ceremony.ParseDefinition([]byte(json[0]))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "ceremony")
	c, err := ceremony.Init(ctx, dir, ceremony.Options{
		Circuit: zkkex.BabyJubjub20, Name: d.Name, Kind: d.Kind, Created: d.Created,
		Announced: [2]string{d.Announced(1), d.Announced(2)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(readFile(t, filepath.Join(dir, ceremony.DefinitionFile))); got != json[0] {
		t.Errorf("the definition is\n%s", got)
	}
	says("ceremony's digest", "    "+c.Digest().String()+"\n")

	h, err := ceremony.ParseHeader([]byte(json[2]))
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, mpc.Phase1Size(d.Domain))
	signature, err := sshsig.Sign(ceremonytest.Key(t, "Alice"), ceremony.Namespace, []byte(json[2]))
	if err != nil {
		t.Fatal(err)
	}
	says("signature", "```\n"+string(signature.Armor())+"```\n")
	says("lengths", fmt.Sprintf("which are %d and %d in the sample", len(json[2]), len(signature.Bytes())))
	contribution := write(t, &ceremony.Preamble{Header: *h, Signature: signature}, payload)
	beacon, err := ceremony.ParseHeader([]byte(json[3]))
	if err != nil {
		t.Fatal(err)
	}
	if got := params.Digest(sha256.Sum256(contribution)); beacon.Previous != got {
		t.Errorf("the contribution has the digest %v", got)
	}
	closing := write(t, &ceremony.Preamble{Header: *beacon}, nil)
	says("beacon's digest", fmt.Sprintf("    %x\n", sha256.Sum256(closing)))

	packed, err := ceremony.Pack(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	says("transcript's digest", fmt.Sprintf("    %x\n", sha256.Sum256(packed)))
	says("transcript's size", fmt.Sprintf("has %d bytes", len(packed)))

	// All of it together is a ceremony in the right order.
	for number, b := range [][]byte{contribution, closing} {
		if err := os.WriteFile(filepath.Join(dir, ceremony.FileName(number+1)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if s := open(t, dir).Status(); s.Phase != 2 || s.Next != 3 {
		t.Errorf("status %+v", s)
	}
}

// The sample of a ceremony that imported its phase 1.
func TestSpecificationOfImported(t *testing.T) {
	ceremonytest.Cache(t)
	text := string(readFile(t, "../../docs/spec/ceremony.md"))
	json := blocks(text, "```json\n")
	if len(json) != 4 {
		t.Fatalf("%d samples of JSON, expected 4", len(json))
	}
	dir := ceremonytest.Plan{Imported: true}.Make(t)
	if got := string(readFile(t, filepath.Join(dir, ceremony.DefinitionFile))); got != json[1] {
		t.Errorf("the definition is\n%s", got)
	}
	chain := readFile(t, filepath.Join(dir, ceremony.ChainFile))
	if want := fmt.Sprintf("`%x`", chain[:32]); !strings.Contains(text, want) {
		t.Errorf("the specification does not have the chain's beginning %s", want)
	}
	// It is the section of a file, which docs/spec/ptau.md has the place of.
	file := readFile(t, "../../internal/ptau/testdata/sample.ptau")
	opened, err := ptau.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(opened.Chain().Bytes(), file[1740:1740+4571]) {
		t.Error("a chain is not section 7 of its file")
	}
}

// write returns a contribution file, and makes sure that it is read as written.
func write(t *testing.T, p *ceremony.Preamble, payload []byte) []byte {
	t.Helper()
	b, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, payload...)
	if _, _, err := ceremony.ParseContribution(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// blocks returns the fenced blocks of a text that begin with a line.
func blocks(text, begin string) (found []string) {
	for {
		_, rest, ok := strings.Cut(text, begin)
		if !ok {
			return found
		}
		block, rest, _ := strings.Cut(rest, "```\n")
		found = append(found, block)
		text = rest
	}
}
