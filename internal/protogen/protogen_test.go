package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files in the repository are what their sources say: what the command of CI
// checks, here as a test.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	t.Chdir("../..")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-check"}, &out); err != nil {
		t.Errorf("%v\n%s", err, out.Bytes())
	}
}

const sampleProto = `syntax = "proto3";
package sample;
option go_package = "example.com/sample";
message Order { string Symbol = 1; }
service Orders { rpc Enter(Order) returns (Order); }
`

// plant writes a file below root.
func plant(t *testing.T, root, name, content string) {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Each way in which generated files can be wrong is found, and put right.
func TestPlantedFaults(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "a/sample.proto", sampleProto)
	folders := []string{"a"}
	generated, err := generate(t.Context(), root, folders)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		fault func()
		says  string
	}{
		{"nothing written", func() {}, "a/sample.pb.go is missing\na/sample_grpc.pb.go is missing\n"},
		{"a byte changed", func() { plant(t, root, "a/sample.pb.go", generated["a/sample.pb.go"]+" ") }, "a/sample.pb.go differs from what is generated\n"},
		{"a file removed", func() { _ = os.Remove(filepath.Join(root, "a/sample_grpc.pb.go")) }, "a/sample_grpc.pb.go is missing\n"},
		{"a file left over", func() { plant(t, root, "a/old.pb.go", "package a\n") }, "a/old.pb.go has no source\n"},
	} {
		tc.fault()
		var out strings.Builder
		if err := compare(root, folders, generated, &out); !errors.Is(err, errDiffers) || out.String() != tc.says {
			t.Errorf("%s: %v\n%s", tc.name, err, out.String())
		}
		if err := write(root, folders, generated); err != nil {
			t.Fatal(err)
		}
		if err := compare(root, folders, generated, &out); err != nil {
			t.Errorf("%s: after writing: %v", tc.name, err)
		}
	}

	plant(t, root, "a/sample.proto", strings.Replace(sampleProto, "Symbol = 1", "Symbol = 2", 1))
	changed, err := generate(t.Context(), root, folders)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := compare(root, folders, changed, &out); !errors.Is(err, errDiffers) || out.String() != "a/sample.pb.go differs from what is generated\n" {
		t.Errorf("a changed source: %v\n%s", err, out.String())
	}
}

func TestBadSources(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "empty/x.txt", "")
	if _, err := generate(t.Context(), root, []string{"empty"}); err == nil {
		t.Error("a folder without sources was generated from")
	}
	plant(t, root, "a/sample.proto", strings.Replace(sampleProto, "message Order {", "message Order", 1))
	if _, err := generate(t.Context(), root, []string{"a"}); err == nil || !strings.Contains(err.Error(), "a/sample.proto:4:") {
		t.Errorf("a mistake in the source: %v, expected its place", err)
	}
	plant(t, root, "a/sample.proto", strings.Replace(sampleProto, "package sample;", `package sample; import "b/other.proto";`, 1))
	if _, err := generate(t.Context(), root, []string{"a"}); err == nil {
		t.Error("an import that is not there was found")
	}
}

func TestFolders(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "go.mod", "module example.com/sample\n")
	plant(t, root, "a/b/x.proto", "")
	plant(t, root, "a/b/y.proto", "")
	plant(t, root, "c/z.proto", "")
	plant(t, root, "c/testdata/z.proto", "")
	plant(t, root, ".git/z.proto", "")
	all, err := protoFolders(root, nil)
	if want := []string{"a/b", "c"}; err != nil || !slices.Equal(all, want) {
		t.Errorf("found %v, %v; expected %v", all, err, want)
	}
	t.Chdir(filepath.Join(root, "a"))
	got, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	named, err := protoFolders(got, []string{"b", "../c"})
	if want := []string{"a/b", "c"}; err != nil || !slices.Equal(named, want) {
		t.Errorf("named %v, %v; expected %v", named, err, want)
	}
	if _, err := protoFolders(got, []string{"../.."}); err == nil {
		t.Error("a folder outside of the module was taken")
	}
}
