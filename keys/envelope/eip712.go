package envelope

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"
)

// Types of the typed data, as EIP-712 encodes them. The domain has a name and a
// version, and neither chain nor contract: what is signed is for no chain.
const (
	typeDomain      = "EIP712Domain(string name,string version)"
	typePossession  = "Possession(string action,bytes32 registry,bytes32 nullifierKeyHash,bytes32 nonce,uint64 expiry)"
	typeDelegation  = "Delegation(string action,bytes32 registry,bytes32 nullifierKeyHash,bytes32 delegate,uint64 until,bytes32 nonce,uint64 expiry)"
	typeCertificate = "Certificate(string action,bytes32 binding)"

	domainName    = "zkkex"
	domainVersion = "1"
)

// Actions are what a wallet shows first.
const (
	actionPossession  = "Enter a zkkex registry with this key. No transaction, no payment."
	actionDelegation  = "Let another key act in a zkkex registry for this one, until the time given. No transaction, no payment."
	actionCertificate = "Authorise one zkkex proof. No transaction, no payment."
)

// typedField is a field of the typed data.
type typedField struct {
	name, kind string
	bytes      *[32]byte // of a bytes32
	number     int64     // of a uint64
	text       string    // of a string
}

// typed returns the type of a message's typed data, and its fields.
func typed(m *Message) (kind string, fields []typedField) {
	registry, leaf := [32]byte(m.Registry), [32]byte(m.Delegate)
	binding := [32]byte(m.Binding)
	action := func(text string) typedField { return typedField{name: "action", kind: "string", text: text} }
	hash := func(name string, b *[32]byte) typedField { return typedField{name: name, kind: "bytes32", bytes: b} }
	number := func(name string, n int64) typedField { return typedField{name: name, kind: "uint64", number: n} }
	switch m.Purpose {
	case Possession:
		return typePossession, []typedField{
			action(actionPossession), hash("registry", &registry), hash("nullifierKeyHash", &m.NullifierKeyHash),
			hash("nonce", &m.Nonce), number("expiry", m.Expiry),
		}
	case Delegation:
		return typeDelegation, []typedField{
			action(actionDelegation), hash("registry", &registry), hash("nullifierKeyHash", &m.NullifierKeyHash),
			hash("delegate", &leaf), number("until", m.Until), hash("nonce", &m.Nonce), number("expiry", m.Expiry),
		}
	default:
		return typeCertificate, []typedField{action(actionCertificate), hash("binding", &binding)}
	}
}

// typedDigest returns keccak256(0x1901 || domain separator || hashStruct(message)).
func typedDigest(m *Message) [32]byte {
	kind, fields := typed(m)
	struc := keccak([]byte(kind))
	encoded := struc[:]
	for _, f := range fields {
		encoded = append(encoded, f.encode()...)
	}
	separator := domainSeparator()
	message := keccak(encoded)
	return keccak([]byte{0x19, 0x01}, separator[:], message[:])
}

func domainSeparator() [32]byte {
	kind, name, version := keccak([]byte(typeDomain)), keccak([]byte(domainName)), keccak([]byte(domainVersion))
	return keccak(kind[:], name[:], version[:])
}

// encode returns a field's encodeData, 32 bytes.
func (f typedField) encode() []byte {
	switch f.kind {
	case "bytes32":
		return f.bytes[:]
	case "uint64":
		return binary.BigEndian.AppendUint64(make([]byte, 24, 32), uint64(f.number))
	default:
		h := keccak([]byte(f.text))
		return h[:]
	}
}

func keccak(parts ...[]byte) (sum [32]byte) {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

type jsonField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// TypedData returns the message as JSON for eth_signTypedData_v4. It returns an error
// as [Kind.Digest] does.
func TypedData(m *Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	kind, fields := typed(m)
	name, _, _ := strings.Cut(kind, "(")
	described := make([]jsonField, len(fields))
	values := make(map[string]any, len(fields))
	for i, f := range fields {
		described[i] = jsonField{f.name, f.kind}
		values[f.name] = f.value()
	}
	return json.Marshal(struct {
		Types       map[string][]jsonField `json:"types"`
		PrimaryType string                 `json:"primaryType"`
		Domain      map[string]string      `json:"domain"`
		Message     map[string]any         `json:"message"`
	}{
		Types: map[string][]jsonField{
			"EIP712Domain": {{"name", "string"}, {"version", "string"}},
			name:           described,
		},
		PrimaryType: name,
		Domain:      map[string]string{"name": domainName, "version": domainVersion},
		Message:     values,
	})
}

// value returns a field as JSON has it: numbers as decimal text, as wallets expect.
func (f typedField) value() any {
	switch f.kind {
	case "bytes32":
		return "0x" + hex.EncodeToString(f.bytes[:])
	case "uint64":
		return fmt.Sprint(f.number)
	default:
		return f.text
	}
}
