package ethereum

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// How long a wallet may take.
const (
	// AnswerTimeout is for what a wallet answers on its own.
	AnswerTimeout = 30 * time.Second
	// ConsentTimeout is for what a person must agree to.
	ConsentTimeout = 10 * time.Minute
)

// maxAccounts bounds the accounts that a wallet may list.
const maxAccounts = 1000

// wallet is an account of a wallet that is asked over JSON-RPC.
type wallet struct {
	client  *client
	where   string // for people, without the path and query of the URL
	chain   string // that it must be on, or ""
	address Address
	notify  func(format string, args ...any)

	turn chan struct{} // holds a token while nobody signs: one question at a time

	mu     sync.Mutex
	public []byte // compressed, once known
	closed bool
}

// openWallet opens an account of a wallet, which must be there, be on the right chain
// and have the account.
func openWallet(ctx context.Context, t *target, o *signer.Options) (signer.Signer, error) {
	w := &wallet{
		client: newClient(t.url, o), where: "the wallet at " + t.url.Host, chain: t.chain,
		notify: o.Tell, turn: make(chan struct{}, 1),
	}
	w.turn <- struct{}{}
	if err := w.choose(ctx, t); err != nil {
		w.client.close()
		if errors.Is(err, errUnreachable) {
			err = fmt.Errorf("%w: %s: %w", signer.ErrNoDevice, w.where, err)
		}
		return nil, err
	}
	return w, nil
}

// choose checks the chain and sets the account.
func (w *wallet) choose(ctx context.Context, t *target) error {
	if err := w.checkChain(ctx); err != nil {
		return err
	}
	accounts, err := w.accounts(ctx)
	if err != nil {
		return err
	}
	w.address, err = t.among(w.where, accounts)
	return err
}

// checkChain returns an error wrapping [signer.ErrWrongChain] if the wallet is on
// another chain than it should be.
func (w *wallet) checkChain(ctx context.Context) error {
	if w.chain == "" {
		return nil
	}
	var quantity string
	if err := w.answer(ctx, &quantity, "eth_chainId"); err != nil {
		return err
	}
	digits, ok := strings.CutPrefix(quantity, "0x")
	chain, isNumber := new(big.Int).SetString(digits, 16)
	if !ok || !isNumber || chain.Sign() < 0 || len(digits) > maxReference || chain.Text(16) != strings.ToLower(digits) {
		return malformed(answerFormat, "eth_chainId: expected a hexadecimal number such as 0x1")
	}
	if chain.String() != w.chain {
		return fmt.Errorf("%w: %s is on chain %v, expected %s: switch it over", signer.ErrWrongChain, w.where, chain, w.chain)
	}
	return nil
}

// accounts returns the accounts that the wallet shows to this program. It has the wallet
// ask its owner if there are none.
func (w *wallet) accounts(ctx context.Context) ([]Address, error) {
	var list []string
	if err := w.answer(ctx, &list, "eth_accounts"); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		w.notify("%s shows no account: if it asks, connect one to this program", w.where)
		err := w.consent(ctx, &list, "eth_requestAccounts")
		if err != nil && !errors.Is(err, zkkex.ErrUnsupported) {
			return nil, err
		}
	}
	if len(list) > maxAccounts {
		return nil, malformed(answerFormat, "%d accounts, expected at most %d", len(list), maxAccounts)
	}
	all := make([]Address, 0, len(list))
	for _, s := range list {
		a, err := ParseAddress(s)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// answer calls a method that the wallet answers on its own.
func (w *wallet) answer(ctx context.Context, result any, method string, params ...any) error {
	return w.within(ctx, AnswerTimeout, result, method, params...)
}

// consent calls a method that a person must agree to.
func (w *wallet) consent(ctx context.Context, result any, method string, params ...any) error {
	return w.within(ctx, ConsentTimeout, result, method, params...)
}

func (w *wallet) within(ctx context.Context, most time.Duration, result any, method string, params ...any) error {
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := w.client.call(bounded, result, method, params...)
	switch {
	case ctx.Err() != nil && err != nil:
		return ctx.Err()
	case bounded.Err() != nil && err != nil:
		return fmt.Errorf("%w within %v", errUnreachable, most)
	}
	return err
}

// KeyType returns [zkkex.KeySecp256k1].
func (w *wallet) KeyType() zkkex.KeyType { return zkkex.KeySecp256k1 }

// Envelope returns [envelope.EIP712].
func (w *wallet) Envelope() envelope.Kind { return envelope.EIP712 }

// PublicKey returns the compressed public key, or nil before the first signature.
func (w *wallet) PublicKey() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.public)
}

