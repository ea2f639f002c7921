package noise

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/noise/hybrid.json anew")

const hybridFile = "../../testdata/noise/hybrid.json"

// hybridVectors is testdata/noise/hybrid.json. Everything binary is hexadecimal.
type hybridVectors struct {
	Vectors []hybridVector `json:"vectors"`
	Refused []refusal      `json:"refused"`
}

// hybridVector is one handshake, and the first message each way after it.
type hybridVector struct {
	Protocol      string          `json:"protocol_name"`
	Prologue      string          `json:"prologue"`
	InitStatic    string          `json:"init_static"`
	InitEphemeral string          `json:"init_ephemeral"`
	InitE1        string          `json:"init_e1"` // seed d || z
	RespStatic    string          `json:"resp_static"`
	RespPrekey    string          `json:"resp_prekey,omitempty"` // seed d || z
	RespEphemeral string          `json:"resp_ephemeral"`
	SKEM1         string          `json:"skem1,omitempty"` // encapsulation randomness
	EKEM1         string          `json:"ekem1"`           // encapsulation randomness
	HandshakeHash string          `json:"handshake_hash"`
	Messages      []vectorMessage `json:"messages"`
}

// refusal is a message that must be refused, in place of a message of a vector,
// for one reason only.
type refusal struct {
	What     string `json:"what"`
	Protocol string `json:"protocol_name"` // of the vector
	Message  int    `json:"message"`       // 1 or 2
	Bytes    string `json:"bytes"`
	Reason   string `json:"reason"`
}

var reasons = map[string]error{
	"length":            ErrLength,
	"public key":        ErrPublicKey,
	"encapsulation key": ErrEncapsulationKey,
	"own key":           ErrOwnKey,
	"authentication":    ErrAuthentication,
}

// hybridNames are the protocols that zkkex speaks.
func hybridNames() (names []string) {
	for _, pattern := range []string{PatternIKhfs, PatternIKhfsPrekey} {
		for _, cipher := range []string{"AESGCM", "ChaChaPoly"} {
			for _, hash := range []string{"SHA256", "BLAKE2s"} {
				names = append(names, "Noise_"+pattern+"_25519+MLKEM768_"+cipher+"_"+hash)
			}
		}
	}
	return names
}

