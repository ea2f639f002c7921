package noise

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// publicVector is a vector in the format of cacophony and snow.
type publicVector struct {
	Protocol         string          `json:"protocol_name"`
	InitPrologue     string          `json:"init_prologue"`
	InitStatic       string          `json:"init_static"`
	InitEphemeral    string          `json:"init_ephemeral"`
	InitRemoteStatic string          `json:"init_remote_static"`
	InitPSKs         []string        `json:"init_psks"`
	RespPrologue     string          `json:"resp_prologue"`
	RespStatic       string          `json:"resp_static"`
	RespEphemeral    string          `json:"resp_ephemeral"`
	RespRemoteStatic string          `json:"resp_remote_static"`
	RespPSKs         []string        `json:"resp_psks"`
	HandshakeHash    string          `json:"handshake_hash"`
	Messages         []vectorMessage `json:"messages"`
}

type vectorMessage struct {
	Payload    string `json:"payload"`
	Ciphertext string `json:"ciphertext"`
}

// The vectors of three other implementations. Those of flynn/noise come with the
// module; the others are run where their folder lies beside the checkout.
func TestPublicVectors(t *testing.T) {
	t.Run("flynn", func(t *testing.T) {
		checkFamily(t, readFlynnVectors(t), 1920, 0, 32, flynnPatterns)
	})
	folder := filepath.Join("..", "..", "..", "shared", "vectors", "noise")
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		return
	}
	t.Run("cacophony", func(t *testing.T) {
		checkFamily(t, readVectorFile(t, filepath.Join(folder, "cacophony.json")), 472, 472, 8, cacophonyPatterns)
	})
	t.Run("snow", func(t *testing.T) {
		checkFamily(t, readVectorFile(t, filepath.Join(folder, "snow.json")), 408, 0, 8, snowPatterns)
	})
}

// The patterns that each family covers. All of them are run.
const (
	classicalPatterns = "N K X NN NK NX XN XK XX KN KK KX IN IK IX"
	deferredPatterns  = "NK1 NX1 X1N X1K XK1 X1K1 X1X XX1 X1X1 K1N K1K KK1 K1K1 K1X KX1 K1X1 I1N I1K IK1 I1K1 I1X IX1 I1X1"
	cacophonyPatterns = classicalPatterns + " " + deferredPatterns + " Npsk0 Kpsk0 Xpsk1 NNpsk0 NNpsk2 NKpsk0 NKpsk2 NXpsk2 XNpsk3 XKpsk3 XXpsk3 KNpsk0 KNpsk2 KKpsk0 KKpsk2 KXpsk2 INpsk1 INpsk2 IKpsk1 IKpsk2 IXpsk2"
	snowPatterns      = classicalPatterns + " " + deferredPatterns + " NNpsk0+psk2 NXpsk0+psk1+psk2 XNpsk1+psk3 XKpsk0+psk3 KNpsk1+psk2 KKpsk0+psk2 INpsk1+psk2 IKpsk0+psk2 IXpsk0+psk2 XXpsk0+psk1 XXpsk0+psk2 XXpsk0+psk3 XXpsk0+psk1+psk2+psk3"
	flynnPatterns     = classicalPatterns + " Npsk0 Npsk1 Kpsk0 Kpsk1 Xpsk0 Xpsk1" +
		" NNpsk0 NNpsk1 NNpsk2 NKpsk0 NKpsk1 NKpsk2 NXpsk0 NXpsk1 NXpsk2 KNpsk0 KNpsk1 KNpsk2 KKpsk0 KKpsk1 KKpsk2 KXpsk0 KXpsk1 KXpsk2 INpsk0 INpsk1 INpsk2 IKpsk0 IKpsk1 IKpsk2 IXpsk0 IXpsk1 IXpsk2" +
		" XNpsk0 XNpsk1 XNpsk2 XNpsk3 XKpsk0 XKpsk1 XKpsk2 XKpsk3 XXpsk0 XXpsk1 XXpsk2 XXpsk3"
)

// checkFamily runs vectors and counts them: run must pass, all of them on curve
// 25519; those on curve 448, which is out of scope, are counted as well. Each of
// the patterns occurs perPattern times among those that are run.
func checkFamily(t *testing.T, vectors []publicVector, run, curve448, perPattern int, patterns string) {
	ran, outOfScope := make(map[string]int), 0
	for _, v := range vectors {
		parts := strings.Split(v.Protocol, "_")
		if len(parts) == 5 && parts[2] == "448" {
			outOfScope++
			continue
		}
		checkVector(t, v)
		if t.Failed() {
			t.Fatalf("%s fails", v.Protocol)
		}
		ran[parts[1]]++
	}
	want := make(map[string]int)
	for _, name := range strings.Fields(patterns) {
		want[name] = perPattern
	}
	if !maps.Equal(ran, want) {
		t.Errorf("ran, by pattern:\n%v\nexpected:\n%v", ran, want)
	}
	total := 0
	for _, n := range ran {
		total += n
	}
	if total != run || outOfScope != curve448 {
		t.Errorf("ran %d vectors and left out %d on curve 448, expected %d and %d", total, outOfScope, run, curve448)
	}
	t.Logf("%d vectors of %d patterns pass; %d on curve 448 are out of scope", total, len(ran), outOfScope)
}

