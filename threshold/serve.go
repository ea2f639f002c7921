package threshold

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/threshold/frost"
)

// maxSessions bounds the signing sessions that one process takes part in at once.
const maxSessions = 64

// Request is what a signer is asked to sign.
type Request struct {
	// From is the member who asks.
	From string
	// Message is what is signed.
	Message envelope.Message
	// Expires is when nobody needs the answer any more.
	Expires time.Time
}

// String says in words what is asked for: a line for each fact.
func (r *Request) String() string {
	m := &r.Message
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	switch m.Purpose {
	case envelope.Possession:
		line("%s asks the group to sign that its key enters a registry", r.From)
	case envelope.Delegation:
		line("%s asks the group to sign that another key acts for it", r.From)
		line("  the other key's leaf: %v", m.Delegate)
		line("  until: %s", time.Unix(m.Until, 0).UTC().Format(time.RFC3339))
	case envelope.Certificate:
		line("%s asks the group to authorise one proof in the group's name", r.From)
		line("  binding: %v", m.Binding)
		line("  what the binding stands for is not in it: agree only if you trust %s", r.From)
	}
	if m.Purpose != envelope.Certificate {
		line("  registry: %v", m.Registry)
		line("  hash of the nullifier key: %x", m.NullifierKeyHash)
		line("  challenge: %x", m.Nonce)
		line("  challenge expires: %s", time.Unix(m.Expiry, 0).UTC().Format(time.RFC3339))
	}
	line("  request expires: %s", r.Expires.UTC().Format(time.RFC3339))
	return b.String()
}

// Serve answers requests with the folder's share until ctx ends, and then returns its
// error. approve decides about each request, one at a time; it returns an error to
// refuse, and must return when its context ends, as it does once the request is done
// with. What the folder's own key asks for is not asked again. It returns an error
// wrapping [ErrNoShare] for a requester's folder, or [ErrNoGroup].
//
// Nonces are in memory alone. A process that is killed has forgotten them, and is
// asked again once it is back.
func (d *Dir) Serve(ctx context.Context, approve func(context.Context, *Request) error, progress func(text string)) error {
	if d.self.participant() == 0 {
		return fmt.Errorf("%s: %w", d.path, ErrNoShare)
	}
	if _, _, err := d.load(); err != nil {
		return err
	}
	board, err := d.board()
	if err != nil {
		return err
	}
	var asking sync.Mutex
	oneByOne := func(ctx context.Context, r *Request) error {
		asking.Lock()
		defer asking.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		return approve(ctx, r)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, maxSessions)
	f := board.Follow(requestsTopic(d.setup))
	for {
		b, err := f.Next(ctx, true)
		if err != nil {
			return err
		}
		m, err := d.setup.open(b)
		if err != nil || m.kind != kindRequest {
			continue
		}
		s := &signing{dir: d, board: board, request: m, approve: oneByOne}
		if m.from == d.self {
			s.approve = agree
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case free <- struct{}{}:
		}
		wg.Go(func() {
			defer func() { <-free }()
			if err := s.do(ctx); err != nil && ctx.Err() == nil {
				progress(fmt.Sprintf("a request of %s: %v", d.nameOf(m.from), err))
			}
		})
	}
}

// nameOf returns a sender's name.
func (d *Dir) nameOf(from sender) string {
	m, err := d.setup.member(from)
	if err != nil {
		return fmt.Sprintf("member %d", from)
	}
	return m.Name
}

// signing is a signer's side of one session.
type signing struct {
	dir     *Dir
	board   Board
	request *message
	approve func(context.Context, *Request) error

	own      *holding
	session  *session
	text     *requestText
	digest   [32]byte
	nonces   *frost.Nonces
	answered int
}

// do takes part until the session is over. A request that is over already is
// nobody's, and no error.
func (s *signing) do(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over, err := s.over(ctx)
	if err != nil || over {
		return err
	}
	if err = s.understand(); err == nil {
		ctx, cancel := context.WithDeadline(ctx, time.Unix(s.text.expires, 0))
		defer cancel()
		go s.watch(ctx, cancel)
		err = s.take(ctx)
		if ctx.Err() != nil {
			return nil
		}
	}
	if err != nil && (s.session != nil || errors.Is(err, ErrStale) || errors.Is(err, ErrBadMessage)) {
		return errors.Join(err, s.refuse(ctx, err))
	}
	return err
}

// over reports whether the requester is done with the session.
func (s *signing) over(ctx context.Context) (bool, error) {
	f := s.board.Follow(sessionTopic(s.request.context))
	for {
		b, err := f.Next(ctx, false)
		if err != nil || b == nil {
			return false, err
		}
		if s.ends(b) {
			return true, nil
		}
	}
}

