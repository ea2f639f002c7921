package mpc

import "math/big"

// summand is a pointer to a point of G1 or G2 in Jacobian coordinates.
type summand[J any] interface {
	*J
	AddAssign(*J) *J
	SubAssign(*J) *J
	DoubleAssign() *J
	ScalarMultiplication(*J, *big.Int) *J
}

// jacobian is a summand that takes affine points too.
type jacobian[J, A any] interface {
	summand[J]
	FromAffine(*A) *J
	AddMixed(*A) *J
}

// affine is a pointer to a point of G1 or G2 in affine coordinates.
type affine[J, A any] interface {
	*A
	FromJacobian(*J) *A
	Neg(*A) *A
}
