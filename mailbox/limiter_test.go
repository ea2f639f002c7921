package mailbox

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLimiter(2, 3)
	allowed := func(source string, n int) (yes int) {
		for range n {
			if l.allow(source, now) {
				yes++
			}
		}
		return yes
	}
	if a, b := allowed("a", 10), allowed("b", 2); a != 3 || b != 2 {
		t.Errorf("allowed %d and %d; want 3 and 2", a, b)
	}
	now = now.Add(time.Second)
	if a := allowed("a", 10); a != 2 {
		t.Errorf("a second later %d; want 2", a)
	}
	// Many sources share one allowance, and are forgotten when they rest.
	for i := range 2 * maxSources {
		l.allow(fmt.Sprint(i), now)
	}
	if len(l.buckets) > maxSources+1 {
		t.Errorf("%d sources are kept", len(l.buckets))
	}
	if l.allow("one more", now) {
		t.Error("a flood of sources is not bounded")
	}
	now = now.Add(time.Minute)
	if !l.allow("one more", now) || len(l.buckets) > maxSources+1 {
		t.Error("sources that rest are not forgotten")
	}
}

func TestSources(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:443":                 "192.0.2.7/32",
		"[::ffff:192.0.2.7]:1":          "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:443":    "2001:db8:1:2::/64",
		"[fe80::1%eth0]:443":            "fe80::/64",
		"@":                             "",
		"[2001:db8:1:2:ffff:0:0:1]:444": "2001:db8:1:2::/64",
	} {
		if got := sourceOf(&http.Request{RemoteAddr: address}); got != want {
			t.Errorf("%s is of %q; want %q", address, got, want)
		}
	}
}

// One source does not fill a folder for everybody, which it could with as many
// messages as it may make requests: what is answered stays for days.
func TestOneSourceDoesNotFillAFolder(t *testing.T) {
	h := NewHandler(nil, HandlerOptions{}).(*handler)
	now, posted := time.Unix(1_800_000_000, 0), 0
	for end := now.Add(DefaultTimeToLive); now.Before(end); now = now.Add(time.Second) {
		for h.requests.allow("a", now) && h.posts.allow("a", now) {
			posted++
		}
	}
	if posted >= DefaultMaxItems {
		t.Errorf("one source left %d messages, and a folder takes %d", posted, DefaultMaxItems)
	}
}
