package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const twoElements = `package app

import "strings"

// HTMLA is the interface that describes a "a" HTML element.
type HTMLA interface {
	UI
	Class(v ...string) HTMLA
}

// A returns an element.
func A() HTMLA { return &htmlA{htmlElement: htmlElement{tag: "a"}} }

type htmlA struct {
	htmlElement
}

func (e *htmlA) Class(v ...string) HTMLA {
	e.setAttr("class", strings.Join(v, " "))
	return e
}

type HTMLB interface {
	UI
	Class(v ...string) HTMLB
}

func B() HTMLB { return &htmlB{htmlElement: htmlElement{tag: "b"}} }

type htmlB struct {
	htmlElement
}

func (e *htmlB) Class(v ...string) HTMLB {
	e.setAttr("class", strings.Join(v, " "))
	return e
}
`

func TestElementsBecomeOneType(t *testing.T) {
	out, err := oneElement([]byte(twoElements))
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{"type HTMLA = *element\n": 1, "type htmlB = element\n": 1, "func A() HTMLA": 1, "func B() HTMLB": 1, ") Class(": 1, "interface": 0} {
		if got := strings.Count(string(out), want); got != times {
			t.Errorf("%d times %q, want %d:\n%s", got, want, times, out)
		}
	}
	if _, err := oneElement([]byte(strings.Replace(twoElements, `" "))`+"\n\treturn e\n}\n\ntype HTMLB", `"-"))`+"\n\treturn e\n}\n\ntype HTMLB", 1))); err == nil || !strings.Contains(err.Error(), "differ in Class") {
		t.Errorf("elements that differ become one: %v", err)
	}
	if _, err := oneElement([]byte("package")); err == nil {
		t.Error("what is no Go is read")
	}
}

// TestGoAppsElementsAreAlike: the one that stays does what each did.
func TestGoAppsElementsAreAlike(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	dir, err := moduleDir(t.Context(), "github.com/maxence-charriere/go-app/v9")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(dir, "pkg", "app", "html_gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := oneElement(source)
	if err != nil || len(out) > len(source)/3 {
		t.Errorf("%d bytes of %d (%v)", len(out), len(source), err)
	}
}

func TestAChangedFileHasWhatIsReplaced(t *testing.T) {
	out, err := instead("return on\n", "return false\n")([]byte("func on() bool {\n\treturn on\n}\n"))
	if err != nil || string(out) != "func on() bool {\n\treturn false\n}\n" {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := instead("return on\n", "")([]byte("return off\n")); err == nil {
		t.Error("a text that is not there is replaced")
	}
}
