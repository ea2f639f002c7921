package admission_test

import (
	"context"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"net/netip"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// door is a venue with a durable store, that can be restarted.
type door struct {
	*scene
	path      string
	dir       *admission.Dir
	keys      *handshake.Keys
	responder *handshake.Responder
}

func newDoor(t *testing.T) *door {
	t.Helper()
	static, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, err)
	prekey, err := mlkem.GenerateKey768()
	must(t, err)
	d := &door{scene: newScene(t, nil), path: t.TempDir(), keys: &handshake.Keys{
		ID: venueID, Number: 1, Digest: [32]byte{5}, Static: static, Prekey: prekey,
		Padding: [2]uint16{2048, 4096}, MaxOpens: 8, MaxChannels: 4,
	}}
	for _, s := range descriptor.Suites() {
		d.keys.Suites = append(d.keys.Suites, string(s))
	}
	d.restart(t)
	return d
}

// restart forgets everything but what is on disk.
func (d *door) restart(t *testing.T) {
	t.Helper()
	if d.dir != nil {
		must(t, d.dir.Close())
	}
	d.dir = openDir(t, d.path)
	d.config.Store = d.dir
	var err error
	d.gate, err = admission.New(d.config)
	must(t, err)
	d.responder, err = handshake.NewResponder(handshake.ResponderConfig{
		Keys: keySource{d.keys}, Gate: d.gate, EarlyData: true, Now: d.now,
	})
	must(t, err)
}

// keySource has the keys of one descriptor.
type keySource struct{ keys *handshake.Keys }

func (k keySource) Keys(number uint64) (*handshake.Keys, error) {
	if number != k.keys.Number {
		return nil, handshake.ErrUnknownDescriptor
	}
	return k.keys, nil
}

// venue is what a client knows, with the suite that may carry early data.
func (d *door) venue(t *testing.T) *handshake.Venue {
	t.Helper()
	for _, name := range d.keys.Suites {
		if s, err := handshake.ParseSuite(name); err == nil && s.EarlyData() {
			return &handshake.Venue{
				ID: d.keys.ID, Number: d.keys.Number, Digest: d.keys.Digest, Suite: name,
				Static: d.keys.Static.PublicKey(), Prekey: d.keys.Prekey.EncapsulationKey(),
				Padding: d.keys.Padding, MaxOpens: d.keys.MaxOpens,
			}
		}
	}
	t.Fatal("no suite for early data")
	return nil
}

func (d *door) certificate(t *testing.T, m *provertest.Member) *session.Certificate {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, err)
	p, err := m.Prove(context.Background(), d.claim(today, d.config.Terms.Generation, [32]byte(key.PublicKey().Bytes())))
	must(t, err)
	c, err := session.New(p, key)
	must(t, err)
	return c
}

// message returns a first message.
func (d *door) message(t *testing.T, c *session.Certificate, kind handshake.Kind, early string) (*handshake.Initiator, []byte) {
	t.Helper()
	o := handshake.InitiatorOptions{Kind: kind}
	if early != "" {
		o.Early = []byte(early)
	}
	i, err := handshake.NewInitiator(d.venue(t), c, o)
	must(t, err)
	m, err := i.Message()
	must(t, err)
	return i, m
}

func (d *door) respond(message []byte) ([]byte, *handshake.Accepted, error) {
	return d.responder.Respond(context.Background(), netip.MustParseAddr("192.0.2.1"), message)
}

// ask sends a first message, and returns what both sides have.
func (d *door) ask(t *testing.T, c *session.Certificate, kind handshake.Kind, early string) (*handshake.Accepted, error) {
	t.Helper()
	i, m := d.message(t, c, kind, early)
	answer, a, err := d.respond(m)
	if answer == nil {
		t.Fatalf("%v: no answer: %v", kind, err)
	}
	_, finished := i.Finish(answer)
	if (finished == nil) != (err == nil) {
		t.Fatalf("%v: one side has %v, the other %v", kind, finished, err)
	}
	return a, finished
}

// TestHandshakes has handshakes decided by a gate with a durable store, across
// restarts of the venue.
func TestHandshakes(t *testing.T) {
	ctx := context.Background()
	d := newDoor(t)
	m := d.registry.Member("alice")
	c := d.certificate(t, m)
	_, err := d.ask(t, c, handshake.Open, "")
	wantReject(t, "opened before it is admitted", err, handshake.NotAdmitted)
	for range 2 {
		_, err := d.ask(t, c, handshake.Admit, "")
		must(t, err)
	}
	d.restart(t)
	a, err := d.ask(t, c, handshake.Open, "")
	must(t, err)
	must(t, a.Confirm(ctx))
	a.Release()
	if got := d.gate.Stats(); got.Opens != 1 || got.Admitted != 0 || got.Channels != 0 {
		t.Errorf("after one open: %+v", got)
	}
	a, err = d.ask(t, d.certificate(t, m), handshake.Inline, "")
	must(t, err)
	must(t, a.Confirm(ctx))
	a.Release()

	must(t, d.gate.SetTerms(admissiontest.Terms(d.registry, today, 1)))
	_, err = d.ask(t, c, handshake.Open, "")
	wantReject(t, "opened after the generation was raised", err, handshake.NotAdmitted)
	_, err = d.ask(t, c, handshake.Admit, "")
	wantReject(t, "admitted after the generation was raised", err, handshake.WrongGeneration)
}

// TestEarlyDataOnce is trap B11: a replayed message with a certificate in it finds
// the certificate admitted, and its early data delivered, once and for all
// restarts.
func TestEarlyDataOnce(t *testing.T) {
	d := newDoor(t)
	i, message := d.message(t, d.certificate(t, d.registry.Member("alice")), handshake.Inline, "buy")
	answer, a, err := d.respond(message)
	must(t, err)
	if string(a.Early) != "buy" {
		t.Fatalf("early data %q", a.Early)
	}
	_, err = i.Finish(answer)
	must(t, err)
	a.Release()
	for range 2 {
		d.restart(t)
		_, a, err := d.respond(message)
		if a != nil {
			t.Fatalf("a replay was accepted, with early data %q", a.Early)
		}
		wantReject(t, "a replay", err, handshake.OpensExceeded)
		if got := d.gate.Stats(); got.Admitted != 0 || got.Opens != 0 {
			t.Errorf("stats: %+v", got)
		}
	}
}

// TestStolenKey is trap B10: whoever knows another's session key, but does not
// hold it, gets no slot of theirs admitted over it; and the key stays its owner's.
func TestStolenKey(t *testing.T) {
	ctx := context.Background()
	d := newDoor(t)
	victim := d.certificate(t, d.registry.Member("alice"))
	stolen := victim.Presentation().Authorization
	p, err := d.registry.Member("mallory").Prove(ctx, d.claim(today, 0, stolen.Value))
	must(t, err)
	own, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, err)
	if _, err := session.New(p, own); err == nil {
		t.Error("a certificate over another's key was made")
	}
	_, err = d.ask(t, victim, handshake.Admit, "")
	must(t, err)
	_, err = d.gate.Admit(ctx, p)
	wantReject(t, "another slot over the key", err, zkkex.SlotUsed)
	a, err := d.ask(t, victim, handshake.Open, "")
	must(t, err)
	if a.Admission.Statement.Nullifier != victim.Presentation().Statement.Nullifier {
		t.Error("the victim's channel is taken for another's")
	}
	a.Release()
}
