package audit

import (
	"bytes"
	"errors"

	gnark "github.com/consensys/gnark/backend/groth16/bn254"

	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/wellformed"
	"github.com/zkkex/zkkex/setup/params"
)

// CheckRecomputed is the check that a key is, byte by byte, what the ceremony
// makes.
const CheckRecomputed = "computed again"

// compareKeys compares the keys with what the ceremony makes, and checks that they
// are well-formed, which does not depend on how they were made.
func (a *auditor) compareKeys(k *keys, m *made) error {
	a.compareBytes(params.ProvingKeyFile, k.provingKey, m.provingKey)
	a.compareBytes(params.VerifyingKeyFile, k.verifyingKey, m.verifyingKey)
	if why := missing(a, k, m); why != "" {
		for _, name := range wellformed.Checks() {
			a.skip(name, keyOf(name), why)
		}
		return nil
	}
	results := wellformed.Check(a.ctx, wellformed.Keys{
		System: a.system, SRS: m.srs, ProvingKey: k.pk, VerifyingKey: verifyingKey(k.points),
	}, func(check string, done, total int) {
		a.step("checking that the keys are well-formed: "+check, done, total)
	})
	good := true
	for _, result := range results {
		switch about := keyOf(result.Check); {
		case stopped(result.Err):
			return result.Err
		case errors.Is(result.Err, wellformed.ErrNotRun):
			a.skip(result.Check, about, result.Err.Error())
			good = false
		default:
			good = a.record(result.Check, about, result.Err) && good
		}
	}
	a.findings.keys = good && a.findings.srs && a.findings.circuit
	return nil
}

// keyOf returns the key that a check of well-formedness is about: the proving key,
// except for what that has not.
func keyOf(check string) subject {
	switch check {
	case wellformed.Gamma, wellformed.IC:
		return subject{file: params.VerifyingKeyFile}
	}
	return subject{file: params.ProvingKeyFile}
}

// missing says why well-formedness cannot be checked, or "".
func missing(a *auditor, k *keys, m *made) string {
	switch {
	case !a.findings.transcript:
		return whyNoTranscript
	case a.system == nil:
		return "the circuit does not compile"
	case m.srs == nil:
		return "the transcript does not lead to a first phase"
	case k.pk == nil || k.points == nil:
		return "a key cannot be read"
	}
	return ""
}

func (a *auditor) compareBytes(name string, got, want []byte) {
	about := subject{file: name}
	switch {
	case !a.findings.transcript:
		a.skip(CheckRecomputed, about, whyNoTranscript)
	case want == nil:
		a.skip(CheckRecomputed, about, "the transcript does not lead to keys")
	case got == nil:
		a.skip(CheckRecomputed, about, "the file is not there, or too large")
	case bytes.Equal(got, want):
		a.record(CheckRecomputed, about, nil)
	default:
		a.record(CheckRecomputed, about, errOtherKey)
	}
}

var errOtherKey = errors.New("not the key that the ceremony in the transcript makes")

// verifyingKey returns the points as gnark has them.
func verifyingKey(p *groth16.Points) *gnark.VerifyingKey {
	var vk gnark.VerifyingKey
	vk.G1.Alpha, vk.G1.Beta, vk.G1.Delta = p.Alpha1, p.Beta1, p.Delta1
	vk.G2.Beta, vk.G2.Delta, vk.G2.Gamma = p.Beta2, p.Delta2, p.Gamma2
	vk.G1.K = p.K[:]
	return &vk
}
