package record

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

func TestRecordsArrive(t *testing.T) {
	bothSuites(t, func(t *testing.T, suite Suite) {
		for _, padding := range []option{func(*Config, *primitives) {}, padded} {
			p := newPeers(t, suite, padding)
			for _, n := range []int{0, 1, 63, 64, 65, 1000, MaxPlaintext - 1, MaxPlaintext} {
				p.send(Initiator, strings.Repeat("a", n))
				p.send(Responder, strings.Repeat("b", n))
			}
		}
	})
}

func TestLengths(t *testing.T) {
	plain, pad := newPeers(t, AES256GCM), newPeers(t, AES256GCM, padded)
	for _, c := range []struct{ content, plain, padded int }{
		{0, 0, 64}, {1, 1, 64}, {64, 64, 64}, {65, 65, 128}, {1024, 1024, 1024}, {1025, 1025, 2048}, {MaxPlaintext, MaxPlaintext, MaxPlaintext},
	} {
		content := strings.Repeat("x", c.content)
		if n := len(plain.seal(Initiator, Application, content)); n != c.plain+Overhead {
			t.Errorf("%d bytes give a record of %d", c.content, n)
		}
		if n := len(pad.seal(Initiator, Application, content)); n != c.padded+Overhead || n > MaxRecord {
			t.Errorf("%d bytes give a padded record of %d", c.content, n)
		}
	}
	// Records of a ratchet are as long as those of a bucket, and as one another.
	p := play(t, AES256GCM, len(script()))
	for n, s := range script() {
		want := map[bool]int{true: ratchetBucket + Overhead, false: minBucket + Overhead}[s.kind >= RatchetRequest]
		if s.kind >= CloseNotify && len(p.wire[n].record) != want {
			t.Errorf("%s: %d bytes, expected %d", s.what, len(p.wire[n].record), want)
		}
	}
}