// Name names the account and the wallet's host.
func (w *wallet) Name() string { return fmt.Sprintf("account %v in %s", w.address, w.where) }

// Sign has the wallet show the message to its owner and sign it. The wallet is asked one
// thing at a time. It returns an error wrapping [signer.ErrRefused], [signer.ErrGone],
// [signer.ErrWrongChain], [signer.ErrBadSignature], [signer.ErrClosed],
// [zkkex.ErrUnsupported] or [zkkex.ErrMalformed].
func (w *wallet) Sign(ctx context.Context, m *envelope.Message) (*signer.Signature, error) {
	digest, err := envelope.EIP712.Digest(m)
	if err != nil {
		return nil, err
	}
	data, err := envelope.TypedData(m)
	if err != nil {
		return nil, err
	}
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	raw, err := w.ask(ctx, data)
	if errors.Is(err, errUnreachable) {
		err = fmt.Errorf("%w: %s: %w", signer.ErrGone, w.where, err)
	}
	if err != nil {
		return nil, err
	}
	return w.check(m, digest, raw)
}

// ask returns the signature as the wallet gives it.
func (w *wallet) ask(ctx context.Context, data []byte) (raw string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return "", fmt.Errorf("%s: %w", w.Name(), signer.ErrClosed)
	}
	if err := w.checkChain(ctx); err != nil {
		return "", err
	}
	w.notify("%s: agree in the wallet to what it shows", w.Name())
	err = w.consent(ctx, &raw, "eth_signTypedData_v4", strings.ToLower(w.address.String()), string(data))
	return raw, err
}

// check returns the signature, with the key that made it, if that is the account's.
func (w *wallet) check(m *envelope.Message, digest [32]byte, raw string) (*signer.Signature, error) {
	r, s, id, err := parseSignature(raw)
	if err != nil {
		return nil, err
	}
	key, err := eckey.Recover(digest, r, s, id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", signer.ErrBadSignature, err)
	}
	compressed := key.Bytes()
	if address, err := AddressOf(compressed[:]); err != nil || address != w.address {
		return nil, fmt.Errorf("%w: %s signed with the account %v, or something else, expected %v; a contract's account has no key of its own and cannot be used", signer.ErrBadSignature, w.where, address, w.address)
	}
	signature, err := signer.NewECDSA(zkkex.KeySecp256k1, envelope.EIP712, compressed[:], m, r, s)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.public = slices.Clone(compressed[:])
	w.mu.Unlock()
	return signature, nil
}

// parseSignature decodes what eth_signTypedData_v4 returns: r, s and a recovery id,
// which is 0 or 1, or 27 more.
func parseSignature(raw string) (r, s *big.Int, id byte, err error) {
	b, err := hex.DecodeString(strings.TrimPrefix(raw, "0x"))
	if err != nil || !strings.HasPrefix(raw, "0x") || len(b) != 65 {
		return nil, nil, 0, fmt.Errorf("%w: expected 0x and 65 bytes in hexadecimal digits", signer.ErrBadSignature)
	}
	id = b[64]
	if id >= 27 {
		id -= 27
	}
	if id > 1 {
		return nil, nil, 0, fmt.Errorf("%w: recovery id %d, expected 0, 1, 27 or 28", signer.ErrBadSignature, b[64])
	}
	return new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:64]), id, nil
}

// Close ends the connection to the wallet.
func (w *wallet) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.client.close()
	return nil
}