func checkVector(t *testing.T, v publicVector) {
	t.Helper()
	protocol := parse(t, v.Protocol)
	i := vectorParty(t, protocol, Initiator, v.InitPrologue, v.InitStatic, v.InitEphemeral, v.InitRemoteStatic, v.InitPSKs).begin(t)
	r := vectorParty(t, protocol, Responder, v.RespPrologue, v.RespStatic, v.RespEphemeral, v.RespRemoteStatic, v.RespPSKs).begin(t)
	handshake := protocol.Messages()
	if len(v.Messages) <= handshake {
		t.Fatalf("%d messages, expected more than %d", len(v.Messages), handshake)
	}
	messages := finish(t, i, r, func(n int) []byte { return unhex(t, v.Messages[n].Payload) })
	for n, message := range messages {
		if want := v.Messages[n].Ciphertext; hex.EncodeToString(message) != want {
			t.Fatalf("message %d is\n%x, expected\n%s", n, message, want)
		}
		if want := protocol.Overhead(n) + len(v.Messages[n].Payload)/2; len(message) != want {
			t.Fatalf("message %d has %d bytes, expected %d", n, len(message), want)
		}
	}
	if want := v.HandshakeHash; want != "" && hex.EncodeToString(i.Hash()) != want {
		t.Fatalf("transcript hash %x, expected %s", i.Hash(), want)
	}
	checkTransport(t, v, split(t, i), split(t, r), protocol)
}

// checkTransport runs what follows the handshake: by turns, as it went; all from
// the initiator where the pattern is one-way.
func checkTransport(t *testing.T, v publicVector, i, r *Transport, protocol *Protocol) {
	t.Helper()
	for n, m := range v.Messages {
		if n < protocol.Messages() {
			continue
		}
		from, to := i, r
		if sender(n) == Responder && !protocol.pattern.oneWay() {
			from, to = r, i
		}
		if sealed := carry(t, from, to, nil, unhex(t, m.Payload)); hex.EncodeToString(sealed) != m.Ciphertext {
			t.Fatalf("message %d is %x, expected %s", n, sealed, m.Ciphertext)
		}
	}
	if !protocol.pattern.oneWay() {
		return
	}
	if _, err := r.Seal(nil, nil, nil); !errors.Is(err, ErrOneWay) {
		t.Fatalf("a one-way responder seals: %v", err)
	}
}

func vectorParty(t *testing.T, protocol *Protocol, role Role, prologue, static, ephemeral, peer string, psks []string) party {
	t.Helper()
	p := party{config: Config{Protocol: protocol, Role: role, Prologue: unhex(t, prologue)}}
	if static != "" {
		p.config.Static = privateKey(t, unhex(t, static))
	}
	if ephemeral != "" {
		p.source.e = privateKey(t, unhex(t, ephemeral))
	}
	if peer != "" {
		p.config.PeerStatic = publicKey(t, unhex(t, peer))
	}
	for _, psk := range psks {
		p.config.PSKs = append(p.config.PSKs, NewPSK([32]byte(unhex(t, psk))))
	}
	return p
}

func readVectorFile(t *testing.T, name string) []publicVector {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []publicVector }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Vectors
}

// readFlynnVectors reads vectors.txt of the module that stands beside us as a
// second implementation. It has lines "name=value", with an empty line between
// vectors.
func readFlynnVectors(t *testing.T) []publicVector {
	t.Helper()
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/flynn/noise").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "vectors.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []publicVector
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		vectors = append(vectors, flynnVector(t, block))
	}
	return vectors
}

func flynnVector(t *testing.T, block string) (v publicVector) {
	t.Helper()
	psk := ""
	lines := bufio.NewScanner(strings.NewReader(block))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "handshake":
			v.Protocol = value
		case "init_static":
			v.InitStatic = value
		case "resp_static":
			v.RespStatic = value
		case "gen_init_ephemeral":
			v.InitEphemeral = value
		case "gen_resp_ephemeral":
			v.RespEphemeral = value
		case "prologue":
			v.InitPrologue, v.RespPrologue = value, value
		case "preshared_key":
			psk = value
		default:
			v.addFlynnMessage(t, name, value)
		}
	}
	protocol := parse(t, v.Protocol)
	if protocol.pattern.count(tokenPSK) > 0 {
		v.InitPSKs, v.RespPSKs = []string{psk}, []string{psk}
	}
	v.fitFlynnKeys(t, protocol)
	v.fitFlynnTransport(protocol)
	return v
}

func (v *publicVector) addFlynnMessage(t *testing.T, name, value string) {
	t.Helper()
	n, kind := int(name[len("msg_")]-'0'), name[len("msg_0_"):]
	switch {
	case kind == "payload" && n == len(v.Messages):
		v.Messages = append(v.Messages, vectorMessage{Payload: value})
	case kind == "ciphertext" && n == len(v.Messages)-1:
		v.Messages[n].Ciphertext = value
	default:
		t.Fatalf("unexpected line %s", name)
	}
}

// fitFlynnKeys keeps the static keys that the pattern uses, and tells each peer
// those it knows in advance.
func (v *publicVector) fitFlynnKeys(t *testing.T, protocol *Protocol) {
	t.Helper()
	p := protocol.pattern
	public := func(private string) string {
		return hex.EncodeToString(privateKey(t, unhex(t, private)).PublicKey().Bytes())
	}
	if slices.Contains(p.known[Initiator], tokenS) {
		v.RespRemoteStatic = public(v.InitStatic)
	}
	if slices.Contains(p.known[Responder], tokenS) {
		v.InitRemoteStatic = public(v.RespStatic)
	}
}

// fitFlynnTransport leaves out what we do otherwise on purpose. Its vectors begin
// again with the initiator after the handshake, whoever came last, and let a
// one-way responder answer.
func (v *publicVector) fitFlynnTransport(protocol *Protocol) {
	handshake := protocol.Messages()
	switch {
	case protocol.pattern.oneWay():
		v.Messages = v.Messages[:handshake+1]
	case handshake%2 == 1:
		// The counters of the directions are independent: any order is the same.
		rest := v.Messages[handshake:]
		rest[0], rest[1] = rest[1], rest[0]
	}
}
