package registrar

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

// Limits of the witness protocol.
const (
	// witnessTimeout bounds one request to a witness.
	witnessTimeout = 10 * time.Second
	// maxWitnessAnswer bounds a witness's answer, in bytes. One cosignature
	// takes about 200.
	maxWitnessAnswer = 16 << 10
	// maxWitnessTries bounds the requests to one witness for one checkpoint:
	// the second is made with the size that the witness answered to the first,
	// the third in case another process was faster.
	maxWitnessTries = 3
)

// ErrQuorum reports that fewer witnesses cosigned than are required. The
// checkpoint published before stays the published one.
var ErrQuorum = errors.New("too few witnesses cosigned")

// Witness is a witness (c2sp.org/tlog-witness) that is asked to cosign every
// checkpoint. It does so only if the log grew by appending.
type Witness struct {
	// URL is the witness's submission prefix: "/add-checkpoint" is added.
	URL string
	// VerifierKey is the witness's cosignature key, as in
	// "name+hash+base64" with algorithm 4 (c2sp.org/tlog-cosignature).
	VerifierKey string
}

// witnessClient asks one witness.
type witnessClient struct {
	url      string
	verifier *torchwood.CosignatureVerifier
	http     *http.Client

	mu   sync.Mutex
	size int64 // what it cosigned last, as far as we know
}

