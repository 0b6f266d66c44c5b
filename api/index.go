package api

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/rollcall/rollcall/api/jsoncodec"
)

// IndexRule names the rule of UserIndex. Change it with the rule: devices then list their rows
// anew. The first rule, which folded only Latin letters, had no name.
const IndexRule = "2"

// UserIndex returns what a user's document is listed under, its name, and the text that
// a search looks in, name and email, both folded by FoldText. It is total: a broken
// document is listed first and never found.
func UserIndex(document json.RawMessage) (sort, search string) {
	var name, email string
	r := jsoncodec.NewReader(document)
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "name":
			name = r.String()
		case "email":
			email = r.String()
		default:
			r.Skip()
		}
	}
	if r.End() != nil {
		return "", ""
	}
	return Index(name, email)
}

// UserBio is the bio of a user's document, folded by FoldText: what a search looks in after names
// and emails.
func UserBio(document json.RawMessage) string { return FoldText(member(document, "bio")) }

// UserChanged is when a user's document says it was changed, as a text that sorts: without the zone,
// which is always UTC, a time with more digits comes later.
func UserChanged(document json.RawMessage) string {
	// All rows are asked: this finds what the server writes in a tenth of the time. In a text a quotation
	// mark has a backslash before it.
	before := []byte(`"updatedAt":"`)
	var at string
	if i := bytes.LastIndex(document, before); i >= 0 {
		value, _, _ := bytes.Cut(document[i+len(before):], []byte{'"'})
		at = string(value)
	} else {
		at = member(document, "updatedAt")
	}
	return strings.TrimSuffix(at, "Z")
}

// member is a text of a document; "" if it has none, or is broken.
func member(document json.RawMessage, name string) (text string) {
	r := jsoncodec.NewReader(document)
	for r.Object(); r.Member(); {
		if string(r.Name) == name {
			text = r.String()
		} else {
			r.Skip()
		}
	}
	if r.End() != nil {
		return ""
	}
	return text
}

// Index is UserIndex of a document with a name and an email.
func Index(name, email string) (sort, search string) {
	sort = FoldText(name)
	return sort, sort + "\n" + FoldText(email)
}
