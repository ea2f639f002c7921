package venue

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// testRegistry is the verifier key of the samples in docs/spec/checkpoint.md.
const testRegistry = "registry.example/members+7a37ce2d+ATXBG5/ap5hSj+4JJEZPU0N9o9Jkgad/q4P66wt7iL6Z"

// testWitness is the cosignature key whose seed is SHA-256 of "zkkex test witness".
const testWitness = "witness.example+f0f1bf83+BDQQDYodufyvBb/JEl+LlaDNLiKd+2SUFwTvZzY9CQ3B"

// sampleConfig is that of docs/spec/venue-directory.md.
func sampleConfig() Config {
	return Config{
		Name: "venue.example",
		Registry: Registry{
			URL: "https://registry.example", VerifierKey: testRegistry, Witnesses: []string{testWitness}, Quorum: 1,
		},
		MinMembers: 100,
		Circuits:   []descriptor.Circuit{{ID: zkkex.BabyJubjub20, Params: zkkex.ParamsDigest{0xaa}}},
		Addresses:  []descriptor.Address{{Network: "tcp", Place: "venue.example:9440"}},
		Witnesses:  []registrar.Witness{{URL: "https://witness.example", VerifierKey: testWitness}},
		Quorum:     1,
	}.withDefaults()
}

func sampleText(t testing.TB) []byte {
	t.Helper()
	c := sampleConfig()
	text, err := c.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestConfigIsTheOneOfTheSpecification(t *testing.T) {
	spec, err := os.ReadFile("../docs/spec/venue-directory.md")
	if err != nil {
		t.Fatal(err)
	}
	text := sampleText(t)
	if !bytes.Contains(spec, append([]byte("```json\n"), text...)) {
		t.Errorf("docs/spec/venue-directory.md does not show\n%s", text)
	}
	c, err := ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.MarshalText()
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("decoded and encoded it is\n%s(%v)", again, err)
	}
}

