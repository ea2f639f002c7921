package frost

import (
	"io"
	"math/big"
)

// CommitFrom is [Group.Commit] with given randomness.
func (g *Group) CommitFrom(share *KeyShare, random io.Reader) (*Nonces, error) {
	return g.commit(share, random)
}

// Values returns the nonces.
func (n *Nonces) Values() (hiding, binding *big.Int) { return n.hiding, n.binding }

// BindingFactors returns what the binding factors are hashed from, and they.
func (g *Group) BindingFactors(msg []byte, commitments []Commitment) (inputs [][]byte, factors []*big.Int) {
	prefix := g.bindingPrefix(msg, commitments)
	for i := range commitments {
		inputs = append(inputs, append(prefix[:len(prefix):len(prefix)], g.encodeIdentifier(commitments[i].ID)...))
	}
	return inputs, g.bindingFactors(msg, commitments)
}
