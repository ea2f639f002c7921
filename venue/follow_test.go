package venue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// gateways is a venue with two gateways that share admissions: the scene's issues,
// and another follows.
type gateways struct {
	*admitting
	shared   string // what the follower follows
	follower *Venue
	places   [2]string // of issuer and follower
}

// newGateways has the follower follow what the issuer shares, or the issuer's own
// folder.
func newGateways(t *testing.T, ownFolder bool) *gateways {
	t.Helper()
	a := newAdmitting(t)
	g := &gateways{admitting: a, shared: filepath.Join(t.TempDir(), "shared")}
	a.must(a.venue.Close())
	a.options.Admissions = admission.NewMemory()
	if ownFolder {
		g.shared = a.dir
	} else {
		a.options.Share = g.shared
	}
	a.open()
	a.turn()
	g.follower = g.follow()
	g.places = [2]string{g.echo(a.venue), g.echo(g.follower)}
	return g
}

// follow opens one more follower.
func (g *gateways) follow() *Venue {
	g.t.Helper()
	o := g.options
	o.Share = ""
	v, err := OpenFollower(g.shared, filepath.Join(g.t.TempDir(), "follower"), o)
	g.must(err)
	g.t.Cleanup(func() { g.must(v.Close()) })
	return v
}

// echo takes sessions at a gateway, and returns where.
func (g *gateways) echo(v *Venue) string {
	g.t.Helper()
	l, err := v.Listen("tcp", "127.0.0.1:0")
	g.must(err)
	g.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

// channel opens a channel and leaves it open.
func (g *gateways) channel(place string, d *descriptor.Signed, c *session.Certificate, kind handshake.Kind) (*handshake.Conn, error) {
	g.t.Helper()
	knows, err := venueclient.Handshake(d, d.Suites[0])
	g.must(err)
	i, err := handshake.NewInitiator(knows, c, handshake.InitiatorOptions{Kind: kind})
	g.must(err)
	raw, err := net.Dial("tcp", place)
	g.must(err)
	conn, err := handshake.Client(g.t.Context(), raw, i, nil)
	if err != nil {
		return nil, err
	}
	g.t.Cleanup(func() { conn.Close() })
	return conn, echo(conn) // upon which the open is spent
}

func (g *gateways) mustChannel(place string, d *descriptor.Signed, c *session.Certificate, kind handshake.Kind) *handshake.Conn {
	g.t.Helper()
	conn, err := g.channel(place, d, c, kind)
	g.must(err)
	return conn
}

func echo(conn *handshake.Conn) error {
	if _, err := conn.Write([]byte("order")); err != nil {
		return err
	}
	back := make([]byte, 5)
	if _, err := io.ReadFull(conn, back); err != nil || !bytes.Equal(back, []byte("order")) {
		return errors.Join(err, errors.New("no echo"))
	}
	return nil
}

// Two gateways are one venue: what is opened at one is resumed at the other, a slot
// is taken and an open is spent once at both, and a renewal at one counts at the
// other.
func TestTwoGateways(t *testing.T) {
	for name, ownFolder := range map[string]bool{"shared folder": false, "the issuer's folder": true} {
		t.Run(name, func(t *testing.T) {
			g := newGateways(t, ownFolder)
			issuer, follower := g.places[0], g.places[1]
			if g.follower.Identity().ID() != g.venue.Identity().ID() || !g.follower.Follows() || g.venue.Follows() {
				t.Fatal("the follower is another venue")
			}
			d := g.venue.store.Latest()
			c := g.certificate(d)
			stolen, err := session.New(c.Presentation(), c.Key()) // counts its opens from 0 again
			g.must(err)
			g.mustChannel(issuer, d, c, handshake.Inline)
			g.mustChannel(follower, d, c, handshake.Open) // Resume

			if _, err := g.channel(follower, d, stolen, handshake.Open); err == nil {
				t.Error("an open that the issuer took was taken by the follower")
			}
			if n := g.follower.Status().Admissions.Refused[handshake.OpensExceeded]; n != 1 {
				t.Errorf("the follower refused %d opens as used before, expected 1", n)
			}
			first := c.Presentation()
			other := g.certificateWith(d, first.Statement.Nullifier)
			for _, place := range g.places {
				if _, err := g.channel(place, d, other, handshake.Inline); !rejected(err, zkkex.SlotUsed) {
					t.Errorf("another certificate with the nullifier, at %s: %v, expected %s", place, err, zkkex.SlotUsed)
				}
			}

			live, next := g.mustChannel(follower, d, c, handshake.Open), g.certificate(d)
			knows, err := venueclient.Handshake(d, d.Suites[0])
			g.must(err)
			g.must(live.Renew(t.Context(), knows, next))
			g.must(echo(live))
			g.mustChannel(issuer, d, next, handshake.Open)
		})
	}
}

// certificateWith proves with a nullifier that is used already, for another key.
func (g *gateways) certificateWith(d *descriptor.Signed, n zkkex.Nullifier) *session.Certificate {
	g.t.Helper()
	c := g.certificate(d)
	claim := c.Presentation()
	p, err := g.provers.Present(zkkex.Claim{
		Scope: claim.Statement.Scope, Epoch: claim.Epoch, Limit: claim.Statement.Limit, Authorization: claim.Authorization,
	}, n)
	g.must(err)
	out, err := session.New(p, c.Key())
	g.must(err)
	return out
}

// What the issuer issues, a follower answers for as soon as a client names it,
// without waiting for its next look; also a raised generation under a root that the
// follower's copy of the registry does not have.
func TestFollowerTakesInWhatIsIssued(t *testing.T) {
	g := newGateways(t, false)
	before := g.venue.store.Latest()
	g.clock.add(55 * time.Minute)
	next := g.turn()
	if next.Number != before.Number+1 {
		t.Fatalf("descriptor %d after %d", next.Number, before.Number)
	}
	mine, err := g.venue.Keys(next.Number)
	g.must(err)
	theirs, err := g.follower.Keys(next.Number)
	g.must(err)
	if !mine.Static.Equal(theirs.Static) || !bytes.Equal(mine.Prekey.Bytes(), theirs.Prekey.Bytes()) || mine.Digest != theirs.Digest {
		t.Error("issuer and follower have different keys under one number")
	}

	g.clock.add(time.Minute)
	g.admit()
	g.publish()
	raised, err := g.venue.Raise(t.Context())
	g.must(err)
	if g.follower.knows(raised.Epochs[0].Sequence) {
		t.Fatal("the follower knows the root already; the test shows nothing")
	}
	time.Sleep(followGap) // the least between two looks
	g.mustChannel(g.places[1], raised, g.certificate(raised), handshake.Inline)
	if _, err := g.channel(g.places[1], next, g.certificate(raised), handshake.Inline); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("a descriptor of the generation before: %v, expected %v", err, handshake.ErrUnknownDescriptor)
	}
	if _, err := g.follower.Keys(raised.Number + 1); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("never issued: %v, expected %v", err, handshake.ErrUnknownDescriptor)
	}
	for name, issue := range map[string]func(context.Context) (*descriptor.Signed, error){"rotate": g.follower.Rotate, "raise": g.follower.Raise} {
		if _, err := issue(t.Context()); !errors.Is(err, ErrFollows) {
			t.Errorf("%s at the follower: %v, expected %v", name, err, ErrFollows)
		}
	}
	if err := g.follower.Share(t.TempDir()); !errors.Is(err, ErrFollows) {
		t.Errorf("sharing at the follower: %v, expected %v", err, ErrFollows)
	}
}

