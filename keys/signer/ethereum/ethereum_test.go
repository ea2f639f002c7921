package ethereum

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

// FuzzParseURI checks that what is accepted names one place, and nothing in the clear on
// another machine.
func FuzzParseURI(f *testing.F) {
	f.Add("0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb@http://127.0.0.1:1248/?key=a", false)
	f.Add("keystore@home.json", false)
	f.Add("https://wallet.example:443", false)
	f.Add("1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb@keystore", true)
	f.Add("1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb@http://[::1%25lo]:1", true)
	f.Fuzz(func(t *testing.T, rest string, caip bool) {
		parse := parseEth
		if caip {
			parse = parseCAIP
		}
		got, err := parse(rest)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if (got.url == nil) != (got.path != "") || caip != (got.chain != "") || caip && got.address == nil {
			t.Fatalf("%q is read as %+v", rest, got)
		}
		if got.url == nil && !strings.HasSuffix(rest, got.path) {
			t.Fatalf("%q is read as the path %q", rest, got.path)
		}
		if got.url != nil && got.url.Scheme != "https" && !isLoopback(got.url.Hostname()) {
			t.Fatalf("%q is read as %v", rest, got.url)
		}
	})
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"192.0.2.1": false, "localhost.example": false, "127.0.0.1.example": false, "0.0.0.0": false, "": false, "127.1": false,
	} {
		if isLoopback(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
