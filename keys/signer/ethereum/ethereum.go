// Package ethereum lets Ethereum accounts sign for a registry: those in a keystore file
// (Web3 Secret Storage, version 3) and those of a wallet that is asked over JSON-RPC. It
// registers the schemes "eth" and "eip155".
//
// What an account signs is typed data (EIP-712), so that a wallet shows its owner which
// registry the signature is for. Its domain names zkkex and no contract, and the digest
// begins with 0x19 0x01: no transaction and no message signed by personal_sign has that
// digest.
package ethereum

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/zkkex/zkkex/keys/signer"
)

func init() {
	signer.Register(signer.Scheme{
		Name:      "eth",
		Usage:     "eth:[ADDRESS@]PLACE, an Ethereum account; PLACE is a keystore file or the URL of a wallet that answers JSON-RPC",
		Example:   "eth:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb@http://127.0.0.1:1248",
		Available: true,
	}, openEth)
	signer.Register(signer.Scheme{
		Name:      Namespace,
		Usage:     "eip155:CHAIN:ADDRESS@PLACE, a CAIP-10 account id and PLACE as for eth: the wallet must be on that chain",
		Example:   "eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb@http://127.0.0.1:1248",
		Available: true,
	}, openCAIP)
}

// target is what a URI names.
type target struct {
	address *Address // nil if any will do
	chain   string   // "" if any will do
	url     *url.URL // of a wallet, or nil
	path    string   // of a keystore otherwise
}

func openEth(ctx context.Context, rest string, o *signer.Options) (signer.Signer, error) {
	t, err := parseEth(rest)
	if err != nil {
		return nil, err
	}
	return t.open(ctx, o)
}

func openCAIP(ctx context.Context, rest string, o *signer.Options) (signer.Signer, error) {
	t, err := parseCAIP(rest)
	if err != nil {
		return nil, err
	}
	return t.open(ctx, o)
}

// open opens a keystore or a wallet.
func (t *target) open(ctx context.Context, o *signer.Options) (signer.Signer, error) {
	if t.url == nil {
		return openKeystore(t, o)
	}
	return openWallet(ctx, t, o)
}

// parseEth decodes [ADDRESS@]PLACE.
func parseEth(rest string) (*target, error) {
	t := &target{}
	place := rest
	if before, after, found := strings.Cut(rest, "@"); found && strings.HasPrefix(before, "0x") {
		address, err := ParseAddress(before)
		if err != nil {
			return nil, err
		}
		t.address, place = &address, after
	}
	return t, t.parsePlace(place)
}

// parseCAIP decodes CHAIN:ADDRESS@PLACE.
func parseCAIP(rest string) (*target, error) {
	before, place, _ := strings.Cut(rest, "@")
	account, err := ParseAccount(Namespace + ":" + before)
	if err != nil {
		return nil, err
	}
	t := &target{address: &account.Address, chain: account.Chain}
	return t, t.parsePlace(place)
}

// parsePlace decodes a wallet's URL or a keystore's path.
func (t *target) parsePlace(place string) error {
	if place == "" || t.address == nil && strings.HasPrefix(place, "0x") {
		return malformed("key URI", "it does not say where the account is: append @ and a keystore file's path or a wallet's URL, such as @http://127.0.0.1:1248")
	}
	if !strings.HasPrefix(place, "http://") && !strings.HasPrefix(place, "https://") {
		t.path = place
		return nil
	}
	u, err := url.Parse(place)
	if err != nil || u.Host == "" || u.Fragment != "" {
		return malformed("key URI", "the wallet's URL is not one of http:// or https:// with a host")
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return malformed("key URI", "a wallet on another machine needs https://: with http:// the network in between sees which account enters which registry")
	}
	t.url = u
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// among returns the address that is meant of those that there are, or a
// [signer.KeysError] with the URIs of all.
func (t *target) among(where string, have []Address) (Address, error) {
	reason := signer.ErrNoKey
	if t.address == nil && len(have) == 1 {
		return have[0], nil
	}
	if t.address == nil && len(have) > 1 {
		reason = signer.ErrAmbiguous
	}
	failure := &signer.KeysError{Err: reason, Where: where}
	for _, a := range have {
		if t.address != nil && a == *t.address {
			return a, nil
		}
		failure.Keys = append(failure.Keys, fmt.Sprintf("eth:%v@%s", a, t.place()))
	}
	return Address{}, failure
}

// place returns where the account is, without what may be secret in a URL.
func (t *target) place() string {
	if t.url == nil {
		return t.path
	}
	return t.url.Scheme + "://" + t.url.Host
}