// newWitnessClient returns an error if the key is malformed.
func newWitnessClient(w Witness) (*witnessClient, error) {
	v, err := torchwood.NewCosignatureVerifier(w.VerifierKey)
	if err != nil {
		return nil, fmt.Errorf("witness key %q: %w, expected a cosignature key, name+hash+base64 with algorithm 4", w.VerifierKey, err)
	}
	return &witnessClient{
		url:      strings.TrimSuffix(w.URL, "/") + "/add-checkpoint",
		verifier: v,
		http: &http.Client{
			Timeout: witnessTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
	}, nil
}

// cosign has the witness cosign a signed checkpoint. It returns the witness's
// verified signature.
func (w *witnessClient) cosign(ctx context.Context, c checkpointToSign) (note.Signature, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.size
	for range maxWitnessTries {
		answer, err := w.addCheckpoint(ctx, old, c)
		var conflict *sizeConflictError
		if errors.As(err, &conflict) {
			old = conflict.known // for this time: what it says may be wrong
			continue
		}
		if err != nil {
			return note.Signature{}, fmt.Errorf("witness %s: %w", w.verifier.Name(), err)
		}
		sig, err := w.signature(c.signed, answer)
		if err != nil {
			return note.Signature{}, fmt.Errorf("witness %s: %w", w.verifier.Name(), err)
		}
		w.size = c.size
		return sig, nil
	}
	return note.Signature{}, fmt.Errorf("witness %s: says that it saw %d operations, and does not agree with itself", w.verifier.Name(), old)
}

// sizeConflictError is a witness's answer that it saw another size last.
type sizeConflictError struct{ known int64 }

func (e *sizeConflictError) Error() string {
	return fmt.Sprintf("the witness saw a log of %d operations", e.known)
}

func (w *witnessClient) addCheckpoint(ctx context.Context, old int64, c checkpointToSign) ([]byte, error) {
	body, err := c.request(old)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxWitnessAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(answer) > maxWitnessAnswer {
		return nil, fmt.Errorf("answer of more than %d bytes", maxWitnessAnswer)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return answer, nil
	case http.StatusConflict:
		return nil, conflict(resp.Header.Get("Content-Type"), answer)
	case http.StatusUnprocessableEntity:
		return nil, fmt.Errorf("refused the proof that our log of %d operations extends the %d it saw: this log is not the one it cosigned before", c.size, old)
	case http.StatusNotFound:
		return nil, errors.New("does not know this registry; its operator must add the registry's key")
	default:
		return nil, fmt.Errorf("answered %s: %.200q", resp.Status, answer)
	}
}

// conflict reads the size in a witness's answer 409.
func conflict(contentType string, answer []byte) error {
	text, ok := strings.CutSuffix(string(answer), "\n")
	size, err := strconv.ParseInt(text, 10, 64)
	media, _, mediaErr := mime.ParseMediaType(contentType)
	if !ok || err != nil || size < 0 || mediaErr != nil || media != "text/x.tlog.size" {
		return fmt.Errorf("answered 409 without the size it saw: %.200q", answer)
	}
	return &sizeConflictError{known: size}
}

// request is the body to send to a witness: "old" and the size it saw, the
// consistency proof from there, and the signed checkpoint.
func (c checkpointToSign) request(old int64) ([]byte, error) {
	if old > c.size {
		return nil, fmt.Errorf("saw a log of %d operations and ours has %d: ours was rolled back, restore the newer one", old, c.size)
	}
	body := fmt.Appendf(nil, "old %d\n", old)
	if old > 0 {
		proof, err := tlog.ProveTree(c.size, old, c.hashes)
		if err != nil {
			return nil, fmt.Errorf("consistency proof from %d to %d operations: %w", old, c.size, err)
		}
		for _, h := range proof {
			body = append(base64.StdEncoding.AppendEncode(body, h[:]), '\n')
		}
	}
	body = append(body, '\n')
	return append(body, c.signed...), nil
}

// signature finds the witness's own signature in its answer, and verifies it.
func (w *witnessClient) signature(signed, answer []byte) (note.Signature, error) {
	text, _, found := bytes.Cut(signed, []byte("\n\n"))
	if !found {
		return note.Signature{}, errors.New("our checkpoint has no signature")
	}
	answered := append(append(bytes.Clone(text), "\n\n"...), answer...)
	n, err := note.Open(answered, note.VerifierList(w.verifier))
	if err != nil {
		return note.Signature{}, fmt.Errorf("its cosignature does not verify: %w", err)
	}
	return n.Sigs[0], nil
}

// NewCosigner returns a [Cosigner] that asks all witnesses at once, and adds
// the cosignatures that come. It is safe for concurrent use. A key that is given
// twice, under one name or two, is one witness, and asked at the first URL. It
// returns an error if a key is malformed, if two keys have one name, or if there
// are not as many witnesses as the quorum.
//
// The cosigner's error wraps [ErrQuorum], and every witness's own, if fewer
// than quorum cosigned.
func NewCosigner(verifierKey string, witnesses []Witness, quorum int) (Cosigner, error) {
	log, err := registry.NewVerifier(verifierKey)
	if err != nil {
		return nil, err
	}
	clients, err := newWitnessClients(witnesses)
	if err != nil {
		return nil, err
	}
	if quorum < 0 || quorum > len(clients) {
		return nil, fmt.Errorf("quorum of %d witnesses, expected 0 to %d, the number of different witnesses", quorum, len(clients))
	}
	return func(ctx context.Context, signed []byte, size uint64, hashes tlog.HashReader) ([]byte, error) {
		return cosignAll(ctx, clients, quorum, checkpointToSign{signed, int64(size), hashes}, log)
	}, nil
}

// newWitnessClients returns a client for every different witness, or an error as
// NewCosigner does.
func newWitnessClients(witnesses []Witness) ([]*witnessClient, error) {
	var clients []*witnessClient
	nameOf := make(map[string]string) // by public key
	keyOf := make(map[string]string)  // by name
	for _, w := range witnesses {
		client, err := newWitnessClient(w)
		if err != nil {
			return nil, err
		}
		name := client.verifier.Name()
		key, err := publicKey(w.VerifierKey)
		if err != nil {
			return nil, err
		}
		if other, known := keyOf[name]; known && other != key {
			return nil, fmt.Errorf("two keys of the witness %s, expected one: give the one that it signs with", name)
		}
		if _, known := nameOf[key]; known {
			continue
		}
		nameOf[key], keyOf[name] = name, key
		clients = append(clients, client)
	}
	return clients, nil
}

// publicKey returns the key in "name+hash+base64", without the name.
func publicKey(verifierKey string) (string, error) {
	parts := strings.SplitN(verifierKey, "+", 3)
	key, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil {
		return "", fmt.Errorf("witness key %q: %w", verifierKey, err)
	}
	return string(key), nil
}

// checkpointToSign is a signed checkpoint, the size of its log, and the log's
// hashes.
type checkpointToSign struct {
	signed []byte
	size   int64
	hashes tlog.HashReader
}

func cosignAll(ctx context.Context, witnesses []*witnessClient, quorum int, c checkpointToSign, log note.Verifier) ([]byte, error) {
	sigs := make([]note.Signature, len(witnesses))
	errs := make([]error, len(witnesses))
	var wg sync.WaitGroup
	for i, w := range witnesses {
		wg.Go(func() { sigs[i], errs[i] = w.cosign(ctx, c) })
	}
	wg.Wait()

	n, err := note.Open(c.signed, note.VerifierList(log))
	if err != nil {
		return nil, fmt.Errorf("opening our own checkpoint: %w", err)
	}
	got := 0
	for i, sig := range sigs {
		if errs[i] == nil {
			n.Sigs = append(n.Sigs, sig)
			got++
		}
	}
	if got < quorum {
		return nil, fmt.Errorf("%w: %d of %d, expected at least %d: %w", ErrQuorum, got, len(witnesses), quorum, errors.Join(errs...))
	}
	return note.Sign(n)
}
