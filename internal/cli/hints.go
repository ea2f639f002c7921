package cli

import (
	"errors"
	"net"
	"syscall"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/pgadmission"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/threshold"
	"github.com/zkkex/zkkex/tunnel"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
	"github.com/zkkex/zkkex/verifier/spent"
)

// knownErrors have a code for programs and a hint for people. The first match
// counts. Errors whose message says already what to do have no hint.
var knownErrors = []struct {
	target error
	code   string
	hint   string
}{
	{errProxy, "proxy", "is the address of --proxy right, and does the proxy run?"},
	{ErrNoTerminal, "no_passphrase", "give --passphrase-file FILE, or set " + passphraseEnv},
	{keys.ErrPassphrase, "wrong_passphrase", "nobody can recover a passphrase; a backup has the one it was made with"},
	{keys.ErrNoPassphrase, "no_passphrase", "type one, or give --passphrase-file FILE with one on its first line"},
	{keys.ErrFileMode, "file_mode", ""},
	{member.ErrDirectoryMode, "file_mode", ""},
	{keys.ErrNotBackup, "not_backup", "a key file is used where it is, with --home; zkkex backup makes a backup of it"},
	{keys.ErrBackup, "is_backup", "zkkex restore makes a state directory from it"},
	{member.ErrNoKey, "no_key", "zkkex keygen makes a key; --home or $ZKKEX_HOME says where it is"},
	{member.ErrNoRegistry, "no_registry", "zkkex trust --registry URL --registry-key KEY records one"},
	{member.ErrSeveralRegistries, "several_registries", "name one with --registry"},
	{member.ErrNoVenue, "no_venue", "zkkex trust --venue URL --venue-key KEY records one"},
	{member.ErrSeveralVenues, "several_venues", "name one with --venue"},
	{member.ErrVenueRegistry, "no_registry", "zkkex trust --registry URL --registry-key KEY records it"},
	{session.ErrBusy, "busy_member", ""},
	{session.ErrTerms, "not_synced", "zkkex sync"},
	{session.ErrOpensUsed, string(handshake.OpensExceeded), ""},
	{threshold.ErrTooFew, "too_few_signers", "do enough participants run zkkex threshold serve, and agree?"},
	{threshold.ErrNoGroup, "no_group", ""},
	{threshold.ErrNoSetup, "no_group", ""},
	{threshold.ErrNoShare, "no_group", ""},
	{threshold.ErrStranger, "not_in_group", "the setup needs the line that zkkex threshold init printed for this folder"},
	{threshold.ErrExists, "exists", ""},
	{threshold.ErrStale, "stale_group", ""},
	{threshold.ErrAborted, "group_fault", ""},
	{threshold.ErrEquivocation, "group_fault", ""},
	{threshold.ErrFalseEcho, "group_fault", ""},
	{threshold.ErrBadDeal, "group_fault", ""},
	{threshold.ErrFalseComplaint, "group_fault", ""},
	{threshold.ErrBadMessage, "group_fault", ""},
	{threshold.ErrDisagree, "group_fault", ""},
	{member.ErrOtherDevice, "other_device", ""},
	{signer.ErrNoDevice, "no_device", "is it plugged in, running, unlocked, and named right? zkkex keys lists the forms"},
	{signer.ErrAmbiguous, "several_device_keys", ""},
	{signer.ErrNoKey, "no_device_key", ""},
	{signer.ErrPINLocked, "pin_locked", "type the PIN when asked, without --pin-file; or unlock it with the device's own tools"},
	{signer.ErrPIN, "wrong_pin", "run the same again with the right one; zkkex tries none twice, since devices count"},
	{signer.ErrRefused, "device_refused", ""},
	{signer.ErrGone, "device_gone", "nothing is lost: put it back, and run the same again"},
	{signer.ErrClosed, "device_gone", ""},
	{signer.ErrWrongCurve, "wrong_curve", "P-256 and secp256k1 keys can be members"},
	{signer.ErrUnsupportedKey, "unsupported_key", ""},
	{signer.ErrWrongChain, "wrong_chain", "switch the wallet to that chain, or name another account"},
	{signer.ErrMAC, "wrong_passphrase", ""},
	{signer.ErrBadSignature, "bad_device_signature", "nothing was sent; look at what the device is"},
	{member.ErrOtherRegistry, "other_registry", "compare key and address with what the registrar says; nothing was recorded of it"},
	{member.ErrOffline, "offline_registry", "zkkex enroll --challenge FILE answers a challenge of the registrar's"},
	{member.ErrNoRequest, "no_request", "zkkex enroll makes one"},
	{mirror.ErrNotSynced, "not_synced", "zkkex sync"},
	{mirror.ErrNotMember, "not_member", "zkkex status tells whether an enrolment is pending; zkkex sync fetches new checkpoints"},
	{mirror.ErrClock, "clock", ""},
	{mirror.ErrWitnesses, "witnesses", ""},
	{registrar.ErrQuorum, "witnesses", ""},
	{mirror.ErrCorrupt, "corrupt", ""},
	{mirror.ErrReplay, "fork", "do not use this registry; publish the evidence"},
	{mirror.ErrServer, "network", "is the address that of the registry?"},
	{mirror.ErrRedirect, "network", ""},
	{registry.ErrFork, "fork", "do not use this registry; publish the evidence"},
	{registry.ErrOlder, "older_checkpoint", ""},
	{registry.ErrOutdated, "outdated_checkpoint", ""},
	{registry.ErrSignature, "bad_signature", "is it this registry's key? compare it with what the registrar says"},
	{prover.ErrFewMembers, "few_members", "wait for more members, or lower --min-members with zkkex trust"},
	{prover.ErrUnproved, "unproved", "zkkex doctor checks the parameters"},
	{slots.ErrNoSlot, "no_slot", ""},
	{slots.ErrRestored, "slots_restored", ""},
	{slots.ErrMissing, "slots_unusable", "zkkex recover does that"},
	{slots.ErrDamaged, "slots_unusable", "zkkex recover does that"},
	{slots.ErrCopied, "slots_unusable", "zkkex recover does that"},
	{slots.ErrLinked, "slots_unusable", ""},
	{slots.ErrRolledBack, "slots_unusable", "zkkex recover does that"},
	{slots.ErrOtherKey, "slots_unusable", "zkkex recover does that"},
	{spent.ErrMissing, "no_store", "--new-spent makes the store, once; if there was one, bring it back instead"},
	{spent.ErrNotStore, "not_a_store", "--spent names a folder of its own, empty with --new-spent, or from an earlier run"},
	{spent.ErrClosed, "epoch_closed", "this epoch's record was pruned; check the clock"},
	{registrar.ErrUnknownRequest, "unknown_request", "zkkex registry list shows what waits"},
	{venue.ErrNoVenue, "no_venue", "zkkex venue init makes one; --dir says where it is"},
	{venue.ErrFolderMode, "file_mode", ""},
	{venueclient.ErrOtherVenue, "other_venue", ""},
	{venueclient.ErrBehind, "behind", ""},
	{descriptor.ErrFork, "fork", "do not use this venue; publish the evidence"},
	{descriptor.ErrExpired, "expired", "zkkex sync fetches the newest; if that is over too, the venue issues none any more, or a clock is wrong"},
	{descriptor.ErrNotYet, "not_synced", "the venue has issued none yet, or your clock is behind"},
	{descriptor.ErrUnknownNumber, "unknown_descriptor", "zkkex venue status shows what was issued"},
	{descriptor.ErrWitnesses, "witnesses", ""},
	{descriptor.ErrTerms, "venue_terms", "what was said before stays; wait for the epoch that the message names, or make another venue"},
	{descriptor.ErrSignature, "bad_signature", "is it this venue's identity? compare it with what the venue says"},
	{descriptor.ErrNotLogged, "not_logged", "the venue, or its server, hides what it signs: do not use it until it explains that"},
	{descriptor.ErrGap, "behind", "the server has lost descriptors; ask the venue for the address of a full copy"},
	{venueclient.ErrAway, "away", "zkkex trust --remove, remove the venue's folder in the state directory, and trust it again"},
	{handshake.ErrUnavailable, string(handshake.Unavailable), "nothing is lost but time; the venue's operator: zkkex venue status"},
	{handshake.ErrNoAddress, "no_address", "the venue's operator: addresses in config.json, or venue init --address"},
	{handshake.ErrUnknownDescriptor, "unknown_descriptor", "zkkex sync fetches the newest; are the clocks right?"},
	{admission.ErrMissing, "no_store", "bring the folder admissions back; a new one would let every slot of the epoch be used again"},
	{admission.ErrNotStore, "not_a_store", ""},
	{admission.ErrDamaged, "store_damaged", "bring it back from before, or make another venue: what was admitted in this epoch is not known any more"},
	{admission.ErrBroken, "storage", "is the disk full? make room, and start again"},
	{venue.ErrNotPublished, "not_published", ""},
	{session.ErrNoTerms, "not_synced", ""},
	{tunnel.ErrCut, "connections_cut", ""},
	{order.ErrUnknownOrder, "unknown_order", "is it of an earlier session than the one that zkkex order watch keeps? then --prove"},
	{order.ErrDuplicate, "duplicate_order", ""},
	{order.ErrThrottled, "throttled", ""},
	{order.ErrExceedsLimit, "exceeds_limit", ""},
	{order.ErrTooLate, "too_late", ""},
	{order.ErrUnknownSymbol, "unknown_symbol", ""},
	{order.ErrHalted, "halted", ""},
	{order.ErrUnavailable, "venue_unavailable", ""},
	{order.ErrInvalid, "invalid_order", ""},
	{order.ErrUnknownOutcome, "unknown_outcome", "zkkex order status asks for it; do not submit it again before that"},
	{order.ErrNotEntered, "not_entered", ""},
	{order.ErrSessionLost, "session_lost", "zkkex order status --all finds what is open"},
	{order.ErrBanned, "banned", ""},
	{order.ErrTakenOver, "taken_over", ""},
	{errNoQuote, "no_quote", ""},
	{errNoSession, "no_session", "zkkex order watch opens one; or name orders by their identifiers, or give --all"},
	{server.ErrNoGateway, "no_gateway", "zkkex gateway init makes one; --dir says where it is"},
	{journal.ErrUnavailable, "venue_unavailable", "does the database run, and is there room on the disk?"},
	{engine.ErrUnavailable, "engine_unavailable", "does the matching engine run, and is --engine of gateway.json its address?"},
	{pgjournal.ErrMissing, "no_store", "zkkex gateway init makes the tables, once; if there were some, bring them back instead"},
	{pgadmission.ErrMissing, "no_store", "zkkex gateway init makes the tables, once; if there were some, bring them back instead"},
	{errUnhealthy, "unhealthy", ""},
	{ceremony.ErrNotNow, "not_now", "zkkex setup ceremony status says what comes next"},
	{sshsig.ErrSignature, "bad_signature", ""},
	{filelock.ErrLocked, "locked", ""},
	{syscall.EADDRINUSE, "address_in_use", "another program listens there: stop it, or choose another address; port 0 takes a free one"},
	{syscall.EADDRNOTAVAIL, "address", "this machine has no such address"},
	{syscall.ECONNREFUSED, "network", "nothing listens there: is the address right, and does the server run?"},
}

func known(err error) (code, hint string) {
	if errors.As(err, new(*member.NotNamedError)) {
		return "not_member", "" // it says itself from when on
	}
	if errors.As(err, new(*audit.CheckError)) {
		return "bad_params", "do not use this set; tell whoever gave it to you what was found"
	}
	for _, k := range knownErrors {
		if errors.Is(err, k.target) {
			return k.code, k.hint
		}
	}
	return "", ""
}

// knownHint returns the hint that mends a known error, or "".
func knownHint(err error) string {
	if _, hint := known(err); hint != "" {
		return hint
	}
	if _, ok := explanations[zkkex.Reason(codeOf(err))]; ok {
		return "zkkex doctor explain " + codeOf(err)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "the name cannot be resolved: is the address right?"
	}
	return ""
}
