package threshold

import (
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/threshold/frost"
)

// desk is a coordinator with signers in memory.
type desk struct {
	t      *testing.T
	group  *frost.Group
	digest [32]byte
	c      *coordinator
	shares []*frost.KeyShare
	nonces map[frost.Identifier]*frost.Nonces
	packs  [][]byte
}

func newDesk(t *testing.T, threshold, participants int) *desk {
	t.Helper()
	d := &desk{t: t, digest: eddsa.Message(sha256.Sum256([]byte("message"))), nonces: make(map[frost.Identifier]*frost.Nonces)}
	var dealings []*frost.Dealing
	var all [][]frost.Element
	for range participants {
		dealing, err := frost.Deal(suite(), threshold)
		if err != nil {
			t.Fatal(err)
		}
		dealings, all = append(dealings, dealing), append(all, dealing.Commitments())
	}
	var err error
	if d.group, err = frost.Found(suite(), threshold, all); err != nil {
		t.Fatal(err)
	}
	for i := range dealings {
		var dealt [][]byte
		for _, dealing := range dealings {
			dealt = append(dealt, dealing.Share(frost.Identifier(i+1)))
		}
		share, err := d.group.Collect(frost.Identifier(i+1), nil, dealt)
		if err != nil {
			t.Fatal(err)
		}
		d.shares = append(d.shares, share)
	}
	d.c = newCoordinator(d.group, d.digest)
	return d
}

// draw gives a signer new nonces.
func (d *desk) draw(id frost.Identifier) frost.Commitment {
	d.t.Helper()
	n, err := d.group.Commit(d.shares[id-1])
	if err != nil {
		d.t.Fatal(err)
	}
	d.nonces[id] = n
	return n.Commitment()
}

// tell hands the coordinator a message, and keeps what it asks.
func (d *desk) tell(k kind, id frost.Identifier, text []byte) error {
	pack, err := d.c.receive(k, id, text)
	if pack != nil {
		d.packs = append(d.packs, pack)
	}
	return err
}

// commit has a signer commit.
func (d *desk) commit(ids ...frost.Identifier) {
	d.t.Helper()
	for _, id := range ids {
		if err := d.tell(kindCommitments, id, appendCommitment(nil, d.draw(id))); err != nil {
			d.t.Fatal(err)
		}
	}
}

// answer returns a signer's honest answer to a package.
func (d *desk) answer(pack []byte, id frost.Identifier) *shareText {
	d.t.Helper()
	list, err := parsePackage(pack)
	if err != nil {
		d.t.Fatal(err)
	}
	z, err := d.group.Sign(d.shares[id-1], d.nonces[id], d.digest[:], list)
	if err != nil {
		d.t.Fatal(err)
	}
	return &shareText{pack: sha256.Sum256(pack), z: z, next: d.draw(id)}
}

// asked returns who is asked by a package.
func (d *desk) asked(pack []byte) (ids []frost.Identifier) {
	d.t.Helper()
	list, err := parsePackage(pack)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, l := range list {
		ids = append(ids, l.ID)
	}
	return ids
}

func (d *desk) wantAsked(pack int, want ...frost.Identifier) {
	d.t.Helper()
	if len(d.packs) != pack+1 {
		d.t.Fatalf("%d packages, want %d", len(d.packs), pack+1)
	}
	if got := d.asked(d.packs[pack]); !slices.Equal(got, want) {
		d.t.Fatalf("asks %v, want %v", got, want)
	}
}

// A liar is named, and the signature comes about with another attempt.
func TestGoesOnWithoutLiar(t *testing.T) {
	d := newDesk(t, 2, 3)
	d.commit(1, 2)
	d.wantAsked(0, 1, 2)
	lie := d.answer(d.packs[0], 1)
	lie.z = new(big.Int).Add(lie.z, big.NewInt(1))
	err := d.tell(kindShare, 1, lie.encode())
	var culprit *frost.Culprit
	if !errors.Is(err, ErrWrongShare) || !errors.As(err, &culprit) || culprit.ID != 1 {
		t.Fatalf("got %v", err)
	}
	if err := d.tell(kindShare, 2, d.answer(d.packs[0], 2).encode()); err != nil {
		t.Fatal(err)
	}
	d.commit(3)
	d.wantAsked(1, 2, 3)
	d.finish(1)
	// The liar stays out.
	if err := d.tell(kindCommitments, 1, appendCommitment(nil, d.draw(1))); err != nil || len(d.packs) != 2 {
		t.Error("the liar is asked again")
	}
}

