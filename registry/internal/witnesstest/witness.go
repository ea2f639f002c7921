// Package witnesstest is a minimal witness for tests: it keeps the size and
// hash it saw last for each log, and cosigns only what extends them. It speaks
// the protocol of c2sp.org/tlog-witness and forgets everything at its end.
package witnesstest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Witness is an [http.Handler] for POST /add-checkpoint.
type Witness struct {
	signer *torchwood.CosignatureSigner

	mu   sync.Mutex
	logs map[string]*log // by origin
}

type log struct {
	verifier note.Verifier
	tree     tlog.Tree
}

// New returns a witness with a fresh key that knows no log yet.
func New(name string) (*Witness, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := torchwood.NewCosignatureSigner(name, key)
	if err != nil {
		return nil, err
	}
	return &Witness{signer: signer, logs: make(map[string]*log)}, nil
}

// VerifierKey is the key that the witness's cosignatures verify with.
func (w *Witness) VerifierKey() string { return w.signer.Verifier().String() }

// AddLog makes the witness know a log, by its verifier key.
func (w *Witness) AddLog(origin, verifierKey string) error {
	v, err := note.NewVerifier(verifierKey)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs[origin] = &log{verifier: v}
	return nil
}

// ServeHTTP answers POST /add-checkpoint.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" {
		http.NotFound(rw, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	status, answer := w.add(body)
	if status == http.StatusConflict {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
	}
	rw.WriteHeader(status)
	_, _ = rw.Write(answer)
}

// add checks a request and cosigns its checkpoint.
func (w *Witness) add(body []byte) (status int, answer []byte) {
	old, proof, signed, err := parse(body)
	if err != nil {
		return http.StatusBadRequest, []byte(err.Error())
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	l, ok := w.logs[origin]
	if !ok {
		return http.StatusNotFound, nil
	}
	n, err := note.Open(signed, note.VerifierList(l.verifier))
	if err != nil {
		return http.StatusForbidden, []byte(err.Error())
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil || old > c.N {
		return http.StatusBadRequest, nil
	}
	if old != l.tree.N {
		return http.StatusConflict, fmt.Appendf(nil, "%d\n", l.tree.N)
	}
	if old > 0 && tlog.CheckTree(proof, c.N, c.Hash, old, l.tree.Hash) != nil {
		return http.StatusUnprocessableEntity, nil
	}
	l.tree = c.Tree
	cosigned, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		return http.StatusInternalServerError, []byte(err.Error())
	}
	return http.StatusOK, cosigned[len(n.Text)+1:]
}

func parse(body []byte) (old int64, proof tlog.TreeProof, signed []byte, err error) {
	head, signed, found := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, hasOld := strings.CutPrefix(lines[0], "old ")
	if !found || !hasOld {
		return 0, nil, nil, fmt.Errorf("expected \"old SIZE\", a proof, an empty line and a checkpoint")
	}
	if old, err = strconv.ParseInt(size, 10, 64); err != nil {
		return 0, nil, nil, err
	}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return 0, nil, nil, err
		}
		proof = append(proof, h)
	}
	return old, proof, signed, nil
}
