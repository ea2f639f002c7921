package venue

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// admitting is a scene whose venue takes the proofs of a test registry, which has
// the identifier and the named root of the real one.
type admitting struct {
	*scene
	provers *provertest.Registry
	member  *provertest.Member
}

func newAdmitting(t *testing.T) *admitting {
	t.Helper()
	// Channels end by the system's clock. The epoch is one hour old at any time of day.
	now := time.Now()
	s := newSceneAt(t, now, func(c *Config) {
		c.Schedule = zkkex.Schedule{Origin: now.Add(-time.Hour).Unix(), Length: 24 * 60 * 60}
	})
	s.must(s.venue.Close())
	a := &admitting{scene: s, provers: provertest.New("venue")}
	a.provers.ID, a.provers.Params = s.registrar.ID(), s.config().Circuits[0].Params
	s.options.NewVerifier = admissiontest.NewVerifier(a.provers)
	s.open()
	a.member = a.provers.Member("one")
	return a
}

// certificate proves for the first epoch that a descriptor names.
func (a *admitting) certificate(d *descriptor.Signed) *session.Certificate {
	a.t.Helper()
	terms := d.Epochs[0]
	a.provers.Root, a.provers.Sequence = terms.Root, terms.Sequence
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	a.must(err)
	p, err := a.member.Prove(context.Background(), zkkex.Claim{
		Scope: d.Scope(terms.Number), Epoch: zkkex.Epoch{Schedule: d.Schedule, Number: terms.Number},
		Limit: terms.Limit, Authorization: zkkex.SessionKey([32]byte(key.PublicKey().Bytes())),
	})
	a.must(err)
	c, err := session.New(p, key)
	a.must(err)
	return c
}

func (a *admitting) listen() net.Listener {
	a.t.Helper()
	l, err := a.venue.Listen("tcp", "127.0.0.1:0")
	a.must(err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l
}

// dial opens a channel, inline or not, and has something echoed.
func (a *admitting) dial(address string, d *descriptor.Signed, suite descriptor.Suite, c *session.Certificate, kind handshake.Kind) error {
	a.t.Helper()
	knows, err := venueclient.Handshake(d, suite)
	a.must(err)
	i, err := handshake.NewInitiator(knows, c, handshake.InitiatorOptions{Kind: kind})
	a.must(err)
	raw, err := net.Dial("tcp", address)
	a.must(err)
	conn, err := handshake.Client(context.Background(), raw, i, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("order")); err != nil {
		return err
	}
	echo := make([]byte, 5)
	if _, err := io.ReadFull(conn, echo); err != nil || !bytes.Equal(echo, []byte("order")) {
		return errors.Join(err, errors.New("no echo"))
	}
	return nil
}

// The whole way: init, sync, rotate, listen; a client that has nothing but the
// pinned identity and a URL opens a channel in each suite. What was admitted
// outlives a restart, and ends with the generation.
func TestListen(t *testing.T) {
	a := newAdmitting(t)
	a.turn()
	chain := a.chain()
	_, err := a.client(a.serve().URL).Update(context.Background(), chain)
	a.must(err)
	d, err := chain.Current(a.clock.now())
	a.must(err)

	l := a.listen()
	c := a.certificate(d)
	for i, suite := range d.Suites {
		kind := handshake.Open
		if i == 0 {
			if err := a.dial(l.Addr().String(), d, suite, c, handshake.Open); !rejected(err, handshake.NotAdmitted) {
				t.Errorf("not admitted yet: %v, expected %s", err, handshake.NotAdmitted)
			}
			kind = handshake.Inline
		}
		if err := a.dial(l.Addr().String(), d, suite, c, kind); err != nil {
			t.Errorf("%s: %v", suite, err)
		}
	}
	if s := a.venue.Status().Admissions; s == nil || s.Admitted != 1 || s.Opens != 2 {
		t.Errorf("admissions %+v, expected one with two opens", s)
	}
	a.must(l.Close())

	a.reopen()
	l = a.listen()
	if err := a.dial(l.Addr().String(), d, d.Suites[0], c, handshake.Open); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	a.clock.add(time.Minute)
	a.publish()
	raised, err := a.venue.Raise(context.Background())
	a.must(err)
	if err := a.dial(l.Addr().String(), d, d.Suites[0], c, handshake.Open); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("the descriptor of the generation before: %v, expected %v", err, handshake.ErrUnknownDescriptor)
	}
	if err := a.dial(l.Addr().String(), raised, d.Suites[0], c, handshake.Open); !errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("the certificate of the generation before: %v, expected a rejection", err)
	}
	if err := a.dial(l.Addr().String(), raised, d.Suites[0], a.certificate(raised), handshake.Inline); err != nil {
		t.Errorf("a certificate of the new generation: %v", err)
	}
	a.must(l.Close())
}

// Two venues of one registry: what is meant for one is nothing to the other.
func TestTwoVenues(t *testing.T) {
	a, b := newAdmitting(t), newAdmitting(t)
	da, db := a.turn(), b.turn()
	if da.Scope(da.Epochs[0].Number) == db.Scope(da.Epochs[0].Number) {
		t.Fatal("two venues have one scope")
	}
	l := b.listen()
	if err := a.dial(l.Addr().String(), da, da.Suites[0], a.certificate(da), handshake.Inline); err == nil {
		t.Error("a channel meant for one venue was opened at another")
	}
	if err := b.dial(l.Addr().String(), db, db.Suites[0], a.certificate(da), handshake.Inline); !errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("a certificate for one venue, shown to another: %v, expected a rejection", err)
	}
	b.must(l.Close())
}

// A venue without parameters admits nobody, and says so.
func TestWithoutParameters(t *testing.T) {
	s := newScene(t)
	s.turn()
	if _, err := s.venue.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, ErrClosed) {
		t.Errorf("listening: %v, expected %v", err, ErrClosed)
	}
	if _, err := s.venue.Gate().Admitted(context.Background(), [32]byte{}); !errors.Is(err, ErrClosed) || errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("%v, expected %v, which is no decision", err, ErrClosed)
	}
}

// The default paddings hold what suites without a prekey need, and little more.
func TestPaddingFits(t *testing.T) {
	a := newAdmitting(t)
	d := a.turn()
	natural := func(suite descriptor.Suite, kind handshake.Kind) int {
		knows, err := venueclient.Handshake(d, suite)
		a.must(err)
		knows.Padding = [2]uint16{1, 1}
		i, err := handshake.NewInitiator(knows, a.certificate(d), handshake.InitiatorOptions{Kind: kind})
		a.must(err)
		message, err := i.Message()
		a.must(err)
		return len(message)
	}
	quick, prekey := d.Suites[0], d.Suites[1]
	got := [4]int{natural(quick, handshake.Open), natural(quick, handshake.Inline), natural(prekey, handshake.Open), natural(prekey, handshake.Inline)}
	if got != [4]int{1383, 1770, 2487, 2874} {
		t.Errorf("natural sizes %v; correct the comment of DefaultPadding and docs/spec/venue-directory.md", got)
	}
	if got[0] > DefaultPadding || got[1] > DefaultPaddingWithCertificate {
		t.Errorf("natural sizes %v are beyond the paddings", got)
	}
}
