package wellformed

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"golang.org/x/sync/errgroup"
)

var (
	errInfinity = errors.New("at infinity")
	errNotOn    = errors.New("not on the curve")
	errSubgroup = errors.New("not in the subgroup of prime order")
)

// checkPoints checks every point of both keys. A point at infinity is a fault
// everywhere: a K or an IC of that kind belongs to a wire that no constraint uses,
// so that the wire can have any value.
func (c *checker) checkPoints(ctx context.Context) error {
	pk, vk := c.ProvingKey, c.VerifyingKey
	for _, list := range []struct {
		name   string
		points []curve.G1Affine
	}{
		{"alpha, beta and delta of the proving key", []curve.G1Affine{pk.G1.Alpha, pk.G1.Beta, pk.G1.Delta}},
		{"alpha, beta and delta of the verifying key", []curve.G1Affine{vk.G1.Alpha, vk.G1.Beta, vk.G1.Delta}},
		{"A", pk.G1.A}, {"B in G1", pk.G1.B}, {"K", pk.G1.K}, {"Z", pk.G1.Z}, {"IC", vk.G1.K},
	} {
		if err := each(ctx, list.points, checkG1); err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
	}
	for _, list := range []struct {
		name   string
		points []curve.G2Affine
	}{
		{"beta and delta in G2 of the proving key", []curve.G2Affine{pk.G2.Beta, pk.G2.Delta}},
		{"beta, delta and gamma in G2 of the verifying key", []curve.G2Affine{vk.G2.Beta, vk.G2.Delta, vk.G2.Gamma}},
		{"B in G2", pk.G2.B},
	} {
		if err := each(ctx, list.points, checkG2); err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
	}
	return nil
}

// checkG1 checks a point of G1, which is the whole curve.
func checkG1(p *curve.G1Affine) error {
	switch {
	case p.IsInfinity():
		return errInfinity
	case !p.IsOnCurve():
		return errNotOn
	}
	return nil
}

func checkG2(p *curve.G2Affine) error {
	switch {
	case p.IsInfinity():
		return errInfinity
	case !p.IsOnCurve():
		return errNotOn
	case !p.IsInSubGroup():
		return errSubgroup
	}
	return nil
}

// each checks points on all processors and names one that fails.
func each[T any](ctx context.Context, points []T, check func(*T) error) error {
	const chunk = 256
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for start := 0; start < len(points); start += chunk {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("%w: %w", ErrNotRun, err)
			}
			for i := start; i < min(start+chunk, len(points)); i++ {
				if err := check(&points[i]); err != nil {
					return fmt.Errorf("point %d: %w", i, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}
