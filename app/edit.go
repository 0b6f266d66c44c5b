package app

import (
	"strings"

	"github.com/rollcall/rollcall/api"
)

// edit is what an open form holds, by field. Its base is what the person saw: only what
// they changed is saved, and a change of others to the same field is shown, not lost.
type edit map[string]*editedField

type editedField struct {
	base   string // what the form showed before the person changed it
	value  string // what the input holds
	theirs *string
	// theirs is what others have made of a field that the person has changed, too;
	// nil while nobody did.
}

// newEdit shows a user's fields, or empty ones.
func newEdit(u api.User) edit {
	e := edit{}
	for field, value := range fieldsOf(u) {
		e[field] = &editedField{base: value, value: asShown(value)}
	}
	return e
}

func fieldsOf(u api.User) map[string]string {
	return map[string]string{"name": u.Name, "email": u.Email, "bio": u.Bio}
}

// asShown is a value as an input returns it: browsers have one kind of line end there.
func asShown(value string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(value)
}

func (f *editedField) touched() bool { return f.value != asShown(f.base) }

// touched reports whether there is anything to save.
func (e edit) touched() bool {
	for _, f := range e {
		if f.touched() {
			return true
		}
	}
	return false
}

// contested reports whether others have changed what the person has changed.
func (e edit) contested() bool {
	for _, f := range e {
		if f.theirs != nil {
			return true
		}
	}
	return false
}

// follow takes over what the user has become. Fields that the person has not touched
// have the new value, and are returned.
func (e edit) follow(u api.User) (followed []string) {
	fields := fieldsOf(u)
	for _, field := range api.UserFields {
		now, f := fields[field], e[field]
		switch {
		case asShown(now) == asShown(f.base):
			f.theirs = nil
		case !f.touched():
			f.base, f.value, f.theirs = now, asShown(now), nil
			followed = append(followed, field)
		case f.value == asShown(now): // both made it the same
			f.base, f.theirs = now, nil
		default:
			f.theirs = &now
		}
	}
	return followed
}

// useTheirs gives up the person's own value of a field.
func (e edit) useTheirs(field string) {
	if f := e[field]; f.theirs != nil {
		f.base, f.value, f.theirs = *f.theirs, asShown(*f.theirs), nil
	}
}

func (e edit) values() map[string]string {
	values := map[string]string{}
	for field, f := range e {
		values[field] = f.value
	}
	return values
}

// seen is a user as the person saw it, field by field.
func (e edit) seen(u api.User) api.User {
	u.Name, u.Email, u.Bio = e["name"].base, e["email"].base, e["bio"].base
	return u
}
