package public

import (
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/internal/field"
)

func TestOrder(t *testing.T) {
	st := &zkkex.Statement{
		Root: zkkex.Root{31: 1}, Scope: zkkex.Scope{31: 2}, Limit: 3,
		Nullifier: zkkex.Nullifier{31: 4}, Binding: zkkex.Binding{31: 5},
	}
	in, err := Inputs(st)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"root", "scope", "limit", "nullifier", "binding"} {
		want := field.FromUint64(uint64(i + 1))
		if !in[i].Equal(&want) || Names()[i] != name {
			t.Errorf("input %d is %v (%s), expected %s", i, in[i].String(), Names()[i], name)
		}
	}
}

func TestRootAndNullifierAreCanonical(t *testing.T) {
	if _, err := Inputs(&zkkex.Statement{Root: canonical.Order()}); err == nil {
		t.Error("a root of r was accepted")
	}
	if _, err := Inputs(&zkkex.Statement{Nullifier: canonical.Order()}); err == nil {
		t.Error("a nullifier of r was accepted")
	}
	if _, err := Inputs(&zkkex.Statement{Scope: canonical.Order(), Binding: canonical.Order()}); err != nil {
		t.Errorf("hashes may exceed the order: %v", err)
	}
}
