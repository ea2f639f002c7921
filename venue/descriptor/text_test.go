package descriptor

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

// refusal is a text that is refused, for one reason.
type refusal struct {
	name   string
	text   []byte
	class  error
	reason string
}

// refusals returns bad variants of a descriptor's text, each bad in one way.
func refusals(t *testing.T) (good []byte, bad []refusal) {
	c := newTestChain(t)
	good = mustText(t, c.draft())
	replace := func(old, new string) []byte { return replaceOnce(t, good, old, new) }
	x25519 := func(key [32]byte) []byte {
		return replace("x25519: "+base64Of(c.draft().Prekeys.X25519[:]), "x25519: "+base64Of(key[:]))
	}
	kem := c.draft().Prekeys.MLKEM768
	badKEM := bytes.Clone(kem)
	badKEM[0], badKEM[1] = 0xff, badKEM[1]|0x0f // the first coefficient is 4095
	lastAddress := "address: https venue.example:443/mail\n"
	many := func(line string, n int) string { return strings.Repeat(line, n) }
	m, u := zkkex.ErrMalformed, zkkex.ErrUnsupported
	return good, []refusal{
		{"empty", nil, m, "expected the first line"},
		{"another version", replace("zkkex/v1 venue d", "zkkex/v2 venue d"), u, "a newer version may know it"},
		{"another format", replace("venue descriptor", "venue identity"), m, "expected the first line"},
		{"too long", append(bytes.Clone(good), make([]byte, MaxText)...), m, "expected at most 16384 bytes"},
		{"no newline at the end", good[:len(good)-1], m, "expected no line"},
		{"carriage return", replace("number: 1\n", "number: 1\r\n"), m, "number: expected a decimal number"},
		{"lines swapped", replace("generation: 0\nchain: 1\n", "chain: 1\ngeneration: 0\n"), m, `expected the line "generation: ..."`},
		{"upper-case digits", replace("circuit: 0101 aa", "circuit: 0101 AA"), m, "lower case"},
		{"upper-case circuit", replace("circuit: 0102", "circuit: 0B02"), m, "the one accepted form"},
		{"short circuit", replace("circuit: 0102", "circuit: 102"), m, "the one accepted form"},
		{"circuit that is no number", replace("circuit: 0102", "circuit: baby"), m, "expected 4 hexadecimal digits"},
		{"leading zero", replace("number: 1\n", "number: 01\n"), m, "without sign or leading zeros"},
		{"sign", replace("generation: 0\n", "generation: -0\n"), m, "without sign or leading zeros"},
		{"number 0", replace("number: 1\n", "number: 0\n"), m, "number 0, expected 1"},
		{"first with a previous", replace("previous: 0", "previous: 1"), m, "the first descriptor names a previous one"},
		{"second without a previous", replace("number: 1\n", "number: 2\n"), m, "names no previous one"},
		{"not on the minute", replace("not-before: 1795253400", "not-before: 1795253401"), m, "whole minutes"},
		{"not-after not on the minute", replace("not-after: 1795257600", "not-after: 1795257599"), m, "whole minutes"},
		{"ends when it begins", replace("not-after: 1795257600", "not-after: 1795253400"), m, "expected after it begins"},
		{"after the year 9999", replace("not-after: 1795257600", "not-after: 253402300800"), m, "expected at most 253402300799"},
		{"prekeys end early", replace("prekeys-expire: 1795257600", "prekeys-expire: 1795257599"), m, "expected not before the descriptor"},
		{"prekeys outlive the epochs", replace("prekeys-expire: 1795257600", "prekeys-expire: 1795392001"), m, "not after the last epoch"},
		{"prekeys live too long", replace("prekeys-expire: 1795257600", "prekeys-expire: 1796463001"), m, "prekeys live for"},
		{"epoch length 0", replace("epochs: 0 86400", "epochs: 0 0"), m, "epoch length is 0"},
		{"origin after the beginning", replace("epochs: 0 86400", "epochs: 1795253401 86400"), m, "no epoch yet"},
		{"origin after the year 9999", replace("epochs: 0 86400", "epochs: 253402300800 86400"), m, "epoch origin 253402300800"},
		{"another epoch", replace("epoch: 20778 ", "epoch: 20777 "), m, "it names the epochs 20777 and 20779"},
		{"not the next epoch", replace("epoch: 20779 ", "epoch: 20780 "), m, "it names the epochs 20778 and 20780"},
		{"limit 0", replace("epoch: 20779 8 ", "epoch: 20779 0 "), m, "the limit 0"},
		{"root of the order", replace("0100000000000000000000000000000000000000000000000000000000000001", "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001"), m, "not a canonical"},
		{"root sequence of 2^63", replace("epoch: 20779 8 110", "epoch: 20779 8 9223372036854775808"), m, "below 2^63"},
		{"next root is older", replace("epoch: 20779 8 110", "epoch: 20779 8 99"), m, "which is before"},
		{"two roots of one sequence", replace("epoch: 20779 8 110", "epoch: 20779 8 100"), m, "different roots of one sequence"},
		{"registry key", replace("+7a37ce2d+", "+7a37ce2e+"), m, "registry"},
		{"no opens", replace("opens: 64", "opens: 0"), m, "at least 1 each"},
		{"no channels", replace("channels: 4", "channels: 0"), m, "at least 1 each"},
		{"no padding", replace("padding: 2048 4096", "padding: 0 4096"), m, "padding to 0"},
		{"paddings swapped", replace("padding: 2048 4096", "padding: 4096 2048"), m, "the second not below the first"},
		{"padding of 2^16", replace("padding: 2048 4096", "padding: 2048 65536"), m, "below 2^16"},
		{"one padding", replace("padding: 2048 4096", "padding: 2048"), m, "expected 2 fields"},
		{"short X25519 key", replace(base64Of(c.draft().Prekeys.X25519[:]), "AAAA"), m, "expected 32 bytes, got 3"},
		{"X25519 key of small order", x25519([32]byte{1}), m, "small order"},
		{"X25519 key that is zero", x25519([32]byte{}), m, "small order"},
		{"X25519 key not reduced", x25519([32]byte(append(bytes.Repeat([]byte{0xff}, 31), 0x7f))), m, "below 2^255-19"},
		{"X25519 key with the top bit", x25519([32]byte{0: 9, 31: 0x80}), m, "below 2^255-19"},
		{"base64 with trailing bits", replace(base64Of(c.draft().Prekeys.X25519[:]), strings.Replace(base64Of(c.draft().Prekeys.X25519[:]), "=", "", 1)), m, "standard base64"},
		{"short ML-KEM key", replace(base64Of(kem), base64Of(kem[1:])), m, "ML-KEM-768 prekey of 1183 bytes"},
		{"ML-KEM coefficient", replace(base64Of(kem), base64Of(badKEM)), m, "coefficients below 3329"},
		{"suite without its prekey", replace("mlkem768: "+base64Of(kem)+"\n", ""), m, "needs an ML-KEM-768 prekey"},
		{"empty ML-KEM key", replace(base64Of(kem), ""), m, "ML-KEM-768 prekey of 0 bytes"},
		{"circuits not ascending", replace("circuit: 0101", "circuit: 0103"), m, "not in ascending order"},
		{"a circuit twice", replace("circuit: 0102 bb", "circuit: 0101 aa"), m, "not in ascending order"},
		{"too many circuits", replace("circuit: 0101", many("circuit: 0100 "+strings.Repeat("0", 64)+"\n", 16)+"circuit: 0101"), m, "expected no line"},
		{"no suite", replace("suite: Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_SHA256\nsuite: Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256\n", ""), m, "0 suites"},
		{"a suite twice", replace("suite: Noise_IKhfs_", "suite: Noise_IKhfs+skem1_"), m, "is there twice"},
		{"suite of another framework", replace("suite: Noise_IKhfs_", "suite: TLS_IKhfs_"), m, "expected a Noise protocol name"},
		{"suite with a space", replace("suite: Noise_IKhfs_", "suite: Noise_IK hfs_"), m, "letters, digits"},
		{"unknown network", replace("address: tcp", "address: udp"), m, "expected tcp, http or https"},
		{"no port", replace("venue.example:9440", "venue.example"), m, "expected host:port"},
		{"port 0", replace("venue.example:9440", "venue.example:0"), m, "a port from 1 to 65535"},
		{"port with a zero", replace("venue.example:9440", "venue.example:09440"), m, "a port from 1 to 65535"},
		{"upper-case host", replace("venue.example:9440", "Venue.example:9440"), m, "lower case"},
		{"no host", replace("venue.example:9440", ":9440"), m, "lower case or an IP"},
		{"host with a slash", replace("venue.example:9440", "venue/example:9440"), m, "letters, digits, hyphens"},
		{"IPv6 address, long", replace("venue.example:9440", "[0::1]:9440"), m, "expected the form ::1"},
		{"path with a query", replace("443/mail", "443/mail?x"), m, "path"},
		{"an address twice", replace(lastAddress, "address: tcp venue.example:9440\n"), m, "is there twice"},
		{"too many addresses", replace(lastAddress, many(lastAddress, 17)), m, "expected no line"},
		{"a line more", append(bytes.Clone(good), "other: 1\n"...), m, "expected no line"},
		{"an empty line", append(bytes.Clone(good), '\n'), m, "expected no line"},
	}
}

