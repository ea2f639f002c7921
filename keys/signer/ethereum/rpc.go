package ethereum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

// maxAnswer bounds an answer's body and its headers, in bytes.
const maxAnswer = 64 << 10

// maxShown bounds what is shown of a text that a wallet gave, in bytes.
const maxShown = 200

const answerFormat = "wallet's answer"

// client calls a wallet by JSON-RPC 2.0 over HTTP.
type client struct {
	url  string
	http *http.Client
	last atomic.Uint64 // number of the last request
}

func newClient(u *url.URL, o *signer.Options) *client {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		MaxResponseHeaderBytes: maxAnswer,
	}
	if o.Dial != nil {
		transport.Proxy, transport.DialContext = nil, o.Dial
	}
	return &client{
		url: u.String(),
		http: &http.Client{
			Transport: transport,
			// A redirect would hand the request to a host that nobody named.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (c *client) close() { c.http.CloseIdleConnections() }

type request struct {
	JSONRPC string `json:"jsonrpc"`
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type answer struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   *rpcError       `json:"error"`
}

// rpcError is a wallet's own error. Its codes are those of JSON-RPC 2.0, EIP-1193 and
// EIP-1474.
type rpcError struct {
	Code    int64  `json:"code"`
	Message string `json:"message"`
}

// errUnreachable reports a wallet that does not answer. It becomes ErrNoDevice or
// ErrGone.
var errUnreachable = errors.New("it does not answer")

// call calls a method and decodes its result into result. It returns an error wrapping
// errUnreachable, also if ctx ends, [zkkex.ErrMalformed] for an answer that is none, or
// the errors of rpcError.err.
func (c *client) call(ctx context.Context, result any, method string, params ...any) error {
	id := c.last.Add(1)
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(request{"2.0", id, method, params})
	if err != nil {
		return err
	}
	text, status, err := c.post(ctx, body)
	if err != nil {
		return err
	}
	return decodeAnswer(text, status, id, method, result)
}

// decodeAnswer decodes the result of the request with the number id.
func decodeAnswer(text []byte, status int, id uint64, method string, result any) error {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || a.JSONRPC != "2.0" {
		return malformed(answerFormat, "%s: HTTP status %d and no JSON-RPC 2.0: is this the URL of a wallet?", method, status)
	}
	if a.Error != nil {
		return a.Error.err(method)
	}
	if string(a.ID) != fmt.Sprint(id) {
		return malformed(answerFormat, "%s: the answer is to another request", method)
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		return malformed(answerFormat, "%s: no result of the expected type", method)
	}
	return nil
}

// post returns the body of the answer, and its HTTP status.
func (c *client) post(ctx context.Context, body []byte) ([]byte, int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, withoutURL(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(r)
	if err != nil {
		return nil, 0, unreachable(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, 0, unreachable(err)
	}
	if len(text) > maxAnswer {
		return nil, 0, malformed(answerFormat, "expected at most %d bytes, got more", maxAnswer)
	}
	return text, response.StatusCode, nil
}

// unreachable returns the error of a wallet that does not answer.
func unreachable(err error) error { return fmt.Errorf("%w: %w", errUnreachable, withoutURL(err)) }

// withoutURL takes the URL out of an error: some have a key in it.
func withoutURL(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// err returns the error of this module that a wallet's error is.
func (e *rpcError) err(method string) error {
	said := e.Message
	if len(said) > maxShown {
		said = said[:maxShown]
	}
	text := fmt.Sprintf("the wallet answers %s with error %d, %q", method, e.Code, said)
	switch e.Code {
	case 4001: // user rejected request
		return fmt.Errorf("%w: %s", signer.ErrRefused, text)
	case 4100: // unauthorized
		return fmt.Errorf("%w: %s: connect the account to this program in the wallet", signer.ErrRefused, text)
	case 4900, 4901: // disconnected, from one chain or all
		return fmt.Errorf("%w: %s", signer.ErrGone, text)
	case 4902: // unrecognized chain
		return fmt.Errorf("%w: %s", signer.ErrWrongChain, text)
	case -32601, -32004, 4200: // no such method
		return fmt.Errorf("%w: %s: the wallet must be able to sign typed data (EIP-712)", zkkex.ErrUnsupported, text)
	}
	return &walletError{text}
}

// walletError is an error of a wallet that is none of package signer's.
type walletError struct{ text string }

func (e *walletError) Error() string { return e.text }
