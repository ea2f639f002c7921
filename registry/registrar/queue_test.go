package registrar

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/keys"
)

func newQueue(t *testing.T, id zkkex.RegistryID) *Queue {
	t.Helper()
	q, err := OpenQueue(filepath.Join(t.TempDir(), "queue"), id)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// requestFor answers a fresh challenge of the queue.
func requestFor(t *testing.T, q *Queue, secret *keys.Secret) []byte {
	t.Helper()
	c, err := q.Challenge(testTime, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return requestTo(t, c, secret)
}

func requestTo(t *testing.T, c enrolment.Challenge, secret *keys.Secret) []byte {
	t.Helper()
	r, err := enrolment.New(secret, c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func generate(t *testing.T) *keys.Secret {
	t.Helper()
	s, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustAdd(t *testing.T, q *Queue, text []byte) RequestID {
	t.Helper()
	o, err := q.Add(text, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}

func wantState(t *testing.T, q *Queue, id RequestID, want State) Outcome {
	t.Helper()
	o, err := q.Status(id)
	if err != nil || o.State != want || o.ID != id {
		t.Fatalf("status %+v, %v; want %s", o, err, want)
	}
	return o
}

var testRegistry = zkkex.RegistryID{1, 2, 3}

func TestQueueApprove(t *testing.T) {
	q := newQueue(t, testRegistry)
	secret := generate(t)
	text := requestFor(t, q, secret)
	id := mustAdd(t, q, text)
	for range 2 { // the same again changes nothing
		if again := mustAdd(t, q, text); again != id {
			t.Fatalf("the same request got the identifiers %v and %v", id, again)
		}
		wantState(t, q, id, Pending)
	}
	waiting, err := q.List()
	if err != nil || len(waiting) != 1 || waiting[0].Leaf != secret.Commitment() || waiting[0].ID != id || waiting[0].State != Pending {
		t.Fatalf("list %+v, %v", waiting, err)
	}
	for range 2 {
		if err := q.Approve(id); err != nil {
			t.Fatal(err)
		}
		wantState(t, q, id, Approved)
	}
	if err := q.Deny(id, "too late", testTime); !errors.Is(err, ErrDecided) {
		t.Fatalf("denied what was approved: %v; want ErrDecided", err)
	}

	// A failure of the log leaves it approved.
	down := errors.New("the disk is away")
	if n, err := q.Admit(func(Entry) error { return down }, testTime); n != 0 || !errors.Is(err, down) {
		t.Fatalf("admitted %d, %v; want the failure", n, err)
	}
	wantState(t, q, id, Approved)

	// The challenge is long over; possession was shown when it arrived.
	late := testTime.Add(1000 * time.Hour)
	var leaves []zkkex.Commitment
	n, err := q.Admit(func(e Entry) error { leaves = append(leaves, e.Leaf); return nil }, late)
	if err != nil || n != 1 || !slices.Equal(leaves, []zkkex.Commitment{secret.Commitment()}) {
		t.Fatalf("admitted %d, %v, %v", n, leaves, err)
	}
	if o := wantState(t, q, id, Admitted); !o.Time.Equal(late) {
		t.Fatalf("admitted at %v; want %v", o.Time, late)
	}
	if waiting, err := q.List(); err != nil || len(waiting) != 0 {
		t.Fatalf("list %+v, %v; want nothing", waiting, err)
	}
	if o, err := q.Add(text, testTime); err != nil || o.State != Admitted {
		t.Fatalf("sent once more: %+v, %v; want admitted", o, err)
	}
}

func TestQueueDeny(t *testing.T) {
	q := newQueue(t, testRegistry)
	secret := generate(t)
	id := mustAdd(t, q, requestFor(t, q, secret))
	reason := "no such customer\nstate: admitted\r\x00" + strings.Repeat("é", MaxReason)
	if err := q.Deny(id, reason, testTime); err != nil {
		t.Fatal(err)
	}
	o := wantState(t, q, id, Denied)
	if !strings.HasPrefix(o.Reason, "no such customer state: admitted") || len(o.Reason) > MaxReason || strings.ContainsAny(o.Reason, "\r\n\x00") {
		t.Fatalf("reason %q", o.Reason)
	}
	if err := q.Approve(id); !errors.Is(err, ErrDecided) {
		t.Fatalf("approved what was denied: %v; want ErrDecided", err)
	}
	if err := q.Deny(id, "again", testTime); err != nil || wantState(t, q, id, Denied).Reason != o.Reason {
		t.Fatalf("denied again: %v", err)
	}
	// With a new challenge, it is a new request.
	if again := mustAdd(t, q, requestFor(t, q, secret)); again == id {
		t.Fatal("a new request has the old identifier")
	}
	for _, err := range []error{q.Approve(RequestID{9}), q.Deny(RequestID{9}, "", testTime)} {
		if !errors.Is(err, ErrUnknownRequest) {
			t.Fatalf("unknown request: %v; want ErrUnknownRequest", err)
		}
	}
}

// TestQueueRefuses sends requests with a single fault each.
func TestQueueRefuses(t *testing.T) {
	q := newQueue(t, testRegistry)
	secret := generate(t)
	challenge, err := q.Challenge(testTime, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	good := requestTo(t, challenge, secret)
	elsewhere, err := newQueue(t, zkkex.RegistryID{9}).Challenge(testTime, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := newQueue(t, testRegistry).Challenge(testTime, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := q.Challenge(testTime.Add(-2*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stretched := challenge
	stretched.Expiry++
	lastDigit := len(good) - 2
	for name, test := range map[string]struct {
		text   []byte
		class  error
		reason zkkex.Reason
	}{
		"empty":                         {nil, zkkex.ErrMalformed, ""},
		"truncated":                     {good[:len(good)-1], zkkex.ErrMalformed, ""},
		"oversized":                     {append(slices.Clone(good), make([]byte, enrolment.MaxRequestText)...), zkkex.ErrMalformed, ""},
		"challenge of another registry": {requestTo(t, elsewhere, secret), zkkex.ErrRejected, zkkex.WrongRegistry},
		"challenge of another queue":    {requestTo(t, foreign, secret), zkkex.ErrRejected, enrolment.WrongChallenge},
		"challenge with a later expiry": {requestTo(t, stretched, secret), zkkex.ErrRejected, enrolment.WrongChallenge},
		"challenge expired":             {requestTo(t, expired, secret), zkkex.ErrRejected, enrolment.Expired},
		"signature of another":          {replaceDigit(good, lastDigit), zkkex.ErrRejected, enrolment.BadSignature},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := q.Add(test.text, testTime)
			if !errors.Is(err, test.class) {
				t.Fatalf("got %v; want %v", err, test.class)
			}
			if reject := (*zkkex.RejectError)(nil); test.reason != "" && (!errors.As(err, &reject) || reject.Reason != test.reason) {
				t.Fatalf("got %v; want %s", err, test.reason)
			}
			if waiting, err := q.List(); err != nil || len(waiting) != 0 {
				t.Fatalf("queued all the same: %+v, %v", waiting, err)
			}
		})
	}
	mustAdd(t, q, good)
}

// replaceDigit changes the lowest bit of a hexadecimal digit.
func replaceDigit(text []byte, i int) []byte {
	out := slices.Clone(text)
	const digits = "0123456789abcdef"
	out[i] = digits[strings.IndexByte(digits, out[i])^1]
	return out
}

func TestQueueIsBounded(t *testing.T) {
	q := newQueue(t, testRegistry)
	text := requestFor(t, q, generate(t))
	for i := range MaxPending { // links, which are quicker than files
		var err error
		if name := fmt.Sprintf("%064x", i); i == 0 {
			err = os.WriteFile(filepath.Join(q.folder(Pending), name), nil, 0o600)
		} else {
			err = os.Link(filepath.Join(q.folder(Pending), fmt.Sprintf("%064x", 0)), filepath.Join(q.folder(Pending), name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.Add(text, testTime); !errors.Is(err, ErrQueueFull) {
		t.Fatalf("got %v; want ErrQueueFull", err)
	}
	if err := os.Remove(filepath.Join(q.folder(Pending), fmt.Sprintf("%064x", 0))); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, q, text)
}

// fillOutcomes stores outcomes, a tenth of them about challenges that have ended.
func fillOutcomes(t *testing.T, q *Queue) {
	t.Helper()
	ended := Outcome{State: Admitted, Time: testTime, expiry: testTime.Add(-time.Hour).Unix()}
	open := Outcome{State: Admitted, Time: testTime, expiry: testTime.Add(10 * time.Hour).Unix()}
	for i := range maxOutcomes {
		var err error
		path := q.file(stateDone, RequestID{byte(i >> 8), byte(i), 7})
		switch first := i - i%1000; { // links, which are quicker than files
		case i != first:
			err = os.Link(q.file(stateDone, RequestID{byte(first >> 8), byte(first), 7}), path)
		case i < maxOutcomes/10:
			err = os.WriteFile(path, ended.marshal(), 0o600)
		default:
			err = os.WriteFile(path, open.marshal(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOutcomesAreForgotten(t *testing.T) {
	q := newQueue(t, testRegistry)
	fillOutcomes(t, q)
	id := mustAdd(t, q, requestFor(t, q, generate(t)))
	if err := q.Deny(id, "no", testTime); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(q.folder(stateDone))
	if err != nil || len(files) != maxOutcomes*9/10 {
		t.Fatalf("%d outcomes are kept (%v); want %d", len(files), err, maxOutcomes*9/10)
	}
	if _, err := q.Status(RequestID{0, 0, 7}); !errors.Is(err, ErrUnknownRequest) {
		t.Fatalf("the oldest: %v; want ErrUnknownRequest", err)
	}
	last := maxOutcomes - 1
	wantState(t, q, RequestID{byte(last >> 8), byte(last), 7}, Admitted)
}

// TestForgottenRequestIsNotTakenAgain shows a request again whose outcome was
// forgotten, while its challenge is good, as somebody would whose key was revoked.
func TestForgottenRequestIsNotTakenAgain(t *testing.T) {
	q := newQueue(t, testRegistry)
	fillOutcomes(t, q)
	secret := generate(t)
	c, err := q.Challenge(testTime, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	text := requestTo(t, c, secret)
	id := mustAdd(t, q, text)
	leftover, err := os.ReadFile(q.file(Pending, id))
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Approve(id); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(q.file(Pending, id), leftover, 0o600); err != nil { // as after a crash
		t.Fatal(err)
	}
	if n, err := q.Admit(func(Entry) error { return nil }, testTime); n != 1 || err != nil {
		t.Fatalf("admitted %d, %v", n, err)
	}
	if _, err := q.Status(id); !errors.Is(err, ErrUnknownRequest) {
		t.Fatalf("%v; want it forgotten, or the test shows nothing", err)
	}
	reopened, err := OpenQueue(q.dir, testRegistry)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []*Queue{q, reopened} {
		var reject *zkkex.RejectError
		if o, err := q.Add(text, testTime); !errors.As(err, &reject) || reject.Reason != enrolment.Expired {
			t.Fatalf("shown again: %+v, %v; want %s", o, err, enrolment.Expired)
		}
		mustAdd(t, q, requestFor(t, q, secret)) // with a new challenge, it is a new request
	}
	if err := os.WriteFile(filepath.Join(q.dir, forgottenFile), []byte("damage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Add(requestFor(t, q, secret), testTime); !errors.Is(err, zkkex.ErrMalformed) {
		t.Fatalf("with a damaged file: %v; want ErrMalformed", err)
	}
}

// TestAnswersToOneChallenge answers one challenge with many keys.
func TestAnswersToOneChallenge(t *testing.T) {
	q := newQueue(t, testRegistry)
	c, err := q.Challenge(testTime, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]RequestID, MaxAnswers)
	for i := range ids {
		ids[i] = mustAdd(t, q, requestTo(t, c, generate(t)))
	}
	twin, err := OpenQueue(q.dir, testRegistry)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Approve(ids[0]); err != nil { // it waits all the same
		t.Fatal(err)
	}
	further := requestTo(t, c, generate(t))
	for _, q := range []*Queue{q, twin} {
		if o, err := q.Add(further, testTime); !errors.Is(err, ErrChallengeUsed) {
			t.Fatalf("one more: %+v, %v; want ErrChallengeUsed", o, err)
		}
		mustAdd(t, q, requestFor(t, q, generate(t)))
	}
	if err := twin.Deny(ids[1], "no", testTime); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, q, further)
}

func FuzzForgotten(f *testing.F) {
	f.Add(marshalForgotten(1795240800))
	f.Add(marshalForgotten(-1))
	f.Add([]byte(forgottenMagic + "\nexpiry: 01\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		expiry, err := parseForgotten(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if again := marshalForgotten(expiry); string(again) != string(text) {
			t.Fatalf("read %q, wrote %q", text, again)
		}
	})
}

// TestQueueAfterCrash puts the queue into every state between two files.
func TestQueueAfterCrash(t *testing.T) {
	q := newQueue(t, testRegistry)
	copyOf := func(state State, id RequestID) []byte {
		t.Helper()
		text, err := os.ReadFile(q.file(state, id))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	put := func(state State, id RequestID, text []byte) {
		t.Helper()
		if err := os.WriteFile(q.file(state, id), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// After the outcome of a denial, before the request is removed.
	denied := mustAdd(t, q, requestFor(t, q, generate(t)))
	text := copyOf(Pending, denied)
	if err := q.Deny(denied, "no", testTime); err != nil {
		t.Fatal(err)
	}
	put(Pending, denied, text)
	wantState(t, q, denied, Denied)
	if err := q.Approve(denied); !errors.Is(err, ErrDecided) {
		t.Fatalf("approved what was denied: %v", err)
	}

	// After an admission, before its outcome; and after that, before the
	// request is removed.
	admitted := mustAdd(t, q, requestFor(t, q, generate(t)))
	if err := q.Approve(admitted); err != nil {
		t.Fatal(err)
	}
	text = copyOf(Approved, admitted)
	calls := 0
	admit := func(Entry) error { calls++; return nil }
	if _, err := q.Admit(admit, testTime); err != nil {
		t.Fatal(err)
	}
	put(Approved, admitted, text)
	wantState(t, q, admitted, Admitted)
	if n, err := q.Admit(admit, testTime); n != 0 || err != nil || calls != 1 {
		t.Fatalf("admitted %d again, %v, %d calls", n, err, calls)
	}
	if err := os.Remove(q.file(stateDone, admitted)); err != nil {
		t.Fatal(err)
	}
	put(Approved, admitted, text)
	if n, err := q.Admit(admit, testTime); n != 1 || err != nil || calls != 2 {
		t.Fatalf("without its outcome: admitted %d, %v, %d calls; want it admitted again", n, err, calls)
	}

	// Half-written files have other names, and are in nobody's way.
	put(Pending, RequestID{}, nil)
	if err := os.Rename(q.file(Pending, RequestID{}), filepath.Join(q.folder(Pending), ".x.tmp-1")); err != nil {
		t.Fatal(err)
	}
	// Both leftovers are gone, and nothing waits.
	if waiting, err := q.List(); err != nil || len(waiting) != 0 {
		t.Fatalf("list %+v, %v", waiting, err)
	}
	for _, state := range []State{Pending, Approved} {
		if ids, err := q.ids(state); err != nil || len(ids) != 0 {
			t.Fatalf("%s holds %v (%v)", state, ids, err)
		}
	}
}

func TestQueueDamage(t *testing.T) {
	q := newQueue(t, testRegistry)
	good := mustAdd(t, q, requestFor(t, q, generate(t)))
	bad := mustAdd(t, q, requestFor(t, q, generate(t)))
	other := requestFor(t, q, generate(t))
	for name, text := range map[string][]byte{"not a request": []byte("hello"), "another request": other} {
		if err := os.WriteFile(q.file(Pending, bad), text, 0o600); err != nil {
			t.Fatal(err)
		}
		waiting, err := q.List()
		if err == nil || !strings.Contains(err.Error(), bad.String()) || !strings.Contains(err.Error(), "damaged") {
			t.Fatalf("%s: %v; want an error that names the file", name, err)
		}
		if len(waiting) != 1 || waiting[0].ID != good {
			t.Fatalf("%s: list %+v; want the other request", name, waiting)
		}
	}
	for _, id := range []RequestID{good, bad} {
		if err := q.Approve(id); err != nil {
			t.Fatal(err)
		}
	}
	n, err := q.Admit(func(Entry) error { return nil }, testTime)
	if n != 1 || err == nil || !strings.Contains(err.Error(), bad.String()) {
		t.Fatalf("admitted %d, %v; want the good one, and an error about the other", n, err)
	}
	wantState(t, q, good, Admitted)

	path := filepath.Join(q.dir, "challenge.key")
	if err := os.WriteFile(path, []byte(challengeKeyMagic+"\nsecret digits\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenQueue(q.dir, testRegistry); !errors.Is(err, zkkex.ErrMalformed) || strings.Contains(err.Error(), "secret digits") {
		t.Fatalf("damaged challenge key: %v; want ErrMalformed that quotes nothing", err)
	}
}

// TestQueueOfTwoProcesses decides about the same requests from two sides.
func TestQueueOfTwoProcesses(t *testing.T) {
	q := newQueue(t, testRegistry)
	twin, err := OpenQueue(q.dir, testRegistry)
	if err != nil {
		t.Fatal(err)
	}
	secrets := make([]*keys.Secret, 8)
	for i := range secrets {
		secrets[i] = generate(t)
	}
	for _, secret := range secrets {
		text := requestFor(t, q, secret)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if _, err := []*Queue{q, twin}[i%2].Add(text, testTime); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		id := mustAdd(t, twin, text) // its challenge is known to both
		decided := make([]error, 2)
		wg.Go(func() { decided[0] = q.Approve(id) })
		wg.Go(func() { decided[1] = twin.Deny(id, "no", testTime) })
		wg.Wait()
		if (decided[0] == nil) == (decided[1] == nil) {
			t.Fatalf("approved: %v; denied: %v; want one of them", decided[0], decided[1])
		}
	}
	var mu sync.Mutex
	calls, admitted := 0, 0
	var wg sync.WaitGroup
	for _, q := range []*Queue{q, twin} {
		wg.Go(func() {
			n, err := q.Admit(func(Entry) error { mu.Lock(); calls++; mu.Unlock(); return nil }, testTime)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			admitted += n
			mu.Unlock()
		})
	}
	wg.Wait()
	if calls != admitted {
		t.Fatalf("%d calls for %d admissions", calls, admitted)
	}
}

func TestApproveListed(t *testing.T) {
	q := newQueue(t, testRegistry)
	listed, other := generate(t), generate(t)
	key := listed.Public().Bytes()
	path := filepath.Join(t.TempDir(), "allow")
	policy := ApproveListed(path)
	parse := func(secret *keys.Secret) *enrolment.Request {
		t.Helper()
		r, err := enrolment.ParseRequest(requestFor(t, q, secret))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if yes, err := policy(parse(listed)); yes || !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("without a list: %v, %v; want no, and an error", yes, err)
	}
	line := fmt.Sprintf("babyjubjub %x", key)
	for name, test := range map[string]struct {
		text     string
		yes, bad bool
	}{
		"listed":     {"# our customers\n\n" + line + "\n", true, false},
		"no newline": {line, true, false},
		"empty":      {"", false, false},
		"upper case": {strings.ToUpper(line), false, true},
		"no type":    {fmt.Sprintf("%x", key), false, true},
		"torn":       {line + "\nbabyjubjub 12", false, true},
		"other type": {line + "\nrsa " + line[len("babyjubjub "):], false, true},
		"no digits":  {line + "\nbabyjubjub me", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if yes, err := policy(parse(listed)); yes != test.yes || (err != nil) != test.bad {
				t.Fatalf("got %v, %v; want %v, an error: %v", yes, err, test.yes, test.bad)
			}
			if yes, _ := policy(parse(other)); yes {
				t.Fatal("another key was approved")
			}
		})
	}
}

func FuzzOutcome(f *testing.F) {
	f.Add(Outcome{State: Admitted, Time: testTime}.marshal())
	f.Add(Outcome{State: Denied, Time: testTime, Reason: "no such customer"}.marshal())
	f.Add([]byte(outcomeMagic + "\nstate: pending\ntime: 0\nreason: \n"))
	f.Add([]byte(outcomeMagic + "\nstate: denied\ntime: 00\nreason: \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := parseOutcome(RequestID{1}, text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if again := o.marshal(); string(again) != string(text) {
			t.Fatalf("parsed and encoded: %q; want %q", again, text)
		}
	})
}
