package hashtocurve

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
)

// RFC 9380, appendices J.1.1 and J.8.1.
func TestVectors(t *testing.T) {
	for _, v := range []struct {
		curve         eckey.Curve
		message, x, y string
	}{
		{eckey.P256, "", "2c15230b26dbc6fc9a37051158c95b79656e17a1a920b11394ca91c44247d3e4", "8a7a74985cc5c776cdfe4b1f19884970453912e9d31528c060be9ab5c43e8415"},
		{eckey.P256, "abc", "0bb8b87485551aa43ed54f009230450b492fead5f1cc91658775dac4a3388a0f", "5c41b3d0731a27a7b14bc0bf0ccded2d8751f83493404c84a88e71ffd424212e"},
		{eckey.P256, "abcdef0123456789", "65038ac8f2b1def042a5df0b33b1f4eca6bff7cb0f9c6c1526811864e544ed80", "cad44d40a656e7aff4002a8de287abc8ae0482b5ae825822bb870d6df9b56ca3"},
		{eckey.P256, "a512_" + strings.Repeat("a", 512), "457ae2981f70ca85d8e24c308b14db22f3e3862c5ea0f652ca38b5e49cd64bc5", "ecb9f0eadc9aeed232dabc53235368c1394c78de05dd96893eefa62b0f4757dc"},
		{eckey.Secp256k1, "", "c1cae290e291aee617ebaef1be6d73861479c48b841eaba9b7b5852ddfeb1346", "64fa678e07ae116126f08b022a94af6de15985c996c3a91b64c406a960e51067"},
		{eckey.Secp256k1, "abc", "3377e01eab42db296b512293120c6cee72b6ecf9f9205760bd9ff11fb3cb2c4b", "7f95890f33efebd1044d382a01b1bee0900fb6116f94688d487c6c7b9c8371f6"},
	} {
		tag := "QUUX-V01-CS02-with-" + map[eckey.Curve]string{eckey.P256: "P256", eckey.Secp256k1: "secp256k1"}[v.curve] + "_XMD:SHA-256_SSWU_RO_"
		p, err := Hash(v.curve, []byte(v.message), tag)
		if err != nil {
			t.Fatal(err)
		}
		x, y := p.X(), p.Y()
		if hex.EncodeToString(x[:]) != v.x || hex.EncodeToString(y[:]) != v.y {
			t.Errorf("%v, %.20q: (%x, %x), want (%s, %s)", v.curve, v.message, x, y, v.x, v.y)
		}
	}
}

func TestRefuses(t *testing.T) {
	if _, err := Hash(0, nil, "tag"); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("no curve: %v", err)
	}
	for _, tag := range []string{"", strings.Repeat("a", MaxTag+1)} {
		if _, err := Hash(eckey.P256, nil, tag); err == nil {
			t.Errorf("accepted a tag of %d bytes", len(tag))
		}
	}
}
