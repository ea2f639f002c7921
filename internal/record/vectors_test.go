package record

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/record/channel.json anew")

const vectorFile = "../../testdata/record/channel.json"

// vectorSet is testdata/record/channel.json. Everything binary is hexadecimal.
type vectorSet struct {
	Channels []vectorChannel `json:"channels"`
	Refused  []vectorRefusal `json:"refused"`
}

// vectorChannel is one run of the script.
type vectorChannel struct {
	Suite         string         `json:"suite"`
	Secret        string         `json:"secret"`
	Transcript    string         `json:"transcript"`
	InitiatorDH   string         `json:"initiator_dh"`
	InitiatorKEM  string         `json:"initiator_kem"` // seed d || z
	ResponderDH   string         `json:"responder_dh"`
	Encapsulation string         `json:"encapsulation"` // randomness
	Records       []vectorRecord `json:"records"`
	// Transcripts of generation 0 and 1.
	Transcripts []string       `json:"transcripts"`
	Exported    []vectorExport `json:"exported"`
}

type vectorRecord struct {
	What    string `json:"what"`
	From    string `json:"from"`
	Type    byte   `json:"type"`
	Content string `json:"content"` // of the caller's
	Phase   uint32 `json:"phase"`
	Record  string `json:"record"`
}

type vectorExport struct {
	Label   string `json:"label"`
	Context string `json:"context"`
	Key     string `json:"key"`
}

// vectorRefusal is a record that a peer must refuse, in place of record After of
// the channel (after that many), for one reason only.
type vectorRefusal struct {
	What   string `json:"what"`
	Suite  string `json:"suite"`
	After  int    `json:"after"`
	To     string `json:"to"`
	Record string `json:"record"`
	Reason string `json:"reason"`
}

func suiteNames() []string { return []string{"AES256GCM", "ChaCha20Poly1305"} }

// straightVectors makes all vectors by the straight-line implementation.
func straightVectors(t testing.TB) (set vectorSet) {
	t.Helper()
	for _, name := range suiteNames() {
		set.Channels = append(set.Channels, straightChannel(t, name))
		set.Refused = append(set.Refused, straightRefusals(t, name)...)
	}
	return set
}

func straightChannel(t testing.TB, name string) vectorChannel {
	t.Helper()
	first, _ := straightPlay(t, suites[name], 0)
	x, records := straightPlay(t, suites[name], len(script()))
	c := vectorChannel{
		Suite: name, Secret: hex.EncodeToString(label("secret")), Transcript: hex.EncodeToString(label("transcript")),
		InitiatorDH: hex.EncodeToString(label("initiator dh 0")), InitiatorKEM: hex.EncodeToString(label64("initiator kem 0")),
		ResponderDH: hex.EncodeToString(label("responder dh 0")), Encapsulation: hex.EncodeToString(label("responder encapsulation 0")),
		Transcripts: []string{hex.EncodeToString(first.th), hex.EncodeToString(x.th)},
	}
	for n, s := range script() {
		c.Records = append(c.Records, vectorRecord{
			s.what, s.from.String(), byte(s.kind), hex.EncodeToString([]byte(s.content)),
			binary.BigEndian.Uint32(records[n][3:]), hex.EncodeToString(records[n]),
		})
	}
	for _, e := range []struct {
		label, context string
		n              int
	}{{"test", "", 32}, {"test", "context", 80}} {
		key := derive(x.export, e.n, "export", e.label, e.context, string([]byte{0, byte(e.n)}))
		c.Exported = append(c.Exported, vectorExport{e.label, hex.EncodeToString([]byte(e.context)), hex.EncodeToString(key)})
	}
	return c
}

