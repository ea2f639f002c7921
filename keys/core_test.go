package keys

import "testing"

func TestSignVerify(t *testing.T) {
	s, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign([]byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Public().Verify([]byte("message"), sig); err != nil {
		t.Fatal(err)
	}
	if err := s.Public().Verify([]byte("massage"), sig); err == nil {
		t.Fatal("verified another message")
	}
}
func BenchmarkParse(b *testing.B) {
	s, _ := Generate()
	p := s.Public()
	for b.Loop() {
		ParsePublic(1, p.point, p.nullifierHash)
	}
}
