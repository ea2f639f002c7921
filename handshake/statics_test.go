package handshake

import "testing"

// What is remembered is of members that have authenticated, and of the newest
// descriptors.
func TestStatics(t *testing.T) {
	s := newScene(t)
	c := s.certificate(t)
	_, message := s.first(t, plainSuite, c, InitiatorOptions{Kind: Inline})
	forged := append([]byte(nil), message...)
	forged[len(forged)-macsSize-1] ^= 1
	if _, _, err := s.respond(t, remac(s.keys, forged)); err == nil {
		t.Fatal("accepted")
	}
	if len(s.responder.statics.secrets) != 0 {
		t.Error("a stranger's key is remembered")
	}
	if _, _, err := s.respond(t, message); err != nil {
		t.Fatal(err)
	}
	key := [32]byte(c.Key().PublicKey().Bytes())
	ours, ok := staticsOfDescriptor{s.responder.statics, s.keys.Number}.Load(key)
	theirs, known := c.LoadShared([32]byte(s.keys.Static.PublicKey().Bytes()))
	if !ok || !known || ours != theirs {
		t.Errorf("%v %v: the two sides remember %x and %x", ok, known, ours, theirs)
	}
	for number := s.keys.Number + 1; number < s.keys.Number+5; number++ {
		staticsOfDescriptor{s.responder.statics, number}.Store(key, ours)
	}
	staticsOfDescriptor{s.responder.statics, 1}.Store(key, ours)
	if n := len(s.responder.statics.secrets); n != staticsOf || s.responder.statics.secrets[s.keys.Number] != nil {
		t.Errorf("secrets of %d descriptors are remembered", n)
	}
}