// straightRefusals are records by an insider, or by somebody on the wire, each
// wrong in one way.
func straightRefusals(t testing.TB, suite string) (out []vectorRefusal) {
	t.Helper()
	const initiator, responder = "initiator", "responder"
	for _, c := range []struct {
		what   string
		after  int
		from   string
		make   func(x *straight, records [][]byte) []byte
		reason string
	}{
		{"nothing", 0, initiator, func(*straight, [][]byte) []byte { return nil }, "length"},
		{"a header alone", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 1, "x", 1)[:7] }, "length"},
		{"one byte less", 0, initiator, func(x *straight, _ [][]byte) []byte { r := x.seal(initiator, 1, "x", 1); return r[:len(r)-1] }, "length"},
		{"one byte more", 0, initiator, func(x *straight, _ [][]byte) []byte { return append(x.seal(initiator, 1, "x", 1), 0) }, "length"},
		{"another record type", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.sealInner(initiator, 2, 0, inner(1, "x", 1)) }, "header"},
		{"no room for a trailer", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.sealInner(initiator, 1, 0, []byte{0, 1}) }, "length"},
		{"longer than the longest", 0, initiator, func(x *straight, _ [][]byte) []byte {
			return x.sealInner(initiator, 1, 0, inner(1, "x", 16385))
		}, "length"},
		{"a changed byte", 1, initiator, func(x *straight, _ [][]byte) []byte { r := x.seal(initiator, 1, "x", 1); r[7] ^= 1; return r }, "authentication"},
		{"the same record again", 1, initiator, func(_ *straight, r [][]byte) []byte { return r[0] }, "authentication"},
		{"a record was dropped", 1, initiator, func(x *straight, _ [][]byte) []byte {
			x.seal(initiator, 1, "dropped", 7)
			return x.seal(initiator, 1, "x", 1)
		}, "authentication"},
		{"reflected", 2, initiator, func(_ *straight, r [][]byte) []byte { return r[1] }, "authentication"},
		{"a phase is left out", 1, initiator, func(x *straight, _ [][]byte) []byte {
			x.advance(initiator)
			x.advance(initiator)
			return x.seal(initiator, 1, "x", 1)
		}, "phase"},
		{"the next phase under the present key", 1, initiator, func(x *straight, _ [][]byte) []byte {
			return x.sealInner(initiator, 1, 1, inner(1, "x", 1))
		}, "authentication"},
		{"a phase behind", 4, initiator, func(x *straight, _ [][]byte) []byte {
			return x.sealInner(initiator, 1, 0, inner(1, "x", 1))
		}, "phase"},
		{"the old phase behind a switch", 9, initiator, func(x *straight, _ [][]byte) []byte {
			return x.sealInner(initiator, 1, 1, inner(1, "x", 1))
		}, "phase"},
		{"a step in place of the new generation", 9, initiator, func(x *straight, _ [][]byte) []byte {
			old, _ := straightPlay(t, Suite(x.suite), 8)
			old.sides[initiator].sequence++
			old.advance(initiator)
			return old.seal(initiator, 1, "x", 1)
		}, "authentication"},
		{"content type 0", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 0, "", 0) }, "content"},
		{"content type 3", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 3, "", 0) }, "content"},
		{"content longer than its record", 0, initiator, func(x *straight, _ [][]byte) []byte {
			return x.sealInner(initiator, 1, 0, []byte{'x', 0, 2, 1})
		}, "content"},
		{"padding that is not zero", 0, initiator, func(x *straight, _ [][]byte) []byte {
			return x.sealInner(initiator, 1, 0, []byte{'x', 0, 1, 0, 1, 1})
		}, "content"},
		{"a close with content", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 16, "x", 64) }, "content"},
		{"an empty alert", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 17, "", 64) }, "content"},
		{"a request with content", 0, responder, func(x *straight, _ [][]byte) []byte { return x.seal(responder, 32, "x", 2048) }, "content"},
		{"an offer one byte short", 0, initiator, func(x *straight, _ [][]byte) []byte {
			return x.seal(initiator, 33, strings.Repeat("x", offerSize-1), 2048)
		}, "content"},
		{"a request by the initiator", 0, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 32, "", 2048) }, "unexpected"},
		{"an offer by the responder", 0, responder, func(x *straight, _ [][]byte) []byte {
			return x.seal(responder, 33, strings.Repeat("x", offerSize), 2048)
		}, "unexpected"},
		{"a second offer in flight", 6, initiator, func(x *straight, _ [][]byte) []byte {
			return x.seal(initiator, 33, strings.Repeat("x", offerSize), 2048)
		}, "unexpected"},
		{"a reply without an offer", 0, responder, func(x *straight, _ [][]byte) []byte {
			return x.seal(responder, 34, strings.Repeat("x", replySize), 2048)
		}, "unexpected"},
		{"a switch without a reply", 6, initiator, func(x *straight, _ [][]byte) []byte {
			return x.seal(initiator, 35, strings.Repeat("x", confirmationSize), 2048)
		}, "unexpected"},
		{"a second switch", 10, initiator, func(x *straight, _ [][]byte) []byte {
			return x.seal(initiator, 35, strings.Repeat("x", confirmationSize), 2048)
		}, "unexpected"},
		{"a switch that confirms nothing", 8, initiator, func(x *straight, _ [][]byte) []byte {
			return x.seal(initiator, 35, strings.Repeat("x", confirmationSize), 2048)
		}, "confirmation"},
		{"a switch with the other role's confirmation", 8, initiator, func(x *straight, _ [][]byte) []byte {
			r := newStraightRatchet(t, label("initiator dh 0"), label64("initiator kem 0"), label("responder dh 0"), label("responder encapsulation 0"))
			x.renew(r.offer, r.reply, r.input())
			return x.seal(initiator, 35, string(x.confirm[responder]), 2048)
		}, "confirmation"},
		{"an offer of a point of small order", 5, initiator, func(x *straight, _ [][]byte) []byte {
			r := newStraightRatchet(t, label("initiator dh 0"), label64("initiator kem 0"), label("responder dh 0"), label("responder encapsulation 0"))
			clear(r.offer[:32])
			return x.seal(initiator, 33, string(r.offer), 2048)
		}, "key"},
		{"an offer whose ML-KEM key is not reduced", 5, initiator, func(x *straight, _ [][]byte) []byte {
			r := newStraightRatchet(t, label("initiator dh 0"), label64("initiator kem 0"), label("responder dh 0"), label("responder encapsulation 0"))
			copy(r.offer[32:], []byte{0xff, 0xff, 0xff})
			return x.seal(initiator, 33, string(r.offer), 2048)
		}, "key"},
		{"data after the close", 13, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 1, "x", 1) }, "unexpected"},
		{"a second close", 13, initiator, func(x *straight, _ [][]byte) []byte { return x.seal(initiator, 16, "", 64) }, "unexpected"},
	} {
		x, records := straightPlay(t, suites[suite], c.after)
		to := map[string]string{initiator: responder, responder: initiator}[c.from]
		out = append(out, vectorRefusal{c.what, suite, c.after, to, hex.EncodeToString(c.make(x, records)), c.reason})
	}
	return out
}

