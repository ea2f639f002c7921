package bench

import (
	"context"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/bench/internal/textbook"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/keys/envelope"
)

func (r *runner) compile(ctx context.Context) error {
	var tasks []task
	for _, id := range r.compiled() {
		system, err := circuits.Compile(id)
		if err != nil {
			return err
		}
		r.countCircuit(id.String(), relation.SizeOf(system))
		tasks = append(tasks, task{name: id.String(), run: func() error {
			_, err := circuits.Compile(id)
			return err
		}})
	}
	system, err := textbook.Compile()
	if err != nil {
		return err
	}
	r.countCircuit(textbook.Name, relation.SizeOf(system))
	tasks = append(tasks, task{name: textbook.Name, run: func() error {
		_, err := textbook.Compile()
		return err
	}})
	r.progress(Compile, "%d circuits", len(tasks))
	_, err = r.measure(ctx, Compile, 0, r.options.rounds(), tasks...)
	return err
}

// compiled are the circuits that are compiled: of relations that several circuits
// have, one; in a quick run, those in the native field.
func (r *runner) compiled() (ids []zkkex.CircuitID) {
	for _, id := range zkkex.Groth16.Circuits() {
		kind := envelope.OfCircuit(id)
		if id.Commitments() > 0 && r.options.Quick || kind != 0 && kind != envelope.Raw {
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

func (r *runner) countCircuit(name string, size relation.Size) {
	r.report.count(name+": constraints", size.Constraints, "constraints")
	r.report.count(name+": wires", size.Wires(), "wires")
}