// A client cannot see a descriptor before the other gateways can have it: what
// cannot be shared is not published, and when a checkpoint is signed, a follower
// has the keys of all that it covers.
func TestSharedBeforePublished(t *testing.T) {
	g := newGateways(t, false)
	g.must(g.venue.Close())
	asked := 0
	g.options.Cosign = func(_ context.Context, signed []byte, size uint64, _ tlog.HashReader) ([]byte, error) {
		asked++
		if _, err := g.follow().Keys(size); err != nil {
			t.Errorf("descriptor %d is about to be published: %v", size, err)
		}
		return signed, nil
	}
	g.open()
	before := g.venue.store.Latest().Number
	g.must(os.Rename(g.shared, g.shared+".away"))
	g.must(os.WriteFile(g.shared, nil, 0o600))
	g.clock.add(55 * time.Minute)
	g.publish()
	_, err := g.venue.Sync(t.Context())
	g.must(err)
	d, err := g.venue.Rotate(t.Context())
	if !errors.Is(err, ErrNotPublished) || d.Number != before+1 {
		t.Errorf("nothing can be shared: descriptor %d, %v; expected %d and %v", d.Number, err, before+1, ErrNotPublished)
	}
	if n, err := g.venue.published(); err != nil || n != before || asked != 0 {
		t.Errorf("%d published, %v, asked %d times; expected %d", n, err, asked, before)
	}
	g.must(os.Remove(g.shared))
	g.must(os.Rename(g.shared+".away", g.shared))
	g.rotate()
	if asked != 1 {
		t.Errorf("asked %d times for cosignatures, expected once", asked)
	}
	late := g.follow()
	if n, err := late.published(); err != nil || n != before+1 {
		t.Errorf("a follower has %d published, %v; expected %d", n, err, before+1)
	}
	if _, err := late.file(proofPrefix + "1"); err != nil {
		t.Errorf("a follower serves no proof: %v", err)
	}
}

