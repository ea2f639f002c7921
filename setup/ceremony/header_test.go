package ceremony_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

// sampleHeaders returns a contribution's header and a beacon's.
func sampleHeaders() (contribution, beacon ceremony.Header) {
	contribution = ceremony.Header{
		Format: ceremony.HeaderFormat, Circuit: "babyjubjub-20", Phase: 1, Number: 1,
		Kind: ceremony.Contribution, Contributor: "Alice", Created: ceremonytest.Created,
		Payload: params.Describe([]byte("a payload")),
	}
	beacon = contribution
	beacon.Kind, beacon.Contributor, beacon.Payload = ceremony.Beacon, "", params.Describe(nil)
	beacon.Beacon = &ceremony.BeaconValue{Source: ceremonytest.BeaconSource, Value: ceremonytest.BeaconValue}
	return contribution, beacon
}

// TestHeaderVectors has one fault in each header, in its canonical form otherwise.
func TestHeaderVectors(t *testing.T) {
	contribution, beacon := sampleHeaders()
	alice := ceremonytest.Key(t, "Alice").PublicKey()
	signed := contribution
	signed.Key = "ssh-ed25519 " + base64.StdEncoding.EncodeToString(alice.Marshal())
	text := func(h ceremony.Header) string {
		b, err := h.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	ofContribution, ofBeacon, ofSigned := text(contribution), text(beacon), text(signed)
	for _, good := range []string{ofContribution, ofBeacon, ofSigned} {
		if h, err := ceremony.ParseHeader([]byte(good)); err != nil || text(*h) != good {
			t.Fatalf("%v in\n%s", err, good)
		}
	}
	value := `"value": "` + strings.Repeat("61", 300) + `"`
	for _, tc := range []struct {
		name, of, old, new string
		want               error
		says               string
	}{
		{"another format", ofContribution, `zkkex/v1 contribution`, `zkkex/v2 contribution`, zkkex.ErrUnsupported, "format"},
		{"no circuit", ofContribution, `"babyjubjub-20"`, `""`, zkkex.ErrMalformed, "circuit: "},
		{"phase 0", ofContribution, `"phase": 1`, `"phase": 0`, zkkex.ErrMalformed, "phase 0, expected"},
		{"phase 3", ofContribution, `"phase": 1`, `"phase": 3`, zkkex.ErrMalformed, "phase 3, expected"},
		{"number 0", ofContribution, `"number": 1`, `"number": 0`, zkkex.ErrMalformed, "number 0, expected"},
		{"number too high", ofContribution, `"number": 1`, `"number": 10000`, zkkex.ErrMalformed, "number 10000, expected"},
		{"parts of a second", ofContribution, `12:00:00Z`, `12:00:00.5Z`, zkkex.ErrMalformed, "created: expected whole seconds"},
		{"another zone", ofContribution, `12:00:00Z`, `12:00:00+01:00`, zkkex.ErrMalformed, "created: expected whole seconds"},
		{"long ago", ofContribution, `"2026-`, `"1999-`, zkkex.ErrMalformed, "created: year 1999"},
		{"another kind", ofContribution, `"kind": "contribution"`, `"kind": "rumour"`, zkkex.ErrMalformed, `kind "rumour"`},
		{"no contributor", ofContribution, `"contributor": "Alice"`, `"contributor": ""`, zkkex.ErrMalformed, "contributor: 0 characters"},
		{"a contributor who turns text around", ofContribution, `"Alice"`, "\"Al\u202eice\"", zkkex.ErrMalformed, "does not print"},
		{"a contributor who moves the cursor", ofContribution, `"Alice"`, `"Al\u001b[2Jice"`, zkkex.ErrMalformed, "does not print"},
		{"a long name", ofContribution, `"Alice"`, `"` + strings.Repeat("A", 65) + `"`, zkkex.ErrMalformed, "65 characters"},
		{"a contribution with a beacon", ofContribution, `"contributor": "Alice"`,
			`"contributor": "Alice",` + "\n" + `  "beacon": {` + "\n" + `    "source": "a source",` + "\n" + `    "value": "61616161616161616161616161616161"` + "\n  }", zkkex.ErrMalformed, "with a beacon"},
		{"no payload", ofContribution, `"size": 9`, `"size": 0`, zkkex.ErrMalformed, "payload of 0 bytes"},
		{"a key with a comment", ofSigned, signed.Key, signed.Key + " alice", zkkex.ErrMalformed, "without options or comment"},
		{"a key with options", ofSigned, signed.Key, "no-pty " + signed.Key, zkkex.ErrMalformed, "without options or comment"},
		{"no key", ofSigned, signed.Key, "ssh-ed25519 AAAA", zkkex.ErrMalformed, "key: "},
		{"a key of RSA", ofSigned, signed.Key, rsaKey, zkkex.ErrUnsupported, "ssh-rsa"},
		{"a beacon without its value", ofBeacon, ofBeacon[strings.Index(ofBeacon, "  \"beacon\": {"):strings.Index(ofBeacon, "  \"created\"")], "", zkkex.ErrMalformed, "without its value"},
		{"a beacon by somebody", ofBeacon, `"beacon": {`, `"contributor": "Alice",` + "\n" + `  "beacon": {`, zkkex.ErrMalformed, "contributor or key"},
		{"a beacon with a payload", ofBeacon, `"size": 0`, `"size": 1`, zkkex.ErrMalformed, "beacon with a payload"},
		{"a beacon from nowhere", ofBeacon, ceremonytest.BeaconSource, "", zkkex.ErrMalformed, "beacon's source"},
		{"a beacon that is too short", ofBeacon, ofBeacon[strings.Index(ofBeacon, `"value"`):strings.Index(ofBeacon, "\n  },\n  \"created")], `"value": "616161616161616161616161616161"`, zkkex.ErrMalformed, "beacon of 15 bytes"},
		{"a beacon that is too long", ofBeacon, ofBeacon[strings.Index(ofBeacon, `"value"`):strings.Index(ofBeacon, "\n  },\n  \"created")], value, zkkex.ErrMalformed, "beacon of 300 bytes"},
		{"a value in upper case", ofBeacon, `"6120`, `"6D20`, zkkex.ErrMalformed, "lower-case"},
		{"fields in another order", ofContribution, "  \"phase\": 1,\n  \"number\": 1,\n", "  \"number\": 1,\n  \"phase\": 1,\n", zkkex.ErrMalformed, "one accepted form"},
	} {
		bad := strings.Replace(tc.of, tc.old, tc.new, 1)
		if bad == tc.of {
			t.Errorf("%s: the sample has no %q", tc.name, tc.old)
		}
		if _, err := ceremony.ParseHeader([]byte(bad)); !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %v that says %q", tc.name, err, tc.want, tc.says)
		}
	}
}

