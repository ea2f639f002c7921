package registrar

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// newServer serves a registry of 300 members, published, at test time.
func newServer(t *testing.T, c ServerConfig) (*Server, *httptest.Server) {
	t.Helper()
	dir, r := newRegistrar(t)
	for i := range uint64(300) {
		fakeAdmit(t, r, i)
	}
	checkpoint(t, r, testTime)
	q, err := OpenQueue(filepath.Join(filepath.Dir(dir), "queue"), r.ID())
	if err != nil {
		t.Fatal(err)
	}
	if c.Now == nil {
		c.Now = func() time.Time { return testTime }
	}
	s := NewServer(r, q, c)
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return s, h
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func ask(t *testing.T, method, url string, body []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, data}
}

func TestServesFiles(t *testing.T) {
	s, h := newServer(t, ServerConfig{})
	for path, want := range map[string]struct {
		cache string
		body  []byte
	}{
		"/checkpoint":            {cacheRevisit, s.registrar.Published().Note},
		"/key":                   {cacheRevisit, []byte(s.registrar.VerifierKey() + "\n")},
		"/tile/0/000":            {cacheFull, mustTile(t, s, "tile/0/000")},
		"/tile/0/001.p/44":       {cachePartial, mustTile(t, s, "tile/0/001.p/44")},
		"/tile/1/000.p/1":        {cachePartial, mustTile(t, s, "tile/1/000.p/1")},
		"/tile/entries/000":      {cacheFull, mustTile(t, s, "tile/entries/000")},
		"/tile/entries/001.p/44": {cachePartial, mustTile(t, s, "tile/entries/001.p/44")},
	} {
		got := ask(t, http.MethodGet, h.URL+path, nil)
		if got.status != http.StatusOK || !bytes.Equal(got.body, want.body) || got.header.Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d, %q, %d bytes; want 200, %q, %d bytes", path, got.status, got.header.Get("Cache-Control"), len(got.body), want.cache, len(want.body))
		}
		for _, forbidden := range []string{"Set-Cookie", "ETag", "Last-Modified"} {
			if v := got.header.Get(forbidden); v != "" {
				t.Errorf("%s: %s: %s, by which a client could be known again", path, forbidden, v)
			}
		}
		if head := ask(t, http.MethodHead, h.URL+path, nil); head.status != http.StatusOK || len(head.body) != 0 {
			t.Errorf("HEAD %s: %d", path, head.status)
		}
	}
}

