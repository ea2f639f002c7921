package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hidden are the import paths whose types no user of the library should meet.
// internal/field is an alias of one of them.
var hidden = []string{"github.com/consensys/", module + "/internal/field"}

// rooms are the folders where such types may be exported.
var rooms = []string{"circuits", "internal", "bench", "cmd"}

// No gnark type in any exported signature outside of circuits and internal: a
// user of the library is no user of gnark.
func TestExportedSignatures(t *testing.T) {
	checked := 0
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains(rooms, path) || entry.Name() == "testdata" || (strings.HasPrefix(entry.Name(), ".") && path != ".") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		checked++
		for _, leak := range leaks(t, path, string(source)) {
			t.Error(leak)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 20 {
		t.Fatalf("read %d files, expected the whole module", checked)
	}
}

// The planted faults: each way to leak is caught, and what is private is not.
func TestExportedSignaturesCatchesAFault(t *testing.T) {
	const head = "package p\nimport fr \"github.com/consensys/gnark-crypto/ecc/bn254/fr\"\n"
	for _, source := range []string{
		"func F(x fr.Element) {}",
		"func F() []*fr.Element { return nil }",
		"type T struct { X map[string]fr.Element }",
		"type T = fr.Element",
		"type T struct{}\nfunc (t *T) M(f func(fr.Element)) {}",
		"type I interface { M() fr.Element }",
		"var V fr.Element",
		"type T struct { fr.Element }",
	} {
		if len(leaks(t, "planted.go", head+source)) != 1 {
			t.Errorf("not caught: %s", source)
		}
	}
	for _, source := range []string{
		"func f(x fr.Element) {}",
		"type T struct { x fr.Element }",
		"type t struct { X fr.Element }",
		"type t struct{}\nfunc (t *t) M(x fr.Element) {}",
		"func F() { var x fr.Element; _ = x }",
	} {
		if found := leaks(t, "planted.go", head+source); len(found) != 0 {
			t.Errorf("private, but reported: %q", found)
		}
	}
}

// leaks returns the exported declarations that show a hidden type.
func leaks(t *testing.T, path, source string) (out []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := hiddenImports(file)
	report := func(name string, node ast.Node) {
		if node != nil && mentions(node, names) {
			out = append(out, path+": "+name+" shows a type of gnark")
		}
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && exportedReceiver(d) {
				report(d.Name.Name, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				reportSpec(spec, report)
			}
		}
	}
	return out
}

func reportSpec(spec ast.Spec, report func(string, ast.Node)) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return
		}
		if structure, ok := s.Type.(*ast.StructType); ok {
			for _, field := range structure.Fields.List {
				if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
					report(s.Name.Name, field.Type)
				}
			}
			return
		}
		report(s.Name.Name, s.Type)
	case *ast.ValueSpec:
		if slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) && s.Type != nil {
			report(s.Names[0].Name, s.Type)
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	return !ok || name.IsExported()
}

// hiddenImports returns the names under which a file imports hidden packages.
func hiddenImports(file *ast.File) (names []string) {
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if !slices.ContainsFunc(hidden, func(h string) bool { return strings.HasPrefix(path, h) }) {
			continue
		}
		if spec.Name != nil {
			names = append(names, spec.Name.Name)
			continue
		}
		names = append(names, path[strings.LastIndex(path, "/")+1:])
	}
	return names
}

func mentions(node ast.Node, packages []string) (found bool) {
	ast.Inspect(node, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && slices.Contains(packages, x.Name) {
				found = true
			}
		}
		return !found
	})
	return found
}
