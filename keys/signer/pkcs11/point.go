package pkcs11

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

// The curves, as CKA_EC_PARAMS names them: DER of an object identifier.
var curves = map[string]eckey.Curve{
	"06082a8648ce3d030107": eckey.P256,
	"06052b8104000a":       eckey.Secp256k1,
}

// others are curves that tokens have, too.
var others = map[string]string{
	"06052b81040022":         "P-384",
	"06052b81040023":         "P-521",
	"06052b81040021":         "P-224",
	"06092b2403030208010107": "brainpoolP256r1",
	"06092b06010401da470f01": "Ed25519",
}

// parseCurve reads CKA_EC_PARAMS. It returns an error wrapping [signer.ErrWrongCurve].
func parseCurve(params []byte) (eckey.Curve, error) {
	shown := hex.EncodeToString(params[:min(len(params), 16)])
	if c, ok := curves[hex.EncodeToString(params)]; ok {
		return c, nil
	}
	if name, ok := others[shown]; ok {
		return 0, fmt.Errorf("%w: the key is on %s, expected P-256 or secp256k1", signer.ErrWrongCurve, name)
	}
	return 0, fmt.Errorf("%w: CKA_EC_PARAMS is %s (%d bytes), expected the identifier of P-256 or secp256k1", signer.ErrWrongCurve, shown, len(params))
}

// parsePoint reads CKA_EC_POINT, which is to be DER of an octet string; many tokens
// leave the string's header out. It returns an error wrapping [zkkex.ErrMalformed].
func parsePoint(c eckey.Curve, b []byte) (eckey.PublicKey, error) {
	if len(b) == eckey.UncompressedSize && b[0] == 4 {
		// 4 is the tag of an octet string, too: of 63 bytes, which no key has.
		return c.FromUncompressed(b)
	}
	if len(b) == eckey.KeySize && b[0] != asn1.TagOctetString {
		return c.Parse(b)
	}
	var point []byte
	if len(b) > 0 && len(b) <= eckey.UncompressedSize+2 {
		if left, err := asn1.Unmarshal(b, &point); err != nil || len(left) > 0 {
			point = nil
		}
	}
	if len(point) == eckey.KeySize {
		return c.Parse(point)
	}
	return c.FromUncompressed(point)
}
