package descriptor

import (
	"testing"

	"github.com/zkkex/zkkex/internal/noise"
)

func TestSuitesAreProtocols(t *testing.T) {
	seen := make(map[Suite]bool)
	for _, s := range Suites() {
		if _, err := noise.ParseProtocol(string(s)); err != nil {
			t.Error(err)
		}
		if s.Security() == UnknownSecurity || s.check() != nil || seen[s] {
			t.Errorf("%s: level %v, %v", s, s.Security(), s.check())
		}
		seen[s] = true
	}
	if len(seen) != 8 || Suites()[0].Security() != HybridPrekey || Suites()[7].Security() != Hybrid {
		t.Errorf("suites are %v", Suites())
	}
	for _, s := range []Suite{"", "Noise_IK_25519_AESGCM_SHA256", Suites()[0] + "x"} {
		if s.Security() != UnknownSecurity {
			t.Errorf("%q has the level %v", s, s.Security())
		}
	}
}