// watch ends the session once the requester is done with it.
func (s *signing) watch(ctx context.Context, end func()) {
	f := s.board.Follow(sessionTopic(s.request.context))
	for {
		b, err := f.Next(ctx, true)
		if err != nil {
			return
		}
		if s.ends(b) {
			end()
			return
		}
	}
}

// ends reports whether a message is the requester's last.
func (s *signing) ends(b []byte) bool {
	_, ok := s.dir.setup.openOf(b, kindDone, s.request.from, s.request.context)
	return ok
}

// understand opens the request.
func (s *signing) understand() error {
	group, own, err := s.dir.load()
	if err != nil {
		return err
	}
	f := &fields{rest: s.request.body}
	asked, id := f.hash(), f.hash()
	digest := group.Digest()
	if asked != digest {
		return ErrStale
	}
	if sessionContext(digest, s.request.from, id) != s.request.context {
		return fmt.Errorf("%w: the request is of another session", ErrBadMessage)
	}
	var sealed []byte
	for i := range group.inboxes {
		if b := f.next(sealedSize); frost.Identifier(i+1) == own.share.ID() {
			sealed = b
		}
	}
	if f.short {
		return f.end()
	}
	key, err := openFrom(own.inbox, sealInfo(s.request.context, s.request.from, own.share.ID()), sealed)
	if err != nil {
		return fmt.Errorf("%w: the session's key: %w", ErrBadMessage, err)
	}
	defer clear(key)
	session, err := newSession(s.request.context, key)
	if err != nil {
		return fmt.Errorf("%w: the session's key: %w", ErrBadMessage, err)
	}
	text, err := session.open(kindRequest, s.request.from, f.rest)
	if err != nil {
		return err
	}
	if s.text, err = parseRequestText(text); err != nil {
		return err
	}
	s.own, s.session = own, session
	left := time.Until(time.Unix(s.text.expires, 0))
	if left <= 0 || left > MaxRequestLife {
		return ErrExpired
	}
	s.digest, err = envelope.EdDSA.Digest(&s.text.message)
	return err
}

// take asks for consent, commits, and answers packages.
func (s *signing) take(ctx context.Context) error {
	r := &Request{From: s.dir.nameOf(s.request.from), Message: s.text.message, Expires: time.Unix(s.text.expires, 0)}
	if err := s.approve(ctx, r); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := s.draw(); err != nil {
		return err
	}
	defer func() { s.nonces.Discard() }()
	if err := s.dir.post(ctx, s.board, s.session, kindCommitments, appendCommitment(nil, s.nonces.Commitment())); err != nil {
		return err
	}
	f := s.board.Follow(sessionTopic(s.request.context))
	for {
		b, err := f.Next(ctx, true)
		if err != nil {
			return err
		}
		m, ok := s.dir.setup.openOf(b, kindPackage, s.request.from, s.request.context)
		if !ok {
			continue
		}
		if err := s.answer(ctx, m); err != nil {
			return err
		}
	}
}

// draw makes new nonces.
func (s *signing) draw() (err error) {
	s.nonces, err = s.own.group.public.Commit(s.own.share)
	return err
}

// answer signs if a package has the present commitment. Packages without are for
// others, or from before this process was started.
func (s *signing) answer(ctx context.Context, m *message) error {
	text, err := s.session.open(m.kind, m.from, m.body)
	if err != nil {
		return err
	}
	list, err := parsePackage(text)
	if err != nil {
		return err
	}
	mine := s.nonces.Commitment()
	if !slices.ContainsFunc(list, func(c frost.Commitment) bool {
		return c.ID == mine.ID && c.Hiding.Equal(mine.Hiding) && c.Binding.Equal(mine.Binding)
	}) {
		return nil
	}
	if s.answered++; s.answered > patience(len(s.own.group.inboxes)) {
		return ErrTooMany
	}
	z, err := s.own.group.public.Sign(s.own.share, s.nonces, s.digest[:], list)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	if err := s.draw(); err != nil {
		return err
	}
	share := &shareText{pack: sha256.Sum256(text), z: z, next: s.nonces.Commitment()}
	return s.dir.post(ctx, s.board, s.session, kindShare, share.encode())
}

// refuse tells the requester why this signer does not sign.
func (s *signing) refuse(ctx context.Context, reason error) error {
	body := []byte{refusalCode(reason)}
	return s.board.Post(ctx, sessionTopic(s.request.context), s.dir.identity.seal(kindRefusal, s.dir.self, s.request.context, body).encode())
}
