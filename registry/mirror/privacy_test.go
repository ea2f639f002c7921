package mirror

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// leak compares what two clients sent while they did the same at the same
// states of the log. It says where they differ, or returns "".
func leak(a, b []string) string {
	if slices.Equal(a, b) {
		return ""
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("request %d differs:\n%s\n%s", i, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d requests against %d", len(a), len(b))
}

// member is what one member does over some epochs: sync, then take the path of
// its own leaf, now and for an earlier root.
type member struct {
	leaf  uint64
	after func(url string) // what it does beside that, in a sync
}

// requestsOf lets a member do its things at a server of its own, and returns
// every request, byte by byte.
func requestsOf(t *testing.T, l *testLog, who member) []string {
	t.Helper()
	s := newTestServer(t, l.first(t, 1000))
	// Both servers have one name, so that Host headers are equal.
	c := s.config()
	address := s.Listener.Addr().String()
	c.URL = "http://registry.example/members"
	dial := c.Dial
	c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, address) }
	s.set(func() {
		s.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, "/members")
			return false
		}
	})
	m := mustMirror(t, t.TempDir(), c)
	for i, n := range []int{1000, 1300, 1301, 2000} {
		at := l.first(t, n)
		s.serve(t, at, testTime.Add(time.Duration(i)*time.Second))
		mustSync(t, m)
		path, checkpoint, err := m.Path(leaf(who.leaf))
		if err != nil {
			t.Fatal(err)
		}
		if root, err := path.Root(leaf(who.leaf)); err != nil || root != checkpoint.Root {
			t.Fatalf("path leads to %v (%v)", root, err)
		}
		if _, _, err := m.PathAt(leaf(who.leaf), 1000); err != nil {
			t.Fatal(err)
		}
		if who.after != nil {
			who.after(s.URL)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// TestRequestsDoNotDependOnTheMember compares, byte by byte, what servers see
// of two members, at both ends of the log.
func TestRequestsDoNotDependOnTheMember(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 1300)
	l.apply(t, registry.Operation{Kind: registry.Revoke, KeyType: zkkex.KeyBabyJubjub, Index: 700, Leaf: leaf(700)})
	l.admit(t, 1300, 699)

	first := requestsOf(t, l, member{leaf: 0})
	last := requestsOf(t, l, member{leaf: 999})
	if found := leak(first, last); found != "" {
		t.Fatal(found)
	}
	if n := len(first); n < 4+8 {
		t.Fatalf("only %d requests; the comparison compares nothing", n)
	}
	for _, request := range first {
		if headers := strings.Count(request, "\r\n") - 2; !strings.HasPrefix(request, "GET /members/") || headers != 2 ||
			!strings.Contains(request, "\r\nHost: registry.example\r\n") || !strings.Contains(request, "\r\nUser-Agent: zkkex\r\n") {
			t.Fatalf("expected the headers Host and User-Agent alone, got\n%s", request)
		}
	}

	// The planted leaks: a member that asks for its own bundle alone, and one
	// that says who it is in a header. The comparison must see both.
	ownBundle := func(n uint64) func(string) {
		return func(url string) { get(t, fmt.Sprintf("%s/tile/entries/%03d", url, n/bundleSize), "zkkex") }
	}
	if leak(requestsOf(t, l, member{0, ownBundle(0)}), requestsOf(t, l, member{999, ownBundle(999)})) == "" {
		t.Fatal("the comparison did not see a member ask for its own bundle")
	}
	version := func(v string) func(string) {
		return func(url string) { get(t, url+"/checkpoint", "zkkex/"+v) }
	}
	if leak(requestsOf(t, l, member{0, version("1.0")}), requestsOf(t, l, member{0, version("1.1")})) == "" {
		t.Fatal("the comparison did not see two versions")
	}
}

func get(t *testing.T, url, agent string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", agent)
	req.Host = "registry.example"
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
}
