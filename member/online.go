package member

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
)

// Errors of enrolment over a network.
var (
	// ErrOffline reports a registry that is a folder, which answers nothing.
	ErrOffline = errors.New("the registry is a folder: it takes no requests; enrol offline, with a challenge")
	// ErrNoRequest reports that nothing was asked of a registry yet.
	ErrNoRequest = errors.New("no enrolment request was made to this registry")
)

// Enrol asks a registry's server for admission, and returns how far the request
// got: it answers a challenge of the server's, or asks after the last answer,
// which may have been decided against: [Member.EnrolAgain] asks anew then. The registrar learns the public key, H(nk)
// and the address that the connection comes from.
//
// It returns an error wrapping [ErrNoRegistry], [ErrOffline] or [ErrOtherRegistry],
// an [*enrolclient.AnswerError], or the network's.
func (m *Member) Enrol(ctx context.Context, id zkkex.RegistryID) (enrolclient.Status, error) {
	var none enrolclient.Status
	s, err := m.EnrolmentStatus(ctx, id)
	if err == nil {
		return s, nil
	}
	if !errors.Is(err, ErrNoRequest) && !isUnknown(err) {
		return none, err
	}
	return m.ask(ctx, id)
}

// EnrolAgain is [Member.Enrol] after a denial: it makes a new request, unless
// the last one was not decided against.
func (m *Member) EnrolAgain(ctx context.Context, id zkkex.RegistryID) (enrolclient.Status, error) {
	s, err := m.Enrol(ctx, id)
	if err != nil || s.State != enrolclient.Denied {
		return s, err
	}
	return m.ask(ctx, id)
}

// ask answers a challenge of the server's with a new request of the member's own key.
func (m *Member) ask(ctx context.Context, id zkkex.RegistryID) (enrolclient.Status, error) {
	return m.askWith(ctx, id, func(c enrolment.Challenge) (enrolment.Application, error) { return m.EnrolOffline(c) })
}

// askWith answers a challenge of the server's with what answer returns.
func (m *Member) askWith(ctx context.Context, id zkkex.RegistryID, answer func(enrolment.Challenge) (enrolment.Application, error)) (enrolclient.Status, error) {
	var none enrolclient.Status
	c, err := m.client(id)
	if err != nil {
		return none, err
	}
	challenge, err := c.Challenge(ctx)
	if err != nil {
		return none, err
	}
	if err := sameRegistry(challenge.Registry, id); err != nil {
		return none, err
	}
	request, err := answer(challenge)
	if err != nil {
		return none, err
	}
	status, err := about(request)(c.Submit(ctx, request))
	if errors.Is(err, zkkex.ErrRejected) {
		err = errors.Join(err, m.forgetRequest(id)) // the registrar did not take it
	}
	return status, err
}

// EnrolmentStatus asks a registry's server how far the last request got. It
// returns an error wrapping [ErrNoRequest] if there is none that waits, and
// those of [Member.Enrol].
func (m *Member) EnrolmentStatus(ctx context.Context, id zkkex.RegistryID) (enrolclient.Status, error) {
	request, err := m.request(id)
	if err != nil {
		return enrolclient.Status{}, err
	}
	if request == nil {
		return enrolclient.Status{}, ErrNoRequest
	}
	c, err := m.client(id)
	if err != nil {
		return enrolclient.Status{}, err
	}
	return about(request)(c.Status(ctx, requestID(request)))
}

// client returns what talks to a registry's server.
func (m *Member) client(id zkkex.RegistryID) (*enrolclient.Client, error) {
	m.mu.Lock()
	r, err := m.registry(id)
	m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.URL, "file:") {
		return nil, ErrOffline
	}
	return enrolclient.New(r.URL, m.options.Dial)
}

// about checks that an answer is about a request.
func about(r enrolment.Application) func(enrolclient.Status, error) (enrolclient.Status, error) {
	return func(s enrolclient.Status, err error) (enrolclient.Status, error) {
		if err == nil && s.ID != requestID(r) {
			err = fmt.Errorf("the registrar answers about request %s, expected %s", s.ID, requestID(r))
		}
		return s, err
	}
}

func requestID(r enrolment.Application) string {
	digest := r.Digest()
	return hex.EncodeToString(digest[:])
}

// isUnknown reports whether the registrar does not know a request, or has
// forgotten it.
func isUnknown(err error) bool {
	var answer *enrolclient.AnswerError
	return errors.As(err, &answer) && answer.Code == "unknown_request"
}