// rsaKey is a key of another type, of 256 bits.
const rsaKey = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAIQDNU5C8FB6mVYQ1OXzJJKsYHmGCUBfjYCpkXYSn2Yh6Pw=="

// TestContributionVectors has a fault in each file that only its parts together have.
func TestContributionVectors(t *testing.T) {
	contribution, beacon := sampleHeaders()
	payload := []byte("a payload")
	key := ceremonytest.Key(t, "Alice")
	signed := contribution
	signed.Key = "ssh-ed25519 " + base64.StdEncoding.EncodeToString(key.PublicKey().Marshal())
	header := func(h ceremony.Header) []byte {
		b, err := h.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sign := func(by, namespace string, message []byte) []byte {
		s, err := sshsig.Sign(ceremonytest.Key(t, by), namespace, message)
		if err != nil {
			t.Fatal(err)
		}
		return s.Bytes()
	}
	good := sign("Alice", ceremony.Namespace, header(signed))
	later := signed
	later.Number = 2
	for _, tc := range []struct {
		name               string
		header, sig, bytes []byte
		want               error
	}{
		{"not signed", header(contribution), nil, payload, nil},
		{"signed", header(signed), good, payload, nil},
		{"a beacon", header(beacon), nil, nil, nil},
		{"another payload", header(contribution), nil, []byte("b payload"), zkkex.ErrMalformed},
		{"a longer payload", header(contribution), nil, []byte("a payload."), zkkex.ErrMalformed},
		{"a beacon with a payload", header(beacon), nil, payload, zkkex.ErrMalformed},
		{"a signature and no key", header(contribution), good, payload, sshsig.ErrSignature},
		{"a key and no signature", header(signed), nil, payload, sshsig.ErrSignature},
		{"no signature at all", header(signed), []byte("SSHSIG"), payload, zkkex.ErrMalformed},
		{"signed by another", header(signed), sign("Bob", ceremony.Namespace, header(signed)), payload, sshsig.ErrSignature},
		{"for another purpose", header(signed), sign("Alice", "git", header(signed)), payload, sshsig.ErrSignature},
		{"of another header", header(signed), sign("Alice", ceremony.Namespace, header(later)), payload, sshsig.ErrSignature},
	} {
		_, got, err := ceremony.ParseContribution(reassemble(tc.header, tc.sig, tc.bytes))
		if !errors.Is(err, tc.want) || err == nil && string(got) != string(tc.bytes) {
			t.Errorf("%s: %q, %v; want %v", tc.name, got, err, tc.want)
		}
	}
	p := ceremony.Preamble{Header: signed}
	if _, err := p.Bytes(); !errors.Is(err, sshsig.ErrSignature) {
		t.Errorf("a key and no signature is written: %v", err)
	}
}
