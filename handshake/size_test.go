package handshake

import (
	"fmt"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
)

// Sizes are the two of the descriptor, or the natural ones where those are less,
// and steps above them for early data.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		suite       int
		padding     [2]uint16
		certificate int
		early       int
		want        int
	}{
		{0, [2]uint16{2048, 4096}, 0, 0, 2048},
		{0, [2]uint16{2048, 4096}, 1, 0, 4096},
		{0, [2]uint16{4096, 4096}, 0, 0, 4096},
		{0, [2]uint16{1, 1}, 0, 0, 1383},
		{0, [2]uint16{1, 1}, 1, 0, 1770},
		{0, [2]uint16{65535, 65535}, 1, 0, 65535},
		{4, [2]uint16{2048, 4096}, 0, 0, 2487},
		{4, [2]uint16{2048, 4096}, 1, 0, 4096},
		{4, [2]uint16{2048, 4096}, 0, 1, 2487 + 1024},
		{4, [2]uint16{2048, 4096}, 0, 1024, 2487 + 1024},
		{4, [2]uint16{2048, 4096}, 0, 1025, 2487 + 2048},
		{4, [2]uint16{2048, 4096}, 0, 4096, 2487 + 4096},
		{4, [2]uint16{2048, 4096}, 1, 1222, 4096},
		{4, [2]uint16{2048, 4096}, 1, 1223, 4096 + 1024},
		{0, [2]uint16{2048, 4096}, 3, 0, 4096},
		{0, [2]uint16{1, 1}, 3, 0, 2154},
		{0, [2]uint16{2048, 4096}, 2, 0, 4096},
		{0, [2]uint16{1, 1}, 2, 0, 1834},
		{4, [2]uint16{2048, 4096}, 2, 1158, 4096},
		{4, [2]uint16{2048, 4096}, 2, 1159, 4096 + 1024},
		{0, [2]uint16{1408, 3328}, 1, 0, 3328},
		{0, [2]uint16{1408, 3328}, 2, 0, 3328},
		{0, [2]uint16{1408, 3328}, 3, 0, 3328},
		{4, [2]uint16{1408, 3328}, 1, 0, 3328},
		{4, [2]uint16{1408, 3328}, 3, 0, 3328},
		{4, [2]uint16{2048, 4096}, 3, 838, 4096},
		{4, [2]uint16{2048, 4096}, 3, 839, 4096 + 1024},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			s := sizesOf(suites()[c.suite], c.padding)
			if got := s.of(certificateSizes[c.certificate], c.early); got != c.want {
				t.Errorf("%d bytes, expected %d", got, c.want)
			}
			if !s.possible(c.want) || s.possible(c.want-1) || s.possible(c.want+1) {
				t.Error("the responder expects another size")
			}
		})
	}
	for i, suite := range suites() {
		possible, want := 0, 2
		if suite.EarlyData() {
			want = 2 * (1 + MaxEarlyData/EarlyDataStep)
		}
		s := sizesOf(suite, [2]uint16{2048, 4096})
		for size := range MaxMessageSize + 1 {
			if s.possible(size) {
				possible++
			}
		}
		if possible != want {
			t.Errorf("suite %d: %d sizes, expected %d", i+1, possible, want)
		}
	}
}

// A certificate with a proof of every circuit fits, and there is no other size.
func TestCertificateSizes(t *testing.T) {
	sizes := map[int]bool{certificateHead + committedGroth16Proof: true} // of circuits over other curves
	for _, id := range zkkex.Circuits() {
		size := certificateHead + id.ProofSize()
		sizes[size] = true
		if !isCertificateSize(size) {
			t.Errorf("%v: a certificate of %d bytes does not fit", id, size)
		}
	}
	if len(sizes) != len(certificateSizes)-1 || !slices.IsSorted(certificateSizes[:]) {
		t.Errorf("sizes %v, expected none and %v", certificateSizes, sizes)
	}
}

// Messages of the same kind are of the same size, whatever is in them.
func TestMessageSizes(t *testing.T) {
	s := newScene(t)
	for _, suite := range suiteNames {
		for _, c := range []struct {
			kind Kind
			want int
		}{{Open, 2048}, {Admit, 4096}, {Inline, 4096}} {
			if parsed, _ := ParseSuite(suite); parsed.EarlyData() && c.kind == Open {
				c.want = 2487
			}
			if _, message := s.first(t, suite, s.certificate(t), InitiatorOptions{Kind: c.kind}); len(message) != c.want {
				t.Errorf("%s, %s: %d bytes, expected %d", suite, c.kind, len(message), c.want)
			}
		}
	}
}

// A message is refused that is longer than what it carries needs: there is one
// size for everything.
func TestSizeFollowsFromContents(t *testing.T) {
	s := newScene(t)
	c := s.admitted(t)
	size := sizesOf(suites()[0], s.keys.Padding)
	text := (&payload{kind: Open, digest: c.Digest()}).append(nil, size.payload(4096))
	answer, a, err := s.respond(t, s.handmade(t, c.Key(), text))
	requireSilence(t, answer, a, err, ErrPayload)
}
