package api

import (
	"encoding/json"

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

// Index is UserIndex of a document with a name and an email.
func Index(name, email string) (sort, search string) {
	sort = FoldText(name)
	return sort, sort + "\n" + FoldText(email)
}