func TestBodySize(t *testing.T) {
	p := newPeers(t, AES256GCM)
	record := p.seal(Initiator, Application, "hello")
	if n, err := BodySize(record[:HeaderSize]); err != nil || n != len(record)-HeaderSize {
		t.Fatalf("got %d, %v", n, err)
	}
	for name, c := range map[string]struct {
		header []byte
		reason error
	}{
		"short":    {record[:HeaderSize-1], ErrLength},
		"type":     {[]byte{2, 0, 19, 0, 0, 0, 0}, ErrHeader},
		"too few":  {[]byte{1, 0, 18, 0, 0, 0, 0}, ErrLength},
		"too many": {[]byte{1, 0x40, 0x14, 0, 0, 0, 0}, ErrLength},
	} {
		if _, err := BodySize(c.header); !errors.Is(err, c.reason) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n, err := BodySize([]byte{1, 0x40, 0x13, 0, 0, 0, 0}); err != nil || n != MaxRecord-HeaderSize {
		t.Errorf("the longest body: got %d, %v", n, err)
	}
}

func TestSealRefuses(t *testing.T) {
	p := newPeers(t, AES256GCM)
	s := p.side[Initiator]
	for _, kind := range []Type{0, 3, CloseNotify, typeAlert, RatchetRequest, RatchetOffer, RatchetReply, RatchetSwitch, 255} {
		if out, err := s.Seal([]byte("x"), kind, nil); !errors.Is(err, ErrType) || string(out) != "x" {
			t.Errorf("type %d: got %x, %v", kind, out, err)
		}
	}
	if _, err := s.Seal(nil, Application, make([]byte, MaxPlaintext+1)); !errors.Is(err, ErrLength) {
		t.Errorf("too long: got %v", err)
	}
	p.send(Initiator, "and it goes on")
}

func TestConfigRefuses(t *testing.T) {
	good := Config{Suite: AES256GCM, Transcript: make([]byte, 32)}
	for name, change := range map[string]func(*Config){
		"suite":              func(c *Config) { c.Suite = 0 },
		"next suite":         func(c *Config) { c.Suite = 3 },
		"role":               func(c *Config) { c.Role = 2 },
		"no transcript":      func(c *Config) { c.Transcript = nil },
		"long transcript":    func(c *Config) { c.Transcript = make([]byte, 65) },
		"padding":            func(c *Config) { c.Padding = 2 },
		"more records":       func(c *Config) { c.Limits.Records = MaxRecords + 1 },
		"more bytes":         func(c *Config) { c.Limits.Bytes = MaxBytes + 1 },
		"fewer than a whole": func(c *Config) { c.Limits.Bytes = maxInner - 1 },
		"older step":         func(c *Config) { c.Limits.StepAge = MaxStepAge + 1 },
		"older ratchet":      func(c *Config) { c.Limits.RatchetAge = MaxRatchetAge + 1 },
		"older stale":        func(c *Config) { c.Limits.StaleAge = MaxStaleAge + 1 },
		"negative":           func(c *Config) { c.Limits.StepAge = -1 },
		"ratchet too often":  func(c *Config) { c.Limits.RatchetAge = minRatchetGap - 1 },
		"stale too soon":     func(c *Config) { c.Limits.StaleAge = MaxRatchetAge - 1 },
	} {
		c := good
		change(&c)
		if _, err := New(c, make([]byte, 32)); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := New(good, make([]byte, 31)); !errors.Is(err, ErrConfig) {
		t.Errorf("short secret: got %v", err)
	}
	secret := label("secret")
	if _, err := New(good, secret); err != nil || !bytes.Equal(secret, make([]byte, 32)) {
		t.Errorf("a good configuration: %v, and the secret becomes %x", err, secret)
	}
}

// Peers that differ in anything do not understand each other.
func TestPeersMustAgree(t *testing.T) {
	record := newPeers(t, AES256GCM).seal(Initiator, Application, "hello")
	good := func() Config {
		return Config{Suite: AES256GCM, Role: Responder, Transcript: label("transcript"), Now: (&clock{}).now}
	}
	for name, change := range map[string]func(*Config, []byte){
		"nothing":    func(*Config, []byte) {},
		"suite":      func(c *Config, _ []byte) { c.Suite = ChaCha20Poly1305 },
		"role":       func(c *Config, _ []byte) { c.Role = Initiator },
		"transcript": func(c *Config, _ []byte) { c.Transcript[31] ^= 1 },
		"longer":     func(c *Config, _ []byte) { c.Transcript = append(c.Transcript, 0) },
		"secret":     func(_ *Config, s []byte) { s[0] ^= 1 },
	} {
		c, secret := good(), label("secret")
		change(&c, secret)
		s, err := New(c, secret)
		if err != nil {
			t.Fatal(err)
		}
		switch _, _, err := s.Open(nil, bytes.Clone(record)); {
		case name == "nothing":
			if err != nil {
				t.Errorf("agreeing peers: %v", err)
			}
		default:
			requireReason(t, s, err, ErrAuthentication)
		}
	}
}

// A direction steps by records, by bytes and by age, each alone, and the peer
// follows the number in the header whatever its own clock and limits say.
func TestSymmetricStep(t *testing.T) {
	for name, c := range map[string]struct {
		limits  Limits
		content int
		wait    time.Duration
		each    int // records under one key
	}{
		"records": {Limits{Records: 3}, 1, 0, 3},
		"bytes":   {Limits{Bytes: 3 * (MaxPlaintext + trailerSize)}, MaxPlaintext, 0, 3},
		"age":     {Limits{}, 1, MaxStepAge / 4, 4},
		"tighter": {Limits{StepAge: 8 * time.Second}, 1, 4 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeers(t, AES256GCM, func(o *Config, _ *primitives) {
				if o.Role == Initiator {
					o.Limits = c.limits
				} else {
					o.Now = (&clock{}).now // stands still
				}
			})
			for n := range 3 * c.each {
				p.send(Initiator, strings.Repeat("x", c.content))
				if got, want := int(p.side[Responder].RatchetState().ReceivePhase), n/c.each; got != want {
					t.Fatalf("record %d is in phase %d, expected %d", n, got, want)
				}
				p.clock.advance(c.wait)
			}
			if got := p.side[Responder].RatchetState().SendPhase; got != 0 {
				t.Errorf("the other direction is in phase %d", got)
			}
		})
	}
}

// The package's own limits hold without any configuration.
func TestHardLimits(t *testing.T) {
	p := newPeers(t, AES256GCM)
	s, buffer := p.side[Initiator], make([]byte, 0, 64)
	for n := range MaxRecords {
		record, err := s.Seal(buffer, Application, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.side[Responder].Open(nil, record); err != nil {
			t.Fatalf("record %d: %v", n, err)
		}
	}
	if got := s.RatchetState().SendPhase; got != 0 {
		t.Fatalf("phase %d after %d records", got, MaxRecords)
	}
	p.send(Initiator, "one more")
	if got := s.RatchetState().SendPhase; got != 1 {
		t.Fatalf("phase %d after one more", got)
	}

	// A gibibyte: the last record that fits, and the first that does not.
	p = newPeers(t, AES256GCM)
	for _, h := range []*half{&p.side[Initiator].send, &p.side[Responder].receive} {
		h.bytes = MaxBytes - maxInner
	}
	for want := range uint32(2) {
		p.send(Initiator, strings.Repeat("x", MaxPlaintext))
		if got := p.side[Initiator].RatchetState().SendPhase; got != want {
			t.Fatalf("phase %d, expected %d", got, want)
		}
	}
}

// A peer that seals more under one key than it may is refused.
func TestReceiverHoldsLimits(t *testing.T) {
	for name, exceed := range map[string]func(send, receive *half){
		"records": func(_, receive *half) { receive.records = MaxRecords },
		"bytes":   func(_, receive *half) { receive.bytes = MaxBytes - 1 },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeers(t, AES256GCM)
			exceed(&p.side[Initiator].send, &p.side[Responder].receive)
			_, _, err := p.side[Responder].Open(nil, p.seal(Initiator, Application, "x"))
			requireReason(t, p.side[Responder], err, ErrLimit)
		})
	}
}

