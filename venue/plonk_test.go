package venue

import (
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// A venue that accepts PLONK pads so that nobody's proof system can be told; one
// that was told how to pad does that.
func TestPaddingWithPlonk(t *testing.T) {
	plonk := descriptor.Circuit{ID: zkkex.BabyJubjub32Plonk, Params: zkkex.ParamsDigest{1}}
	groth16 := descriptor.Circuit{ID: zkkex.BabyJubjub20, Params: zkkex.ParamsDigest{2}}
	for _, c := range []struct {
		name   string
		config Config
		want   [2]uint16
	}{
		{"Groth16", Config{Circuits: []descriptor.Circuit{groth16}}, [2]uint16{DefaultPadding, DefaultPaddingWithCertificate}},
		{"both", Config{Circuits: []descriptor.Circuit{groth16, plonk}}, [2]uint16{DefaultPadding, DefaultPaddingWithPlonk}},
		{"PLONK", Config{Circuits: []descriptor.Circuit{plonk}}, [2]uint16{DefaultPadding, DefaultPaddingWithPlonk}},
		{"told", Config{Circuits: []descriptor.Circuit{plonk}, Padding: [2]uint16{2000, 4000}}, [2]uint16{2000, 4000}},
	} {
		if got := c.config.withDefaults().Padding; got != c.want {
			t.Errorf("%s: padding %v, want %v", c.name, got, c.want)
		}
	}
}
