package threshold

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Remote is a [Board] behind a [Relay].
type Remote struct {
	base   string
	client *http.Client
}

// retryInterval is how long a reader waits after a relay did not answer.
const retryInterval = time.Second

// NewRemote returns the board behind the relay at an http or https URL. dial, if not
// nil, makes the connections. It returns an error wrapping [zkkex.ErrMalformed] for
// any other URL.
func NewRemote(address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Remote, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, malformed("address of a relay", "expected http://HOST:PORT or https://HOST, got %.100q", address)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if dial != nil {
		transport.Proxy, transport.DialContext = nil, dial
	}
	client := &http.Client{
		Transport:     transport,
		Timeout:       2 * relayWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Remote{base: strings.TrimSuffix(address, "/") + "/v1/", client: client}, nil
}

// Post leaves a message with the relay.
func (b *Remote) Post(ctx context.Context, topic string, message []byte) error {
	if err := checkTopic(topic); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.base+topic, bytes.NewReader(message))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	response, err := b.client.Do(request)
	if err != nil {
		return fmt.Errorf("leaving a message with the relay: %w", err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusInsufficientStorage:
		return fmt.Errorf("%w: the relay at %s", ErrFull, b.base)
	default:
		return relayError(response)
	}
}

// Remove does nothing: a relay removes requests by their age.
func (b *Remote) Remove(context.Context, string, []byte) error { return nil }

// relayError says how a relay answered.
func relayError(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 200))
	return fmt.Errorf("the relay answers %d: %q", response.StatusCode, strings.TrimSpace(string(text)))
}

// Follow returns a reader that asks the relay, and goes on asking while it does not
// answer.
func (b *Remote) Follow(topic string) Follower {
	return &remoteFollower{board: b, topic: topic, run: "none", seen: make(map[string]bool)}
}

type remoteFollower struct {
	board *Remote
	topic string
	run   string
	runs  int
	place int
	seen  map[string]bool
}

var (
	// errRun reports a relay that was started again.
	errRun = errors.New("another run of the relay")
	// errRemoved reports a message that is not kept any more.
	errRemoved = errors.New("the message was removed")
)

// Next returns the next message.
func (f *remoteFollower) Next(ctx context.Context, wait bool) ([]byte, error) {
	if err := checkTopic(f.topic); err != nil {
		return nil, err
	}
	for {
		b, err := f.ask(ctx, wait)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, errRun) && f.runs <= 1:
			continue
		case errors.Is(err, errRemoved):
			f.place++
			continue
		case err != nil && !wait && !errors.Is(err, errRun):
			return nil, err
		case err != nil:
			if err := pause(ctx, retryInterval); err != nil {
				return nil, err
			}
			continue
		case b == nil && !wait:
			return nil, nil
		case b == nil:
			continue
		}
		f.place++
		if name := nameOf(b); !f.seen[name] {
			f.seen[name] = true
			return b, nil
		}
	}
}

// pause waits, or returns ctx's error if that ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// ask asks for the message in the present place. It returns nil if there is none yet.
func (f *remoteFollower) ask(ctx context.Context, wait bool) ([]byte, error) {
	address := fmt.Sprintf("%s%s/%s/%d", f.board.base, f.topic, f.run, f.place)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if !wait {
		request.Header.Set(waitHeader, "no")
	}
	response, err := f.board.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the relay: %w", err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNoContent:
		return nil, nil
	case http.StatusNotFound:
		return nil, errRemoved
	case http.StatusGone:
		run := response.Header.Get(runHeader)
		if err := checkRun(run); err != nil || run == f.run {
			return nil, relayError(response)
		}
		f.run, f.place = run, 0
		f.runs++
		return nil, errRun
	case http.StatusOK:
	default:
		return nil, relayError(response)
	}
	b, err := io.ReadAll(io.LimitReader(response.Body, MaxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("asking the relay: %w", err)
	}
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("the relay sends more than %d bytes", MaxMessage)
	}
	return b, nil
}

// checkRun keeps a relay from choosing paths.
func checkRun(run string) error {
	if len(run) < 1 || len(run) > 40 || strings.Trim(run, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return errors.New("expected letters and digits")
	}
	return nil
}
