package api

import (
	"fmt"

	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// EntityUser is the entity type of users.
const EntityUser = "user"

// User is the record people keep. Version is the server's counter of this
// user's changes and the strong ETag of its resource; 0 means not yet there.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Bio       string    `json:"bio"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
}

// UserPatch holds the fields of a user that a write sets; nil leaves a field as
// it is. It is the data of a "create" or "update" operation and the body of
// POST and PATCH.
type UserPatch struct {
	Name  *string `json:"name,omitempty"`
	Email *string `json:"email,omitempty"`
	Bio   *string `json:"bio,omitempty"`
}

// UserFields are the names of the fields a person can edit.
var UserFields = []string{"name", "email", "bio"}

// Trimmed returns the patch in its stored form: see Clean.
func (p UserPatch) Trimmed() UserPatch {
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

// Clean is the one door that a person's fields pass on the device and at the server: it
// returns the patch in its stored form, and what is wrong with it, in the order of the
// form. Stored are texts in NormalText, with what nobody sees at the ends of name and
// email and at the end of the bio removed. With create set, name and email must be present.
func (p UserPatch) Clean(create bool) (UserPatch, []FieldError) {
	p = p.Trimmed()
	return p, p.Validate(create)
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

// Validate returns what is wrong with the patch's fields, in the order of the
// form. With create set, name and email must be present.
func (p UserPatch) Validate(create bool) []FieldError {
	var errs []FieldError
	add := func(field string, value *string, required bool, check func(string) string) {
		if value == nil {
			if required {
				errs = append(errs, FieldError{field, "is required"})
			}
			return
		}
		if detail := check(*value); detail != "" {
			errs = append(errs, FieldError{field, detail})
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
		return "is required"
	case showsNothing(s):
		return "shows nothing; type a name that can be read"
	case n > MaxName:
		return fmt.Sprintf("is %d characters long; at most %d are allowed", n, MaxName)
	}
	return checkText(s, false)
}

func checkBio(s string) string {
	if n := utf8.RuneCountInString(s); n > MaxBio {
		return fmt.Sprintf("is %d characters long; at most %d are allowed", n, MaxBio)
	}
	return checkText(s, true)
}

// checkText refuses what no keyboard produces and what JSON or a database would
// change on the way: invalid UTF-8 and control characters.
func checkText(s string, lines bool) string {
	if !utf8.ValidString(s) {
		return "is not valid UTF-8 text"
	}
	for _, r := range s {
		switch {
		case lines && (r == '\n' || r == '\t'):
		case unicode.IsControl(r):
			return "has a control character; remove it"
		case !lines && unicode.In(r, unicode.Zl, unicode.Zp):
			return "has a line break; put it on one line"
		}
	}
	return ""
}

// NewOperationID makes an id for an operation: a UUID of version 7 (RFC 9562), which
// begins with the time, so that a server keeps the records of operations that came
// together side by side. Records themselves have ids in no order: buckets are by their
// beginning.
func NewOperationID() string { return uuid.Must(uuid.NewV7()).String() }

// ValidID reports whether s is a UUID in its canonical lower-case form, the only
// form that is kept: two spellings of one id would be two entities.
func ValidID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s && id != uuid.Nil
}
