package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// errDiffers reports generated files that are not what the .proto files say.
var errDiffers = errors.New("generated files are not up to date: run go generate in their folders")

// moduleRoot returns the folder with go.mod, at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no go.mod here, nor above")
		}
		dir = parent
	}
}

// protoFolders returns the folders named, relative to the working directory, or
// all that have .proto files, as slash-separated paths from root.
func protoFolders(root string, named []string) ([]string, error) {
	var folders []string
	for _, name := range named {
		absolute, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		relative, err := filepath.Rel(root, absolute)
		if err != nil || strings.HasPrefix(relative, "..") {
			return nil, fmt.Errorf("%s is outside of the module", name)
		}
		folders = append(folders, filepath.ToSlash(relative))
	}
	if len(named) > 0 {
		return folders, nil
	}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || name != "." && strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if folder := path.Dir(name); strings.HasSuffix(name, ".proto") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
		return nil
	})
	return folders, err
}

// appendFile appends a file after all that it imports, each once.
func appendFile(files []*descriptorpb.FileDescriptorProto, f protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return files
	}
	seen[f.Path()] = true
	imports := f.Imports()
	for i := range imports.Len() {
		files = appendFile(files, imports.Get(i).FileDescriptor, seen)
	}
	return append(files, protoutil.ProtoFromFileDescriptor(f))
}

// present returns the generated files that are in the folders now.
func present(root string, folders []string) ([]string, error) {
	var names []string
	for _, folder := range folders {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".pb.go") {
				names = append(names, path.Join(folder, e.Name()))
			}
		}
	}
	return names, nil
}

// compare says which files differ from what was generated, are missing, or have no
// source any more. Its error is then [errDiffers].
func compare(root string, folders []string, generated map[string]string, out io.Writer) error {
	names, err := present(root, folders)
	if err != nil {
		return err
	}
	for name := range generated {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	clean := true
	for _, name := range names {
		want, made := generated[name]
		got, err := os.ReadFile(filepath.Join(root, name))
		switch {
		case !made:
			fmt.Fprintln(out, name, "has no source")
		case errors.Is(err, fs.ErrNotExist):
			fmt.Fprintln(out, name, "is missing")
		case err != nil:
			return err
		case string(got) != want:
			fmt.Fprintln(out, name, "differs from what is generated")
		default:
			continue
		}
		clean = false
	}
	if !clean {
		return errDiffers
	}
	return nil
}

// write writes the generated files, and removes those that have no source.
func write(root string, folders []string, generated map[string]string) error {
	names, err := present(root, folders)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, made := generated[name]; !made {
			if err := os.Remove(filepath.Join(root, name)); err != nil {
				return err
			}
		}
	}
	for name, content := range generated {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
