package anonymity

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// verdicts are what a verifier of proofs can say, beside yes.
var verdicts = []zkkex.Reason{
	zkkex.BadProof, zkkex.UnknownRoot, zkkex.StaleRoot, zkkex.SlotUsed, zkkex.WrongLimit, zkkex.WrongScope, zkkex.WrongEpoch,
	zkkex.WrongBinding, zkkex.WrongRegistry, zkkex.WrongCircuit, zkkex.WrongParams, zkkex.TooFewMembers, zkkex.Busy,
	handshake.WrongGeneration, "a reason without a code",
}

// refusals has the member refused for every reason there is.
func (m *someone) refusals() {
	for _, kind := range []handshake.Kind{handshake.Admit, handshake.Inline} {
		for _, reason := range verdicts {
			if m.leak.reason != nil {
				reason = m.leak.reason(m.identity, reason)
			}
			m.decide(zkkex.Reject(reason, "of a proof"))
			m.refused(kind, m.known(m.suites[0]), m.certificate(nil), nil)
		}
		m.decide(errors.New("the store is down"))
		m.refused(kind, m.known(m.suites[0]), m.certificate(nil), nil)
		m.decide(nil)
		m.refused(kind, m.known(m.suites[0]), m.sameSlot(), nil)
	}
	m.refused(handshake.Open, m.known(m.suites[0]), m.certificate(nil), nil) // not admitted
	m.refused(handshake.Inline, m.known(earlySuite(m.suites)), m.certificate(nil), []byte("early"))
	m.refused(handshake.Inline, m.known(m.suites[0]), m.sameKey(), nil)
	m.tooManyOpens()
	m.tooManyChannels()
	unknown := m.known(m.suites[0])
	unknown.Number += 1000
	m.refused(handshake.Inline, unknown, m.certificate(nil), nil)
}

func earlySuite(suites []descriptor.Suite) descriptor.Suite {
	for _, s := range suites {
		if s.Security() == descriptor.HybridPrekey {
			return s
		}
	}
	return suites[0]
}

// refused notes what the member is told.
func (m *someone) refused(kind handshake.Kind, v *handshake.Venue, c *session.Certificate, early []byte) {
	m.t.Helper()
	conn, err := m.ask(kind, v, c, early)
	if err == nil {
		conn.Close()
		m.t.Fatal("the venue says yes")
	}
	m.errors = append(m.errors, err.Error())
}

func (m *someone) ask(kind handshake.Kind, v *handshake.Venue, c *session.Certificate, early []byte) (*handshake.Conn, error) {
	i, err := handshake.NewInitiator(v, c, handshake.InitiatorOptions{Kind: kind, Early: early})
	m.must(err)
	raw, err := m.tap.dial(m.t.Context(), "tcp", venueSessions)
	m.must(err)
	if kind == handshake.Admit {
		return nil, handshake.AdmitOn(context.Background(), raw, i, &m.config)
	}
	return handshake.Client(context.Background(), raw, i, &m.config)
}

// sameSlot returns a second certificate of a slot; the first is admitted.
func (m *someone) sameSlot() *session.Certificate {
	first := m.admitted()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	m.must(err)
	p, err := m.provers.Present(m.claim(key), first.Presentation().Statement.Nullifier)
	m.must(err)
	c, err := session.New(p, key)
	m.must(err)
	return c
}

// sameKey returns a second certificate of a session key; the first is admitted.
func (m *someone) sameKey() *session.Certificate { return m.certificate(m.admitted().Key()) }

// admitted returns a certificate that the venue has admitted.
func (m *someone) admitted() *session.Certificate {
	c := m.certificate(nil)
	_, err := m.ask(handshake.Admit, m.known(m.suites[0]), c, nil)
	m.must(err)
	return c
}

func (m *someone) tooManyOpens() {
	c, v := m.admitted(), m.known(m.suites[0])
	for range v.MaxOpens {
		_, err := c.TakeOpen(v.MaxOpens)
		m.must(err)
	}
	v.MaxOpens++ // the member's count, not the venue's
	m.refused(handshake.Open, v, c, nil)
}

func (m *someone) tooManyChannels() {
	c, v := m.admitted(), m.known(m.suites[0])
	var open []*handshake.Conn
	for range m.descriptor.MaxChannels {
		conn, err := m.ask(handshake.Open, v, c, nil)
		m.must(err)
		m.talk(conn) // so that it counts
		open = append(open, conn)
	}
	m.refused(handshake.Open, v, c, nil)
	for _, conn := range open {
		m.hangUp(conn)
	}
}