// A folder that is copied file by file is taken in as far as it is all there, and
// what was known stays.
func TestFollowerOfACopy(t *testing.T) {
	g := newGateways(t, false)
	v := g.follow()
	before := v.store.Latest().Number
	g.clock.add(55 * time.Minute)
	d := g.turn()
	prekeys := filepath.Join(g.shared, descriptorFolder, "prekeys", "000000000000002")
	g.must(os.Rename(prekeys, prekeys+".away"))
	for range 2 {
		if err := v.follow(t.Context()); !errors.Is(err, descriptor.ErrBehind) {
			t.Fatalf("without prekeys: %v, expected %v", err, descriptor.ErrBehind)
		}
	}
	if n, err := v.published(); err != nil || n != before || v.store.Latest().Number != before {
		t.Errorf("%d published, %v, the newest is %d; expected %d", n, err, v.store.Latest().Number, before)
	}
	if _, err := v.Keys(d.Number); !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Errorf("keys that are not there: %v", err)
	}
	if problems := v.Status().Problems; len(problems) != 1 || problems[0].What != "follow" {
		t.Errorf("problems %+v", problems)
	}
	g.must(os.Rename(prekeys+".away", prekeys))
	g.must(v.follow(t.Context()))
	if n, err := v.published(); err != nil || n != d.Number || len(v.Status().Problems) != 0 {
		t.Errorf("%d published, %v, problems %+v; expected %d", n, err, v.Status().Problems, d.Number)
	}
}

// A follower only reads what is shared, and destroyed prekeys are destroyed there.
func TestFollowerOnlyReads(t *testing.T) {
	g := newGateways(t, true)
	before := fingerprint(t, g.dir)
	v := g.follow()
	g.must(v.Maintain(t.Context()))
	_, err := v.Keys(99)
	if !errors.Is(err, handshake.ErrUnknownDescriptor) {
		t.Error(err)
	}
	if after := fingerprint(t, g.dir); after != before {
		t.Error("the follower has changed the shared folder")
	}
}

func TestSharedPrekeysAreDestroyed(t *testing.T) {
	g := newGateways(t, false)
	d := g.venue.store.Latest()
	path := filepath.Join(g.shared, descriptorFolder, "prekeys", "000000000000001")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("shared prekeys: %v, %v; expected mode 0600", info, err)
	}
	g.clock.add(d.Prekeys.Expires.Sub(g.clock.now()) + descriptor.PrekeyMargin)
	g.publish()
	g.must(g.venue.Maintain(t.Context()))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("expired prekeys are still shared: %v", err)
	}
	g.must(g.follower.Maintain(t.Context()))
	if n := g.follower.store.Held(); n != g.venue.store.Held() {
		t.Errorf("the follower holds prekeys of %d descriptors, the issuer of %d", n, g.venue.store.Held())
	}
	g.follow() // descriptors without prekeys are no damage
}

// fingerprint is a hash over the names and contents of a folder's files, less the
// store of admissions and the copy of the registry.
func fingerprint(t testing.TB, dir string) [32]byte {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		io.WriteString(h, path+"\n")
		h.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

// When the issuer is gone for good, another gateway opens the shared folder with the
// keys that sign, and issues what comes next; whoever follows goes on. As long as the
// issuer lives, its folder is locked.
func TestPromotion(t *testing.T) {
	g := newGateways(t, false)
	if _, err := Open(g.dir, g.options); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("the issuer lives: %v, expected %v", err, filelock.ErrLocked)
	}
	g.must(g.venue.Close())
	defer g.open() // the scene closes it
	if _, err := Open(g.shared, g.options); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the keys that sign: %v, expected %v", err, fs.ErrNotExist)
	}
	key, err := os.ReadFile(filepath.Join(g.dir, identityFile))
	g.must(err)
	g.must(os.WriteFile(filepath.Join(g.shared, identityFile), key, 0o600))
	o := g.options
	o.Share = ""
	promoted, err := Open(g.shared, o)
	g.must(err)
	defer func() { g.must(promoted.Close()) }()

	before := promoted.store.Latest()
	g.clock.add(55 * time.Minute)
	g.publish()
	_, err = promoted.Sync(t.Context())
	g.must(err)
	d, err := promoted.Rotate(t.Context())
	g.must(err)
	if d.Number != before.Number+1 || d.Previous != before.Digest() {
		t.Errorf("descriptor %d after %d, expected the next", d.Number, before.Number)
	}
	g.mustChannel(g.places[1], d, g.certificate(d), handshake.Inline)
}

