package tpm

import (
	"errors"

	"github.com/google/go-tpm/tpm2"
)

// lockout is what a TPM does against guessing, for all its guarded keys together.
type lockout struct {
	locked  bool
	lastTry bool // the next wrong authorisation value locks it
}

// inLockout is a bit of TPMA_PERMANENT.
const inLockout = 1 << 9

// readLockout reads the state of the protection (TPM 2.0 Library, part 1, section 19.8).
func readLockout(t line) (lockout, error) {
	response, err := tpm2.GetCapability{
		Capability: tpm2.TPMCapTPMProperties, Property: uint32(tpm2.TPMPTPermanent),
		PropertyCount: uint32(tpm2.TPMPTMaxAuthFail-tpm2.TPMPTPermanent) + 1,
	}.Execute(t)
	if err != nil {
		return lockout{}, err
	}
	list, err := response.CapabilityData.Data.TPMProperties()
	if err != nil {
		return lockout{}, malformed(err)
	}
	values := map[tpm2.TPMPT]uint32{}
	for _, p := range list.TPMProperty {
		values[p.Property] = p.Value
	}
	for _, p := range []tpm2.TPMPT{tpm2.TPMPTPermanent, tpm2.TPMPTLockoutCounter, tpm2.TPMPTMaxAuthFail} {
		if _, ok := values[p]; !ok {
			return lockout{}, malformed(errors.New("it does not say whether it is locked"))
		}
	}
	failures, allowed := uint64(values[tpm2.TPMPTLockoutCounter]), uint64(values[tpm2.TPMPTMaxAuthFail])
	return lockout{
		locked:  values[tpm2.TPMPTPermanent]&inLockout != 0,
		lastTry: failures+1 >= allowed,
	}, nil
}