// No number is used twice: the last one ends the direction.
func TestExhaustion(t *testing.T) {
	p := newPeers(t, AES256GCM)
	p.side[Initiator].send.sequence = math.MaxUint64 - 1
	p.side[Responder].receive.sequence = math.MaxUint64 - 1
	p.send(Initiator, "the last")
	for range 2 {
		if _, err := p.side[Initiator].Seal(nil, Application, nil); !errors.Is(err, ErrExhausted) {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := p.side[Initiator].Close(nil); !errors.Is(err, ErrExhausted) {
		t.Fatalf("close: got %v", err)
	}

	p = newPeers(t, AES256GCM, limited(Limits{Records: 1}))
	p.side[Initiator].send.phase, p.side[Responder].receive.phase = math.MaxUint32-1, math.MaxUint32-1
	p.send(Initiator, "the last phase but one")
	p.send(Initiator, "the last phase")
	if _, err := p.side[Initiator].Seal(nil, Application, nil); !errors.Is(err, ErrExhausted) {
		t.Fatalf("phase: got %v", err)
	}
	if p.side[Initiator].send.aead != nil {
		t.Error("the key is still there")
	}
}

// Every (key, nonce) of a long session with steps and ratchets is used once, and
// sequence numbers go up through all of them.
func TestSequenceNeverRestarts(t *testing.T) {
	p := newPeers(t, AES256GCM, limited(Limits{Records: 2}))
	seen := map[string]bool{}
	for n := range 40 {
		h := &p.side[Initiator].send
		before := h.sequence
		p.send(Initiator, "x")
		if h.sequence != before+1 {
			t.Fatalf("sequence goes from %d to %d", before, h.sequence)
		}
		use := string(h.secret[:]) + string(h.nonce[:])
		if seen[use] {
			t.Fatalf("record %d repeats key and nonce", n)
		}
		seen[use] = true
		if n%10 == 9 {
			p.ratchet()
		}
	}
}

func TestClose(t *testing.T) {
	p := newPeers(t, AES256GCM)
	p.send(Initiator, "hello")
	if err := p.side[Responder].End(); !errors.Is(err, ErrTruncated) || errors.Is(err, io.EOF) {
		t.Fatalf("a stream that is cut off: %v", err)
	}
	if kind, _ := p.open(Initiator, p.close(Initiator)); kind != CloseNotify {
		t.Fatalf("type %d", kind)
	}
	sent, received := p.side[Initiator].Closed()
	if !sent || received {
		t.Errorf("initiator: %v, %v", sent, received)
	}
	if sent, received = p.side[Responder].Closed(); sent || !received {
		t.Errorf("responder: %v, %v", sent, received)
	}
	if err := p.side[Responder].End(); err != io.EOF {
		t.Errorf("after the close: %v", err)
	}
	for range 2 {
		if _, err := p.side[Initiator].Seal(nil, Application, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("seal after close: %v", err)
		}
		if _, err := p.side[Initiator].Close(nil); !errors.Is(err, ErrClosed) {
			t.Errorf("close after close: %v", err)
		}
	}
	// The other direction goes on, and its keys with it.
	p.send(Responder, "still here")
	p.ratchet()
	p.send(Responder, "and fresh")
	p.open(Responder, p.close(Responder))
	if err := p.side[Initiator].End(); err != io.EOF {
		t.Errorf("after both closes: %v", err)
	}
}

func TestAlert(t *testing.T) {
	for _, alert := range []Alert{AlertRecord, AlertInternal, AlertExpired, AlertGeneration, AlertShutdown, 99} {
		p := newPeers(t, AES256GCM)
		record, err := p.side[Responder].Alert(nil, alert)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(record, []byte(alert.Error())) {
			t.Error("an alert is readable")
		}
		_, _, err = p.side[Initiator].Open(nil, record)
		var got Alert
		if !errors.As(err, &got) || got != alert {
			t.Errorf("got %v, expected %v", err, alert)
		}
		requireReason(t, p.side[Initiator], err, ErrClosed)
		if end := p.side[Initiator].End(); !errors.As(end, &got) {
			t.Errorf("end after an alert: %v", end)
		}
		if _, err := p.side[Responder].Seal(nil, Application, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("seal after an alert: %v", err)
		}
		if _, err := p.side[Responder].Control(nil); !errors.Is(err, ErrClosed) {
			t.Errorf("control after an alert: %v", err)
		}
		if p.side[Responder].NeedsControl() || p.side[Responder].NeedsPrepare() {
			t.Error("a ratchet after an alert")
		}
	}
}

// After a record was refused, the one thing left is to say so, sealed. Which
// record and why is not said.
func TestRefusalIsToldSealed(t *testing.T) {
	p := newPeers(t, AES256GCM)
	bad := p.seal(Initiator, Application, "x")
	bad[len(bad)-1] ^= 1
	_, _, err := p.side[Responder].Open(nil, bad)
	requireReason(t, p.side[Responder], err, ErrAuthentication)
	record, err := p.side[Responder].Alert(nil, AlertRecord)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.side[Initiator].Open(nil, record)
	if !errors.Is(err, AlertRecord) {
		t.Errorf("got %v", err)
	}
}

func TestConfirmed(t *testing.T) {
	p := newPeers(t, AES256GCM)
	if p.side[Initiator].Confirmed() || p.side[Responder].Confirmed() {
		t.Error("confirmed before any record")
	}
	p.send(Initiator, "")
	if p.side[Initiator].Confirmed() || !p.side[Responder].Confirmed() {
		t.Error("one empty record confirms the initiator's keys, and no others")
	}
	bad := p.seal(Responder, Application, "")
	bad[0] ^= 1
	if _, _, err := p.side[Initiator].Open(nil, bad); err == nil || p.side[Initiator].Confirmed() {
		t.Errorf("a forgery confirms: %v", err)
	}
}

func TestExport(t *testing.T) {
	p := newPeers(t, AES256GCM)
	export := func(role Role, label, context string, n int) string {
		t.Helper()
		key, err := p.side[role].Export(label, []byte(context), n)
		if err != nil || len(key) != n {
			t.Fatalf("got %d bytes, %v", len(key), err)
		}
		return string(key)
	}
	first := export(Initiator, "a", "b", 32)
	p.ratchet()
	if export(Responder, "a", "b", 32) != first {
		t.Error("the peers export different keys, or a ratchet changes them")
	}
	seen := map[string]bool{first: true}
	for _, c := range []struct{ label, context string }{{"ab", ""}, {"a", ""}, {"", "ab"}, {"b", "a"}, {"a", "bb"}} {
		if c.label == "" {
			if _, err := p.side[Initiator].Export("", nil, 32); !errors.Is(err, ErrLength) {
				t.Errorf("no label: %v", err)
			}
			continue
		}
		key := export(Initiator, c.label, c.context, 32)
		if seen[key] {
			t.Errorf("%q, %q repeats a key", c.label, c.context)
		}
		seen[key] = true
	}
	if strings.HasPrefix(export(Initiator, "a", "b", 64), first) {
		t.Error("the length is not covered")
	}
	export(Initiator, "a", "b", maxExport)
	for _, n := range []int{-1, 0, maxExport + 1} {
		if _, err := p.side[Initiator].Export("a", nil, n); !errors.Is(err, ErrLength) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	other, err := New(Config{Suite: AES256GCM, Transcript: label("another transcript")}, label("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if key, err := other.Export("a", []byte("b"), 32); err != nil || string(key) == first {
		t.Errorf("the transcript is not covered: %v", err)
	}
	p.side[Initiator].Wipe()
	if _, err := p.side[Initiator].Export("a", nil, 32); !errors.Is(err, ErrWiped) {
		t.Errorf("after wiping: %v", err)
	}
}

func TestWipe(t *testing.T) {
	p := play(t, AES256GCM, 7) // within a ratchet
	record := p.seal(Initiator, Application, "x")
	for _, s := range p.side {
		s.Wipe()
		s.Wipe()
		if _, err := s.Seal(nil, Application, nil); !errors.Is(err, ErrWiped) {
			t.Errorf("seal: %v", err)
		}
		if _, err := s.Close(nil); !errors.Is(err, ErrWiped) {
			t.Errorf("close: %v", err)
		}
		if _, err := s.Alert(nil, AlertRecord); !errors.Is(err, ErrWiped) {
			t.Errorf("alert: %v", err)
		}
		if _, err := s.Control(nil); !errors.Is(err, ErrWiped) {
			t.Errorf("control: %v", err)
		}
		if err := s.End(); !errors.Is(err, ErrWiped) {
			t.Errorf("end: %v", err)
		}
		if err := s.Prepare(); err != nil || s.NeedsPrepare() || s.NeedsControl() {
			t.Errorf("there is something to do: %v", err)
		}
	}
	_, _, err := p.side[Responder].Open(nil, record)
	requireReason(t, p.side[Responder], err, ErrWiped)
}

// What a peer is given back is appended, and what was there stays.
func TestAppend(t *testing.T) {
	p := newPeers(t, AES256GCM, padded)
	prefix := []byte("prefix")
	record, err := p.side[Initiator].Seal(prefix, Application, []byte("hello"))
	if err != nil || !bytes.HasPrefix(record, prefix) {
		t.Fatalf("got %x, %v", record, err)
	}
	_, got, err := p.side[Responder].Open(prefix, record[len(prefix):])
	if err != nil || string(got) != "prefixhello" {
		t.Fatalf("got %q, %v", got, err)
	}
	// In place.
	record = p.seal(Initiator, Application, "in place")
	_, got, err = p.side[Responder].Open(record[HeaderSize:HeaderSize], record)
	if err != nil || string(got) != "in place" || &got[0] != &record[HeaderSize] {
		t.Fatalf("got %q, %v", got, err)
	}
	// A buffer with something in it does not leak into padding.
	dirty := bytes.Repeat([]byte{0xff}, 200)
	record, err = p.side[Initiator].Seal(dirty[:0], Application, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err = p.side[Responder].Open(nil, record); err != nil || string(got) != "x" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestNoAllocations(t *testing.T) {
	bothSuites(t, func(t *testing.T, suite Suite) {
		p := newPeers(t, suite)
		i, r := p.side[Initiator], p.side[Responder]
		plaintext := make([]byte, MaxPlaintext)
		sealed, opened := make([]byte, 0, MaxRecord), make([]byte, 0, MaxRecord)
		allocations := testing.AllocsPerRun(1000, func() {
			record, err := i.Seal(sealed, Application, plaintext)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.Open(opened, record); err != nil {
				t.Fatal(err)
			}
			if i.NeedsPrepare() || i.NeedsControl() {
				t.Fatal("there is something to do")
			}
		})
		if allocations != 0 {
			t.Errorf("%v allocations per record", allocations)
		}
	})
}