func TestParseRefuses(t *testing.T) {
	good, bad := refusals(t)
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for _, r := range bad {
		if _, err := Parse(r.text); !errors.Is(err, r.class) || !strings.Contains(err.Error(), r.reason) {
			t.Errorf("%s: %.300v; want %v with %q", r.name, err, r.class, r.reason)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	c := newTestChain(t)
	for _, change := range []func(*Descriptor){
		func(*Descriptor) {},
		func(d *Descriptor) { d.Addresses = nil },
		func(d *Descriptor) {
			d.Addresses = []Address{{"tcp", "[2001:db8::1]:1"}, {"http", "192.0.2.1:65535"}, {"http", "a-b.example:80/x/~y._-"}}
		},
		func(d *Descriptor) { d.Suites, d.Prekeys.MLKEM768 = d.Suites[1:], nil },
		func(d *Descriptor) { d.Suites = append(d.Suites, "Noise_XX_448_AESGCM_SHA512") },
		func(d *Descriptor) { d.Circuits = append(d.Circuits, Circuit{ID: 0xfffe}) },
		func(d *Descriptor) {
			d.Circuits = append(d.Circuits[:1], Circuit{zkkex.BabyJubjub20, zkkex.ParamsDigest{0xab}})
		},
		func(d *Descriptor) { d.Generation, d.ChainID = 1<<32-1, 1<<64-1 },
	} {
		want := c.draft()
		change(want)
		got, err := Parse(mustText(t, want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("parsed %+v, %v; expected %+v", got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	c := newTestChain(f)
	f.Add(mustText(f, c.draft()))
	d := c.draft()
	d.Suites, d.Prekeys.MLKEM768, d.Addresses = d.Suites[1:], nil, nil
	f.Add(mustText(f, d))
	f.Add([]byte(magic + "\nvenue: "))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if again, err := d.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("parsed %q, encoded %q, %v", text, again, err)
		}
	})
}
