package ceremony

import (
	"context"
	"io"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/params"
)

// Domain returns the size of the domain of a circuit: the number of powers that
// phase 1 makes, a power of two. It returns an error wrapping
// [zkkex.ErrUnsupported] for a circuit that has no ceremony.
func Domain(circuit zkkex.CircuitID) (int, error) {
	if err := hasCeremony(circuit); err != nil {
		return 0, err
	}
	system, err := compiled.Circuit(circuit)
	if err != nil {
		return 0, err
	}
	return domainOf(relation.SizeOf(system).Constraints), nil
}

// ReadPtau reads phase 1 for a circuit from a powers-of-tau file of size bytes, in
// the format of snarkjs (docs/spec/ptau.md). Every point that is used is checked,
// and so are the file's contributions; the whole file is hashed. source says where
// it is from, for people. It returns an error that names place and check, wrapping
// [zkkex.ErrMalformed], [zkkex.ErrUnsupported] or [zkkex.ErrRejected]; the error of
// r; or that of ctx.
func ReadPtau(ctx context.Context, r io.ReaderAt, size int64, source string, circuit zkkex.CircuitID, progress Progress) (*PhaseOne, error) {
	domain, err := Domain(circuit)
	if err != nil {
		return nil, err
	}
	file, err := ptau.Open(r, size)
	if err != nil {
		return nil, err
	}
	reading := func(step string, done, total int) { progress.report("reading powers of tau: "+step, done, total) }
	srs, err := file.Groth16(ctx, domain, reading)
	if err != nil {
		return nil, err
	}
	digest, err := file.SHA256(ctx, reading)
	if err != nil {
		return nil, err
	}
	return &PhaseOne{
		SRS:           mpc.SRSBytes(srs),
		Source:        source,
		File:          params.File{Size: file.Size(), SHA256: digest},
		Power:         file.Power(),
		CeremonyPower: file.CeremonyPower(),
		Chain:         file.Chain().Bytes(),
	}, nil
}
