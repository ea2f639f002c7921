package enrolment

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/keys"
)

var update = flag.Bool("update", false, "write the known-answer vectors again, with fresh signatures")

const (
	vectorsPath       = "../testdata/possession/possession.json"
	deviceVectorsPath = "../testdata/possession/device.json"
)

// vector is a request, checked at a time against a registry. Expect is "valid"
// or the reason of the rejection, and Cause the error of package keys that the
// rejection wraps, if any.
type vector struct {
	Name          string `json:"name"`
	Expect        string `json:"expect"`
	Cause         string `json:"cause,omitempty"`
	Registry      string `json:"registry"`
	Now           int64  `json:"now"`
	Request       string `json:"request"`
	SignedMessage string `json:"signed_message,omitempty"`
	Leaf          string `json:"leaf,omitempty"`
}

var causes = map[string]error{
	"point_encoding":   keys.ErrPointEncoding,
	"not_on_curve":     keys.ErrNotOnCurve,
	"identity":         keys.ErrIdentity,
	"small_order":      keys.ErrSmallOrder,
	"not_in_subgroup":  keys.ErrNotInSubgroup,
	"not_canonical":    canonical.ErrNotCanonical,
	"signature_scalar": keys.ErrSignatureScalar,
	"signature":        keys.ErrSignature,
}

func TestPossessionVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	text, err := os.ReadFile(vectorsPath)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Comment string   `json:"comment"`
		Vectors []vector `json:"vectors"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) { checkVector(t, v) })
		used[v.Expect]++
		used[v.Cause]++
	}
	for _, reason := range []zkkex.Reason{"valid", zkkex.WrongRegistry, Expired, BadKey, BadSignature} {
		if used[string(reason)] == 0 {
			t.Errorf("no vector expects %s", reason)
		}
	}
	for name := range causes {
		if used[name] == 0 {
			t.Errorf("no vector has the cause %s", name)
		}
	}
}

func checkVector(t *testing.T, v vector) {
	r, err := ParseRequest([]byte(v.Request))
	if err != nil {
		t.Fatal(err)
	}
	id, err := zkkex.ParseHex(v.Registry)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := r.Verify(id, time.Unix(v.Now, 0))
	if v.Expect == "valid" {
		msg, _ := r.SignedMessage()
		if err != nil || leaf.String() != v.Leaf || hex.EncodeToString(msg) != v.SignedMessage {
			t.Errorf("%v, signed %x, %v; want leaf %s, signed %s", leaf, msg, err, v.Leaf, v.SignedMessage)
		}
		return
	}
	if string(reasonOf(err)) != v.Expect || leaf != (zkkex.Commitment{}) {
		t.Errorf("%v, %v; want %s", leaf, err, v.Expect)
	}
	if errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("%v is rejected and malformed at once", err)
	}
	for name, cause := range causes {
		alone := v.Cause == "point_encoding" && name == "not_canonical" // says which
		if errors.Is(err, cause) != (name == v.Cause) && !alone {
			t.Errorf("%v; want the cause %q, and is it %s: %v", err, v.Cause, name, errors.Is(err, cause))
		}
	}
}

// writeVectors makes one good request, and changes it in one way at a time.
func writeVectors(t *testing.T) {
	t.Helper()
	s := secretOf(t, "a")
	good := requestOf(t, s, issue(t, NewChallenger(registry, macKey), time.Hour))
	message, err := good.SignedMessage()
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	add := func(name, expect, cause string, at time.Time, id zkkex.RegistryID, change func(r *Request)) {
		r := *good
		change(&r)
		v := vector{Name: name, Expect: expect, Cause: cause, Registry: id.String(), Now: at.Unix(), Request: string(textOf(&r))}
		if expect == "valid" {
			v.SignedMessage, v.Leaf = hex.EncodeToString(message), s.Commitment().String()
		}
		out = append(out, v)
	}
	same := func(*Request) {}
	end := time.Unix(good.Challenge.Expiry, 0)
	add("valid", "valid", "", now, registry, same)
	add("at the end of the allowed clock skew", "valid", "", end.Add(ClockSkew), registry, same)
	add("a second later", string(Expired), "", end.Add(ClockSkew+time.Second), registry, same)
	add("longer before its end than a challenge lasts", string(Expired), "", end.Add(-MaxValidity-ClockSkew-time.Second), registry, same)
	add("shown to another registry", string(zkkex.WrongRegistry), "", now, zkkex.RegistryID{9}, same)

	signature := func(name, cause string, change func(r *Request)) {
		add(name, string(BadSignature), cause, now, registry, change)
	}
	other := secretOf(t, "b").Public()
	add("registry changed, and shown to that", string(BadSignature), "signature", now, zkkex.RegistryID{9}, func(r *Request) { r.Challenge.Registry = zkkex.RegistryID{9} })
	signature("a bit of the nonce flipped", "signature", func(r *Request) { r.Challenge.Nonce[31] ^= 1 })
	signature("expiry a second later", "signature", func(r *Request) { r.Challenge.Expiry++ })
	signature("another key", "signature", func(r *Request) { r.PublicKey = [keys.PointSize]byte(other.Bytes()) })
	signature("another nullifier key", "signature", func(r *Request) { r.NullifierKeyHash = other.NullifierKeyHash() })
	signature("key negated: the same leaf", "signature", func(r *Request) { r.PublicKey[31] ^= 0x80 })
	signature("R negated", "signature", func(r *Request) { r.Signature[31] ^= 0x80 })
	signature("a bit of s flipped", "signature", func(r *Request) { r.Signature[63] ^= 1 })
	signature("s plus the order", "signature_scalar", func(r *Request) {
		order, _ := new(big.Int).SetString("2736030358979909402780800718157159386076813972158567259200215660948447373041", 10)
		order.Add(order, new(big.Int).SetBytes(r.Signature[32:])).FillBytes(r.Signature[32:])
	})
	for _, p := range badPoints(t) {
		add("key: "+p.name, string(BadKey), p.cause, now, registry, func(r *Request) { r.PublicKey = p.point })
		signature("R: "+p.name, p.cause, func(r *Request) { copy(r.Signature[:], p.point[:]) })
	}
	add("H(nk) = order of the field", string(BadKey), "not_canonical", now, registry, func(r *Request) { r.NullifierKeyHash = canonical.Order() })
	text, err := json.MarshalIndent(map[string]any{
		"comment": "Requests in text form (docs/spec/enrolment.md), checked by a registry at a time in Unix seconds. Keys as in testdata/leaf/leaf.json.",
		"vectors": out,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorsPath, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

type badPoint struct {
	name, cause string
	point       [32]byte
}

// badPoints takes the refused public keys of testdata/leaf/leaf.json.
func badPoints(t *testing.T) (out []badPoint) {
	t.Helper()
	text, err := os.ReadFile("../testdata/leaf/leaf.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name, Expect string
			PublicKey    string `json:"public_key"`
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		switch v.Expect {
		case "point_encoding", "not_on_curve", "identity", "small_order", "not_in_subgroup":
			point, err := zkkex.ParseHex(v.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, badPoint{v.Name, v.Expect, point})
		}
	}
	if len(out) == 0 {
		t.Fatal("no refused public keys")
	}
	return out
}
