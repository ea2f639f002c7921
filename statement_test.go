package zkkex_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/zkkex/zkkex"
)

func statementVectors(t testing.TB) (vectors []vector) {
	t.Helper()
	readJSON(t, "testdata/statement/statements.json", &vectors)
	if len(vectors) < 10 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	return vectors
}

func TestStatementVectors(t *testing.T) {
	for _, v := range statementVectors(t) {
		encoded := fromHex(t, v.Encoded)
		st, err := zkkex.ParseStatement(encoded)
		if !v.check(t, err) {
			if st != nil {
				t.Errorf("%s: a statement beside the error", v.Name)
			}
			continue
		}
		again, err := st.AppendBinary([]byte("prefix"))
		if err != nil || !bytes.Equal(again, append([]byte("prefix"), encoded...)) {
			t.Errorf("%s: encoded as %x, %v", v.Name, again, err)
		}
	}
}

func TestStatementFields(t *testing.T) {
	encoded := fromHex(t, statementVectors(t)[0].Encoded)
	st, err := zkkex.ParseStatement(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if len(encoded) != zkkex.StatementSize || st.Circuit != zkkex.BabyJubjub20 || st.Limit != 4 ||
		st.Root != zkkex.Root(encoded[6:38]) || st.Scope != zkkex.Scope(encoded[38:70]) ||
		st.Nullifier != zkkex.Nullifier(encoded[70:102]) || st.Binding != zkkex.Binding(encoded[102:134]) {
		t.Errorf("fields in the wrong place: %+v", st)
	}
}

func TestStatementSpec(t *testing.T) {
	inSpec(t, "docs/spec/statement.md", "the sample", statementVectors(t)[0].Encoded)
}

// TestStatementHasOneSpelling flips every bit: what is still accepted is
// another statement.
func TestStatementHasOneSpelling(t *testing.T) {
	good := fromHex(t, statementVectors(t)[0].Encoded)
	want, err := zkkex.ParseStatement(good)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(good) {
		b := bytes.Clone(good)
		b[bit/8] ^= 0x80 >> (bit % 8)
		if st, err := zkkex.ParseStatement(b); err == nil && *st == *want {
			t.Errorf("bit %d does not count", bit)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	for _, v := range statementVectors(f) {
		f.Add(fromHex(f, v.Encoded))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		st, err := zkkex.ParseStatement(b)
		if err != nil {
			return
		}
		if again, err := st.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%s is accepted and encoded as %x, %v", hex.EncodeToString(b), again, err)
		}
	})
}
