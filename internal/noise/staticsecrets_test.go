package noise

import (
	"bytes"
	"testing"
)

// remembered is a [StaticSecrets] of a test.
type remembered map[[32]byte][32]byte

func (r remembered) Load(peer [32]byte) ([32]byte, bool) { s, ok := r[peer]; return s, ok }
func (r remembered) Store(peer, secret [32]byte)         { r[peer] = secret }

// With remembered secrets every byte is as without.
func TestStaticSecretsChangeNothing(t *testing.T) {
	protocol := parse(t, hybridName)
	initiator, responder := pair(t, protocol, "statics")
	want := write(t, initiator.begin(t), []byte(testPayload))
	mine, theirs := remembered{}, remembered{}
	initiator.config.StaticSecrets, responder.config.StaticSecrets = mine, theirs
	for round := range 2 {
		i, r := initiator.begin(t), responder.begin(t)
		message := write(t, i, []byte(testPayload))
		if !bytes.Equal(message, want) {
			t.Fatalf("round %d: message 1 differs", round)
		}
		deliver(t, r, message, []byte(testPayload))
		deliver(t, i, write(t, r, []byte(testPayload)), []byte(testPayload))
		if len(mine) != 1 || len(theirs) != 1 {
			t.Fatalf("%d and %d secrets are remembered, expected one each", len(mine), len(theirs))
		}
	}
	// A secret that is wrong is used, and noticed.
	for peer, secret := range theirs {
		secret[0] ^= 1
		theirs[peer] = secret
	}
	if _, err := responder.begin(t).ReadMessage(nil, want); err == nil {
		t.Error("what is remembered is not used")
	}
}

// A message that is not authentic leaves nothing behind.
func TestStaticSecretsAreOfAuthenticPeers(t *testing.T) {
	initiator, responder := pair(t, parse(t, hybridName), "statics")
	theirs := remembered{}
	responder.config.StaticSecrets = theirs
	message := write(t, initiator.begin(t), []byte(testPayload))
	message[len(message)-1] ^= 1
	h := responder.begin(t)
	if _, err := h.ReadMessage(nil, message); err == nil {
		t.Fatal("accepted")
	}
	if len(theirs) != 0 || h.toStore != nil {
		t.Error("the secret of a forged message is remembered")
	}
}
