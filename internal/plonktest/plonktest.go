// Package plonktest makes parameter sets of PLONK for tests, from a secret that
// everybody knows: whoever reads this package can forge for them. They pass every
// check, as what they lack cannot be seen; it is the pinned digest that keeps sets
// like them out.
//
// It stays out of every binary: the policy tests see to that.
package plonktest

import (
	"crypto/sha256"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/knowntau"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonkset"
	"github.com/zkkex/zkkex/setup/params"
)

// Tau is the secret of [SRS]: 252 bits of a hash.
var Tau = sync.OnceValue(func() (tau fr.Element) {
	digest := sha256.Sum256([]byte("zkkex test: powers of a tau that everybody knows"))
	digest[0] &= 0x0f
	tau.SetBytes(digest[:])
	return tau
})

// SRS returns the structured reference string of a secret for a domain.
func SRS(domain int, tau fr.Element) *plonk.SRS { return knowntau.SRS(domain, tau) }

// Origin is where the sets of this package say that they are from.
func Origin() params.UniversalSetup {
	return params.UniversalSetup{
		Source: "zkkex's tests: everybody knows tau",
		File:   params.Describe([]byte("no file")),
		Power:  15, Contributors: []string{"everybody"},
	}
}

// made is a set that was made.
type made struct {
	files  map[string][]byte
	digest zkkex.ParamsDigest
	err    error
}

var sets sync.Map // of a func() made, by circuit

func set(id zkkex.CircuitID) made {
	once, _ := sets.LoadOrStore(id, sync.OnceValue(func() (m made) {
		domain, _, err := plonkset.Domain(id)
		if err != nil {
			return made{err: err}
		}
		var manifest *params.Manifest
		created := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		if m.files, manifest, m.err = plonkset.Files(id, SRS(domain, Tau()), Origin(), created); m.err == nil {
			m.digest, m.err = manifest.Digest()
		}
		return m
	}))
	return once.(func() made)()
}

// Folder returns the files of a circuit's set, for the caller to change, and its
// digest. A process makes each set once.
func Folder(t testing.TB, id zkkex.CircuitID) (fstest.MapFS, zkkex.ParamsDigest) {
	t.Helper()
	m := set(id)
	if m.err != nil {
		t.Fatal(m.err)
	}
	folder := make(fstest.MapFS)
	for name, b := range m.files {
		folder[name] = &fstest.MapFile{Data: append([]byte(nil), b...), Mode: 0o644}
	}
	return folder, m.digest
}

// Params returns a circuit's set, opened.
func Params(t testing.TB, id zkkex.CircuitID) *params.Proving {
	t.Helper()
	folder, digest := Folder(t, id)
	opened, err := params.OpenProving(fs.FS(folder), params.Accept{Digest: &digest})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}
