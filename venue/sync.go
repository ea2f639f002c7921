package venue

import (
	"context"

	"github.com/zkkex/zkkex/registry/mirror"
)

// Sync brings the venue's copy of the registry up to date. Its errors are those
// of [mirror.Mirror.Sync]; a registrar's fault is kept as evidence in the folder
// registry/evidence.
func (v *Venue) Sync(ctx context.Context) (*mirror.Report, error) {
	report, err := v.mirror.Sync(ctx)
	v.problem(ctx, "sync", err)
	if err == nil && report.Added > 0 {
		v.log.Info("registry synced", "checkpoint", report.Checkpoint.Sequence)
	}
	return report, err
}
