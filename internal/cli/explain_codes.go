package cli

import "github.com/zkkex/zkkex"

// codeExplanations explain the codes of errors that are no verifier's reason:
// nothing was decided, or a demonstration shows why nothing could be. The code
// "error", for the rest, is not among them: it says nothing beyond its message,
// and an object with a field "error" is an error.
var codeExplanations = map[zkkex.Reason]explanation{
	"usage":               {"the command line cannot be carried out as it is", "see the message, and --help of the command"},
	"malformed":           {"the input is not in the format that was expected: it was damaged, or is another file", "zkkex inspect says what a file is; get it again"},
	"unsupported":         {"the input is of a version, circuit or key type that this program does not know, or not for this command", "use a newer program, or the right file"},
	"params_mismatch":     {"the parameters are not the expected ones", "get them again, and compare the digest with the published one; zkkex setup show prints it"},
	"canceled":            {"it was interrupted", "run it again"},
	"timeout":             {"there was no answer in time", "try again; if it stays so, check address, network and --proxy"},
	"network":             {"the server, or the way there, does not work", "check the address, the network and --proxy, and try again"},
	"exists":              {"the file is there already, and a file is never overwritten", "remove it, or choose another name"},
	"not_found":           {"there is no such file, or the server has none", "check the name"},
	"permission":          {"you may not read or write there", "change the permissions, or use another place"},
	"locked":              {"another process has it open", "wait for it, or stop it"},
	"no_passphrase":       {"the key file is encrypted, and no passphrase was given", "type it, or give --passphrase-file"},
	"wrong_passphrase":    {"the passphrase is not the one of this file", "try again; nobody can recover a passphrase"},
	"file_mode":           {"others can read or write what is yours alone", "change the mode as the message says"},
	"not_backup":          {"a backup was expected, and this is a key file", "use it where it is, with --home"},
	"is_backup":           {"a key file was expected, and this is a backup", "zkkex restore makes a state directory from it"},
	"no_key":              {"the state directory has no key", "zkkex keygen makes one; --home says where it is"},
	"no_registry":         {"the state directory knows no registry, or not this one", "zkkex enroll, or zkkex trust, records one"},
	"several_registries":  {"the state directory knows several registries that this can be about", "name one with --registry, by its identifier if names are the same; zkkex trust --remove removes one"},
	"other_registry":      {"another registry is at the address than the key says", "compare address and key with what the registrar says by another way"},
	"offline_registry":    {"the registry is a folder, which takes no requests", "zkkex enroll --challenge FILE answers a challenge of the registrar's"},
	"no_request":          {"nothing was asked of this registry yet", "zkkex enroll"},
	"not_synced":          {"there is no copy of the registry yet", "zkkex sync"},
	"not_member":          {"your key is not a live member, by the newest checkpoint that was synced: not admitted yet, or revoked", "zkkex sync, then zkkex status tells which"},
	"few_members":         {"fewer members than you demand, so nothing was proved", "wait for more, or lower --min-members with zkkex trust"},
	"unproved":            {"the proof that was made does not verify: the parameters do not fit each other", "zkkex doctor --params checks them"},
	"no_slot":             {"all of your slots in this scope and epoch are used", "wait for the next epoch"},
	"slot":                {"the slot is not below the limit, so that no proof of it can be made", "take a slot below the limit: zkkex prove does"},
	"replay":              {"a message came a second time, and the venue dropped it without an answer", "nothing: programs make a new message for each connection"},
	"slots_restored":      {"slots of this epoch may have been used before the count of slots was recovered", "wait for the epoch that the message names"},
	"slots_unusable":      {"the count of used slots cannot be relied on: it is missing, damaged, copied or another key's", "zkkex recover, if no other device uses this key"},
	"clock":               {"a checkpoint was signed in the future, by this machine's clock", "set the clock"},
	"witnesses":           {"too few of the witnesses cosigned the checkpoint", "sync later, or compare the witnesses with what the registrar says"},
	"corrupt":             {"the copy of the registry is damaged", "zkkex sync mends it"},
	"fork":                {"the registrar signed two histories that do not fit", "do not use this registry; publish the evidence"},
	"older_checkpoint":    {"the server shows an older checkpoint than one seen before", "try later, or another server of the registry"},
	"outdated_checkpoint": {"the newest checkpoint known is older than --max-age, so nothing is decided by it", "get a newer one"},
	"unknown_request":     {"the registrar does not know this request, or has forgotten it", "zkkex enroll makes a new one; registrars: zkkex registry list"},
	"not_a_store":         {"the folder is no record of used slots", "name a folder of its own with --spent"},
	"no_store":            {"there is no record of used slots", "--new-spent makes it, once; bring it back if there was one"},
	"epoch_closed":        {"the record of this epoch was pruned, so what was used cannot be told", "check the clock"},
	"unknown_order":       {"the venue knows no such order of this session: it never came there, or belongs to another session", "an order of an earlier session takes --prove, or no zkkex order watch that lends its session"},
	"duplicate_order":     {"the identifier was used for another request", "let zkkex make identifiers"},
	"throttled":           {"more requests per second than the venue lets a session send; cancels are not counted", "wait a second, and send it again"},
	"exceeds_limit":       {"more open orders, or a larger order, than the venue lets a session have", "cancel something, or make it smaller"},
	"too_late":            {"the order is filled, cancelled or expired, or its time to live was over when it arrived", "zkkex order status tells which"},
	"unknown_symbol":      {"the venue does not trade this symbol", "the venue says what it trades"},
	"halted":              {"the venue's operator has halted trading: cancels go on", "wait until it is resumed"},
	"venue_unavailable":   {"the venue cannot record anything now, so nothing was done; cancels go on", "try again in a moment; the operator: zkkex gateway status"},
	"engine_unavailable":  {"the gateway cannot reach the matching engine", "start the engine, or mend its address in gateway.json"},
	"invalid_order":       {"the venue accepts no such order at any time", "the message says what was expected"},
	"unknown_outcome":     {"the venue has not answered in time, so the request may have been done", "ask for the order's status before anything else; it is never entered twice by itself"},
	"not_entered":         {"the order did not reach the venue in time, and was not entered late", "submit it again if you still want it"},
	"session_lost":        {"the session with the venue was lost; what was open in it ends with its grace unless it was kept", "zkkex order status --all finds what is open"},
	"taken_over":          {"the session was opened again by another connection, which has it now", "one program at a time for each session"},
	"no_quote":            {"no quote was good enough", "ask again, with another price or quantity"},
	"no_session":          {"no session is open, and a new one has no orders", "zkkex order watch opens one; or name orders by their identifiers, or give --all"},
	"no_gateway":          {"there is no gateway in the folder", "zkkex gateway init makes one; --dir says where it is"},
	"unhealthy":           {"doctor found something wrong", "see what it lists"},
	"challenge_used":      {"the enrolment challenge was answered before", "run zkkex enroll again, which asks for a new one"},
	"queue_full":          {"the registrar has more requests waiting than it keeps", "try later, or tell the registrar"},
	"closed":              {"the registrar's server is stopping", "try again later"},
	"storage":             {"the registrar's server could not store something", "try later; registrars: see the server's log"},
	"internal":            {"the registrar's server failed", "try later; registrars: see the server's log"},
	"too_large":           {"more was sent than the registrar's server accepts", "is it the right file?"},
	"proxy":               {"there is no connection to the proxy of --proxy, so nobody was asked", "is its address right, and does it run?"},
	"address_in_use":      {"another program listens on this address", "stop it, or choose another address; port 0 takes a free one"},
	"address":             {"this machine has no such address", "listen on one that it has, such as 127.0.0.1"},
	"no_venue":            {"there is no venue of this name in the state directory, or none in the folder", "zkkex trust --venue records one; operators: zkkex venue init makes one"},
	"several_venues":      {"the state directory knows several venues that this can be about", "name one with --venue"},
	"other_venue":         {"another venue is at the address than the identity says", "compare address and identity with what the venue says by another way"},
	"behind":              {"the venue's server shows less than was seen of the venue before, or leaves descriptors out", "try later, or another server of the venue"},
	"away":                {"so many descriptors came since the last sync that they are not fetched one by one", "remove the venue's folder in the state directory, and trust it again"},
	"expired":             {"no descriptor of the venue is valid now: it issues none any more, its server cannot be reached, or a clock is wrong", "zkkex sync, and compare the clocks"},
	"unknown_descriptor":  {"the venue has not issued this descriptor, or its keys have expired", "zkkex sync; operators: zkkex venue status shows what was issued"},
	"not_logged":          {"a descriptor was not shown to be in the venue's log", "do not use the venue until it explains that"},
	"not_published":       {"the newest descriptor is not in a published checkpoint yet, so that nobody can fetch it", "the witnesses must cosign; it is tried again by itself"},
	"no_address":          {"the venue's descriptor says nowhere where to connect", "ask the venue"},
	"venue_terms":         {"the configuration contradicts what the venue said before, which stays", "set it back, or wait for the epoch that the message names"},
	"store_damaged":       {"the venue's record of admissions is damaged", "bring it back from before; what was admitted in this epoch is not known any more"},
	"busy_member":         {"too many connections wait for a certificate to be made", "open fewer at a time, or keep more ready with --ahead"},
	"connections_cut":     {"connections did not end in time when the program was stopped, and were reset", "their programs saw an error; nothing to do"},
	"method_not_allowed":  {"the server is asked in a way that it does not know", "is the address that of a registry, and is it of this version?"},
}

// explained is every code with what it means.
func explained() explainResult {
	all := make(explainResult, len(explanations)+len(codeExplanations))
	for _, codes := range []map[zkkex.Reason]explanation{codeExplanations, explanations} {
		for code, e := range codes {
			all[code] = e
		}
	}
	return all
}