func readHybridVectors(t testing.TB) hybridVectors {
	t.Helper()
	data, err := os.ReadFile(hybridFile)
	if err != nil {
		t.Fatal(err)
	}
	var file hybridVectors
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

// The vectors are made by the straight-line implementation.
func TestHybridVectorsReference(t *testing.T) {
	want := referenceVectors(t)
	if *update {
		data, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(hybridFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(hybridFile, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := readHybridVectors(t)
	if len(got.Vectors) != 8 || !slices.EqualFunc(got.Vectors, want.Vectors, func(a, b hybridVector) bool {
		return fmt.Sprint(a) == fmt.Sprint(b)
	}) {
		t.Error("the file does not have the 8 vectors that the straight-line implementation gives")
	}
	if len(got.Refused) != 2*15+1 || !slices.Equal(got.Refused, want.Refused) {
		t.Errorf("the file has %d refusals, and not those that the straight-line implementation gives", len(got.Refused))
	}
}

// The state machine gives the same bytes.
func TestHybridVectors(t *testing.T) {
	for _, v := range readHybridVectors(t).Vectors {
		t.Run(v.Protocol, func(t *testing.T) {
			ip, rp := v.parties(t)
			i, r := ip.begin(t), rp.begin(t)
			messages := finish(t, i, r, func(n int) []byte { return unhex(t, v.Messages[n].Payload) })
			hash := hex.EncodeToString(i.Hash())
			it, rt := split(t, i), split(t, r)
			messages = append(messages, carry(t, it, rt, nil, nil), carry(t, rt, it, nil, nil))
			if len(messages) != len(v.Messages) {
				t.Fatalf("%d messages, expected %d", len(messages), len(v.Messages))
			}
			for n, message := range messages {
				if hex.EncodeToString(message) != v.Messages[n].Ciphertext {
					t.Errorf("message %d differs", n+1)
				}
			}
			if hash != v.HandshakeHash {
				t.Errorf("transcript hash %s, expected %s", hash, v.HandshakeHash)
			}
		})
	}
}

// Each refusal of the file has the reason it names, and that one only.
func TestHybridRefusals(t *testing.T) {
	file := readHybridVectors(t)
	seen := make(map[string]bool)
	for _, refused := range file.Refused {
		t.Run(fmt.Sprintf("%s/%d/%s", refused.Protocol, refused.Message, refused.What), func(t *testing.T) {
			seen[refused.Reason] = true
			n := slices.IndexFunc(file.Vectors, func(v hybridVector) bool { return v.Protocol == refused.Protocol })
			ip, rp := file.Vectors[n].parties(t)
			reader := rp.begin(t)
			if refused.Message == 2 {
				reader = ip.begin(t)
				write(t, reader, unhex(t, file.Vectors[n].Messages[0].Payload))
			}
			_, err := reader.ReadMessage(nil, unhex(t, refused.Bytes))
			for name, reason := range reasons {
				if errors.Is(err, reason) != (name == refused.Reason) {
					t.Errorf("got %v, expected %q", err, refused.Reason)
				}
			}
			requireDead(t, reader)
		})
	}
	if !maps.Equal(seen, map[string]bool{"length": true, "public key": true, "encapsulation key": true, "own key": true, "authentication": true}) {
		t.Errorf("reasons seen: %v, expected all", seen)
	}
}

func (v hybridVector) parties(t testing.TB) (initiator, responder party) {
	t.Helper()
	protocol := parse(t, v.Protocol)
	rs := privateKey(t, unhex(t, v.RespStatic))
	initiator = party{
		config: Config{
			Protocol: protocol, Role: Initiator, Prologue: unhex(t, v.Prologue),
			Static: privateKey(t, unhex(t, v.InitStatic)), PeerStatic: rs.PublicKey(),
		},
		source: fixed{e: privateKey(t, unhex(t, v.InitEphemeral)), e1: kemKey(t, unhex(t, v.InitE1))},
	}
	responder = party{
		config: Config{Protocol: protocol, Role: Responder, Prologue: unhex(t, v.Prologue), Static: rs},
		source: fixed{e: privateKey(t, unhex(t, v.RespEphemeral)), encapsulation: [][]byte{unhex(t, v.EKEM1)}},
	}
	if v.RespPrekey != "" {
		responder.config.Prekey = kemKey(t, unhex(t, v.RespPrekey))
		initiator.config.PeerPrekey = responder.config.Prekey.EncapsulationKey()
		initiator.source.encapsulation = [][]byte{unhex(t, v.SKEM1)}
	}
	return initiator, responder
}

// straightFor returns the straight-line run that pair's parties have.
func straightFor(t testing.TB, name, label string) straight {
	t.Helper()
	x := straight{
		name: name, prologue: []byte("prologue of " + label),
		is: seed(label + "/init_static"), ie: seed(label + "/init_ephemeral"),
		rs: seed(label + "/resp_static"), re: seed(label + "/resp_ephemeral"),
		e1: kemKey(t, longSeed(label+"/init_e1")), ekem1: seed(label + "/ekem1"),
		payload1: []byte("first payload"), payload2: []byte("second payload"),
	}
	if strings.Contains(name, "skem1") {
		x.prekey, x.skem1 = kemKey(t, longSeed(label+"/resp_prekey")), seed(label+"/skem1")
	}
	return x
}

func referenceVectors(t *testing.T) (file hybridVectors) {
	t.Helper()
	for _, name := range hybridNames() {
		file.Vectors = append(file.Vectors, referenceVector(t, name))
	}
	for _, pattern := range []string{PatternIKhfs, PatternIKhfsPrekey} {
		file.Refused = append(file.Refused, referenceRefusals(t, "Noise_"+pattern+"_25519+MLKEM768_AESGCM_SHA256")...)
	}
	return file
}

func referenceVector(t *testing.T, name string) hybridVector {
	t.Helper()
	x := straightFor(t, name, name)
	out := x.run(t)
	v := hybridVector{
		Protocol: name, Prologue: hex.EncodeToString(x.prologue),
		InitStatic: hex.EncodeToString(x.is), InitEphemeral: hex.EncodeToString(x.ie), InitE1: hex.EncodeToString(x.e1.Bytes()),
		RespStatic: hex.EncodeToString(x.rs), RespEphemeral: hex.EncodeToString(x.re),
		EKEM1: hex.EncodeToString(x.ekem1), HandshakeHash: hex.EncodeToString(out.hash),
		Messages: []vectorMessage{
			{hex.EncodeToString(x.payload1), hex.EncodeToString(out.message1)},
			{hex.EncodeToString(x.payload2), hex.EncodeToString(out.message2)},
			{"", hex.EncodeToString(out.toResponder)},
			{"", hex.EncodeToString(out.toInitiator)},
		},
	}
	if x.prekey != nil {
		v.RespPrekey, v.SKEM1 = hex.EncodeToString(x.prekey.Bytes()), hex.EncodeToString(x.skem1)
	}
	return v
}

// referenceRefusals are messages by a peer that knows all keys and cheats in one
// place.
func referenceRefusals(t *testing.T, name string) (list []refusal) {
	t.Helper()
	honest := straightFor(t, name, name)
	add := func(message int, what, reason string, b []byte) {
		list = append(list, refusal{what, name, message, hex.EncodeToString(b), reason})
	}
	forge := func(field string, value []byte) result {
		x := honest
		x.forged = map[string][]byte{field: value}
		return x.run(t)
	}
	out := honest.run(t)
	smallOrder, tooLarge := make([]byte, 32), bytes.Repeat([]byte{0xff}, 32)
	tooLarge[31] = 0x7f // 2^255-1
	ours := out.message1[:32]
	public := func(private []byte) []byte { return privateKey(t, private).PublicKey().Bytes() }
	unreduced := honest.e1.EncapsulationKey().Bytes()
	unreduced[0], unreduced[1] = 0x01, unreduced[1]&0xf0|0x0d // the first coefficient is 3329

	add(1, "e of small order", "public key", forge("e", smallOrder).message1)
	add(1, "e is not canonical", "public key", forge("e", tooLarge).message1)
	add(1, "s of small order, sealed", "public key", forge("s", smallOrder).message1)
	add(1, "s is the responder's own, sealed", "own key", forge("s", public(honest.rs)).message1)
	add(1, "e1 with a coefficient of 3329, sealed", "encapsulation key", forge("e1", unreduced).message1)
	add(1, "e1 left out of the transcript", "authentication", withUnhashed(honest, "e1").run(t).message1)
	add(1, "one byte shorter than its keys", "length", out.message1[:len(out.message1)-len(honest.payload1)-1])
	add(1, "one byte longer", "authentication", append(slices.Clone(out.message1), 0))
	other := honest
	other.prologue = []byte("another prologue")
	add(1, "another prologue", "authentication", other.run(t).message1)
	other = honest
	other.name = strings.Replace(name, "SHA256", "SHA-256", 1)
	add(1, "another protocol name", "authentication", other.run(t).message1)
	if honest.prekey != nil {
		wrong := honest
		wrong.prekey = kemKey(t, longSeed("another prekey"))
		_, ciphertext := encapsulateTo(t, wrong.prekey, honest.skem1)
		add(1, "skem1 for another prekey, sealed", "authentication", forge("skem1", ciphertext).message1)
	}

	add(2, "e of small order", "public key", forge("re", smallOrder).message2)
	add(2, "e is the initiator's own", "own key", forge("re", ours).message2)
	_, ciphertext := encapsulateTo(t, kemKey(t, longSeed("another e1")), honest.ekem1)
	add(2, "ekem1 for another key, sealed", "authentication", forge("ekem1", ciphertext).message2)
	add(2, "ekem1 left out of the transcript", "authentication", withUnhashed(honest, "ekem1").run(t).message2)
	add(2, "one byte shorter than its keys", "length", out.message2[:len(out.message2)-len(honest.payload2)-1])
	return list
}

func withUnhashed(x straight, field string) straight {
	x.unhashed = field
	return x
}
