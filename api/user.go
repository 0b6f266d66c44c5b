package api

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// EntityUser is the entity type of users.
const EntityUser = "user"

// User is a person in the directory. Version is the server's counter of the user's changes,
// and the strong ETag of its resource; 0 means that the server does not have it yet.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Bio       string    `json:"bio"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
}

// UserPatch has the fields of a user that a write sets; nil keeps a field. It is the data of a
// "create" or "update" operation, and the body of POST and PATCH.
type UserPatch struct {
	Name  *string `json:"name,omitempty"`
	Email *string `json:"email,omitempty"`
	Bio   *string `json:"bio,omitempty"`
}

// UserFields are the names of the editable fields.
var UserFields = []string{"name", "email", "bio"}

// trimmed returns the patch in its stored form: see Clean.
func (p UserPatch) trimmed() UserPatch {
	normal := func(s *string, f func(string) string) *string {
		if s == nil {
			return nil
		}
		t := f(*s)
		return &t
	}
	return UserPatch{
		Name:  normal(p.Name, normalLine),
		Email: normal(p.Email, normalLine),
		Bio:   normal(p.Bio, func(s string) string { return strings.TrimRightFunc(NormalText(s), unicode.IsSpace) }),
	}
}

// Clean is the one validation of a user's fields, on the device and at the server. It returns
// the patch in its stored form, and what is wrong with it, in the order of the form. Texts are
// stored in NormalText, without what nobody sees at the ends of name and email and at the end
// of the bio. A create needs name and email.
func (p UserPatch) Clean(create bool) (UserPatch, []FieldError) {
	p = p.trimmed()
	return p, p.validate(create)
}

// Apply returns u with the patch's fields set.
func (p UserPatch) Apply(u User) User {
	if p.Name != nil {
		u.Name = *p.Name
	}
	if p.Email != nil {
		u.Email = *p.Email
	}
	if p.Bio != nil {
		u.Bio = *p.Bio
	}
	return u
}

// validate returns what is wrong with the patch's fields, in the order of the form. A create
// needs name and email.
func (p UserPatch) validate(create bool) []FieldError {
	var errs []FieldError
	add := func(field string, value *string, required bool, check func(string) string) {
		if value == nil {
			if required {
				errs = append(errs, Wrong(field, IsRequired))
			}
			return
		}
		if wrong := check(*value); wrong != "" {
			errs = append(errs, FieldError{field, wrong})
		}
	}
	add("name", p.Name, create, checkName)
	add("email", p.Email, create, checkEmail)
	add("bio", p.Bio, false, checkBio)
	return errs
}

func checkName(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case s == "":
		return detail(IsRequired)
	case showsNothing(s):
		return detail(showsNoName)
	case n > MaxName:
		return detail(isLong, strconv.Itoa(n), strconv.Itoa(MaxName))
	}
	return checkText(s, false)
}

func checkBio(s string) string {
	if n := utf8.RuneCountInString(s); n > MaxBio {
		return detail(isLong, strconv.Itoa(n), strconv.Itoa(MaxBio))
	}
	return checkText(s, true)
}

// checkText refuses what no keyboard produces, and what JSON or a database would change:
// invalid UTF-8 and control characters.
func checkText(s string, lines bool) string {
	if !utf8.ValidString(s) {
		return detail(isNoText)
	}
	for _, r := range s {
		if unicode.IsControl(r) && (!lines || (r != '\n' && r != '\t')) {
			return detail(hasControl)
		}
	}
	return ""
}

// NewOperationID returns an id for an operation: a UUID of version 7 (RFC 9562). It starts with
// the time, so that a server stores the records of recent operations side by side. Users have
// random ids, since buckets divide them by their first digits.
func NewOperationID() string { return uuid.Must(uuid.NewV7()).String() }

// ValidID reports whether s is a UUID in its canonical lower-case form. No other form is
// accepted, since two spellings of one id would be two entities.
func ValidID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s && id != uuid.Nil
}
