package cli

import "github.com/spf13/cobra"

// jsonTopic and exitTopic are help texts without a command.
func jsonTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "json",
		Short: "what --json prints",
		Long: `With --json, a command prints exactly one JSON object on standard output. Names of
fields and their meanings are stable; new fields may be added. Values of 32
bytes are 64 lower-case hexadecimal digits, times are RFC 3339 in UTC.

An error is an object as well:

  {"error": {"code": "slot_used", "message": "...", "hint": "..."}}

The code of a no is its reason; "zkkex doctor explain" lists them. The other
codes are usage, malformed, unsupported, params_mismatch, network, timeout,
canceled, exists, not_found, permission, locked, proxy, address_in_use, address,
storage; wrong_passphrase,
no_passphrase, file_mode, is_backup, not_backup, no_key, no_registry,
several_registries, other_registry, offline_registry, no_request, not_synced,
not_member, few_members, unproved, no_slot, slots_restored, slots_unusable,
clock, witnesses, corrupt, fork, older_checkpoint, outdated_checkpoint, bad_signature,
unknown_request, not_a_store, no_store, epoch_closed, unhealthy; of venues
no_venue, several_venues, other_venue, behind, away, expired, unknown_descriptor,
unavailable, opens_exceeded, not_logged, not_published, no_address, venue_terms,
store_damaged, busy_member, connections_cut; of orders
unknown_order, duplicate_order, throttled, exceeds_limit, too_late, unknown_symbol,
halted, venue_unavailable, invalid_order, unknown_outcome, not_entered,
session_lost, banned, taken_over, no_quote, no_session, no_gateway,
engine_unavailable; of parameters not_now, bad_params, rejected; of keys
in devices no_device, no_device_key, several_device_keys, wrong_pin, pin_locked,
device_refused, device_gone, other_device, wrong_curve, unsupported_key, wrong_chain,
bad_device_signature; of groups too_few_signers, no_group, not_in_group, stale_group,
group_fault; and error for the rest.

serve and tunnel print their object when they begin. What goes wrong later is on
standard error; if they end with an error, a second object tells which.

A verifier's no has the fields of its yes too, with "accepted": false. The exit
code is the same as without --json.`,
	}
}

func exitTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "what exit codes mean",
		Long: `  0  done, or the answer is yes
  1  a failure of network, files or anything else: nothing was decided
  2  the command line is wrong
  3  rejected: the answer is no, and the reason is named
  4  the input is not in a known format, version or circuit
  5  parameters are not the expected ones

Only 3 means no. 1, 2, 4 and 5 are no yes either.`,
	}
}
