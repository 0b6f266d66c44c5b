package api

import "encoding/json"

// IndexRule names the rule of UserIndex. Change it with the rule: devices then list their rows
// anew. The first rule, which folded only Latin letters, had no name.
const IndexRule = "2"

// UserIndex returns what a user's document is listed under, its name, and the text that
// a search looks in, name and email, both folded by FoldText. It is total: a broken
// document is listed first and never found.
func UserIndex(document json.RawMessage) (sort, search string) {
	var u struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	if !readPlain(document, member{name: "name", text: &u.Name}, member{name: "email", text: &u.Email}) {
		u.Name, u.Email = "", ""
		if json.Unmarshal(document, &u) != nil {
			return "", ""
		}
	}
	return Index(u.Name, u.Email)
}

// Index is UserIndex of a document with a name and an email.
func Index(name, email string) (sort, search string) {
	sort = FoldText(name)
	return sort, sort + "\n" + FoldText(email)
}
