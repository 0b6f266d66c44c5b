// Package defects is the catalogue of the safeguards that can be taken out of the
// product, one at a time, to test the simulator: it must notice that each is gone. The
// product knows nothing of them. Each is a small patch in a file of its own here, and
// the tests that take safeguards out are built with patched copies of the product's
// files, which go test -overlay puts in the place of the originals.
//
// # A defect's file
//
//	an operation is deleted before it is acknowledged
//
//	Takes out: an operation stays in the queue until the server has answered.
//
//	--- in wasm/queue Entity.Send
//	 h.State = Sending
//	-return *h, true
//	+sent := *h
//	+e.Operations = e.Operations[1:]
//	+return sent, true
//
// The first line says what is wrong. It stands in the table that make defects prints.
// The text below says which safeguard is taken out. Then come the edits. Each names a
// package's directory and a function, a method by its type, without a star or type
// parameters. As in a diff, the lines that begin with a space or "-" are what the
// function says, and those that begin with a space or "+" are what it says instead. What
// it says, the anchor, is any run of tokens that occurs in the function exactly once:
// an expression, a statement, the beginning of one. White space, comments and trailing
// commas don't count, nor does the file in which the package has the function. The new
// text can use whatever the function's file imports.
//
// More lines may stand before or in the place of edits:
//
//	--- port     one of the simulator's ports makes it (sim/broken.go), with no edit
//	--- rare     too few histories meet it; only the golden script of its name shows it
//	--- seed N   that of the first history that shows it, which is played before all others
//
// # How it is spliced in
//
// A patched copy has all defects of its file, so that one build serves them all. For
// each defect a function gets a sibling with the edits, and begins by asking whether to
// leave the work to it:
//
//	func (e *Entity) Send(id string) (Operation, bool) {
//		if defect_active.On("deleted-when-sent") { return e.Send_deleted_when_sent(id) }
//
// So an edit needs no regard to the scope of names, nor to other edits of the function.
// Lines keep their numbers, and a compiler's error in an edit names the defect's file.
package defects

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

const (
	module    = "github.com/rollcall/rollcall"
	directory = "sim/defects"
	extension = ".defect"
)

//go:embed *.defect
var files embed.FS

// Defect is a safeguard to take out.
type Defect struct {
	Name  string // of its file, and of its golden script if it has one
	Says  string // what is wrong
	Port  bool   // one of the simulator's ports makes it
	Rare  bool   // only its golden script shows it
	Seed  uint64 // of a history that shows it, 0 where others do soon
	Edits []Edit
}

// Edit replaces part of a function.
type Edit struct {
	Line    int    // of its first line below the header, in the defect's file
	Package string // its directory
	Func    string
	Anchor  string // what the function says
	Text    string // what it says instead; as many lines down from Line as in the file
}

// All are all defects, by name.
func All() ([]Defect, error) {
	names, err := fs.Glob(files, "*"+extension)
	if err != nil {
		return nil, err
	}
	var all []Defect
	var errs []error
	for _, file := range names {
		text, err := files.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d, err := Parse(strings.TrimSuffix(file, extension), string(text))
		all, errs = append(all, d), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// Parse reads a defect's file.
func Parse(name, text string) (Defect, error) {
	lines := strings.Split(text, "\n")
	d := Defect{Name: name, Says: lines[0]}
	wrong := func(line int, what string) (Defect, error) {
		return d, fmt.Errorf("%s:%d: %s", d.file(), line, what)
	}
	if d.Says == "" || len(lines) < 2 || lines[1] != "" {
		return wrong(1, "the first line says what is wrong; an empty one follows")
	}
	var explained bool
	for i, line := range lines[1:] {
		number := i + 2
		header, isHeader := strings.CutPrefix(line, "--- ")
		words := strings.Fields(header)
		switch {
		case isHeader && len(words) == 3 && words[0] == "in":
			d.Edits = append(d.Edits, Edit{Line: number + 1, Package: words[1], Func: words[2]})
		case isHeader && header == "port":
			d.Port = true
		case isHeader && header == "rare":
			d.Rare = true
		case isHeader && len(words) == 2 && words[0] == "seed":
			var err error
			if d.Seed, err = strconv.ParseUint(words[1], 10, 64); err != nil {
				return wrong(number, err.Error())
			}
		case isHeader:
			return wrong(number, `a header is "--- in PACKAGE FUNCTION", "--- port", "--- rare" or "--- seed N"`)
		case len(d.Edits) == 0:
			explained = explained || line != ""
		default:
			if err := d.Edits[len(d.Edits)-1].add(line); err != nil {
				return wrong(number, err.Error())
			}
		}
	}
	switch {
	case !explained:
		return wrong(2, "a text says which safeguard is taken out")
	case d.Port == (len(d.Edits) > 0):
		return wrong(len(lines), `a defect has either edits or "--- port"`)
	}
	for _, e := range d.Edits {
		if strings.TrimSpace(e.Anchor) == "" {
			return wrong(e.Line, `an edit needs an anchor: lines that begin with " " or "-"`)
		}
	}
	return d, nil
}

// add takes one more line. One that is taken out leaves an empty one in the new text,
// so that what follows keeps its distance to the first.
func (e *Edit) add(line string) error {
	kind, rest := " ", ""
	if line != "" {
		kind, rest = line[:1], line[1:]
	}
	switch kind {
	case " ":
		e.Anchor += rest + "\n"
		e.Text += rest + "\n"
	case "-":
		e.Anchor += rest + "\n"
		e.Text += "\n"
	case "+":
		e.Text += rest + "\n"
	default:
		return errors.New(`a line of an edit begins with " ", "-" or "+"`)
	}
	return nil
}

func (d Defect) file() string { return directory + "/" + d.Name + extension }