// Each text has one fault, and is refused for it.
func TestConfigsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           error
		says           string
	}{
		{"another format", "venue config", "venue config 2", zkkex.ErrUnsupported, "format"},
		{"an unknown field", `"chain_id": 0,`, `"chain_id": 0, "more": 1,`, zkkex.ErrMalformed, "unknown field"},
		{"spaces", `"chain_id": 0`, `"chain_id":  0`, zkkex.ErrMalformed, "one accepted form"},
		{"a name of a registry", `"name": "venue.example"`, `"name": "venue example"`, zkkex.ErrMalformed, "name"},
		{"an unknown scheme", `"https://registry.example"`, `"ftp://registry.example"`, zkkex.ErrMalformed, "registry URL"},
		{"a registry key with a typo", "7a37ce2d", "7a37ce2e", zkkex.ErrMalformed, "verifier key"},
		{"a registry's quorum beyond its witnesses", "\"quorum\": 1\n  },", "\"quorum\": 2\n  },", zkkex.ErrMalformed, "quorum of 2"},
		{"no epochs", `"length_seconds": 14400`, `"length_seconds": 0`, zkkex.ErrMalformed, "expected descriptors that fit"},
		{"epochs shorter than descriptors", `"length_seconds": 14400`, `"length_seconds": 4199`, zkkex.ErrMalformed, "expected descriptors that fit"},
		{"an origin before time", `"origin": 0`, `"origin": -1`, zkkex.ErrMalformed, "epoch origin"},
		{"no limit", `"limit": 64`, `"limit": 0`, zkkex.ErrMalformed, "limit 0"},
		{"too large a limit", `"limit": 64`, `"limit": 1048577`, zkkex.ErrMalformed, "limit 1048577"},
		{"no opens", `"max_opens": 64`, `"max_opens": 0`, zkkex.ErrMalformed, "0 opens"},
		{"no channels", `"max_channels": 8`, `"max_channels": 0`, zkkex.ErrMalformed, "0 channels"},
		{"no members", `"min_members": 100`, `"min_members": 0`, zkkex.ErrMalformed, "min_members"},
		{"an unknown circuit", `babyjubjub-20`, `babyjubjub-21`, zkkex.ErrUnsupported, "no circuit"},
		{"parameters of another length", `"aa00`, `"aa`, zkkex.ErrMalformed, "hexadecimal digits"},
		{"parameters in capitals", `"aa00`, `"AA00`, zkkex.ErrMalformed, "one accepted form"},
		{"an unknown suite", `Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256`, `Noise_XX_25519_AESGCM_SHA256`, zkkex.ErrUnsupported, "suite"},
		{"a suite twice", `Noise_IKhfs+skem1_25519`, `Noise_IKhfs_25519`, zkkex.ErrMalformed, "there twice"},
		{"paddings in the wrong order", "1408,\n    1856", "1856,\n    1408", zkkex.ErrMalformed, "padding to 1856"},
		{"half a minute", `"interval_seconds": 3600`, `"interval_seconds": 3630`, zkkex.ErrMalformed, "whole minutes"},
		{"no overlap", `"overlap_seconds": 600`, `"overlap_seconds": 0`, zkkex.ErrMalformed, "overlap"},
		{"too much grace", `"prekey_grace_seconds": 0`, `"prekey_grace_seconds": 4294967295`, zkkex.ErrMalformed, "prekey grace"},
		{"no sync", `"sync_seconds": 300`, `"sync_seconds": 0`, zkkex.ErrMalformed, "sync"},
		{"rare syncs", `"sync_seconds": 300`, `"sync_seconds": 7201`, zkkex.ErrMalformed, "sync"},
		{"an address without a port", `venue.example:9440`, `venue.example`, zkkex.ErrMalformed, "host:port"},
		{"a mailbox for a witness", `"https://witness.example"`, `"file:///witness"`, zkkex.ErrMalformed, "witness URL"},
		{"a quorum beyond the witnesses", "\"quorum\": 1\n}", "\"quorum\": 2\n}", zkkex.ErrMalformed, "quorum of 2 of 1"},
		{"a negative quorum", "\"quorum\": 1\n}", "\"quorum\": -1\n}", zkkex.ErrMalformed, "quorum of -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := string(sampleText(t))
			if strings.Count(text, c.old) != 1 && c.name != "a name of a registry" {
				t.Fatalf("the sample holds %q %d times", c.old, strings.Count(text, c.old))
			}
			_, err := ParseConfig([]byte(strings.Replace(text, c.old, c.new, 1)))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, expected %v that says %q", err, c.want, c.says)
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "no object": "[]", "two objects": string(sampleText(t)) + "{}", "too long": string(sampleText(t)) + strings.Repeat(" ", maxConfig),
	} {
		if _, err := ParseConfig([]byte(text)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v, expected %v", name, err, zkkex.ErrMalformed)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	text := sampleText(f)
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("3600"), []byte("0"), 1))
	f.Add([]byte("{}"))
	f.Add([]byte(`{"format": "zkkex/v1 venue config"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		again, err := c.MarshalText()
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("decoded and encoded it is %q (%v)", again, err)
		}
	})
}

// A folder in which nothing can be written holds nothing afterwards.
func TestInitRefusesBeforeItWrites(t *testing.T) {
	bad := sampleConfig()
	bad.Circuits = nil
	dir := filepath.Join(t.TempDir(), "venue")
	if _, err := Init(dir, bad); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("without circuits: %v, expected %v", err, zkkex.ErrMalformed)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
	occupied := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(filepath.Join(occupied, "below"), sampleConfig()); err == nil {
		t.Error("made a venue below a file")
	}
}

func TestDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	if c.Schedule != DefaultSchedule() || c.Limit != 64 || c.MaxOpens != 64 || c.MaxChannels != 8 || c.MinMembers != 1 ||
		c.Timing != descriptor.DefaultTiming() || c.SyncInterval != 5*time.Minute {
		t.Errorf("%+v", c)
	}
	if c.Suites[0].Security() != descriptor.Hybrid || c.Suites[1].Security() != descriptor.HybridPrekey {
		t.Errorf("suites %v", c.Suites)
	}
}
