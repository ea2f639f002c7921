// Package telemetry counts and times what a gateway does, for Prometheus and, if it
// is asked for, as traces of OpenTelemetry.
//
// Neither can tell who did something. [Metrics] exports label values from fixed
// sets, and words without digits where a set is the gateway's own: what is anything
// else, as every pseudonym, order ID, digest or address is, becomes "other" before it
// is counted, and is refused once more when it is exported ([Bounded]). Spans carry
// the kind of a request and nothing of it; spans with any other attribute are
// dropped.
package telemetry
