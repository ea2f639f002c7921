package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
)

var update = flag.Bool("update", false, "write the vectors in testdata/registry anew")

const vectorsDir = "../testdata/registry"

// vectors reads a file of vectors, or writes it if -update is given.
func vectors[T any](t *testing.T, name string, fresh []T) []T {
	t.Helper()
	path := filepath.Join(vectorsDir, name)
	if *update {
		b, err := json.MarshalIndent(fresh, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(vectorsDir, 0o755), os.WriteFile(path, append(b, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if len(out) != len(fresh) {
		t.Fatalf("%s holds %d vectors, expected %d", name, len(out), len(fresh))
	}
	if !reflect.DeepEqual(out, fresh) {
		t.Errorf("%s differs from what this test derives", name)
	}
	return out
}

type treeVector struct {
	Name       string   `json:"name"`
	Capacity   int      `json:"initial_capacity_bits"`
	Operations []string `json:"operations"`
	Root       string   `json:"root"`
	LogRoot    string   `json:"log_root"`
	Bits       int      `json:"capacity_bits"`
	Members    uint64   `json:"members"`
}

// TestTreeVectors derives member roots from the definition (naiveRoot) and log
// roots with the recursion of RFC 6962, and compares the tree with the file.
func TestTreeVectors(t *testing.T) {
	nine := admissions(9)
	cases := []struct {
		name     string
		capacity int
		ops      []Operation
	}{
		{"no members", 20, nil},
		{"one member", 20, admissions(1)},
		{"two members", 20, admissions(2)},
		{"nine members", 20, nine},
		{"nine members, one revoked", 20, append(nine[:9:9], revoke(4, 4))},
		{"the freed index is used again", 20, append(nine[:9:9], revoke(4, 4), admit(4, 9))},
		{"everybody revoked", 20, []Operation{admit(0, 0), revoke(0, 0)}},
		{"nine members, grown", 20, append(nine[:9:9], grow())},
		{"grown, and one more", 20, append(nine[:9:9], grow(), admit(9, 9))},
		{"no members, large", 32, nil},
		{"nine members, large", 32, nine},
	}
	var fresh []treeVector
	for _, c := range cases {
		v := treeVector{Name: c.name, Capacity: c.capacity, Operations: []string{}, Bits: c.capacity}
		leaves, encoded := make(map[uint64]zkkex.Commitment), [][]byte{}
		for _, op := range c.ops {
			switch op.Kind {
			case Admit:
				leaves[op.Index] = op.Leaf
			case Revoke:
				delete(leaves, op.Index)
			case Grow:
				v.Bits = LargeCapacityBits
			}
			b := mustEncode(t, op)
			encoded = append(encoded, b)
			v.Operations = append(v.Operations, hex.EncodeToString(b))
		}
		v.Root, v.Members = naiveRoot(v.Bits, leaves).String(), uint64(len(leaves))
		v.LogRoot = hex.EncodeToString(rfc6962(encoded))
		fresh = append(fresh, v)
	}
	for _, v := range vectors(t, "trees.json", fresh) {
		tree := newTestTree(t, v.Capacity)
		for _, digits := range v.Operations {
			b, err := hex.DecodeString(digits)
			if err != nil {
				t.Fatal(err)
			}
			op, err := ParseOperation(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := tree.Apply(op); err != nil {
				t.Fatal(err)
			}
		}
		if tree.Root().String() != v.Root || tree.CapacityBits() != v.Bits || tree.Members(zkkex.KeyBabyJubjub) != v.Members {
			t.Errorf("%s: root %v, 2^%d, %d members; expected %s, 2^%d, %d", v.Name,
				tree.Root(), tree.CapacityBits(), tree.Members(zkkex.KeyBabyJubjub), v.Root, v.Bits, v.Members)
		}
	}
}

// rfc6962 is MTH of RFC 6962, section 2.1.
func rfc6962(entries [][]byte) []byte {
	hash := func(b ...[]byte) []byte { h := sha256.Sum256(bytes.Join(b, nil)); return h[:] }
	switch len(entries) {
	case 0:
		return hash()
	case 1:
		return hash([]byte{0}, entries[0])
	}
	k := 1
	for 2*k < len(entries) {
		k *= 2
	}
	return hash([]byte{1}, rfc6962(entries[:k]), rfc6962(entries[k:]))
}

type bytesVector struct {
	Name    string `json:"name"`
	Expect  string `json:"expect"` // "valid", or the error's class
	Reason  string `json:"reason"` // part of the error's message
	Encoded string `json:"encoded"`
}

// checkExpectation compares a parser's error with a vector.
func checkExpectation(t *testing.T, v bytesVector, err error) {
	t.Helper()
	class := map[string]error{"malformed": zkkex.ErrMalformed, "unsupported": zkkex.ErrUnsupported, "signature": ErrSignature}[v.Expect]
	switch {
	case v.Expect == "valid" && err != nil:
		t.Errorf("%s: %v", v.Name, err)
	case v.Expect == "valid":
	case class == nil:
		t.Errorf("%s: unknown expectation %q", v.Name, v.Expect)
	case !errors.Is(err, class) || v.Reason == "" || !strings.Contains(err.Error(), v.Reason):
		t.Errorf("%s: %v; want %s with %q", v.Name, err, v.Expect, v.Reason)
	}
}

func TestOperationVectors(t *testing.T) {
	good := mustEncode(t, admit(5, 1))
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	var fresh []bytesVector
	for _, v := range []struct {
		name, expect, reason string
		b                    []byte
	}{
		{"admit", "valid", "", good},
		{"revoke", "valid", "", mustEncode(t, revoke(5, 1))},
		{"grow", "valid", "", mustEncode(t, grow())},
		{"the last index", "valid", "", mustEncode(t, admit(1<<32-1, 1))},
		{"a byte short", "malformed", "expected 44 bytes", good[:43]},
		{"a byte more", "malformed", "expected 44 bytes", append(bytes.Clone(good), 0)},
		{"unknown kind", "unsupported", "operation kind", change(0, 4)},
		{"byte 1 not zero", "malformed", "byte 1", change(1, 1)},
		{"unknown key type", "unsupported", "key type", change(2, 1)},
		{"index of 2^32", "malformed", "below 2^32", change(7, 1)},
		{"empty leaf", "malformed", "empty leaf", append(bytes.Clone(good[:12]), make([]byte, 32)...)},
		{"leaf not canonical", "malformed", "not a canonical field element", change(12, 0xff)},
		{"grow with a leaf", "malformed", "expected zeros", append([]byte{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, good[12:]...)},
	} {
		fresh = append(fresh, bytesVector{v.name, v.expect, v.reason, hex.EncodeToString(v.b)})
	}
	for _, v := range vectors(t, "operations.json", fresh) {
		b, err := hex.DecodeString(v.Encoded)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseOperation(b)
		checkExpectation(t, v, err)
	}
}

type checkpointVector struct {
	bytesVector
	VerifierKey string `json:"verifier_key"`
}

func TestCheckpointVectors(t *testing.T) {
	log := sampleLog(t)
	c := log.checkpoint(testTime)
	signed := string(log.sign(c))
	empty := newTestLog(t)
	sign := func(change func(*Checkpoint)) string {
		other := *c
		change(&other)
		return string(log.sign(&other))
	}
	_, namesake := testKey(t, testOrigin, "zkkex test namesake")
	var fresh []checkpointVector
	for _, v := range []struct{ name, expect, reason, key, text string }{
		{"two admitted, one revoked", "valid", "", log.vkey, signed},
		{"empty registry", "valid", "", log.vkey, string(empty.sign(empty.checkpoint(testTime)))},
		{"large capacity, at the beginning of time", "valid", "", log.vkey, sign(func(c *Checkpoint) { c.CapacityBits, c.Time = 32, time.Unix(0, 0) })},
		{"another key of the same name", "signature", "expected a signature", namesake, signed},
		{"a count changed after signing", "signature", "is wrong", log.vkey, strings.Replace(signed, "babyjubjub 1", "babyjubjub 2", 1)},
		{"no signature", "malformed", "malformed note", log.vkey, signed[:strings.Index(signed, "\n\n")+1]},
	} {
		fresh = append(fresh, checkpointVector{bytesVector{v.name, v.expect, v.reason, v.text}, v.key})
	}
	for _, v := range vectors(t, "checkpoints.json", fresh) {
		verifier, err := NewVerifier(v.VerifierKey)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open([]byte(v.Encoded), verifier)
		checkExpectation(t, v.bytesVector, err)
	}
}

// inSpec checks that a specification shows a sample, in lines of any length.
func inSpec(t *testing.T, name, what, sample string) {
	t.Helper()
	text, err := os.ReadFile("../docs/spec/" + name)
	if err != nil {
		t.Fatal(err)
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if sample == "" || !strings.Contains(squeeze(string(text)), squeeze(sample)) {
		t.Errorf("docs/spec/%s does not show %s:\n%s", name, what, sample)
	}
}

func TestSpecSamples(t *testing.T) {
	log := sampleLog(t)
	for i, op := range []Operation{admit(0, 0), admit(1, 1), revoke(0, 0)} {
		inSpec(t, "registry.md", "operation "+string(rune('0'+i)), hex.EncodeToString(mustEncode(t, op)))
	}
	c := log.checkpoint(testTime)
	inSpec(t, "registry.md", "the member root", c.Root.String())
	inSpec(t, "registry.md", "the root of the empty tree", naiveRoot(20, nil).String())
	inSpec(t, "registry.md", "the root of the large empty tree", naiveRoot(32, nil).String())
	for level, node := range emptyNodes() {
		if level > 0 {
			b := node.Bytes()
			inSpec(t, "registry.md", "an empty node", hex.EncodeToString(b[:]))
		}
	}
	inSpec(t, "registry.md", "the log root", tlog.Hash(rfc6962([][]byte{
		mustEncode(t, admit(0, 0)), mustEncode(t, admit(1, 1)), mustEncode(t, revoke(0, 0))})).String())
	id, err := ID(log.vkey)
	if err != nil {
		t.Fatal(err)
	}
	signed := log.sign(c)
	inSpec(t, "checkpoint.md", "the signed checkpoint", string(signed))
	inSpec(t, "checkpoint.md", "the verifier key", log.vkey)
	inSpec(t, "checkpoint.md", "the registry's id", id.String())
	inSpec(t, "checkpoint.md", "the file of checkpoints", string(AppendCheckpoint(AppendCheckpointsHeader(nil, log.vkey), signed)))
}
