package member_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// A member opens sessions at a venue. Two fresh ones have nothing in common; one
// that is resumed has the pseudonym of the first.
func ExampleVenue_Fresh() {
	registrar := newRegistrar()
	defer registrar.close()
	home := filepath.Join(registrar.temp, "home")
	admitted(home, registrar)
	somewhere := newVenue(registrar)
	stop := somewhere.echo()
	defer stop()

	// Once: trust the venue, whose identity came by another way than its server.
	m, err := member.Open(home, member.Options{Params: devParams})
	check(err)
	defer m.Close()
	id, err := m.TrustVenue(member.VenueConfig{URL: somewhere.url, Identity: somewhere.identity})
	check(err)

	// For as long as the process lives: keep the venue open. Run syncs.
	v, err := m.OpenVenue(id, member.VenueOptions{Ahead: 1})
	check(err)
	defer v.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go v.Run(ctx)

	one, err := v.Fresh(ctx)
	check(err)
	defer one.Close()
	two, err := v.Fresh(ctx)
	check(err)
	defer two.Close()
	again, err := one.Resume(ctx)
	check(err)
	defer again.Close()

	_, err = one.Write([]byte("buy 3 at 100"))
	check(err)
	answer := make([]byte, 12)
	_, err = io.ReadFull(one, answer)
	check(err)
	pseudonym := func(s *member.Session) zkkex.Nullifier { return s.ConnectionState().Statement.Nullifier }
	fmt.Printf("%s; fresh: %v, resumed: %v\n", answer, pseudonym(one) == pseudonym(two), pseudonym(one) == pseudonym(again))
	// Output: buy 3 at 100; fresh: false, resumed: true
}

// admitted makes a state directory of a member that a registrar has admitted.
func admitted(home string, registrar *exportingRegistrar) {
	secret, err := keys.Generate()
	check(err)
	check(member.CreateWithUnencryptedKey(home, secret, slots.Range{}, time.Now()))
	m, err := member.Open(home, member.Options{Params: devParams})
	check(err)
	defer m.Close()
	_, err = m.Trust(member.Registry{URL: registrar.url, VerifierKey: registrar.key})
	check(err)
	request, err := m.EnrolOffline(registrar.challenge())
	check(err)
	registrar.admit(request)
}

// exportingVenue is a venue that publishes to a folder.
type exportingVenue struct {
	dir, address, url, identity string
	options                     venue.Options
}

// newVenue makes a venue of a registry's members, with its first descriptor.
func newVenue(registrar *exportingRegistrar) *exportingVenue {
	set, err := verifyingParams(zkkex.BabyJubjub20, zkkex.ParamsDigest{})
	check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	check(l.Close()) // its port is free
	published := filepath.Join(registrar.temp, "venue-published")
	e := &exportingVenue{
		dir: filepath.Join(registrar.temp, "venue"), address: l.Addr().String(), url: "file://" + filepath.ToSlash(published),
		options: venue.Options{Params: verifyingParams},
	}
	identity, err := venue.Init(e.dir, venue.Config{
		Name: "venue.example", Registry: venue.Registry{URL: registrar.url, VerifierKey: registrar.key},
		Circuits:  []descriptor.Circuit{{ID: set.Circuit(), Params: set.Digest()}},
		Addresses: []descriptor.Address{{Network: "tcp", Place: e.address}},
	})
	check(err)
	e.identity = identity.String()
	v, err := venue.Open(e.dir, e.options)
	check(err)
	check(v.Maintain(context.Background()))
	_, err = v.Export(published)
	check(err)
	check(v.Close())
	return e
}

func verifyingParams(id zkkex.CircuitID, _ zkkex.ParamsDigest) (*params.Verifying, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenVerifying(fsys, params.Accept{Dev: true})
}

func (e *exportingVenue) trustedBy(home string, o member.Options) descriptor.VenueID {
	m, err := member.Open(home, o)
	check(err)
	defer m.Close()
	id, err := m.TrustVenue(member.VenueConfig{URL: e.url, Identity: e.identity})
	check(err)
	return id
}

// wait returns when the venue takes connections.
func (e *exportingVenue) wait() {
	for {
		c, err := net.Dial("tcp", e.address)
		if err == nil {
			check(c.Close())
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// echo has the venue echo what sessions bring, until stop is called.
func (e *exportingVenue) echo() (stop func()) {
	v, err := venue.Open(e.dir, e.options)
	check(err)
	l, err := v.Listen("tcp", e.address)
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c)
		}
	}()
	return func() {
		check(l.Close())
		check(v.Close())
	}
}