// A follower does not start with what would let slots be used twice, or with
// another venue's folder.
func TestFollowerRefuses(t *testing.T) {
	g := newGateways(t, false)
	own := filepath.Join(t.TempDir(), "own")
	without := g.options
	without.Admissions = nil
	for name, test := range map[string]struct {
		shared, dir string
		options     Options
		want        error
	}{
		"no shared admissions":    {g.shared, own, without, ErrNotShared},
		"the shared folder":       {g.shared, g.shared, g.options, ErrSameFolder},
		"a venue's folder":        {g.shared, g.dir, g.options, ErrSameFolder},
		"nothing shared":          {t.TempDir(), own, g.options, ErrNoVenue},
		"no folder":               {filepath.Join(t.TempDir(), "none"), own, g.options, ErrNoVenue},
		"a follower that is open": {g.shared, g.follower.dir, g.options, filelock.ErrLocked},
	} {
		if v, err := OpenFollower(test.shared, test.dir, test.options); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, %v; expected %v", name, v, err, test.want)
		}
	}
	g.must(os.Chmod(g.shared, 0o777))
	if _, err := OpenFollower(g.shared, own, g.options); !errors.Is(err, ErrFolderMode) {
		t.Errorf("a folder that others can write to: %v, expected %v", err, ErrFolderMode)
	}
	g.must(os.Chmod(g.shared, 0o700))

	v, err := OpenFollower(g.shared, own, g.options)
	g.must(err)
	g.must(v.Close())
	other := newGateways(t, false)
	if _, err := OpenFollower(other.shared, own, other.options); !errors.Is(err, ErrOtherVenue) {
		t.Errorf("another venue's folder: %v, expected %v", err, ErrOtherVenue)
	}
}

// A ban at one gateway holds at both: for who comes and who is there.
func TestBanAtBoth(t *testing.T) {
	g := newGateways(t, false)
	d := g.venue.store.Latest()
	c := g.certificate(d)
	here, there := g.mustChannel(g.places[0], d, c, handshake.Inline), g.mustChannel(g.places[1], d, c, handshake.Open)
	p := c.Presentation()
	g.must(g.venue.Ban(t.Context(), p.Epoch.Number, admission.PseudonymOf(p.Epoch.Number, p.Statement.Nullifier)))
	requireBanned(t, here)

	next := g.certificate(d)
	knows, err := venueclient.Handshake(d, d.Suites[0])
	g.must(err)
	g.follower.attendOnce(t.Context())
	if err := there.Renew(t.Context(), knows, next); err == nil {
		t.Error("a banned pseudonym was renewed into another one")
	}
	requireBanned(t, there)
	for _, place := range g.places {
		if _, err := g.channel(place, d, c, handshake.Open); !rejected(err, handshake.Banned) {
			t.Errorf("at %s: %v, expected %s", place, err, handshake.Banned)
		}
	}
	g.mustChannel(g.places[1], d, next, handshake.Inline) // the member has other slots
}

func requireBanned(t *testing.T, conn *handshake.Conn) {
	t.Helper()
	_, err := conn.Read(make([]byte, 1))
	if alert, ok := errors.AsType[handshake.Alert](err); !ok || alert != handshake.AlertBanned {
		t.Errorf("%v, expected the alert %v", err, handshake.AlertBanned)
	}
}

// Handshakes at a follower go on while descriptors are issued and taken in: whoever
// has a descriptor that is published finds its keys.
func TestFollowerUnderWay(t *testing.T) {
	g := newGateways(t, false)
	done := make(chan struct{})
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				n, err := g.follower.published()
				if err == nil {
					_, err = g.follower.Keys(n)
				}
				if err != nil {
					t.Errorf("descriptor %d is published: %v", n, err)
					return
				}
			}
		})
	}
	asking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				g.follower.attendOnce(t.Context())
			}
		}
	})
	for range 6 {
		g.clock.add(10 * time.Minute)
		g.turn()
	}
	close(done)
	asking.Wait()
	g.must(g.follower.follow(t.Context()))
	if got, want := g.follower.store.Latest().Number, g.venue.store.Latest().Number; got != want {
		t.Errorf("the follower is at descriptor %d, the issuer at %d", got, want)
	}
}
