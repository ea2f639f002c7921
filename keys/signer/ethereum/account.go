package ethereum

import "strings"

// Namespace is what the chains of Ethereum's family have before the colon in CAIP-2.
const Namespace = "eip155"

// maxReference bounds a chain's reference in characters (CAIP-2).
const maxReference = 32

// Account is an account on a chain, as CAIP-10 names it: eip155:CHAIN:ADDRESS.
type Account struct {
	// Chain is the chain's number (EIP-155) in decimal, without leading zeros.
	Chain string
	// Address is the account's address on it.
	Address Address
}

// ParseAccount decodes a CAIP-10 account id of the namespace eip155. It returns an error
// wrapping [zkkex.ErrMalformed].
func ParseAccount(s string) (Account, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 || parts[0] != Namespace {
		return Account{}, malformed("account", "expected eip155:CHAIN:0xADDRESS, such as eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb")
	}
	if !isChain(parts[1]) {
		return Account{}, malformed("account", "the chain must be a decimal number of at most %d digits without leading zeros", maxReference)
	}
	address, err := ParseAddress(parts[2])
	if err != nil {
		return Account{}, err
	}
	return Account{Chain: parts[1], Address: address}, nil
}

func isChain(s string) bool {
	return s != "" && len(s) <= maxReference && strings.Trim(s, "0123456789") == "" && s[0] != '0'
}

// String returns the CAIP-10 account id, the address with its checksum.
func (a Account) String() string { return Namespace + ":" + a.Chain + ":" + a.Address.String() }
