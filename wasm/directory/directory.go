// Package directory binds the engine, which knows only documents, to users: their schema,
// their codec, their validation and their resource at the server. It also names what the
// programs of one browser share.
package directory

import (
	"encoding/json"
	"strings"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// Names are what all tabs and workers of one account share. They exist on devices and must not
// change; those of nobody's data are from before there were accounts. web/account.js makes the same.
type Names struct {
	Account  string // its id; empty for nobody's data
	Database string // the IndexedDB database
	Channel  string // the BroadcastChannel
	Suffix   string // of locks and tags
}

// NamesOf returns the names of an account's data.
func NamesOf(account string) Names {
	suffix := ""
	if account != "" {
		suffix = "-" + account
	}
	return Names{Account: account, Database: Nobodys + suffix, Channel: Nobodys + suffix, Suffix: suffix}
}

// Nobodys is the database of who has no account.
const Nobodys = "rollcall"

// Paths are the server's resources, by entity type.
var Paths = map[string]string{api.EntityUser: api.PathUsers}

// Users is the schema of users.
var Users = queue.Schema{
	Type: api.EntityUser, Fields: api.UserFields, Unique: []string{"email"},
	Index: api.UserIndex, Rule: api.IndexRule, Fold: api.FoldText,
	Changed: api.UserChanged, Deep: api.UserBio,
	Orders: map[string]func(search, changed string) string{
		"":           func(search, _ string) string { name, _, _ := strings.Cut(search, "\n"); return name },
		OrderEmail:   func(search, _ string) string { _, email, _ := strings.Cut(search, "\n"); return email },
		OrderChanged: func(_, changed string) string { return changed },
	},
}

// The orders of users beside the list's own, by name.
const (
	OrderEmail   = "email"
	OrderChanged = "changed"
)

// Collection is the collection of users.
type Collection = repository.Collection[api.User, api.UserPatch]

// Codec translates users.
var Codec = repository.Codec[api.User, api.UserPatch]{
	Decode: api.ParseUser,
	Encode: func(p api.UserPatch) (json.RawMessage, error) { return jsoncodec.Write(p.WriteJSON), nil },
	Clean:  clean,
	Whole:  func(u api.User) api.UserPatch { return api.UserPatch{Name: &u.Name, Email: &u.Email, Bio: &u.Bio} },
}

// clean is the one place on the device where a user's fields are normalized and
// validated. A new user has a bio, if only an empty one.
func clean(p api.UserPatch, create bool) (api.UserPatch, *api.Problem) {
	p, errs := p.Clean(create)
	if create && p.Bio == nil {
		p.Bio = new(string)
	}
	if len(errs) > 0 {
		return p, api.NewProblem(api.CodeInvalid, "Some fields need a correction", "", errs...)
	}
	return p, nil
}