func readVectors(t testing.TB) (set vectorSet) {
	t.Helper()
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&set); err != nil {
		t.Fatal(err)
	}
	return set
}

// The file is what the straight-line implementation gives.
func TestVectorsReference(t *testing.T) {
	want := straightVectors(t)
	if *update {
		b, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(vectorFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := readVectors(t)
	if len(got.Channels) != 2 || len(got.Refused) != 2*36 {
		t.Fatalf("%d channels, %d refusals", len(got.Channels), len(got.Refused))
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the file is not what the straight-line implementation gives")
	}
}

// Sessions seal the file's records and export its keys.
func TestVectors(t *testing.T) {
	for _, c := range readVectors(t).Channels {
		t.Run(c.Suite, func(t *testing.T) {
			if len(c.Records) != len(script()) || len(c.Exported) != 2 {
				t.Fatalf("%d records, %d exported keys", len(c.Records), len(c.Exported))
			}
			start := play(t, suites[c.Suite], 0).side[Initiator].RatchetState().Transcript
			p := play(t, suites[c.Suite], len(script()))
			for n, r := range c.Records {
				if got := hex.EncodeToString(p.wire[n].record); got != r.Record || p.wire[n].from.String() != r.From {
					t.Errorf("record %d, %s, differs", n, r.What)
				}
			}
			end := p.side[Initiator].RatchetState().Transcript
			if hex.EncodeToString(start[:]) != c.Transcripts[0] || hex.EncodeToString(end[:]) != c.Transcripts[1] {
				t.Error("transcripts differ")
			}
			for _, e := range c.Exported {
				context, err := hex.DecodeString(e.Context)
				if err != nil {
					t.Fatal(err)
				}
				key, err := p.side[Initiator].Export(e.Label, context, len(e.Key)/2)
				if err != nil || hex.EncodeToString(key) != e.Key {
					t.Errorf("exported key %q: %x, %v", e.Label, key, err)
				}
			}
		})
	}
}

// Sessions refuse each of the file's refusals for the reason it names, and for
// that one only.
func TestVectorsRefused(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range readVectors(t).Refused {
		t.Run(r.Suite+"/"+r.What, func(t *testing.T) {
			record, err := hex.DecodeString(r.Record)
			if err != nil {
				t.Fatal(err)
			}
			to := Initiator
			if r.To == "responder" {
				to = Responder
			}
			p := play(t, suites[r.Suite], r.After)
			if r.After == 8 {
				p.prepare(Initiator) // as the script does before the switch
			}
			requireRefused(t, p.side[to], record, r.Reason)
		})
		seen[r.Reason] = true
	}
	for reason := range refusals {
		if !seen[reason] && reason != "limit" { // 65,536 records: TestReceiverHoldsLimits
			t.Errorf("no refusal because of %s", reason)
		}
	}
}
