package order

import (
	"errors"
	"fmt"
)

// MaxFrame is the most bytes of an encoded frame.
const MaxFrame = 64 << 10

// AppendClientFrame appends the encoding of a frame to b: the message ClientFrame
// of order.proto. The error is as of [AppendRequest].
func AppendClientFrame(b []byte, f ClientFrame) ([]byte, error) {
	if f.Request == nil {
		return appendFrame(b, f.SeqNo, clientKinds, f.Session)
	}
	if refused := CheckRequest(f.Request); refused != nil {
		return b, &RequestError{SeqNo: f.SeqNo, Reject: refused}
	}
	if f.SeqNo == 0 || f.Session != nil {
		return b, errors.New("a frame with a request has a SeqNo, and no session message")
	}
	k, _ := kindOf(requestKinds, f.Request)
	return appendNumbered(b, f.SeqNo, k, f.Request.(message)), nil
}

// AppendVenueFrame appends the encoding of a frame to b: the message VenueFrame of
// order.proto. The error is as of [AppendReport].
func AppendVenueFrame(b []byte, f VenueFrame) ([]byte, error) {
	r := f.Report.Report
	if r == nil {
		return appendFrame(b, f.Report.Number, venueKinds, f.Session)
	}
	if f.Session != nil {
		return b, errors.New("a frame with a report has no session message")
	}
	k, ok := kindOf(reportKinds, r)
	if !ok {
		return b, fmt.Errorf("a report of type %T cannot be encoded", r)
	}
	m := r.(message)
	if x := checkMessage(m); x != nil {
		return b, fmt.Errorf("a report cannot be encoded: %s", x.text)
	}
	return appendNumbered(b, f.Report.Number, k, m), nil
}

// appendNumbered appends a frame with a request or a report.
func appendNumbered(b []byte, number uint64, k kind, m message) []byte {
	w := writers.Get().(*wireWriter)
	w.b, w.digest = b, false
	w.varint(field{number: frameNumber}, number)
	mark := w.open(frameMessage)
	w.message(k.number, m)
	w.close(mark)
	out := w.b
	w.b = nil
	writers.Put(w)
	return out
}

// appendFrame appends a frame with a session message.
func appendFrame(b []byte, number uint64, kinds []kind, s SessionMessage) ([]byte, error) {
	if number != 0 {
		return b, errors.New("a frame without a request or report has no number")
	}
	if _, ok := kindOf(kinds, s); !ok {
		return b, fmt.Errorf("a session message of type %T cannot be sent", s)
	}
	if x := checkMessage(s.(message)); x != nil {
		return b, fmt.Errorf("a %s cannot be encoded: %s", nameOf(s), x.text)
	}
	return appendKind(b, kinds, s)
}

// ParseClientFrame decodes what [AppendClientFrame] writes, and nothing else. Its
// errors are those of [ParseRequest].
func ParseClientFrame(b []byte) (ClientFrame, error) {
	r := wireReader{b: b}
	return r.clientFrame()
}

func (r *wireReader) clientFrame() (ClientFrame, error) {
	f := ClientFrame{SeqNo: r.varint(field{number: frameNumber, name: "SeqNo"})}
	inner, ok := r.take(field{number: frameMessage, name: "Request"})
	if !ok {
		s, err := r.session(f.SeqNo, clientKinds)
		return ClientFrame{Session: s}, parsed("client frame", err)
	}
	if len(r.b) != 0 || f.SeqNo == 0 {
		return ClientFrame{}, malformed("client frame", "expected a SeqNo, a request and nothing else")
	}
	r.b = inner
	var err error
	if f.Request, err = r.request(); err != nil {
		return ClientFrame{}, numbered(err, f.SeqNo)
	}
	return f, nil
}

// numbered puts the SeqNo into a refusal, and makes a parse error of others.
func numbered(err error, n uint64) error {
	var refused *RequestError
	if !errors.As(err, &refused) {
		return parsed("client frame", err)
	}
	refused.SeqNo = n
	return refused
}

// ParseVenueFrame decodes what [AppendVenueFrame] writes, and nothing else. Its
// error wraps [github.com/zkkex/zkkex.ErrMalformed].
func ParseVenueFrame(b []byte) (VenueFrame, error) {
	r := wireReader{b: b}
	return r.venueFrame()
}

func (r *wireReader) venueFrame() (VenueFrame, error) {
	number := r.varint(field{number: frameNumber, name: "Number"})
	inner, ok := r.take(field{number: frameMessage, name: "Report"})
	if !ok {
		s, err := r.session(number, venueKinds)
		return VenueFrame{Session: s}, parsed("venue frame", err)
	}
	if len(r.b) != 0 {
		return VenueFrame{}, malformed("venue frame", "expected a report and nothing else")
	}
	r.b = inner
	report, err := r.report()
	if err != nil {
		return VenueFrame{}, malformed("venue frame", "%w", err)
	}
	return VenueFrame{Report: Numbered{Number: number, Report: report}}, nil
}

// session decodes a session message, all of r.b.
func (r *wireReader) session(number uint64, kinds []kind) (SessionMessage, error) {
	if r.err != nil {
		return nil, r.err
	}
	if number != 0 {
		return nil, errors.New("a frame without a request or report has no number")
	}
	m, err := r.kind(kinds)
	if err != nil {
		return nil, err
	}
	if err := r.valid(m); err != nil {
		return nil, err
	}
	return m.(SessionMessage), nil
}

// parsed makes a parse error of err, unless it is nil.
func parsed(format string, err error) error {
	if err == nil {
		return nil
	}
	return malformed(format, "%w", err)
}
