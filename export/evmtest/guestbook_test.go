package evmtest

import (
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/export/internal/exporttest"
)

// TestGuestbook runs the example of a caller: a contract that computes scope and
// binding for itself, knows the roots, and records nullifiers.
func TestGuestbook(t *testing.T) {
	const id = zkkex.BabyJubjub20
	c := newChain(t)
	key := exporttest.Key(t, id)
	v, _ := c.deploy(t, compileVerifier(t, key))
	m := exporttest.NewMember(t, id)
	book, _ := c.deploy(t, compile(t, "Guestbook", read(t, "../testdata/Guestbook.sol")),
		v.address, uint16(id), [32]byte(key.Params()), [32]byte(m.Registry))

	const entry = "I was here"
	today := time.Unix(blockTime, 0)
	p := m.Prove(t, "guestbook", today, 1, string(c.sender[:])+entry)
	n := exporttest.Decode(t, exporttest.Proof(t, key, p).Calldata())
	proof, input := n.Arguments()
	root, nullifier := input[0], input[3]
	sign := book.pack(t, "sign", []byte(entry), root, nullifier, proof)

	book.refused(t, "a root that nobody published", book.call(t, sign), "UnknownRoot")
	book.publish(t, root, p.RootSequence+1)
	v.refused(t, "a root of another sequence number", book.call(t, sign), proofInvalid)
	book.publish(t, root, p.RootSequence)
	honest := c.sender
	c.sender = common.HexToAddress("0xbad")
	v.refused(t, "sent by somebody else", book.call(t, sign), proofInvalid)
	book.refused(t, "published by somebody else", book.call(t, book.pack(t, "publish", root, uint64(1))), "NotRegistrar")
	c.sender = honest
	c.time -= 24 * 60 * 60
	v.refused(t, "in another epoch", book.call(t, sign), proofInvalid)
	c.time = blockTime
	v.refused(t, "with another entry", book.call(t, book.pack(t, "sign", []byte("I was not"), root, nullifier, proof)), proofInvalid)
	alias := new(big.Int).Add(nullifier, bn254Order)
	v.refused(t, "with an alias of the nullifier", book.call(t, book.pack(t, "sign", []byte(entry), root, alias, proof)), inputNotInField)

	r := book.call(t, sign)
	if r.reverted {
		t.Fatalf("an honest member is refused: %x", r.output)
	}
	t.Logf("signing the guestbook: %d gas", r.gas)
	book.refused(t, "twice", book.call(t, sign), "SlotUsed")
	again, _ := exporttest.Rerandomised(n).Arguments()
	book.refused(t, "twice, the proof re-randomised", book.call(t, book.pack(t, "sign", []byte(entry), root, nullifier, again)), "SlotUsed")

	p = m.Prove(t, "guestbook", today.Add(24*time.Hour), 1, string(c.sender[:])+entry)
	proof, input = exporttest.Decode(t, exporttest.Proof(t, key, p).Calldata()).Arguments()
	c.time += 24 * 60 * 60
	if r := book.call(t, book.pack(t, "sign", []byte(entry), root, input[3], proof)); r.reverted {
		t.Errorf("in the next epoch, the same member is refused: %x", r.output)
	}
}

func (d *deployed) publish(t *testing.T, root *big.Int, sequence uint64) {
	t.Helper()
	if r := d.call(t, d.pack(t, "publish", root, sequence)); r.reverted {
		t.Fatalf("publishing a root reverts with %x", r.output)
	}
}
