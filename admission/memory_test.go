package admission_test

import (
	"testing"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
)

func TestMemory(t *testing.T) {
	admissiontest.Run(t, func(*testing.T) admission.Store { return admission.NewMemory() })
}
