package tpm

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

// object is a key in a TPM, as it describes it.
type object struct {
	name    tpm2.TPM2BName // a digest of the public area
	public  eckey.PublicKey
	guarded bool // wrong authorisation values are counted, and lock the TPM
}

// readObject reads the key at a handle, and checks that it can sign for a registry. It
// returns an error wrapping [signer.ErrNoKey], [signer.ErrWrongCurve],
// [signer.ErrUnsupportedKey] or [zkkex.ErrMalformed].
func readObject(t line, handle uint32) (*object, error) {
	response, err := tpm2.ReadPublic{ObjectHandle: tpm2.TPMHandle(handle)}.Execute(t)
	if errors.Is(err, tpm2.TPMRCHandle) || errors.Is(err, tpm2.TPMRCValue) {
		return nil, noKey(t)
	}
	if err != nil {
		return nil, err
	}
	area, err := response.OutPublic.Contents()
	if err != nil {
		return nil, malformed(err)
	}
	if !hashed(area.NameAlg) {
		return nil, fmt.Errorf("%w: its name is of algorithm %#x, expected SHA-256, SHA-384 or SHA-512", signer.ErrUnsupportedKey, uint16(area.NameAlg))
	}
	name, err := tpm2.ObjectName(area)
	if err != nil {
		return nil, malformed(err)
	}
	if !bytes.Equal(name.Buffer, response.Name.Buffer) {
		return nil, malformed(errors.New("the key's name is not that of its public area"))
	}
	if err := check(area); err != nil {
		return nil, err
	}
	point, err := readPoint(area)
	if err != nil {
		return nil, err
	}
	return &object{*name, point, !area.ObjectAttributes.NoDA}, nil
}

func hashed(a tpm2.TPMIAlgHash) bool {
	return a == tpm2.TPMAlgSHA256 || a == tpm2.TPMAlgSHA384 || a == tpm2.TPMAlgSHA512
}

// check returns nil for a key that signs digests and that no one else has.
func check(area *tpm2.TPMTPublic) error {
	a := area.ObjectAttributes
	switch {
	case area.Type != tpm2.TPMAlgECC:
		return fmt.Errorf("%w: it is of type %#x, expected an elliptic curve key (ecc256)", signer.ErrUnsupportedKey, uint16(area.Type))
	case !a.SignEncrypt || a.X509Sign:
		return fmt.Errorf("%w: it may not sign (attribute sign)", signer.ErrUnsupportedKey)
	case a.Restricted:
		return fmt.Errorf("%w: it signs what the TPM says only (attribute restricted)", signer.ErrUnsupportedKey)
	case !a.FixedTPM:
		return fmt.Errorf("%w: it may leave the TPM (attribute fixedTPM is not set)", signer.ErrUnsupportedKey)
	case !a.SensitiveDataOrigin:
		return fmt.Errorf("%w: it was not made in the TPM, so somebody may have a copy (attribute sensitiveDataOrigin is not set)", signer.ErrUnsupportedKey)
	case !a.UserWithAuth:
		return fmt.Errorf("%w: it is used by a policy, expected an authorisation value (attribute userWithAuth)", signer.ErrUnsupportedKey)
	}
	return nil
}

// readPoint returns the key's point, of the curve P-256 and for ECDSA with SHA-256.
func readPoint(area *tpm2.TPMTPublic) (eckey.PublicKey, error) {
	parameters, err := area.Parameters.ECCDetail()
	if err != nil {
		return eckey.PublicKey{}, malformed(err)
	}
	if parameters.CurveID != tpm2.TPMECCNistP256 {
		return eckey.PublicKey{}, fmt.Errorf("%w: TPM_ECC_CURVE is %#x, expected P-256, %#x", signer.ErrWrongCurve, uint16(parameters.CurveID), uint16(tpm2.TPMECCNistP256))
	}
	switch parameters.Scheme.Scheme {
	case tpm2.TPMAlgNull:
	case tpm2.TPMAlgECDSA:
		scheme, err := parameters.Scheme.Details.ECDSA()
		if err != nil {
			return eckey.PublicKey{}, malformed(err)
		}
		if scheme.HashAlg != tpm2.TPMAlgSHA256 {
			return eckey.PublicKey{}, fmt.Errorf("%w: it signs digests of algorithm %#x, expected SHA-256", signer.ErrUnsupportedKey, uint16(scheme.HashAlg))
		}
	default:
		return eckey.PublicKey{}, fmt.Errorf("%w: its scheme is %#x, expected ECDSA", signer.ErrUnsupportedKey, uint16(parameters.Scheme.Scheme))
	}
	point, err := area.Unique.ECC()
	if err != nil {
		return eckey.PublicKey{}, malformed(err)
	}
	encoded := make([]byte, eckey.UncompressedSize)
	encoded[0] = 4
	for i, coordinate := range [][]byte{point.X.Buffer, point.Y.Buffer} {
		if len(coordinate) > 32 {
			return eckey.PublicKey{}, malformed(fmt.Errorf("a coordinate has %d bytes, expected at most 32", len(coordinate)))
		}
		end := 33 + 32*i
		copy(encoded[end-len(coordinate):end], coordinate) // some TPMs leave zeros in front out
	}
	return eckey.P256.FromUncompressed(encoded)
}

// noKey lists the handles that there are, instead.
func noKey(t line) error {
	response, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: firstPersistent, PropertyCount: 64}.Execute(t)
	if err != nil {
		return err
	}
	list, err := response.CapabilityData.Data.Handles()
	if err != nil {
		return malformed(err)
	}
	none := &signer.KeysError{Err: signer.ErrNoKey, Where: "the TPM"}
	for _, h := range list.Handle {
		none.Keys = append(none.Keys, fmt.Sprintf("tpm:0x%08x", uint32(h)))
	}
	return none
}

func malformed(err error) error {
	return &zkkex.ParseError{Format: "answer of the TPM", Err: err}
}
