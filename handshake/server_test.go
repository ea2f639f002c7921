package handshake

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkkex/zkkex"
)

// A raised generation ends channels that no listener made, too.
func TestGateEndsChannelsWithoutListener(t *testing.T) {
	s := newScene(t)
	i := s.initiator(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Inline})
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		served := make(chan *Conn, 1)
		go func() {
			c, err := Server(t.Context(), theirs, &ServerConfig{
				Responder: s.responder, Keys: keySource{s.keys.Number: s.keys}, Gate: s.gate, Now: s.clock.Now,
			})
			if err != nil {
				t.Error(err)
			}
			served <- c
		}()
		member, err := Client(t.Context(), ours, i, &ClientConfig{Now: s.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		venue := <-served
		time.Sleep(2 * liveInterval)
		select {
		case <-venue.Done():
			t.Fatal("the channel has ended")
		default:
		}
		s.gate.set(func(g *testGate) { g.liveErr = zkkex.Reject(WrongGeneration, "raised") })
		_, err = member.Read(make([]byte, 1))
		if alert, ok := errors.AsType[Alert](err); !ok || alert != AlertGeneration {
			t.Errorf("got %v, expected %v", err, AlertGeneration)
		}
		member.Close()
		<-venue.Done()
		<-member.Done()
	})
}
