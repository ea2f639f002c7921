package venue_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// A venue admits the members of a registry, and takes an order from one of them.
func Example() {
	temp, err := os.MkdirTemp("", "zkkex-example-")
	check(err)
	defer os.RemoveAll(temp)
	registry := newRegistry(temp) // somebody else, somewhere else
	dir, address := filepath.Join(temp, "venue"), freeAddress()

	// Once: draw the identity. Members get it by another way than the server.
	set, err := verifying(zkkex.BabyJubjub20, zkkex.ParamsDigest{})
	check(err)
	identity, err := venue.Init(dir, venue.Config{
		Name:      "venue.example",
		Registry:  registry,
		Circuits:  []descriptor.Circuit{{ID: set.Circuit(), Params: set.Digest()}},
		Addresses: []descriptor.Address{{Network: "tcp", Place: address}},
	})
	check(err)

	// Open it, keep it going, publish what members fetch, and take sessions.
	v, err := venue.Open(dir, venue.Options{Params: verifying})
	check(err)
	defer v.Close()
	check(v.Maintain(context.Background())) // and on with Run, in a goroutine
	published := httptest.NewServer(v.Handler())
	defer published.Close()
	sessions, err := v.Listen("tcp", address)
	check(err)
	defer sessions.Close()

	go order(filepath.Join(temp, "home"), registry, member.VenueConfig{URL: published.URL, Identity: identity.String()})

	c, err := sessions.Accept()
	check(err)
	defer c.Close()
	received, err := io.ReadAll(c)
	check(err)
	state := c.(*handshake.Conn).ConnectionState()
	fmt.Printf("%q from some member with a key of type %v, within its limit of %d\n", received, state.Statement.Circuit.KeyType(), state.Statement.Limit)
	// Output: "buy 3 at 100" from some member with a key of type babyjubjub, within its limit of 64
}

// order is the member: see package member.
func order(home string, registry venue.Registry, trusted member.VenueConfig) {
	m, err := member.Open(home, member.Options{Params: proving})
	check(err)
	defer m.Close()
	_, err = m.Trust(member.Registry{URL: registry.URL, VerifierKey: registry.VerifierKey})
	check(err)
	id, err := m.TrustVenue(trusted)
	check(err)
	v, err := m.OpenVenue(id, member.VenueOptions{})
	check(err)
	defer v.Close()
	s, err := v.Fresh(context.Background())
	check(err)
	_, err = s.Write([]byte("buy 3 at 100"))
	check(err)
	check(s.Close())
}

// newRegistry makes a registry with one member, whose state directory is home in
// the same folder.
func newRegistry(temp string) venue.Registry {
	now := time.Now()
	secret, err := keys.Generate()
	check(err)
	check(member.CreateWithUnencryptedKey(filepath.Join(temp, "home"), secret, slots.Range{}, now))
	dir, published := filepath.Join(temp, "registry"), filepath.Join(temp, "published")
	check(registrar.Init(dir, "registry.example/members", 20))
	r, err := registrar.Open(dir)
	check(err)
	defer r.Close()
	_, err = r.Admit(secret.Public(), now)
	check(err)
	_, err = r.Checkpoint(context.Background(), now, nil)
	check(err)
	_, err = r.Export(published)
	check(err)
	return venue.Registry{URL: "file://" + filepath.ToSlash(published), VerifierKey: r.VerifierKey()}
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer l.Close()
	return l.Addr().String()
}

// proving and verifying open the development parameters, whose maker could forge
// proofs.
func proving(id zkkex.CircuitID) (*params.Proving, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenProving(fsys, params.Accept{Dev: true})
}

func verifying(id zkkex.CircuitID, _ zkkex.ParamsDigest) (*params.Verifying, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenVerifying(fsys, params.Accept{Dev: true})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
