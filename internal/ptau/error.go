package ptau

import (
	"fmt"
	"strings"

	"github.com/zkkex/zkkex"
)

// Check names one test that a file has to pass.
type Check string

// The checks, in the order in which a file is read.
const (
	// CheckFormat: the file, its list of sections or its list of contributions
	// has another shape than the specification gives.
	CheckFormat Check = "format"
	// CheckCurve: the points are of BN254.
	CheckCurve Check = "curve"
	// CheckPower: the file has as many powers as are needed.
	CheckPower Check = "power"
	// CheckCanonical: a coordinate is less than the field's modulus.
	CheckCanonical Check = "canonical coordinate"
	// CheckInfinity: a point is not the point at infinity.
	CheckInfinity Check = "not at infinity"
	// CheckOnCurve: a point satisfies the curve's equation.
	CheckOnCurve Check = "on the curve"
	// CheckSubgroup: a point of G2 is in the subgroup of prime order.
	CheckSubgroup Check = "subgroup"

	// CheckContributed: somebody contributed besides the beacon.
	CheckContributed Check = "contributed"
	// CheckEffort: computing the beacons takes minutes at most.
	CheckEffort Check = "effort"
	// CheckBeacon: a beacon's keys follow from its value.
	CheckBeacon Check = "beacon"
	// CheckKey: a contributor knew the secret that the accumulator was changed
	// by, and the secret is not 1.
	CheckKey Check = "proof of knowledge"
	// CheckStep: a contribution goes on from the previous one.
	CheckStep Check = "follows from the previous contribution"
	// CheckLast: the points in the file are those of the last contribution.
	CheckLast Check = "points of the last contribution"
	// CheckChallenge: the hash of all points is the one in the last
	// contribution.
	CheckChallenge Check = "hash of all points"

	// CheckGenerator: a section of powers of tau starts with the generator.
	CheckGenerator Check = "generator"
	// CheckTrivial: tau is not 0 nor a root of unity of the domain, alpha and beta
	// are not 0, 1 or -1.
	CheckTrivial Check = "secret is trivial"
	// CheckPowers: the points are powers of one tau.
	CheckPowers Check = "powers"
)

// class returns the error that a failed check matches: what is well formed but
// not the outcome of a ceremony is rejected.
func (c Check) class() error {
	switch c {
	case CheckFormat, CheckCanonical, CheckInfinity, CheckOnCurve, CheckSubgroup:
		return zkkex.ErrMalformed
	case CheckCurve, CheckPower, CheckEffort:
		return zkkex.ErrUnsupported
	}
	return zkkex.ErrRejected
}

// Error says why a file is refused: where, and by which check. It matches
// [zkkex.ErrMalformed], [zkkex.ErrUnsupported] or [zkkex.ErrRejected], and
// unwraps to the cause.
type Error struct {
	// Section is the section's name, such as "tauG1". It is empty for the file
	// as a whole.
	Section string
	// Point is the index of a point in its section, -1 if the error is not
	// about one.
	Point int
	// Contribution is the number of a contribution, counted from 1, and 0 if
	// the error is not about one.
	Contribution int
	// Check is what failed.
	Check Check
	// Err is what was expected and what was found.
	Err error
}

// Error returns the place, the check and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(".ptau file: ")
	if e.Section != "" {
		b.WriteString("section " + e.Section + ": ")
	}
	if e.Contribution > 0 {
		fmt.Fprintf(&b, "contribution %d: ", e.Contribution)
	}
	if e.Point >= 0 {
		fmt.Fprintf(&b, "point %d: ", e.Point)
	}
	fmt.Fprintf(&b, "%s: %v", e.Check, e.Err)
	return b.String()
}

// Is reports whether target is the class of the check.
func (e *Error) Is(target error) bool { return target == e.Check.class() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// refuse returns an [Error] about a section, or about the file if it is empty.
func refuse(section string, check Check, format string, args ...any) *Error {
	return &Error{Section: section, Point: -1, Check: check, Err: fmt.Errorf(format, args...)}
}

// refuseContribution returns an [Error] about contribution number.
func refuseContribution(number int, check Check, format string, args ...any) *Error {
	e := refuse(nameContributions, check, format, args...)
	e.Contribution = number
	return e
}