// finish has everybody who is asked by the last package answer.
func (d *desk) finish(pack int) {
	d.t.Helper()
	for _, id := range d.asked(d.packs[pack]) {
		if err := d.tell(kindShare, id, d.answer(d.packs[pack], id).encode()); err != nil {
			d.t.Fatal(err)
		}
	}
	if d.c.sig == nil {
		d.t.Fatal("no signature")
	}
	if err := frost.Verify(suite(), d.group.Key, d.digest[:], d.c.sig); err != nil {
		d.t.Error(err)
	}
}

// A silent signer keeps nobody from signing, and no clock decides about it.
func TestGoesOnWithoutSilent(t *testing.T) {
	d := newDesk(t, 2, 3)
	d.commit(1, 2)
	if err := d.tell(kindShare, 2, d.answer(d.packs[0], 2).encode()); err != nil {
		t.Fatal(err)
	}
	d.commit(3)
	d.wantAsked(1, 2, 3)
	d.finish(1)
	if len(d.c.out) != 0 {
		t.Errorf("silence is a fault: %v", d.c.out)
	}
}

// One that was killed with its nonces commits anew, and counts again.
func TestGoesOnWithRestarted(t *testing.T) {
	d := newDesk(t, 2, 2)
	d.commit(1, 2)
	if err := d.tell(kindShare, 1, d.answer(d.packs[0], 1).encode()); err != nil {
		t.Fatal(err)
	}
	d.commit(2)
	d.wantAsked(1, 1, 2)
	d.finish(1)
}

func TestBadSigners(t *testing.T) {
	for name, c := range map[string]struct {
		kind   kind
		change func(s *shareText) []byte
		want   error
	}{
		"not asked that": {kindShare, func(s *shareText) []byte { s.pack[0]++; return s.encode() }, ErrBadMessage},
		"z not reduced": {kindShare, func(s *shareText) []byte {
			b := s.encode()
			suite().Order().FillBytes(b[32:64])
			return b
		}, ErrWrongShare},
		"z is zero":          {kindShare, func(s *shareText) []byte { s.z = new(big.Int); return s.encode() }, ErrWrongShare},
		"identity as next":   {kindShare, func(s *shareText) []byte { s.next.Hiding = suite().Identity(); return s.encode() }, ErrBadMessage},
		"too short":          {kindShare, func(s *shareText) []byte { return s.encode()[:127] }, ErrBadMessage},
		"too long":           {kindShare, func(s *shareText) []byte { return append(s.encode(), 0) }, ErrBadMessage},
		"no commitments":     {kindCommitments, func(*shareText) []byte { return nil }, ErrBadMessage},
		"a requester's kind": {kindPackage, func(s *shareText) []byte { return s.encode() }, ErrBadMessage},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 2, 2)
			d.commit(1, 2)
			if err := d.tell(c.kind, 1, c.change(d.answer(d.packs[0], 1))); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			setup := &Setup{Threshold: 2, Participants: []Member{{Name: "alice"}, {Name: "bob"}}}
			var fault *Fault
			if err := d.c.failed(setup); !errors.Is(err, ErrTooFew) || !errors.As(err, &fault) || fault.Name != "alice" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnswersTwice(t *testing.T) {
	d := newDesk(t, 2, 2)
	d.commit(1, 2)
	s := d.answer(d.packs[0], 1)
	if err := d.tell(kindShare, 1, s.encode()); err != nil {
		t.Fatal(err)
	}
	if err := d.tell(kindShare, 1, s.encode()); !errors.Is(err, ErrBadMessage) {
		t.Errorf("got %v", err)
	}
}

// A signer that floods is left out.
func TestPatienceEnds(t *testing.T) {
	d := newDesk(t, 2, 2)
	commitment := appendCommitment(nil, d.draw(1))
	for range patience(2) {
		if err := d.tell(kindCommitments, 1, commitment); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.tell(kindCommitments, 1, commitment); !errors.Is(err, ErrBadMessage) {
		t.Errorf("got %v", err)
	}
}
