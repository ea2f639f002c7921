package handshake

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/cryptotest"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
)

var update = flag.Bool("update", false, "write the vectors in testdata/handshake anew")

const vectorsFile = "../testdata/handshake/transcripts.json"

// vector is one handshake between the peers of [labelled].
type vector struct {
	Suite  string       `json:"suite"`
	Kind   Kind         `json:"kind"`
	Early  string       `json:"early"`
	Seed   uint64       `json:"seed"`
	Reason zkkex.Reason `json:"reason"` // of a refusal, or empty
	First  hexadecimal  `json:"first"`
	Cookie hexadecimal  `json:"cookie"` // the answer under load
	Again  hexadecimal  `json:"again"`  // message 1 with the cookie
	Answer hexadecimal  `json:"answer"`
	Hash   hexadecimal  `json:"transcript"`
	Secret hexadecimal  `json:"secret"`
}

type hexadecimal []byte

func (h hexadecimal) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func (h *hexadecimal) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// label returns 32 bytes that a name stands for.
func label(name string) [32]byte { return sha256.Sum256([]byte("zkkex handshake test: " + name)) }

// labelled returns a scene whose long-lived secrets follow from labels, and a
// certificate in it.
func labelled(t testing.TB) (*scene, *session.Certificate) {
	t.Helper()
	r := provertest.New("zkkex handshake test")
	s := &scene{registry: r, member: r.Member("alice"), gate: newTestGate(r), clock: &clock{now: noon}}
	static := labelledKey(t, "venue static")
	seed := sha512.Sum512([]byte("zkkex handshake test: venue prekey"))
	prekey, err := mlkem.NewDecapsulationKey768(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	s.keys = &Keys{
		ID: label("venue id"), Number: 5, Digest: label("descriptor digest"), Suites: suiteNames[:],
		Static: static, Prekey: prekey, Padding: [2]uint16{1024, 2048}, MaxOpens: 8, MaxChannels: 2,
	}
	s.responder = s.another(t, unlimited)
	return s, s.certificateFor(t, labelledKey(t, "session key"))
}

func labelledKey(t testing.TB, name string) *ecdh.PrivateKey {
	t.Helper()
	secret := label(name)
	key, err := ecdh.X25519().NewPrivateKey(secret[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// vectors returns the handshakes to record: every suite, every kind, early data and
// a refusal.
func vectors() (out []vector) {
	for i, suite := range suites() {
		v := vector{Suite: suite.String(), Kind: Kind(i%3 + 1), Seed: uint64(i)}
		if suite.EarlyData() && v.Kind.opens() {
			v.Early = "early data"
		}
		out = append(out, v)
	}
	return append(out, vector{Suite: plainSuite, Kind: Open, Seed: 100, Reason: NotAdmitted})
}

// play runs the handshake of a vector, with a cookie, and fills in what came out.
func (v *vector) play(t *testing.T) {
	s, c := labelled(t)
	if v.Reason == "" {
		if _, err := s.gate.Admit(t.Context(), c.Presentation()); err != nil {
			t.Fatal(err)
		}
	}
	cryptotest.SetGlobalRandom(t, v.Seed)
	i, first := s.first(t, v.Suite, c, InitiatorOptions{Kind: v.Kind, Early: []byte(v.Early)})
	v.First = first
	load(t, s.responder)
	v.Cookie = askedForCookie(t, s, home, i, first)
	again, err := i.Cookie(v.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	v.Again = again
	answer, a, err := s.respond(t, again)
	v.Answer = answer
	e, finished := i.Finish(answer)
	if v.Reason != "" {
		requireReason(t, err, v.Reason)
		requireReason(t, finished, v.Reason)
		return
	}
	if err != nil || finished != nil {
		t.Fatal(err, finished)
	}
	v.Hash = e.Transcript()
	if v.Kind.opens() {
		v.Secret = slices.Clone(a.channel.secret[:])
		if *e.channel.secret != *a.channel.secret {
			t.Error("the secrets differ")
		}
	}
}

func readVectors(t testing.TB) (out []vector) {
	t.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != len(vectors()) {
		t.Fatalf("%d vectors in %s, expected %d", len(out), vectorsFile, len(vectors()))
	}
	return out
}

// With the randomness fixed, every byte of every message is as recorded.
func TestGoldenTranscripts(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	recorded := readVectors(t)
	for n, v := range vectors() {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			v.play(t)
			for _, c := range []struct {
				name      string
				got, want []byte
			}{
				{"message 1", v.First, recorded[n].First}, {"cookie", v.Cookie, recorded[n].Cookie}, {"message 1 with it", v.Again, recorded[n].Again},
				{"answer", v.Answer, recorded[n].Answer}, {"transcript", v.Hash, recorded[n].Hash}, {"secret", v.Secret, recorded[n].Secret},
			} {
				if !slices.Equal(c.got, c.want) {
					t.Errorf("%s:\n%x\nexpected\n%x", c.name, c.got, c.want)
				}
			}
		})
	}
}

func writeVectors(t *testing.T) {
	out := vectors()
	for n := range out {
		t.Run(fmt.Sprint("write ", n), out[n].play)
	}
	text, err := json.MarshalIndent(out, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorsFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A recorded message 1 is read as it was meant, with whatever randomness.
func TestGoldenFirstMessages(t *testing.T) {
	for n, v := range readVectors(t) {
		s, c := labelled(t)
		if _, err := s.gate.Admit(t.Context(), c.Presentation()); err != nil {
			t.Fatal(err)
		}
		_, a, err := s.respond(t, v.First)
		if err != nil {
			t.Fatalf("vector %d: %v", n, err)
		}
		if a.Kind != v.Kind || a.Suite.String() != v.Suite || string(a.Early) != v.Early || a.Counter != 0 || a.Admission.Certificate != c.Digest() {
			t.Errorf("vector %d: read as %s, %s, %q, counter %d", n, a.Kind, a.Suite, a.Early, a.Counter)
		}
	}
}
