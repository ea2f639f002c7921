package descriptor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

// MaxProof bounds a proof that a descriptor is in its venue's log, in bytes.
const MaxProof = registry.MaxCheckpoint + 8<<10

// ErrWitnesses reports a proof whose checkpoint too few witnesses cosigned, or
// that is missing where witnesses are demanded.
var ErrWitnesses = errors.New("too few witnesses cosigned the venue's log")

// ErrNotLogged reports a proof that does not show that the descriptor is the
// record of its number in the venue's log.
var ErrNotLogged = errors.New("the descriptor was not shown to be in the venue's log")

// proofHead is how a proof begins (c2sp.org/tlog-proof): record n is descriptor
// n+1.
func proofHead(number uint64) string {
	return fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n", number-1)
}

// witnessPolicy says whose signatures a checkpoint of a venue's log needs.
type witnessPolicy struct {
	identity  *Identity
	witnesses []note.Verifier
	quorum    int
}

func newWitnessPolicy(identity *Identity, keys []string, quorum int) (*witnessPolicy, error) {
	p := &witnessPolicy{identity: identity, quorum: quorum}
	names := make(map[string]bool)
	for _, key := range keys {
		v, err := torchwood.NewCosignatureVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("witness key %q: %w, expected a cosignature key, name+hash+base64 with algorithm 4", key, err)
		}
		if names[v.Name()] {
			return nil, fmt.Errorf("two witness keys of the name %s, expected a name for each: one witness must not count twice", v.Name())
		}
		names[v.Name()] = true
		p.witnesses = append(p.witnesses, v)
	}
	if quorum < 0 || quorum > len(p.witnesses) {
		return nil, fmt.Errorf("quorum of %d witnesses, expected 0 to %d, the number of witnesses", quorum, len(p.witnesses))
	}
	return p, nil
}

// loggedAt is a checkpoint that a proof leads to.
type loggedAt struct {
	torchwood.Checkpoint
	note []byte
}

// check checks that a descriptor is in the venue's log, at the place of its
// number, and returns the checkpoint that says so. Without a proof, it returns
// nil, if the policy allows that.
func (p *witnessPolicy) check(s *Signed, proof []byte) (*loggedAt, error) {
	if len(proof) == 0 {
		if p.quorum > 0 {
			return nil, fmt.Errorf("%w: descriptor %d came without a proof, expected one with %d cosignatures", ErrWitnesses, s.Number, p.quorum)
		}
		return nil, nil
	}
	if len(proof) > MaxProof {
		return nil, malformed("log proof", "expected at most %d bytes, got %d", MaxProof, len(proof))
	}
	if !strings.HasPrefix(string(proof), proofHead(s.Number)) {
		return nil, fmt.Errorf("%w: expected a proof that begins %q", ErrNotLogged, proofHead(s.Number))
	}
	_, signed, found := strings.Cut(string(proof), "\n\n")
	if !found {
		return nil, malformed("log proof", "expected a checkpoint after an empty line")
	}
	checkpoint, err := p.open([]byte(signed))
	if err != nil {
		return nil, err
	}
	if err := torchwood.VerifyProof(originAndKey(p.identity.keys[0]), tlog.RecordHash(s.text), proof); err != nil {
		return nil, fmt.Errorf("%w: descriptor %d: %w", ErrNotLogged, s.Number, err)
	}
	return checkpoint, nil
}

// originAndKey is the policy that a log's own key signed a checkpoint.
func originAndKey(log note.Verifier) torchwood.Policy {
	return torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(log.Name()), torchwood.SingleVerifierPolicy(log))
}

// open checks a checkpoint of the venue's log: every key of the identity signed
// it, and enough witnesses.
func (p *witnessPolicy) open(signed []byte) (*loggedAt, error) {
	n, err := note.Open(signed, note.VerifierList(append(p.identity.list(), p.witnesses...)...))
	if err != nil {
		return nil, openError(err)
	}
	for _, key := range p.identity.keys {
		if !signedBy(n, key) {
			return nil, fmt.Errorf("checkpoint %w: expected a signature of %s+%08x", ErrSignature, key.name, key.hash)
		}
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil || c.String() != n.Text || c.Extension != "" || c.Origin != p.identity.name {
		return nil, malformed("checkpoint", "expected the lines %s, size and root", p.identity.name)
	}
	if cosigned := len(n.Sigs) - len(p.identity.keys); cosigned < p.quorum {
		return nil, fmt.Errorf("%w: %d of %d cosigned the log of %d descriptors, expected at least %d; the next checkpoint may have more, try again later",
			ErrWitnesses, cosigned, len(p.witnesses), c.N, p.quorum)
	}
	return &loggedAt{Checkpoint: c, note: signed}, nil
}

// signedBy reports whether a key is among those whose signature was verified. Of
// each key, there is one at most.
func signedBy(n *note.Note, key note.Verifier) bool {
	return slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == key.Name() && s.Hash == key.KeyHash() })
}
