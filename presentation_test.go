package zkkex_test

import (
	"bytes"
	"encoding"
	"testing"

	"github.com/zkkex/zkkex"
)

var (
	_ encoding.BinaryAppender = (*zkkex.Statement)(nil)
	_ encoding.BinaryAppender = (*zkkex.Presentation)(nil)
	_ encoding.TextMarshaler  = (*zkkex.Presentation)(nil)
)

type presentationFile struct {
	Binary []vector `json:"binary"`
	Text   []vector `json:"text"`
}

func presentationVectors(t testing.TB) (f presentationFile) {
	t.Helper()
	readJSON(t, "testdata/presentation/presentations.json", &f)
	if len(f.Binary) < 10 || len(f.Text) < 10 {
		t.Fatalf("only %d and %d vectors", len(f.Binary), len(f.Text))
	}
	return f
}

func TestPresentationVectors(t *testing.T) {
	for _, v := range presentationVectors(t).Binary {
		encoded := fromHex(t, v.Encoded)
		p, err := zkkex.ParsePresentation(encoded)
		if !v.check(t, err) {
			if p != nil {
				t.Errorf("%s: a presentation beside the error", v.Name)
			}
			continue
		}
		if again, err := p.AppendBinary(nil); err != nil || !bytes.Equal(again, encoded) {
			t.Errorf("%s: encoded as %x, %v", v.Name, again, err)
		}
		text, err := p.MarshalText()
		if err != nil || len(text) > zkkex.MaxPresentationText {
			t.Errorf("%s: text of %d bytes, %v", v.Name, len(text), err)
		}
		if _, err := zkkex.ParsePresentationText(text); err != nil {
			t.Errorf("%s: its text: %v", v.Name, err)
		}
	}
}

func TestPresentationTextVectors(t *testing.T) {
	for _, v := range presentationVectors(t).Text {
		p, err := zkkex.ParsePresentationText([]byte(v.Encoded))
		if !v.check(t, err) {
			continue
		}
		if again, err := p.MarshalText(); err != nil || string(again) != v.Encoded {
			t.Errorf("%s: encoded as %q, %v", v.Name, again, err)
		}
	}
}

func TestPresentationSpec(t *testing.T) {
	f := presentationVectors(t)
	inSpec(t, "docs/spec/presentation.md", "the binary sample", f.Binary[0].Encoded)
	inSpec(t, "docs/spec/presentation.md", "the text sample", f.Text[0].Encoded)
}

// TestPresentationSampleIsConsistent recomputes scope and binding of the
// sample, as a verifier does.
func TestPresentationSampleIsConsistent(t *testing.T) {
	p, err := zkkex.ParsePresentation(fromHex(t, presentationVectors(t).Binary[0].Encoded))
	if err != nil {
		t.Fatal(err)
	}
	scope := zkkex.NamedScope{Name: "rfq.example/2026", Registry: p.Registry, Epoch: p.Epoch}.Scope()
	if scope != p.Statement.Scope {
		t.Errorf("scope %v, computed %v", p.Statement.Scope, scope)
	}
	a, err := zkkex.Message(bytes.NewReader([]byte("an offer\n")))
	if err != nil {
		t.Fatal(err)
	}
	binding, err := a.Binding(zkkex.BindingContext{
		Circuit: p.Statement.Circuit, Params: p.Params, Registry: p.Registry,
		RootSequence: p.RootSequence, Scope: scope, Limit: p.Statement.Limit,
	})
	if err != nil || a != p.Authorization || binding != p.Statement.Binding {
		t.Errorf("binding %v of %v, computed %v of %v, %v", p.Statement.Binding, p.Authorization, binding, a, err)
	}
}

// TestPresentationKeepsNothing changes the input after parsing.
func TestPresentationKeepsNothing(t *testing.T) {
	encoded := fromHex(t, presentationVectors(t).Binary[0].Encoded)
	p, err := zkkex.ParsePresentation(encoded)
	if err != nil {
		t.Fatal(err)
	}
	proof := bytes.Clone(p.Proof)
	clear(encoded)
	if !bytes.Equal(p.Proof, proof) {
		t.Error("the proof shares memory with the input")
	}
}

func TestProofSize(t *testing.T) {
	for _, id := range zkkex.Circuits() {
		for _, n := range []int{0, 127, 129, 164, 324, 511, 513} {
			if _, err := zkkex.ParseProof(id, make([]byte, n)); err == nil {
				t.Errorf("%v: %d bytes accepted", id, n)
			}
		}
		if p, err := zkkex.ParseProof(id, make([]byte, id.ProofSize())); err != nil || len(p) != id.ProofSize() {
			t.Errorf("%v: %d bytes, %v", id, len(p), err)
		}
	}
	if _, err := zkkex.ParseProof(0xffff, nil); err == nil {
		t.Error("a proof of an unknown circuit")
	}
}

func FuzzParsePresentation(f *testing.F) {
	for _, v := range presentationVectors(f).Binary {
		f.Add(fromHex(f, v.Encoded))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := zkkex.ParsePresentation(b)
		if err != nil {
			return
		}
		if again, err := p.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x is accepted and encoded as %x, %v", b, again, err)
		}
		if _, err := p.Epoch.End(); err != nil {
			t.Fatalf("%x is accepted with an epoch that has no end: %v", b, err)
		}
	})
}

func FuzzParsePresentationText(f *testing.F) {
	for _, v := range presentationVectors(f).Text {
		f.Add([]byte(v.Encoded))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := zkkex.ParsePresentationText(text)
		if err != nil {
			return
		}
		if again, err := p.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%q is accepted and encoded as %q, %v", text, again, err)
		}
	})
}
