package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall/rollcall/api/jsoncodec"
)

// LinesType is the media type of a page of changes in lines. It says what the JSON of a
// ChangePage says, and is read without parsing JSON: documents are as they are stored.
//
//	rollcall-changes/1 cursor more epoch after total
//	+ type id version stamp document
//	- type id version stamp
//	# type count sums
//	. changes
//
// Each line is fields with a tab after each but the last. The first line begins the page; more
// is 1 if it is not the last one. There is a line for each change, live or deleted, then one
// for each digest, its sums in base64, and one that ends the page with the number of its
// changes.
//
// Later versions may add lines that begin otherwise, and fields at the end of a line, but
// before a document, which is the first field from the fifth on that begins with a brace. A
// reader skips what it does not know.
const LinesType = "application/vnd.rollcall.changes"

// LinesBegin is how every page in lines begins.
const LinesBegin = "rollcall-changes/1"

// InLines reports whether the page can be written in lines. What can't are texts that the
// server would not take today.
func (p ChangePage) InLines() bool {
	for _, c := range p.Changes {
		live := bytes.HasPrefix(c.Document, []byte("{"))
		if live == c.Deleted || bytes.ContainsAny(c.Document, "\n\r") || strings.ContainsFunc(c.EntityType+c.EntityID+string(c.Stamp), isControl) {
			return false
		}
	}
	return true
}

func isControl(r rune) bool { return r < ' ' }

// AppendHead appends the first line of a page.
func (p ChangePage) AppendHead(b []byte) []byte {
	more := "0"
	if p.HasMore {
		more = "1"
	}
	fields := []string{LinesBegin, p.Cursor, more, p.Epoch, p.After}
	if p.Total > 0 {
		fields = append(fields, strconv.FormatInt(p.Total, 10))
	}
	return appendLine(b, fields...)
}

// AppendLine appends the line of a change.
func (c Change) AppendLine(b []byte) []byte {
	sign := byte('+')
	if c.Deleted {
		sign = '-'
	}
	b = append(b, sign, '\t')
	b = append(append(b, c.EntityType...), '\t')
	b = append(append(b, c.EntityID...), '\t')
	b = append(strconv.AppendInt(b, c.Version, 10), '\t')
	b = append(b, c.Stamp...)
	if !c.Deleted {
		b = append(append(b, '\t'), c.Document...)
	}
	return append(b, '\n')
}

// AppendEnd appends what follows the changes of a page.
func (p ChangePage) AppendEnd(b []byte) []byte {
	for _, entityType := range slices.Sorted(maps.Keys(p.Digests)) {
		d := p.Digests[entityType]
		b = appendLine(b, "#", entityType, strconv.FormatInt(d.Count, 10), base64.StdEncoding.EncodeToString(d.appendSums(nil)))
	}
	return appendLine(b, ".", strconv.Itoa(len(p.Changes)))
}

func appendLine(b []byte, fields ...string) []byte {
	return append(append(b, strings.Join(fields, "\t")...), '\n')
}

var errLines = errors.New("not a page of changes in lines")

// ParseLines reads a page in lines. Documents are parts of the text.
func ParseLines(text []byte) (ChangePage, error) {
	var p ChangePage
	line, text := cut(text, '\n')
	kind, line := cut(line, '\t')
	if string(kind) != LinesBegin {
		return p, errLines
	}
	p.readHead(line)
	p.Changes = make([]Change, 0, bytes.Count(text, []byte("\n")))
	for {
		if len(text) == 0 {
			return ChangePage{}, errLines // it broke off
		}
		line, text = cut(text, '\n')
		kind, line = cut(line, '\t')
		ok := true
		switch string(kind) {
		case "+", "-":
			ok = p.readChange(line, kind[0] == '-')
		case "#":
			ok = p.readDigest(line)
		case ".":
			if n, _ := cut(line, '\t'); string(n) != strconv.Itoa(len(p.Changes)) || len(text) > 0 {
				return ChangePage{}, errLines
			}
			return p, nil
		}
		if !ok {
			return ChangePage{}, errLines
		}
	}
}

func (p *ChangePage) readHead(line []byte) {
	field := func() (f []byte) { f, line = cut(line, '\t'); return f }
	p.Cursor = string(field())
	p.HasMore = string(field()) == "1"
	p.Epoch, p.After = string(field()), string(field())
	p.Total, _ = strconv.ParseInt(string(field()), 10, 64) // what is no number says nothing
}

func (p *ChangePage) readChange(line []byte, deleted bool) bool {
	c := Change{Deleted: deleted}
	field := func() (f []byte) { f, line = cut(line, '\t'); return f }
	entityType := field()
	if n := len(p.Changes); n > 0 && p.Changes[n-1].EntityType == string(entityType) {
		c.EntityType = p.Changes[n-1].EntityType // one text for all
	} else {
		c.EntityType = string(entityType)
	}
	c.EntityID = string(field())
	var err error
	c.Version, err = strconv.ParseInt(string(field()), 10, 64)
	c.Stamp = Stamp(field())
	for len(line) > 0 && line[0] != '{' {
		field()
	}
	if !deleted {
		if !jsoncodec.IsObject(line) {
			return false
		}
		c.Document = line[:len(line):len(line)]
	}
	p.Changes = append(p.Changes, c)
	return err == nil && c.Version > 0 && c.EntityID != "" && c.EntityType != ""
}

func (p *ChangePage) readDigest(line []byte) bool {
	field := func() (f []byte) { f, line = cut(line, '\t'); return f }
	entityType := string(field())
	count, err := strconv.ParseInt(string(field()), 10, 64)
	sums, bad := base64.StdEncoding.DecodeString(string(field()))
	if err != nil || bad != nil || count < 0 || len(sums) != sumsSize {
		return false
	}
	d := Digest{Count: count}
	d.setSums(sums)
	if p.Digests == nil {
		p.Digests = map[string]Digest{}
	}
	p.Digests[entityType] = d
	return true
}

// cut returns what is before and after a separator; all, and nothing, without one.
func cut(b []byte, separator byte) (before, after []byte) {
	if i := bytes.IndexByte(b, separator); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}
