package zkkex_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/zkkex/zkkex"
)

type scopeFile struct {
	Named []struct {
		Name     string      `json:"name"`
		Registry string      `json:"registry"`
		Origin   json.Number `json:"origin"`
		Length   json.Number `json:"length"`
		Number   json.Number `json:"number"`
		Scope    string      `json:"scope"`
	} `json:"named"`
	Venue []struct {
		Venue      string      `json:"venue"`
		Registry   string      `json:"registry"`
		ChainID    json.Number `json:"chain_id"`
		Generation json.Number `json:"generation"`
		Origin     json.Number `json:"origin"`
		Length     json.Number `json:"length"`
		Number     json.Number `json:"number"`
		Scope      string      `json:"scope"`
	} `json:"venue"`
	Binding []struct {
		Kind         string      `json:"kind"`
		Value        string      `json:"value"`
		Circuit      uint16      `json:"circuit"`
		Params       string      `json:"params"`
		Registry     string      `json:"registry"`
		RootSequence json.Number `json:"root_sequence"`
		Scope        string      `json:"scope"`
		Limit        json.Number `json:"limit"`
		Binding      string      `json:"binding"`
	} `json:"binding"`
	Message []struct {
		Message string `json:"message"`
		Digest  string `json:"digest"`
	} `json:"message"`
}

func scopeVectors(t testing.TB) (f scopeFile) {
	t.Helper()
	readJSON(t, "testdata/scope/scopes.json", &f)
	if len(f.Named) == 0 || len(f.Venue) == 0 || len(f.Binding) == 0 || len(f.Message) == 0 {
		t.Fatal("a list of vectors is empty")
	}
	return f
}

func number(t testing.TB, n json.Number) uint64 {
	t.Helper()
	v, err := strconv.ParseUint(n.String(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func epochOf(t testing.TB, origin, length, n json.Number) zkkex.Epoch {
	t.Helper()
	o, err := origin.Int64()
	if err != nil {
		t.Fatal(err)
	}
	return zkkex.Epoch{Schedule: zkkex.Schedule{Origin: o, Length: uint32(number(t, length))}, Number: number(t, n)}
}

func TestScopeVectors(t *testing.T) {
	f := scopeVectors(t)
	for _, v := range f.Named {
		got := zkkex.NamedScope{
			Name: string(fromHex(t, v.Name)), Registry: hex32(t, v.Registry), Epoch: epochOf(t, v.Origin, v.Length, v.Number),
		}.Scope()
		if got.String() != v.Scope {
			t.Errorf("named %+v: got %v", v, got)
		}
	}
	for _, v := range f.Venue {
		got := zkkex.VenueScope{
			Venue: hex32(t, v.Venue), Registry: hex32(t, v.Registry), ChainID: number(t, v.ChainID),
			Epoch: epochOf(t, v.Origin, v.Length, v.Number), Generation: uint32(number(t, v.Generation)),
		}.Scope()
		if got.String() != v.Scope {
			t.Errorf("venue %+v: got %v", v, got)
		}
	}
}

func TestScopeSpec(t *testing.T) {
	inSpec(t, "docs/spec/statement.md", "a named scope", scopeVectors(t).Named[0].Scope)
}

// TestScopeCoversEverything is traps N4 and B8: whatever differs in the context,
// the venue and the epoch included, makes another
// scope.
func TestScopeCoversEverything(t *testing.T) {
	epoch := zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: 20778}
	later, shorter, shifted := epoch, epoch, epoch
	later.Number++
	shorter.Length--
	shifted.Origin++
	venue, registry := [32]byte{1}, zkkex.RegistryID{2}
	seen := make(map[zkkex.Scope]any)
	add := func(context interface{ Scope() zkkex.Scope }) {
		if other, ok := seen[context.Scope()]; ok {
			t.Errorf("%+v and %+v share a scope", context, other)
		}
		seen[context.Scope()] = context
	}
	for _, e := range []zkkex.Epoch{epoch, later, shorter, shifted} {
		add(zkkex.NamedScope{Name: "a", Registry: registry, Epoch: e})
		add(zkkex.VenueScope{Venue: venue, Registry: registry, Epoch: e})
	}
	add(zkkex.NamedScope{Name: "b", Registry: registry, Epoch: epoch})
	add(zkkex.NamedScope{Name: "", Registry: registry, Epoch: epoch})
	add(zkkex.NamedScope{Name: "a", Registry: zkkex.RegistryID{3}, Epoch: epoch})
	add(zkkex.NamedScope{Name: string(venue[:]), Registry: registry, Epoch: epoch})
	add(zkkex.VenueScope{Venue: [32]byte{4}, Registry: registry, Epoch: epoch})
	add(zkkex.VenueScope{Venue: venue, Registry: zkkex.RegistryID{3}, Epoch: epoch})
	add(zkkex.VenueScope{Venue: venue, Registry: registry, ChainID: 1, Epoch: epoch})
	add(zkkex.VenueScope{Venue: venue, Registry: registry, Epoch: epoch, Generation: 1})
}
