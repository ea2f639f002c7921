package threshold

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/threshold/frost"
)

func TestParseSetup(t *testing.T) {
	good := string(sampleSetup().Encode())
	if s, err := ParseSetup([]byte(good)); err != nil || s.Digest() != sampleSetup().Digest() {
		t.Fatalf("the good one: %v", err)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"another format":     {"setup", "set-up", "zkkex/v1 threshold setup"},
		"threshold of one":   {"threshold: 2", "threshold: 1", "2 <= threshold"},
		"threshold above":    {"threshold: 2", "threshold: 3", "2 <= threshold"},
		"leading zero":       {"threshold: 2", "threshold: 02", "leading zeros"},
		"sign":               {"participants: 2", "participants: +2", "signs"},
		"too many":           {"participants: 2", "participants: 65", "at most 64"},
		"negative":           {"participants: 2", "participants: -2", "at most 64"},
		"too many to ask":    {"requesters: 1", "requesters: 17", "at most 16"},
		"fewer than said":    {"requesters: 1", "requesters: 2", "requester"},
		"more than said":     {"requesters: 1", "requesters: 0", "bytes follow"},
		"name twice":         {"bob", "alice", "twice"},
		"upper case":         {"bob", "Bob", "a-z"},
		"long name":          {"bob", strings.Repeat("b", 33), "a-z"},
		"no name":            {"bob ", " ", "a-z"},
		"upper-case digits":  {"8139770e", "8139770E", "64 lower-case"},
		"short key":          {"8139770e", "8139770", "64 lower-case"},
		"another line break": {"threshold: 2\n", "threshold: 2\r\n", "number"},
		"key twice":          {"ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1", "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394", "twice"},
	} {
		_, err := ParseSetup([]byte(strings.Replace(good, c.from, c.to, 1)))
		if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := ParseSetup(make([]byte, MaxSetup+1)); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("too long: %v", err)
	}
}

