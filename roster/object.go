package roster

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// people are fields that answers of servers have their lists of people in.
var people = []string{"users", "people", "persons", "contacts", "connections", "members", "items", "records", "results", "resources", "data", "value"}

// wrapped returns where the list of people begins in a file that is one object around it, as servers
// answer: {"total": 2, "users": [ … ]}. It is behind the bracket; 0 is no such file.
func wrapped(head string) (begin int) {
	d := json.NewDecoder(strings.NewReader(head))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return 0
	}
	for {
		key, err := d.Token()
		name, isName := key.(string)
		if err != nil || !isName {
			return 0
		}
		value, err := d.Token()
		if err != nil {
			return 0
		}
		listed := slices.Contains(people, strings.ToLower(name))
		switch {
		case value == json.Delim('{') && listed: // {"data": {"users": [
		case value == json.Delim('[') && listed:
			if rest := strings.TrimSpace(head[d.InputOffset():]); rest != "" && rest[0] != '{' && rest[0] != ']' {
				return 0
			}
			return int(d.InputOffset())
		case value == json.Delim('{'), value == json.Delim('['):
			if _, whole := skipValue(d); !whole {
				return 0
			}
		}
	}
}

// listIn returns where the list of people begins in a file that is one object around it, by the name
// of the list or else by what is in it: objects with addresses. It is behind the bracket; 0 is no
// such file. In a keyed list each has a name before it, such as an id. No object is longer than the
// beginning of a file that is looked at, so one that does not end in it is no person.
func listIn(head string) (begin int, keyed bool) {
	if !strings.HasPrefix(strings.TrimSpace(head), "{") {
		return 0, false
	}
	if begin := wrapped(head); begin > 0 {
		return begin, false
	}
	d := json.NewDecoder(strings.NewReader(head))
	if err := d.Decode(&json.RawMessage{}); err == nil && strings.TrimSpace(head[d.InputOffset():]) != "" {
		return 0, false // each object is a person
	}
	s := listSeeker{Decoder: json.NewDecoder(strings.NewReader(head)), head: head}
	if _, err := s.Token(); err == nil {
		s.object(1)
	}
	return s.begin, s.keyed
}

// listSeeker looks for the list in an object, and in those that it has.
type listSeeker struct {
	*json.Decoder
	head  string
	begin int
	keyed bool
}

// object reads on to the end of an object, or to the list. It reports whether an address is in it.
func (s *listSeeker) object(depth int) (addresses, whole bool) {
	begin, people, others := int(s.InputOffset()), 0, 0
	for whole = true; whole && s.begin == 0 && s.More(); {
		key, err := s.Token()
		name, _ := key.(string) // a decoder takes nothing else here
		value, failed := s.Token()
		if err != nil || failed != nil {
			whole = false
			break
		}
		var found bool
		switch value {
		case json.Delim('{'):
			if depth < maxDepth {
				found, whole = s.object(depth + 1)
			} else {
				found, whole = skipValue(s.Decoder)
			}
			if found && whole {
				people++
			}
		case json.Delim('['):
			others++
			list := int(s.InputOffset())
			found, whole = skipValue(s.Decoder)
			if found && strings.HasPrefix(strings.TrimSpace(s.head[list:]), "{") && !strings.Contains(strings.ToLower(name), "mail") {
				s.begin = list
			}
		default:
			others++
			found = hasAddress(value)
		}
		addresses = addresses || found
	}
	if s.begin == 0 && people > 1 && others == 0 {
		s.begin, s.keyed = begin, true
	}
	if whole {
		_, err := s.Token() // the bracket
		whole = err == nil
	}
	return addresses, whole
}

// hasAddress reports whether a token is an address, and no text about one.
func hasAddress(token json.Token) bool {
	text, ok := token.(string)
	return ok && isAddress(text) && !strings.ContainsAny(text, " \n")
}

