package zkkex_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/zkkex/zkkex"
)

func TestBindingVectors(t *testing.T) {
	f := scopeVectors(t)
	for _, v := range f.Binding {
		a := zkkex.SessionKey(hex32(t, v.Value))
		if v.Kind == "message" {
			a.Kind = zkkex.AuthorizeMessage
		}
		if a.Kind.String() != v.Kind {
			t.Fatalf("kind %q", v.Kind)
		}
		got, err := a.Binding(zkkex.BindingContext{
			Circuit: zkkex.CircuitID(v.Circuit), Params: hex32(t, v.Params), Registry: hex32(t, v.Registry),
			RootSequence: number(t, v.RootSequence), Scope: hex32(t, v.Scope), Limit: uint32(number(t, v.Limit)),
		})
		if err != nil || got.String() != v.Binding {
			t.Errorf("%+v: got %v, %v", v, got, err)
		}
	}
	for _, v := range f.Message {
		a, err := zkkex.Message(bytes.NewReader(fromHex(t, v.Message)))
		if err != nil || a.Kind != zkkex.AuthorizeMessage || a.Value != hex32(t, v.Digest) {
			t.Errorf("message %s: %+v, %v", v.Message, a, err)
		}
	}
}

func TestBindingSpec(t *testing.T) {
	f := scopeVectors(t)
	inSpec(t, "docs/spec/statement.md", "the digest of a message", f.Message[0].Digest)
	st, err := zkkex.ParseStatement(fromHex(t, statementVectors(t)[0].Encoded))
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "docs/spec/statement.md", "a binding", st.Binding.String())
}

// TestBindingCoversEverything is trap B1: whatever a proof authorises, in
// whatever context, changes the binding.
func TestBindingCoversEverything(t *testing.T) {
	context := zkkex.BindingContext{Circuit: zkkex.BabyJubjub20, Limit: 1}
	seen := make(map[zkkex.Binding]string)
	add := func(name string, a zkkex.Authorization, c zkkex.BindingContext) {
		t.Helper()
		b, err := a.Binding(c)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[b]; ok {
			t.Errorf("%s and %s share a binding", name, other)
		}
		seen[b] = name
	}
	session := zkkex.SessionKey([32]byte{1})
	add("session", session, context)
	add("message", zkkex.Authorization{Kind: zkkex.AuthorizeMessage, Value: session.Value}, context)
	add("value", zkkex.SessionKey([32]byte{2}), context)
	for name, change := range map[string]func(c *zkkex.BindingContext){
		"circuit":  func(c *zkkex.BindingContext) { c.Circuit = zkkex.BabyJubjub32 },
		"params":   func(c *zkkex.BindingContext) { c.Params[31] = 1 },
		"registry": func(c *zkkex.BindingContext) { c.Registry[31] = 1 },
		"sequence": func(c *zkkex.BindingContext) { c.RootSequence = 1 },
		"scope":    func(c *zkkex.BindingContext) { c.Scope[31] = 1 },
		"limit":    func(c *zkkex.BindingContext) { c.Limit = 2 },
	} {
		changed := context
		change(&changed)
		add(name, session, changed)
	}
}

func TestBindingOfAnUnknownKind(t *testing.T) {
	for _, kind := range []zkkex.AuthorizationKind{0, 3, 255} {
		_, err := zkkex.Authorization{Kind: kind}.Binding(zkkex.BindingContext{})
		if !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("kind %d: %v, want %v", kind, err, zkkex.ErrUnsupported)
		}
	}
	if got := zkkex.AuthorizationKind(9).String(); got != "authorization-9" {
		t.Errorf("kind 9 is called %q", got)
	}
}

func TestMessageReadError(t *testing.T) {
	failure := errors.New("planted")
	if _, err := zkkex.Message(iotest.ErrReader(failure)); !errors.Is(err, failure) {
		t.Errorf("%v, want %v", err, failure)
	}
}
