package registrar

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/registry/internal/witnesstest"
)

func newTestWitness(t *testing.T) *witnesstest.Witness {
	t.Helper()
	w, err := witnesstest.New("witness.example")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWitnessAnswers has a witness answer wrongly in every way. Each is named,
// nothing is published, and the next right answer is taken.
func TestWitnessAnswers(t *testing.T) {
	_, r := newRegistrar(t)
	w := newTestWitness(t)
	if err := w.AddLog(testName, r.VerifierKey()); err != nil {
		t.Fatal(err)
	}
	var answer http.HandlerFunc
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		requests++
		if answer != nil {
			answer(rw, req)
			return
		}
		w.ServeHTTP(rw, req)
	}))
	defer server.Close()
	cosign, err := NewCosigner(r.VerifierKey(), []Witness{{URL: server.URL, VerifierKey: w.VerifierKey()}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	conflict := func(contentType, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", contentType)
			rw.WriteHeader(http.StatusConflict)
			fmt.Fprint(rw, body)
		}
	}
	status := func(code int, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(code)
			fmt.Fprint(rw, body)
		}
	}
	other := newTestWitness(t)
	if err := other.AddLog(testName, r.VerifierKey()); err != nil {
		t.Fatal(err)
	}
	members := uint64(0)
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		text   string
	}{
		"empty":                     {status(200, ""), "cosignature"},
		"no signature line":         {status(200, "yes\n"), "cosignature"},
		"not base64":                {status(200, "— witness.example ???\n"), "cosignature"},
		"another witness's":         {other.ServeHTTP, "cosignature"},
		"oversized":                 {status(200, strings.Repeat("x", maxWitnessAnswer+1)), "bytes"},
		"unknown log":               {status(404, ""), "does not know this registry"},
		"bad proof":                 {status(422, ""), "not the one it cosigned"},
		"forbidden":                 {status(403, "no"), "403"},
		"redirect":                  {http.RedirectHandler(server.URL, http.StatusFound).ServeHTTP, "302"},
		"size of the wrong type":    {conflict("text/plain", "5\n"), "without the size"},
		"size that is no number":    {conflict("text/x.tlog.size", "many\n"), "without the size"},
		"size below zero":           {conflict("text/x.tlog.size", "-1\n"), "without the size"},
		"size without newline":      {conflict("text/x.tlog.size", "5"), "without the size"},
		"size beyond ours":          {conflict("text/x.tlog.size", "999\n"), "rolled back"},
		"size that is never agreed": {conflict("text/x.tlog.size", "1\n"), "does not agree with itself"},
	} {
		t.Run(name, func(t *testing.T) {
			fakeAdmit(t, r, members) // something new
			fakeAdmit(t, r, members+1)
			members += 2
			before := r.Published()
			answer, requests = test.answer, 0
			_, err := r.Checkpoint(t.Context(), testTime, cosign)
			if !errors.Is(err, ErrQuorum) || !strings.Contains(err.Error(), "witness.example") || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v; want ErrQuorum that names the witness, with %q", err, test.text)
			}
			if requests > maxWitnessTries {
				t.Fatalf("%d requests for one checkpoint", requests)
			}
			if r.Published() != before {
				t.Fatal("published without the quorum")
			}
			answer = nil
			if _, err := r.Checkpoint(t.Context(), testTime, cosign); err != nil {
				t.Fatalf("after a right answer: %v", err)
			}
		})
	}
}

func TestWitnessThatIsDown(t *testing.T) {
	_, r := newRegistrar(t)
	fakeAdmit(t, r, 1)
	up := newTestWitness(t)
	down, err := witnesstest.New("down.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := up.AddLog(testName, r.VerifierKey()); err != nil {
		t.Fatal(err)
	}
	server, gone := httptest.NewServer(up), httptest.NewServer(down)
	defer server.Close()
	gone.Close()
	witnesses := []Witness{{URL: gone.URL, VerifierKey: down.VerifierKey()}, {URL: server.URL, VerifierKey: up.VerifierKey()}}
	for quorum, want := range map[int]error{1: nil, 2: ErrQuorum} {
		cosign, err := NewCosigner(r.VerifierKey(), witnesses, quorum)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Renew(t.Context(), testTime.Add(time.Duration(quorum)*time.Second), cosign); !errors.Is(err, want) {
			t.Fatalf("one of two is down, quorum %d: %v; want %v", quorum, err, want)
		}
	}
}

func TestBadWitnesses(t *testing.T) {
	_, r := newRegistrar(t)
	good := Witness{URL: "https://witness.example", VerifierKey: newTestWitness(t).VerifierKey()}
	for name, test := range map[string]struct {
		key       string
		witnesses []Witness
		quorum    int
		text      string
	}{
		"registry key":  {"registry.example", []Witness{good}, 1, "key"},
		"witness key":   {r.VerifierKey(), []Witness{{URL: good.URL, VerifierKey: r.VerifierKey()}}, 1, "cosignature key"},
		"quorum":        {r.VerifierKey(), []Witness{good}, 2, "0 to 1"},
		"quorum of -1":  {r.VerifierKey(), []Witness{good}, -1, "0 to 1"},
		"nothing there": {"", nil, 0, "key"},
	} {
		if _, err := NewCosigner(test.key, test.witnesses, test.quorum); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v; want an error with %q", name, err, test.text)
		}
	}
}

// TestOneWitnessTwice gives one witness twice, under its name and under another
// one. It counts once.
func TestOneWitnessTwice(t *testing.T) {
	_, r := newRegistrar(t)
	fakeAdmit(t, r, 1)
	w, namesake := newTestWitness(t), newTestWitness(t)
	if err := w.AddLog(testName, r.VerifierKey()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w)
	defer server.Close()
	one := Witness{URL: server.URL, VerifierKey: w.VerifierKey()}
	elsewhere := Witness{URL: server.URL + "/again", VerifierKey: w.VerifierKey()}
	renamed := Witness{URL: server.URL, VerifierKey: underName(t, w.VerifierKey(), "other.example")}
	for name, twice := range map[string][]Witness{"the same": {one, one}, "another URL": {one, elsewhere}, "another name": {one, renamed}} {
		if _, err := NewCosigner(r.VerifierKey(), twice, 2); err == nil || !strings.Contains(err.Error(), "expected 0 to 1") {
			t.Errorf("%s: %v; want an error, as one witness is no quorum of 2", name, err)
		}
		cosign, err := NewCosigner(r.VerifierKey(), twice, 1)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Renew(t.Context(), testTime, cosign)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := strings.Count(string(c.Note), "\u2014 "); n != 2 {
			t.Errorf("%s: %d signatures, want the registrar's and the witness's", name, n)
		}
	}
	both := []Witness{one, {URL: server.URL, VerifierKey: namesake.VerifierKey()}}
	if _, err := NewCosigner(r.VerifierKey(), both, 1); err == nil || !strings.Contains(err.Error(), "two keys of the witness witness.example") {
		t.Errorf("two keys of one name: %v", err)
	}
}

// underName returns a witness's key under another name.
func underName(t *testing.T, verifierKey, name string) string {
	t.Helper()
	key, err := publicKey(verifierKey)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(name + "\n" + key))
	return fmt.Sprintf("%s+%x+%s", name, hash[:4], base64.StdEncoding.EncodeToString([]byte(key)))
}
