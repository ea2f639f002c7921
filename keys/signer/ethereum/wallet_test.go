package ethereum

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// fakeWallet answers as a test says: handle gives the result, which may be a
// json.RawMessage, or an error, which may be an *rpcError.
type fakeWallet struct {
	server *httptest.Server
	mu     sync.Mutex
	asked  []string
	handle func(method string, params []any) (any, error)
}

func (e *rpcError) Error() string { return e.Message }

func newFakeWallet(t *testing.T) *fakeWallet {
	t.Helper()
	f := &fakeWallet{handle: honest(t)}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakeWallet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		ID     uint64
		Method string
		Params []any
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.asked = append(f.asked, q.Method)
	handle := f.handle
	f.mu.Unlock()
	result, err := handle(q.Method, q.Params)
	answer := map[string]any{"jsonrpc": "2.0", "id": q.ID}
	if e := (*rpcError)(nil); errors.As(err, &e) {
		answer["error"] = e
	} else {
		answer["result"] = result
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// instead has the wallet answer one method otherwise.
func (f *fakeWallet) instead(method string, answer func(params []any) (any, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.handle
	f.handle = func(asked string, params []any) (any, error) {
		if asked == method {
			return answer(params)
		}
		return before(asked, params)
	}
}

// counts returns how often a method was asked for.
func (f *fakeWallet) counts(method string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.asked {
		if m == method {
			n++
		}
	}
	return n
}

// honest is a wallet on chain 1 with one account, whose owner agrees to everything. It
// knows the digests of the tests' messages only.
func honest(t *testing.T) func(string, []any) (any, error) {
	account := accountOf(t).String()
	return func(method string, params []any) (any, error) {
		switch method {
		case "eth_chainId":
			return "0x1", nil
		case "eth_accounts", "eth_requestAccounts":
			return []string{account}, nil
		case "eth_signTypedData_v4":
			if len(params) != 2 || params[0] != strings.ToLower(account) {
				return nil, &rpcError{Code: -32602, Message: "parameters"}
			}
			return signed(t, digestOf(t, params[1].(string)), false), nil
		}
		return nil, &rpcError{Code: -32601, Message: "no such method"}
	}
}

func accountOf(t *testing.T) Address {
	t.Helper()
	a, err := AddressOf(publicKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// digestOf returns the digest of the message whose typed data it is given.
func digestOf(t *testing.T, data string) [32]byte {
	t.Helper()
	for _, m := range messages() {
		ours, err := envelope.TypedData(m)
		if err != nil {
			t.Error(err)
		}
		if string(ours) == data {
			digest, err := envelope.EIP712.Digest(m)
			if err != nil {
				t.Error(err)
			}
			return digest
		}
	}
	t.Errorf("the wallet was asked to sign %s", data)
	return [32]byte{}
}

// signed returns walletKey's signature in Ethereum's form, with the lower s or the upper.
func signed(t *testing.T, digest [32]byte, high bool) string {
	t.Helper()
	return signedBy(t, walletKey, digest, high)
}

func signedBy(t *testing.T, key string, digest [32]byte, high bool) string {
	t.Helper()
	b, err := hex.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	compact := ecdsa.SignCompact(secp256k1.PrivKeyFromBytes(b), digest[:], false)
	id, r, s := compact[0]-27, compact[1:33], compact[33:]
	if high {
		var scalar secp256k1.ModNScalar
		scalar.SetByteSlice(s)
		negated := scalar.Negate().Bytes()
		s, id = negated[:], id^1
	}
	return fmt.Sprintf("0x%x%x%02x", r, s, 27+id)
}

func openAt(t *testing.T, f *fakeWallet, o signer.Options) signer.Signer {
	t.Helper()
	s, err := signer.Open(context.Background(), "eip155:1:"+accountOf(t).String()+"@"+f.server.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// What goes wrong when an account is chosen.
func TestWalletOpen(t *testing.T) {
	address := accountOf(t)
	other := checksummed[4]
	answer := func(v any) func([]any) (any, error) { return func([]any) (any, error) { return v, nil } }
	fail := func(code int64) func([]any) (any, error) {
		return func([]any) (any, error) { return nil, &rpcError{code, "no"} }
	}
	for name, c := range map[string]struct {
		uri    string // before the @
		method string
		answer func([]any) (any, error)
		want   error
		keys   []string
	}{
		"another chain":       {"eip155:137:" + address.String() + "@", "", nil, signer.ErrWrongChain, nil},
		"another account":     {"eth:" + other + "@", "", nil, signer.ErrNoKey, []string{address.String()}},
		"several accounts":    {"eth:", "eth_accounts", answer([]string{address.String(), other}), signer.ErrAmbiguous, []string{address.String(), other}},
		"no account":          {"eth:", "eth_accounts", answer([]string{}), nil, nil},
		"owner connects none": {"eth:", "none", answer([]string{}), signer.ErrNoKey, []string{}},
		"owner refuses":       {"eth:", "none", fail(4001), signer.ErrRefused, nil},
		"no such request":     {"eth:", "none", fail(-32601), signer.ErrNoKey, []string{}},
		"locked":              {"eth:", "eth_accounts", fail(4100), signer.ErrRefused, nil},
		"disconnected":        {"eth:", "eth_accounts", fail(4900), signer.ErrGone, nil},
		"no wallet":           {"eth:", "eth_accounts", fail(-32601), zkkex.ErrUnsupported, nil},
		"accounts' type":      {"eth:", "eth_accounts", answer("0x1"), zkkex.ErrMalformed, nil},
		"account's form":      {"eth:", "eth_accounts", answer([]string{"0x1"}), zkkex.ErrMalformed, nil},
		"account's checksum":  {"eth:", "eth_accounts", answer([]string{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeaEd"}), ErrChecksum, nil},
		"chain's form":        {"eip155:1:" + address.String() + "@", "eth_chainId", answer("1"), zkkex.ErrMalformed, nil},
		"chain's zeros":       {"eip155:1:" + address.String() + "@", "eth_chainId", answer("0x01"), zkkex.ErrMalformed, nil},
		"chain's sign":        {"eip155:1:" + address.String() + "@", "eth_chainId", answer("0x-1"), zkkex.ErrMalformed, nil},
		"chain's type":        {"eip155:1:" + address.String() + "@", "eth_chainId", answer(1), zkkex.ErrMalformed, nil},
	} {
		f := newFakeWallet(t)
		switch c.method {
		case "":
		case "none":
			f.instead("eth_accounts", answer([]string{}))
			f.instead("eth_requestAccounts", c.answer)
		default:
			f.instead(c.method, c.answer)
		}
		s, err := signer.Open(context.Background(), c.uri+f.server.URL, signer.Options{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
		if s != nil {
			s.Close()
		}
		e := (*signer.KeysError)(nil)
		if c.keys != nil && (!errors.As(err, &e) || len(e.Keys) != len(c.keys)) {
			t.Errorf("%s: %v, expected a list of %d", name, err, len(c.keys))
			continue
		}
		for i, k := range c.keys {
			if e.Keys[i] != "eth:"+k+"@"+f.server.URL {
				t.Errorf("%s: lists %q", name, e.Keys[i])
			}
		}
		if f.counts("eth_signTypedData_v4") != 0 {
			t.Errorf("%s: it was asked to sign", name)
		}
	}
}

// What a wallet can give instead of a signature. The next time that it signs as it
// should, it is believed.
func TestWalletSign(t *testing.T) {
	m := messages()[0]
	digest, err := envelope.EIP712.Digest(m)
	if err != nil {
		t.Fatal(err)
	}
	good := signed(t, digest, false)
	another, err := envelope.EIP712.Digest(messages()[2])
	if err != nil {
		t.Fatal(err)
	}
	order := fmt.Sprintf("%064x", eckey.Secp256k1.Order())
	zero := strings.Repeat("0", 64)
	r, s, v := good[2:66], good[66:130], good[130:]
	for name, c := range map[string]struct {
		result any
		err    error
		want   error
	}{
		"low s":           {good, nil, nil},
		"high s":          {signed(t, digest, true), nil, nil},
		"id from 0":       {"0x" + r + s + map[string]string{"1b": "00", "1c": "01"}[v], nil, nil},
		"other message":   {signed(t, another, false), nil, signer.ErrBadSignature},
		"other account":   {signedBy(t, strings.Repeat("5", 64), digest, false), nil, signer.ErrBadSignature},
		"other parity":    {"0x" + r + s + map[string]string{"1b": "1c", "1c": "1b"}[v], nil, signer.ErrBadSignature},
		"id 2":            {"0x" + r + s + "02", nil, signer.ErrBadSignature},
		"id 29":           {"0x" + r + s + "1d", nil, signer.ErrBadSignature},
		"r is 0":          {"0x" + zero + s + v, nil, signer.ErrBadSignature},
		"s is 0":          {"0x" + r + zero + v, nil, signer.ErrBadSignature},
		"r is the order":  {"0x" + order + s + v, nil, signer.ErrBadSignature},
		"s is the order":  {"0x" + r + order + v, nil, signer.ErrBadSignature},
		"s above it":      {"0x" + r + strings.Repeat("f", 64) + v, nil, signer.ErrBadSignature},
		"64 bytes":        {"0x" + r + s, nil, signer.ErrBadSignature},
		"66 bytes":        {good + "00", nil, signer.ErrBadSignature},
		"no prefix":       {good[2:], nil, signer.ErrBadSignature},
		"no hex":          {"0x" + strings.Repeat("z", 130), nil, signer.ErrBadSignature},
		"empty":           {"", nil, signer.ErrBadSignature},
		"no text":         {7, nil, zkkex.ErrMalformed},
		"refused":         {nil, &rpcError{4001, "User rejected the request."}, signer.ErrRefused},
		"not connected":   {nil, &rpcError{4100, "unauthorized"}, signer.ErrRefused},
		"unknown method":  {nil, &rpcError{-32601, "no such method"}, zkkex.ErrUnsupported},
		"unsupported":     {nil, &rpcError{4200, "unsupported"}, zkkex.ErrUnsupported},
		"disconnected":    {nil, &rpcError{4900, "disconnected"}, signer.ErrGone},
		"unknown chain":   {nil, &rpcError{4902, "unrecognized chain"}, signer.ErrWrongChain},
		"gigabytes":       {strings.Repeat("a", maxAnswer), nil, zkkex.ErrMalformed},
		"its own trouble": {nil, &rpcError{-32000, strings.Repeat("long ", 1000)}, nil},
	} {
		f := newFakeWallet(t)
		w := openAt(t, f, signer.Options{})
		f.instead("eth_signTypedData_v4", func([]any) (any, error) { return c.result, c.err })
		sig, err := w.Sign(context.Background(), m)
		if c.want == nil && c.err == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if err := envelope.EIP712.Verify(zkkex.KeySecp256k1, sig.PublicKey, m, sig.Bytes); err != nil {
				t.Errorf("%s: not normalised: %v", name, err)
			}
			continue
		}
		if sig != nil || err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
		if err != nil && len(err.Error()) > 600 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		if w.PublicKey() != nil {
			t.Errorf("%s: a public key was believed", name)
		}
		f.instead("eth_signTypedData_v4", func([]any) (any, error) { return good, nil })
		if _, err := w.Sign(context.Background(), m); err != nil {
			t.Errorf("%s: and then: %v", name, err)
		}
	}
}

// A wallet that is switched over to another chain is not asked to sign.
func TestWalletChangesChain(t *testing.T) {
	f := newFakeWallet(t)
	w := openAt(t, f, signer.Options{})
	f.instead("eth_chainId", func([]any) (any, error) { return "0x89", nil })
	if _, err := w.Sign(context.Background(), messages()[0]); !errors.Is(err, signer.ErrWrongChain) {
		t.Errorf("%v", err)
	}
	if f.counts("eth_signTypedData_v4") != 0 {
		t.Error("it was asked to sign")
	}
}

func TestWalletGone(t *testing.T) {
	f := newFakeWallet(t)
	w := openAt(t, f, signer.Options{})
	f.instead("eth_signTypedData_v4", func([]any) (any, error) { panic(http.ErrAbortHandler) })
	if _, err := w.Sign(context.Background(), messages()[0]); !errors.Is(err, signer.ErrGone) {
		t.Errorf("in the middle: %v", err)
	}
	f.server.Close()
	if _, err := w.Sign(context.Background(), messages()[0]); !errors.Is(err, signer.ErrGone) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := signer.Open(context.Background(), "eth:"+f.server.URL, signer.Options{}); !errors.Is(err, signer.ErrNoDevice) {
		t.Errorf("never there: %v", err)
	}
}

// A wallet whose owner does not decide is waited for until the caller has enough of it;
// meanwhile nobody else's question reaches it.
func TestWalletSilent(t *testing.T) {
	f := newFakeWallet(t)
	asked, release := make(chan struct{}, 1), make(chan struct{})
	w := openAt(t, f, signer.Options{})
	f.instead("eth_signTypedData_v4", func([]any) (any, error) {
		asked <- struct{}{}
		<-release
		return nil, &rpcError{4001, "late"}
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := w.Sign(ctx, messages()[0])
		done <- err
	}()
	<-asked
	second, stop := context.WithCancel(context.Background())
	go func() {
		_, err := w.Sign(second, messages()[1])
		done <- err
	}()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the second question: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the first question: %v", err)
	}
	if n := f.counts("eth_signTypedData_v4"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	close(release)
}

// A wallet that accepts connections and never answers is given up on, when it is opened
// sooner than when its owner has to decide. The time is a simulated one.
func TestWalletTimeouts(t *testing.T) {
	account := accountOf(t)
	synctest.Test(t, func(t *testing.T) {
		silent := false
		o := signer.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go serveOver(there, &silent, account.String())
			return here, nil
		}}
		uri := "eth:http://127.0.0.1:1"
		began := time.Now()
		s, err := signer.Open(context.Background(), uri, o)
		if err != nil {
			t.Fatal(err)
		}
		silent = true
		if _, err := s.Sign(context.Background(), messages()[0]); !errors.Is(err, signer.ErrGone) || time.Since(began) != ConsentTimeout {
			t.Errorf("signing: %v after %v", err, time.Since(began))
		}
		s.Close()
		began = time.Now()
		if _, err := signer.Open(context.Background(), uri, o); !errors.Is(err, signer.ErrNoDevice) || time.Since(began) != AnswerTimeout {
			t.Errorf("opening: %v after %v", err, time.Since(began))
		}
		began = time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := signer.Open(ctx, uri, o); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("the caller's second: %v after %v", err, time.Since(began))
		}
	})
}

// serveOver answers one connection with a list of one account, unless it is silent.
func serveOver(c net.Conn, silent *bool, account string) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		var q request
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			return
		}
		if *silent {
			_, _ = io.Copy(io.Discard, in) // until the other side has enough
			return
		}
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":["%s"]}`, q.ID, account)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

func TestWalletClosed(t *testing.T) {
	f := newFakeWallet(t)
	w := openAt(t, f, signer.Options{})
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(context.Background(), messages()[0]); !errors.Is(err, signer.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := w.Sign(context.Background(), &envelope.Message{}); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("no message: %v", err)
	}
}

// Answers that are none.
func TestWalletGarbage(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"page":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello</html>") },
		"nothing":   func(http.ResponseWriter, *http.Request) {},
		"other id":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"jsonrpc":"2.0","id":99,"result":[]}`) },
		"no id":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"jsonrpc":"2.0","result":[]}`) },
		"version 1": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"jsonrpc":"1.0","id":1,"result":[]}`) },
		"no result": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"jsonrpc":"2.0","id":1}`) },
		"list":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[]`) },
		"truncated": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"resu`) },
		"forbidden": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"endless":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, endless{}) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/else", http.StatusTemporaryRedirect)
		},
		"long header": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("a", 2*maxAnswer)) },
	} {
		server := httptest.NewServer(handler)
		const secret = "api-key-5e1f"
		s, err := signer.Open(context.Background(), "eth:"+server.URL+"/"+secret+"?k="+secret, signer.Options{})
		if s != nil || err == nil {
			t.Errorf("%s: opened", name)
		} else if want := map[bool]error{true: signer.ErrNoDevice, false: zkkex.ErrMalformed}[name == "long header"]; !errors.Is(err, want) {
			t.Errorf("%s: %v, expected %v", name, err, want)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the key in the URL: %v", name, err)
		}
		server.Close()
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestWalletURLs(t *testing.T) {
	address := accountOf(t).String()
	for name, uri := range map[string]string{
		"plain http":      "eth:http://wallet.example:8545",
		"plain http IP":   "eth:http://192.0.2.1:8545",
		"no host":         "eth:http://",
		"fragment":        "eth:http://127.0.0.1:1#x",
		"no URL":          "eth:http://%zz",
		"no place":        "eip155:1:" + address,
		"no chain":        "eip155:" + address + "@http://127.0.0.1:1",
		"mistyped":        "eth:" + address[:20] + "@http://127.0.0.1:1",
		"another account": "eip155:1:0@http://127.0.0.1:1",
	} {
		if _, err := signer.Open(context.Background(), uri, signer.Options{}); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The connections are made by the caller's hook, if there is one, and nothing is sent
// elsewhere.
func TestWalletDial(t *testing.T) {
	f := newFakeWallet(t)
	dialled := 0
	o := signer.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dialled++; address != "127.0.0.1:1" {
			return nil, fmt.Errorf("dialled %s", address)
		}
		var d net.Dialer
		return d.DialContext(ctx, network, f.server.Listener.Addr().String())
	}}
	s, err := signer.Open(context.Background(), "eth:http://127.0.0.1:1", o)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if dialled == 0 {
		t.Error("the hook was not used")
	}
}

func FuzzParseSignature(f *testing.F) {
	f.Add("0x" + strings.Repeat("11", 64) + "1b")
	f.Add("0x" + strings.Repeat("11", 64) + "04")
	f.Add("0X")
	f.Fuzz(func(t *testing.T, raw string) {
		r, s, id, err := parseSignature(raw)
		if err != nil {
			if !errors.Is(err, signer.ErrBadSignature) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		again := fmt.Sprintf("0x%064x%064x", r, s)
		if id > 1 || !strings.EqualFold(again, raw[:len(raw)-2]) {
			t.Fatalf("%s is read as %s", raw, again)
		}
	})
}

// FuzzAnswer checks that no answer of a wallet makes its client panic or return an
// untyped error.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":["0x52908400098527886E0F7030069857D2E4169EE7"]}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":4001,"message":"no"}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var list []string
		err := decodeAnswer(text, 200, 1, "eth_accounts", &list)
		if own := (*walletError)(nil); err != nil && !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) &&
			!errors.Is(err, signer.ErrRefused) && !errors.Is(err, signer.ErrGone) && !errors.Is(err, signer.ErrWrongChain) && !errors.As(err, &own) {
			t.Fatalf("untyped: %v", err)
		}
	})
}