func mustTile(t *testing.T, s *Server, path string) []byte {
	t.Helper()
	data, err := s.registrar.Tile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRefusals asks for what there is not. Among it is every way to ask for one
// member that comes to mind: that must not exist.
func TestRefusals(t *testing.T) {
	s, h := newServer(t, ServerConfig{})
	leaf := fakeCandidate(0).leaf
	expired, err := s.queue.Challenge(testTime.Add(-2*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	used, err := s.queue.Challenge(testTime, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range MaxAnswers {
		mustAdd(t, s.queue, requestTo(t, used, generate(t)))
	}
	for name, test := range map[string]struct {
		method, path string
		body         []byte
		status       int
		code         string
	}{
		"nothing":                   {"GET", "/", nil, 404, "not_found"},
		"path of a leaf":            {"GET", "/path/" + leaf.String(), nil, 404, "not_found"},
		"path of an index":          {"GET", "/path/0", nil, 404, "not_found"},
		"proof of a leaf":           {"GET", "/proof?leaf=" + leaf.String(), nil, 404, "not_found"},
		"member":                    {"GET", "/members/" + leaf.String(), nil, 404, "not_found"},
		"leaf":                      {"GET", "/leaf/" + leaf.String(), nil, 404, "not_found"},
		"status of a leaf":          {"GET", "/enrol/status/" + leaf.String(), nil, 404, "unknown_request"},
		"status of no identifier":   {"GET", "/enrol/status/me", nil, 400, "malformed"},
		"tile beyond the log":       {"GET", "/tile/entries/002", nil, 404, "not_found"},
		"tile wider than the log":   {"GET", "/tile/entries/001.p/45", nil, 404, "not_found"},
		"tile of an absurd level":   {"GET", "/tile/60/000", nil, 404, "not_found"},
		"tile of no canonical form": {"GET", "/tile/0/0", nil, 404, "not_found"},
		"tile of another width":     {"GET", "/tile/4/0/000", nil, 404, "not_found"},
		"no tile":                   {"GET", "/tile/", nil, 404, "not_found"},
		"post a checkpoint":         {"POST", "/checkpoint", nil, 405, "method_not_allowed"},
		"delete a tile":             {"DELETE", "/tile/0/000", nil, 405, "method_not_allowed"},
		"get an enrolment":          {"GET", "/enrol", nil, 405, "method_not_allowed"},
		"post for a challenge":      {"POST", "/enrol/challenge", nil, 405, "method_not_allowed"},
		"empty enrolment":           {"POST", "/enrol", nil, 400, "malformed"},
		"enrolment of other text":   {"POST", "/enrol", []byte("me, please\n"), 400, "malformed"},
		"oversized enrolment":       {"POST", "/enrol", make([]byte, 1<<20), 413, "too_large"},
		"challenge used up":         {"POST", "/enrol", requestTo(t, used, generate(t)), 403, "challenge_used"},
		"expired challenge":         {"POST", "/enrol", requestTo(t, expired, generate(t)), 403, string(enrolment.Expired)},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, test.method, h.URL+test.path, test.body)
			var no struct{ Error, Detail string }
			if err := json.Unmarshal(got.body, &no); err != nil {
				t.Fatalf("%d, %q: %v", got.status, got.body, err)
			}
			if got.status != test.status || no.Error != test.code || no.Detail == "" {
				t.Fatalf("%d, %+v; want %d, %s and a detail", got.status, no, test.status, test.code)
			}
		})
	}
}

func TestEnrolOverHTTP(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allow")
	s, h := newServer(t, ServerConfig{Approve: ApproveListed(path)})
	enrol := func(secret *keys.Secret) Outcome {
		t.Helper()
		got := ask(t, http.MethodGet, h.URL+"/enrol/challenge", nil)
		if got.status != http.StatusOK || got.header.Get("Cache-Control") != cacheNothing {
			t.Fatalf("challenge: %d, %q", got.status, got.header)
		}
		c, err := enrolment.ParseChallenge(strings.TrimSuffix(string(got.body), "\n"))
		if err != nil {
			t.Fatal(err)
		}
		got = ask(t, http.MethodPost, h.URL+"/enrol", requestTo(t, c, secret))
		var o struct{ ID, State string }
		if err := json.Unmarshal(got.body, &o); err != nil || got.status != http.StatusAccepted {
			t.Fatalf("%d, %q, %v", got.status, got.body, err)
		}
		id, err := ParseRequestID(o.ID)
		if err != nil {
			t.Fatal(err)
		}
		return Outcome{ID: id, State: State(o.State)}
	}
	listed, unlisted := generate(t), generate(t)
	if err := os.WriteFile(path, fmt.Appendf(nil, "babyjubjub %x\n", listed.Public().Bytes()), 0o600); err != nil {
		t.Fatal(err)
	}
	yes, wait := enrol(listed), enrol(unlisted)
	if yes.State != Approved || wait.State != Pending {
		t.Fatalf("listed: %s, not listed: %s; want approved and pending", yes.State, wait.State)
	}
	if err := s.queue.Deny(wait.ID, "not a customer", testTime); err != nil {
		t.Fatal(err)
	}
	c, err := s.Publish(t.Context())
	if err != nil || c.Sequence != 301 {
		t.Fatalf("published %+v, %v; want one more operation", c, err)
	}
	want := map[RequestID]string{
		yes.ID:  fmt.Sprintf("{\"id\":%q,\"state\":\"admitted\",\"time\":\"2026-11-21T06:00:00Z\"}\n", yes.ID),
		wait.ID: fmt.Sprintf("{\"id\":%q,\"state\":\"denied\",\"time\":\"2026-11-21T06:00:00Z\",\"reason\":\"not a customer\"}\n", wait.ID),
	}
	for id, body := range want {
		if got := ask(t, http.MethodGet, h.URL+"/enrol/status/"+id.String(), nil); string(got.body) != body {
			t.Fatalf("status %q; want %q", got.body, body)
		}
	}

	// The same key with another nullifier key: denied, and the member learns
	// why; it is admitted under its first leaf alone.
	twice, err := keys.ParseSecret(listed.RevealScalar(), unlisted.RevealNullifierKey())
	if err != nil {
		t.Fatal(err)
	}
	again := enrol(twice)
	if _, err := s.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := wantState(t, s.queue, again.ID, Denied); o.Reason != ErrKeyLive.Error() {
		t.Fatalf("reason %q; want %q", o.Reason, ErrKeyLive)
	}
}

func TestPublishRenews(t *testing.T) {
	now := testTime
	s, _ := newServer(t, ServerConfig{Now: func() time.Time { return now }, RenewInterval: time.Hour})
	first := s.registrar.Published()
	publish := func() time.Time {
		t.Helper()
		c, err := s.Publish(t.Context())
		if err != nil || c.Sequence != first.Sequence || c.Root != first.Root {
			t.Fatalf("published %+v, %v; want the same state", c, err)
		}
		return c.Time
	}
	now = testTime.Add(59 * time.Minute)
	if at := publish(); !at.Equal(first.Time) {
		t.Fatalf("signed anew after 59 minutes, at %v", at)
	}
	now = testTime.Add(time.Hour)
	if at := publish(); !at.Equal(now) {
		t.Fatalf("not signed anew after an hour, but at %v", at)
	}
}

// TestServe stops a server with a request under way, and with clients that send
// nothing.
func TestServe(t *testing.T) {
	s, _ := newServer(t, ServerConfig{CheckpointInterval: 10 * time.Millisecond, Approve: ApproveAll})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()

	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	slow, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	body := requestFor(t, s.queue, generate(t))
	fmt.Fprintf(slow, "POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:10])
	time.Sleep(20 * time.Millisecond) // it is being read
	cancel()
	if _, err := slow.Write(body[10:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("the request under way: %v, %v; want it answered", resp, err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the server did not stop")
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Fatal("still listening")
	}
	if waiting, err := s.queue.List(); err != nil || len(waiting) > 1 {
		t.Fatalf("%+v, %v", waiting, err)
	}
}

// TestLogNamesNobody lets things go wrong, and looks for members and addresses
// in what the server logs; a planted one must be found.
func TestLogNamesNobody(t *testing.T) {
	var log bytes.Buffer
	s, h := newServer(t, ServerConfig{Log: slog.New(slog.NewTextHandler(&log, nil)), Approve: ApproveAll})
	secret := generate(t)
	text := requestFor(t, s.queue, secret)
	ask(t, http.MethodPost, h.URL+"/enrol", text)
	ask(t, http.MethodPost, h.URL+"/enrol", text[:50])
	if _, err := s.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.registrar.Close(); err != nil {
		t.Fatal(err)
	}
	ask(t, http.MethodGet, h.URL+"/tile/0/000", nil)
	if err := os.RemoveAll(s.queue.dir); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, http.MethodPost, h.URL+"/enrol", requestFor(t, s.queue, generate(t))); got.status != http.StatusInternalServerError ||
		bytes.Contains(got.body, []byte(s.queue.dir)) {
		t.Fatalf("%d, %q; want an error that says nothing about the disk", got.status, got.body)
	}
	leaf, key := secret.Commitment().String(), fmt.Sprintf("%x", secret.Public().Bytes())
	names := func(text string) bool {
		return strings.Contains(text, "127.0.0.1") || strings.Contains(text, leaf) || strings.Contains(text, key)
	}
	if names(log.String()) {
		t.Fatalf("the log names a member or an address:\n%s", &log)
	}
	for _, event := range []string{"admitted", "request failed"} {
		if !strings.Contains(log.String(), event) {
			t.Fatalf("nothing about %q in the log:\n%s", event, &log)
		}
	}
	for _, planted := range []string{leaf, key, h.Listener.Addr().String()} {
		s.config.Log.Info("planted", "value", planted)
		if !names(log.String()) {
			t.Fatalf("the planted %s was not found", planted)
		}
		log.Reset()
	}
}

func TestExport(t *testing.T) {
	s, _ := newServer(t, ServerConfig{})
	dir := filepath.Join(t.TempDir(), "exported")
	if _, err := s.registrar.Export(dir); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"checkpoint": s.registrar.Published().Note,
		"key":        []byte(s.registrar.VerifierKey() + "\n"),
	}
	for _, path := range []string{"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"} {
		files[path] = mustTile(t, s, path)
	}
	check := func() {
		t.Helper()
		found := 0
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			found++
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(path)
			if want, ok := files[filepath.ToSlash(name)]; err != nil || !ok || !bytes.Equal(data, want) {
				return fmt.Errorf("%s: not as served (%w)", name, errors.Join(err))
			}
			return nil
		})
		if err != nil || found != len(files) {
			t.Fatalf("%d files, want %d: %v", found, len(files), err)
		}
	}
	check()
	if err := os.WriteFile(filepath.Join(dir, "tile", "0", "000"), []byte("damage"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.registrar.Export(dir); err != nil {
		t.Fatal(err)
	}
	check()
}

// TestHTTPSpecSamples compares the samples in docs/spec/registry-http.md with
// what a server sends and a queue writes.
func TestHTTPSpecSamples(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/registry-http.md")
	if err != nil {
		t.Fatal(err)
	}
	shows := func(what, sample string) {
		t.Helper()
		if !strings.Contains(string(spec), "```\n"+sample+"```\n") {
			t.Errorf("docs/spec/registry-http.md does not show %s:\n%s", what, sample)
		}
	}
	id, err := ParseRequestID("3197c79b20d6a6529dcc3fa6207e45b3dcc71b0ff3cb1ace04c0f18d5981796d")
	if err != nil {
		t.Fatal(err)
	}
	sent := func(o Outcome) string {
		t.Helper()
		w := httptest.NewRecorder()
		if err := sendOutcome(w, http.StatusOK, o); err != nil {
			t.Fatal(err)
		}
		return w.Body.String()
	}
	denied := Outcome{ID: id, State: Denied, Time: testTime, Reason: "not a customer", expiry: testTime.Add(-time.Hour).Unix()}
	shows("the answer to an enrolment", sent(Outcome{ID: id, State: Pending}))
	shows("the status of a denied request", sent(denied))
	shows("an outcome", string(denied.marshal()))
	shows("what is forgotten", string(marshalForgotten(testTime.Add(-24*time.Hour).Unix())))

	_, h := newServer(t, ServerConfig{})
	shows("an error", string(ask(t, http.MethodDelete, h.URL+"/checkpoint", nil).body))

	_, list, found := strings.Cut(string(spec), "```\n# customers")
	if list, _, _ = strings.Cut(list, "```"); !found {
		t.Fatal("docs/spec/registry-http.md shows no list of keys")
	}
	path := filepath.Join(t.TempDir(), "allow")
	if err := os.WriteFile(path, []byte("# customers"+list), 0o600); err != nil {
		t.Fatal(err)
	}
	member := specMember(t)
	yes, err := ApproveListed(path)(&enrolment.Request{KeyType: member.KeyType(), PublicKey: [keys.PointSize]byte(member.Bytes())})
	if !yes || err != nil {
		t.Errorf("the list of keys in docs/spec/registry-http.md: %v, %v; want it to approve", yes, err)
	}
	for _, limit := range []string{
		fmt.Sprintf("%d hours", int(DefaultMaxDelegation.Hours())),
		fmt.Sprintf("%d days at most", int(enrolment.MaxDelegation.Hours()/24)),
		fmt.Sprintf("%d delegations within an hour", MaxDelegationsPerHour),
	} {
		if !strings.Contains(string(spec), limit) {
			t.Errorf("docs/spec/registry-http.md does not say %q", limit)
		}
	}
	for what, size := range map[string]int{"entry bundle": 256 * (2 + registry.OperationSize), "bytes of a request": enrolment.MaxRequestText, "requests that wait": MaxPending, "outcomes": maxOutcomes} {
		digits := fmt.Sprintf("%d,%03d", size/1000, size%1000)
		if !strings.Contains(string(spec), digits) {
			t.Errorf("docs/spec/registry-http.md does not say %s (%s)", digits, what)
		}
	}
}