func TestParseFiles(t *testing.T) {
	b := newTable(t, 2, 2)
	b.hold(nil)
	other := newTable(t, 2, 2)
	other.hold(nil)
	setup, made := b.plan.setup, b.held[0]
	share, err := made.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseHolding(setup, 1, share)
	if err != nil || again.group.Digest() != made.group.Digest() {
		t.Fatalf("the good one: %v", err)
	}
	second, err := b.held[1].encode()
	if err != nil {
		t.Fatal(err)
	}
	lines := func(text []byte) []string { return strings.SplitAfter(string(text), "\n") }
	mine, theirs, foreign := lines(share), lines(second), lines(other.members[0].group.Encode())
	replace := func(at int, line string) []byte {
		changed := append([]string(nil), mine...)
		changed[at] = line
		return []byte(strings.Join(changed, ""))
	}
	// Lines: first, participant, share, inbox-seed, group's first, setup, generation,
	// attempt, key, two verification shares, two inboxes.
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"bob's share":                {replace(2, theirs[2]), frost.ErrShare.Error()},
		"bob's inbox":                {replace(3, theirs[3]), "the inbox is not the one"},
		"bob's file":                 {second, "of participant \"2\""},
		"another setup":              {replace(5, foreign[1]), "it is of the setup"},
		"another key":                {replace(8, foreign[4]), "the group's key"},
		"another verification share": {replace(10, foreign[6]), "does not fit"},
		"the identity as a key":      {replace(8, "key: 01"+strings.Repeat("00", 31)+"\n"), "identity"},
		"generation with a sign":     {replace(6, "generation: +1\n"), "signs"},
		"a line more":                {append(bytes.Clone(share), "more\n"...), "bytes follow"},
		"a line less":                {[]byte(strings.Join(mine[:12], "")), "inbox"},
		"share above the order":      {replace(2, "share: "+strings.Repeat("ff", 32)+"\n"), "below the order"},
	} {
		if _, err := parseHolding(setup, 1, c.text); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestDirErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "alice")
	if _, err := Open(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := Init(dir, "Alice"); err == nil {
		t.Error("a bad name is accepted")
	}
	alice, err := Init(dir, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, identityFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	if _, err := Init(dir, "alice"); !errors.Is(err, ErrExists) {
		t.Errorf("a second key: %v", err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrNoSetup) {
		t.Errorf("no setup: %v", err)
	}
	if err := Join(dir, sampleSetup(), t.TempDir()); !errors.Is(err, ErrStranger) {
		t.Errorf("a setup of others: %v", err)
	}
	s := sampleSetup()
	s.Participants[0] = alice
	for _, via := range []string{"", "a\nb", strings.Repeat("a", maxVia+1)} {
		if err := Join(dir, s, via); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("via %.5q: %v", via, err)
		}
		if err := Move(dir, via); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("moving to %.5q: %v", via, err)
		}
	}
	if err := Join(dir, s, filepath.Join(t.TempDir(), "missing")); err != nil {
		t.Fatal(err)
	}
	if err := Join(dir, s, t.TempDir()); !errors.Is(err, ErrExists) {
		t.Errorf("a second setup: %v", err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Generate(t.Context(), quiet); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no shared folder: %v", err)
	}
	for _, via := range []string{"http://", "https://user@host", "http://host?x", "http://host#x", "http://%zz"} {
		if err := Move(dir, via); err != nil {
			t.Fatal(err)
		}
		if d, err = Open(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Generate(t.Context(), quiet); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", via, err)
		}
	}
}

// Files of others in a shared folder harm nobody.
func TestJunkInFolder(t *testing.T) {
	c := newClub(t, 2, 2, 0)
	topic := filepath.Join(c.via, (&plan{setup: c.setup, attempt: 1}).topic())
	if err := os.MkdirAll(filepath.Join(topic, strings.Repeat("ab", 32)), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"readme": "hello", strings.Repeat("cd", 32): "not what the name says", nameOf([]byte("junk")): "junk", nameOf(nil): "",
		nameOf(make([]byte, MaxMessage+1)): string(make([]byte, MaxMessage+1)),
	} {
		if err := os.WriteFile(filepath.Join(topic, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.generate()
}

func TestFolderIsBounded(t *testing.T) {
	board, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"", "..", "a/b", "A", strings.Repeat("a", 81)} {
		if err := board.Post(t.Context(), topic, nil); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("topic %.5q: %v", topic, err)
		}
		if _, err := board.Follow(topic).Next(t.Context(), false); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("topic %.5q: %v", topic, err)
		}
	}
	if board.most != MaxTopic {
		t.Errorf("%d messages under a topic", board.most)
	}
	board.most = 3
	for i := range board.most {
		if err := board.Post(t.Context(), "full", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := board.Post(t.Context(), "full", []byte("one more")); !errors.Is(err, ErrFull) {
		t.Errorf("a full topic: %v", err)
	}
	// Somebody else puts another one there.
	if err := os.WriteFile(filepath.Join(board.dir, "full", nameOf([]byte("more"))), []byte("more"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := board.Follow("full").Next(t.Context(), false); !errors.Is(err, ErrFull) {
		t.Errorf("an overfull topic: %v", err)
	}
}

// Requests that nobody answers any more go by themselves.
func TestFolderForgets(t *testing.T) {
	board, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	old, requests := sessionPrefix+"old", requestsPrefix+"x"
	for topic, message := range map[string]string{old: "old", sessionPrefix + "new": "new", requests: "old", "deal-x": "kept"} {
		if err := board.Post(t.Context(), topic, []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{old, filepath.Join(requests, nameOf([]byte("old"))), "deal-x"} {
		if err := os.Chtimes(filepath.Join(board.dir, path), certificateTime, certificateTime); err != nil {
			t.Fatal(err)
		}
	}
	if err := board.Post(t.Context(), requests, []byte("new")); err != nil {
		t.Fatal(err)
	}
	names, err := board.names(requests)
	if err != nil || len(names) != 1 || names[0] != nameOf([]byte("new")) {
		t.Errorf("requests %v: %v", names, err)
	}
	if board.has(old) || !board.has(sessionPrefix+"new") || !board.has("deal-x") {
		t.Error("the wrong topics were removed")
	}
}

func FuzzParseSetup(f *testing.F) {
	f.Add(sampleSetup().Encode())
	f.Add([]byte(setupFirst + "\nthreshold: 2\nparticipants: 64\nrequesters: 0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSetup(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("an untyped error: %v", err)
			}
			return
		}
		if !bytes.Equal(s.Encode(), text) {
			t.Errorf("%q is encoded as %q", text, s.Encode())
		}
	})
}

func FuzzParseGroup(f *testing.F) {
	setup := sampleSetup()
	f.Add([]byte(groupFirst + "\nsetup: 00\ngeneration: 1\nattempt: 1\nkey: 00\n"))
	f.Add([]byte(groupFirst + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		g, err := ParseGroup(setup, text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("an untyped error: %v", err)
			}
			return
		}
		if !bytes.Equal(g.Encode(), text) {
			t.Errorf("%q is encoded as %q", text, g.Encode())
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	f.Add(sampleIdentity("alice", 1).encode())
	f.Add([]byte(identityFirst + "\nname: \nseed: \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		i, err := parseIdentity(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("an untyped error: %v", err)
			}
			return
		}
		if !bytes.Equal(i.encode(), text) {
			t.Errorf("%q is encoded as %q", text, i.encode())
		}
	})
}

// Every kind of body, by an honest sender's key, gives an error or none, and no
// panic; what is parsed is encoded to the same bytes.
func FuzzMessages(f *testing.F) {
	setup := sampleSetup()
	p := plan{setup: setup, attempt: 1}
	alice := sampleIdentity("alice", 1)
	_, commit, err := join(p, 1, alice, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, k := range []kind{kindCommit, kindDeal, kindConfirm, kindComplaint, kindEquivocation, kindAbort, kindShare} {
		f.Add(byte(k), []byte{0, 1, 2})
	}
	f.Add(byte(kindCommit), commit.body)
	f.Add(byte(kindPackage), encodePackage([]frost.Commitment{{ID: 1, Hiding: suite().Base(), Binding: suite().Base()}}))
	f.Add(byte(kindRequest), (&requestText{expires: 1, message: *certificate(1)}).encode())
	f.Fuzz(func(t *testing.T, k byte, body []byte) {
		if len(body) > MaxMessage-headerSize-ed25519.SignatureSize {
			return
		}
		encoded := alice.seal(kind(k), 1, p.context(), body).encode()
		m, err := setup.open(encoded)
		if err != nil || !bytes.Equal(m.encode(), encoded) {
			t.Fatalf("opening: %v", err)
		}
		c := watch(p)
		if _, err := c.receive(m); err != nil {
			var fault *Fault
			if !errors.As(err, &fault) || fault.ID != 1 {
				t.Errorf("nobody's fault: %v", err)
			}
		}
		if list, err := parsePackage(body); err == nil && !bytes.Equal(encodePackage(list), body) {
			t.Errorf("package %x", body)
		}
		if r, err := parseRequestText(body); err == nil && !bytes.Equal(r.encode(), body) {
			t.Errorf("request %x", body)
		}
		if s, err := parseShareText(1, body); err == nil && !bytes.Equal(s.encode(), body) {
			t.Errorf("share %x", body)
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add(sampleIdentity("alice", 1).seal(kindAbort, 1, [32]byte{}, nil).encode())
	f.Add([]byte(messageMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("an untyped error: %v", err)
			}
			return
		}
		if !bytes.Equal(m.encode(), b) {
			t.Errorf("%x is encoded as %x", b, m.encode())
		}
	})
}
