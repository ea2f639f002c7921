package circuits

import (
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
)

// EdDSA is the relation for a Baby Jubjub key of which a signature of the binding
// is known, for both capacities: the number of Groups tells them apart. Make one
// with [NewEdDSA]. The signature is that of package keys/eddsa.
type EdDSA struct {
	PublicInputs
	// Eighth is the point of which the key is the eightfold.
	Eighth PointWires
	// Response is the signature's s.
	Response ResponseWires
	// Challenge are the bits that stand for the signature's challenge, lowest
	// first; see docs/spec/circuit-eddsa.md for which.
	Challenge [ChallengeBits]frontend.Variable
	MemberWires
}

// PointWires are the coordinates of a point in Edwards form.
type PointWires struct{ X, Y frontend.Variable }

// ResponseWires are a scalar: the odd one of s and order - s, and which it is.
type ResponseWires struct {
	Digits KeyWires
	// Sign is 1 if the digits are s, and 0 if they are order - s.
	Sign frontend.Variable
}

// NewEdDSA returns the relation, to be compiled, for a registry of capacity
// 2^capacityBits: 20 or 32.
func NewEdDSA(capacityBits int) (*EdDSA, error) {
	m, err := newMemberWires(capacityBits)
	if err != nil {
		return nil, err
	}
	return &EdDSA{MemberWires: m}, nil
}

// Define builds the constraints, in the order of the specification.
func (c *EdDSA) Define(api frontend.API) error {
	h, err := newHasher(api)
	if err != nil {
		return err
	}
	key := c.key(api)
	challenge := challengeOf(api, &c.Challenge)
	r := addEdwards(api, c.response(api), negate(api, multiplyKey(api, key, &c.Challenge)))
	if err := assertChallenge(api, h, challenge, r, key, c.Binding); err != nil {
		return err
	}
	return assertStatement(api, h, &c.PublicInputs, &c.MemberWires, zkkex.KeyEdDSA, key.y)
}

// key returns the key, eight times a point of the curve: that is how it is of the
// subgroup of prime order.
func (c *EdDSA) key(api frontend.API) edwardsPoint {
	p := edwardsPoint{x: c.Eighth.X, y: c.Eighth.Y}
	assertOnCurve(api, "key: an eighth of it is on the curve", p)
	for range 3 {
		p = doubleEdwards(api, p)
	}
	return p
}

// response returns s*G.
func (c *EdDSA) response(api frontend.API) edwardsPoint {
	p := fixedBase(api, "response", &c.Response.Digits)
	assertBoolean(api, "response: sign is boolean", c.Response.Sign)
	return edwardsPoint{x: api.Mul(plusOrMinusOne(api, c.Response.Sign), p.x), y: p.y}
}

// assertChallenge asserts that e is the challenge of R, the key and the message.
func assertChallenge(api frontend.API, h *hasher, e frontend.Variable, r, key edwardsPoint, message frontend.Variable) error {
	inner, err := h.compress(domain.EdDSAMessage, key.x, key.y, message)
	if err != nil {
		return err
	}
	computed, err := h.compress(domain.EdDSAChallenge, r.x, r.y, inner)
	if err != nil {
		return err
	}
	assertEqual(api, "signature: the challenge is computed from R, key and binding", computed, e)
	return nil
}
