package order

import (
	"errors"
	"fmt"
	"sync"

	"github.com/zkkex/zkkex/internal/domain"
)

// MaxMessage is the most bytes of an encoded request or report.
const MaxMessage = 8 << 10

// AppendRequest appends the encoding of a request to b: the message Request of
// order.proto, see docs/spec/order-messages.md. The error says what is wrong with a
// request that [CheckRequest] refuses.
func AppendRequest(b []byte, r Request) ([]byte, error) {
	if refused := CheckRequest(r); refused != nil {
		return b, &RequestError{Reject: refused}
	}
	return appendKind(b, requestKinds, r)
}

// ParseRequest decodes what [AppendRequest] writes, and nothing else. Its error is a
// [*RequestError] for a request of good form that is not valid, and wraps
// [github.com/zkkex/zkkex.ErrMalformed] otherwise.
func ParseRequest(b []byte) (Request, error) {
	r := wireReader{b: b}
	request, err := r.request()
	if err != nil && !isRefusal(err) {
		return nil, malformed("request", "%w", err)
	}
	return request, err
}

// AppendReport appends the encoding of a report to b: the message Report of
// order.proto. The error says what is wrong with a report that no parser accepts.
func AppendReport(b []byte, r Report) ([]byte, error) {
	m, ok := r.(message)
	if !ok {
		return b, fmt.Errorf("a report of type %T cannot be encoded", r)
	}
	if x := checkMessage(m); x != nil {
		return b, fmt.Errorf("a report cannot be encoded: %s", x.text)
	}
	return appendKind(b, reportKinds, r)
}

// ParseReport decodes what [AppendReport] writes, and nothing else. Its error wraps
// [github.com/zkkex/zkkex.ErrMalformed].
func ParseReport(b []byte) (Report, error) {
	r := wireReader{b: b}
	report, err := r.report()
	if err != nil {
		return nil, malformed("report", "%w", err)
	}
	return report, nil
}

// RequestDigest tells a repetition of a request from another request with the same
// ID: SHA-256 over [domain.OrderRequest] and the encoding of the request without
// its proof, which is another one on another channel. The request is one that
// [CheckRequest] accepts.
func RequestDigest(r Request) [32]byte {
	w := writers.Get().(*wireWriter)
	defer writers.Put(w)
	w.b, w.digest = w.b[:0], true
	if k, ok := kindOf(requestKinds, r); ok {
		w.message(k.number, r.(message))
	}
	return domain.Hash(domain.OrderRequest, w.b)
}

var errTooLong = fmt.Errorf("expected at most %d bytes", MaxMessage)

var writers = sync.Pool{New: func() any { return new(wireWriter) }}

// appendKind appends a message with the number of its kind.
func appendKind(b []byte, kinds []kind, v any) ([]byte, error) {
	k, ok := kindOf(kinds, v)
	if !ok {
		return b, fmt.Errorf("a message of type %T cannot be encoded", v)
	}
	w := writers.Get().(*wireWriter)
	w.b, w.digest = b, false
	w.message(k.number, v.(message))
	out := w.b
	w.b = nil
	writers.Put(w)
	return out, nil
}

// request decodes a Request, all of r.b. Its error is a *RequestError for one that
// is not valid.
func (r *wireReader) request() (Request, error) {
	if len(r.b) > MaxMessage {
		return nil, errTooLong
	}
	m, err := r.kind(requestKinds)
	if err != nil {
		return nil, refuseUnknown(err)
	}
	request := m.(Request)
	if r.fault != nil {
		return nil, &RequestError{Reject: r.fault.reject(request)}
	}
	if refused := CheckRequest(request); refused != nil {
		return nil, &RequestError{Reject: refused}
	}
	return request, nil
}

// isRefusal reports whether an error is of one request, after which others follow.
func isRefusal(err error) bool {
	var refused *RequestError
	return errors.As(err, &refused)
}

// refuseUnknown makes a *RequestError of an [*unknownKind], and leaves other errors
// as they are.
func refuseUnknown(err error) error {
	var unknown *unknownKind
	if !errors.As(err, &unknown) {
		return err
	}
	return &RequestError{Reject: &BusinessMessageReject{BusinessRejectReason: BusinessUnsupported, Text: unknown.Error()}}
}

// report decodes a Report, all of r.b.
func (r *wireReader) report() (Report, error) {
	if len(r.b) > MaxMessage {
		return nil, errTooLong
	}
	m, err := r.kind(reportKinds)
	if err != nil {
		return nil, err
	}
	return m.(Report), r.valid(m)
}

// valid turns what is wrong with a value into an error.
func (r *wireReader) valid(m message) error {
	if r.fault == nil {
		r.fault = checkMessage(m)
	}
	if r.fault != nil {
		return fmt.Errorf("%s: %s", nameOf(m), r.fault.text)
	}
	return nil
}

// unknownKind is for a message whose number is none of those known.
type unknownKind struct{ number uint64 }

func (e *unknownKind) Error() string {
	return fmt.Sprintf("message %d is not known here", e.number)
}

// kind decodes the one message that all of r.b is.
func (r *wireReader) kind(kinds []kind) (message, error) {
	for _, k := range kinds {
		b, ok := r.take(field{number: k.number, name: k.name})
		if !ok {
			continue
		}
		if len(r.b) != 0 {
			return nil, fmt.Errorf("%d bytes follow the message", len(r.b))
		}
		m := k.make()
		if err := r.within(b, m); err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		return m, nil
	}
	if r.err != nil {
		return nil, r.err
	}
	return nil, r.otherKind()
}

// otherKind returns an [*unknownKind] if all that is left is one message.
func (r *wireReader) otherKind() error {
	tag, err := r.uvarint()
	if err != nil || tag&7 != wireBytes {
		return errors.New("expected a message")
	}
	n, err := r.uvarint()
	if err != nil || n != uint64(len(r.b)) {
		return errors.New("expected a message of the length that it says")
	}
	return &unknownKind{number: tag >> 3}
}