// skipValue reads on to the end of a list or an object, and reports whether an address is in it.
func skipValue(d *json.Decoder) (addresses, whole bool) {
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err != nil {
			return addresses, false
		}
		addresses = addresses || hasAddress(token)
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return addresses, true
}

// contact is a person as other programs write them: Google's People API, Microsoft Graph, and
// whatever follows RFC 7643 (SCIM).
type contact struct {
	Names          []contactName
	EmailAddresses []contactValue
	Biographies    []contactValue
	Organizations  []contactName

	DisplayName, GivenName, Surname, PersonalNotes string
	Mail, UserPrincipalName                        string
	Name                                           contactName
	Emails                                         []contactValue
}

type contactName struct {
	DisplayName, GivenName, FamilyName, Formatted, Name string
	contactRank
}

type contactValue struct {
	Value, Address string
	contactRank
}

// contactRank says which of several is the one to take: the first, unless another one is primary.
type contactRank struct {
	Primary  bool
	Metadata struct{ Primary bool }
}

func (r contactRank) primary() bool { return r.Primary || r.Metadata.Primary }

func primaryOf[T interface{ primary() bool }](all []T) (one T) {
	if i := slices.IndexFunc(all, T.primary); i > 0 {
		return all[i]
	}
	if len(all) > 0 {
		return all[0]
	}
	return one
}

// contactFields are those that a contact is known by: no person of ours has them.
var contactFields = []string{"resourceName", "names", "emailAddresses", "emails", "mail", "userPrincipalName"}

// taken are the fields of a contact that are taken, or are the other program's own business.
var taken = append([]string{
	"biographies", "organizations", "displayName", "givenName", "surname", "personalNotes", "name", "id", "externalId",
	"etag", "metadata", "schemas", "meta", "active", "createdDateTime", "lastModifiedDateTime", "changeKey", "parentFolderId",
}, contactFields...)

var (
	halfLetter  = Say("the object has half a character: its text was cut off there")
	emptyObject = Say("the object has no name, email or note")
)

// readContact reads an object of another program; false if it is none. Unread says which field with a
// name was not taken, though there is no other.
func readContact(text string, seen *census) (e Entry, problem, unread *Message, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &fields) != nil || !slices.ContainsFunc(contactFields, func(f string) bool { return fields[f] != nil }) {
		return e, nil, nil, false
	}
	var c contact
	if json.Unmarshal([]byte(text), &c) != nil {
		return e, nil, nil, false
	}
	if hasHalfLetter(text) {
		return e, halfLetter, nil, true
	}
	full := func(n contactName) string {
		return cmp.Or(n.DisplayName, n.Formatted, n.Name, strings.TrimSpace(n.GivenName+" "+n.FamilyName))
	}
	set := func(field **string, text string) {
		if text = strings.TrimSpace(text); text != "" {
			*field = &text
		}
	}
	set(&e.Name, cmp.Or(full(primaryOf(c.Names)), c.DisplayName, full(c.Name), strings.TrimSpace(c.GivenName+" "+c.Surname), full(primaryOf(c.Organizations))))
	all := slices.Concat(c.EmailAddresses, c.Emails)
	first := primaryOf(all)
	set(&e.Email, bareAddress(cmp.Or(first.Value, first.Address, c.Mail, c.UserPrincipalName)))
	set(&e.Bio, cmp.Or(primaryOf(c.Biographies).Value, c.PersonalNotes))
	var left []string
	for field, value := range fields {
		if slices.Contains([]string{"null", `""`, "[]", "{}"}, string(value)) {
			continue
		}
		if !slices.Contains(taken, field) && !strings.HasPrefix(field, "@") {
			left = append(left, field)
		}
		if e.Name == nil && slices.Contains([]Role{NameRole, GivenRole, FamilyRole}, roleOf(field)) {
			unread = Say("the object has an unknown field {0}", Quote(field))
		}
	}
	if len(all) > 1 {
		left = append(left, "email 2")
	}
	seen.ignore(left)
	if e == (Entry{}) {
		problem = emptyObject
	}
	return e, problem, unread, true
}
