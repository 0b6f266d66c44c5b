package roster

import (
	"strings"
	"unicode"
)

// Mapping says in which columns of a table the fields of a person are, by their numbers from 0. The
// table is another program's, so an empty cell says nothing: it does not empty a field.
type Mapping struct {
	ID []int
	// Names are tried in their order; the filled cells of one, with spaces between them, are the name.
	Names  [][]int
	Emails []int // the first that has an address counts
	Bios   []int // all that are filled, a paragraph each
}

// Role is what a column is for, as whoever knows the table says it.
type Role string

// The roles. Several columns of one are put together; a name counts more than its parts.
const (
	NoRole     Role = ""
	IDRole     Role = "id"
	NameRole   Role = "name"
	GivenRole  Role = "given"
	FamilyRole Role = "family"
	EmailRole  Role = "email"
	BioRole    Role = "bio"
)

// MappingOf returns the mapping of columns with these roles; false if it finds nobody.
func MappingOf(roles []Role) (*Mapping, bool) {
	with := func(role Role) (all []int) {
		for i, r := range roles {
			if r == role {
				all = append(all, i)
			}
		}
		return all
	}
	m := &Mapping{ID: with(IDRole), Emails: with(EmailRole), Bios: with(BioRole)}
	for _, names := range [][]int{with(NameRole), append(with(GivenRole), with(FamilyRole)...)} {
		if len(names) > 0 {
			m.Names = append(m.Names, names)
		}
	}
	return m, len(m.Emails)+len(m.ID) > 0
}

// columns says of each column what it is for.
func (m *Mapping) columns(n int) []column {
	all := make([]column, n)
	for i := range all {
		all[i] = untaken
	}
	set := func(known column, places ...int) {
		for _, i := range places {
			if i < n {
				all[i] = known
			}
		}
	}
	for _, names := range m.Names {
		set(nameColumn, names...)
	}
	set(bioColumn, m.Bios...)
	set(emailColumn, m.Emails...)
	set(idColumn, m.ID...)
	return all
}

// entry makes an entry of cells.
func (m *Mapping) entry(cells []string) (e Entry, problem string) {
	filled := func(places []int) (all []string) {
		for _, i := range places {
			if i < len(cells) && isFilled(cells[i]) {
				all = append(all, strings.TrimSpace(cells[i]))
			}
		}
		return all
	}
	for _, id := range filled(m.ID) {
		e.ID = id
	}
	for _, places := range m.Names {
		if words := filled(places); len(words) > 0 && e.Name == nil {
			name := strings.Join(words, " ")
			e.Name = &name
		}
	}
	if email, ok := firstAddress(filled(m.Emails)); ok {
		e.Email = &email
	} else if email != "" {
		return e, "the line has an address within Exchange, and no email that others can write to"
	}
	if bios := filled(m.Bios); len(bios) > 0 {
		bio := strings.Join(bios, "\n\n")
		e.Bio = &bio
	}
	return e, ""
}

// several stands between the values that Google Contacts writes into one cell.
const several = " ::: "

// firstAddress returns the first text with an @, or else the first, which the person is to see;
// ok is false for one that only Exchange knows (X.500).
func firstAddress(cells []string) (email string, ok bool) {
	for _, cell := range cells {
		for text := range strings.SplitSeq(cell, several) {
			text = strings.TrimSpace(text)
			if strings.Contains(text, "@") {
				return text, true
			}
			if email == "" {
				email = text
			}
		}
	}
	internal := len(email) > 3 && strings.EqualFold(email[:3], "/o=")
	return email, email != "" && !internal
}

// isAddress reports whether a text has an @ between others.
func isAddress(text string) bool {
	at := strings.IndexByte(text, '@')
	return at > 0 && at < len(text)-1
}

// export is another program's, known by columns that only it has.
type export struct {
	program string
	has     []string
	names   [][]string
	emails  []string
	bios    []string
}

var exports = []export{
	{"Google Contacts", []string{"E-mail 1 - Value", "Yomi Name"},
		[][]string{{"Name"}, {"Given Name", "Additional Name", "Family Name"}, {"Nickname"}, {"Organization 1 - Name"}},
		[]string{"E-mail 1 - Value", "E-mail 2 - Value", "E-mail 3 - Value"}, []string{"Notes"}},
	{"Google Contacts", []string{"E-mail 1 - Value"},
		[][]string{{"Name Prefix", "First Name", "Middle Name", "Last Name", "Name Suffix"}, {"File As"}, {"Nickname"}, {"Organization Name"}},
		[]string{"E-mail 1 - Value", "E-mail 2 - Value", "E-mail 3 - Value"}, []string{"Notes"}},
	{"Outlook", []string{"E-mail Address", "E-mail Type"}, outlookNames, outlookEmails, []string{"Notes"}},
	{"Outlook", []string{"E-mail Address", "E-mail Display Name"}, outlookNames, outlookEmails, []string{"Notes"}},
	{"Outlook on the web", []string{"E-mail Address", "Given Yomi"}, outlookNames, outlookEmails, []string{"Notes"}},
	{"Thunderbird", []string{"Primary Email", "Display Name"},
		[][]string{{"Display Name"}, {"First Name", "Last Name"}, {"Nickname"}, {"Organization"}},
		[]string{"Primary Email", "Secondary Email"}, []string{"Notes"}},
	{"LinkedIn", []string{"Email Address", "Connected On"}, [][]string{{"First Name", "Last Name"}}, []string{"Email Address"}, nil},
}

var (
	outlookNames  = [][]string{{"First Name", "Middle Name", "Last Name", "Suffix"}, {"Nickname"}, {"Company"}}
	outlookEmails = []string{"E-mail Address", "E-mail 2 Address", "E-mail 3 Address"}
)

// exportOf recognises an export of another program by its columns.
func exportOf(header []string) (program string, m *Mapping) {
	place := map[string]int{}
	for i := len(header) - 1; i >= 0; i-- {
		place[strings.ToLower(columnName(header[i]))] = i
	}
	places := func(names []string) (all []int) {
		for _, name := range names {
			if i, ok := place[strings.ToLower(name)]; ok {
				all = append(all, i)
			}
		}
		return all
	}
	for _, e := range exports {
		if len(places(e.has)) < len(e.has) {
			continue
		}
		m = &Mapping{Emails: places(e.emails), Bios: places(e.bios)}
		for _, names := range e.names {
			m.Names = append(m.Names, places(names))
		}
		return e.program, m
	}
	return "", nil
}

// words that columns are called by, in lower case, for a guess that a person looks at.
var words = map[Role][]string{
	IDRole:     {"id"},
	NameRole:   {"name", "full name", "display name", "contact", "vollständiger name", "anzeigename", "nom complet", "nombre completo", "氏名", "名前", "الاسم"},
	GivenRole:  {"first name", "given name", "firstname", "vorname", "prénom", "nombre", "名", "الاسم الأول"},
	FamilyRole: {"last name", "family name", "surname", "lastname", "nachname", "nom", "nom de famille", "apellido", "apellidos", "姓", "اسم العائلة"},
	EmailRole:  {"email", "e-mail", "mail", "email address", "e-mail address", "e-mail-adresse", "correo", "correo electrónico", "courriel", "adresse e-mail", "メール", "メールアドレス", "البريد الإلكتروني"},
	BioRole:    {"bio", "note", "notes", "about", "description", "comment", "comments", "notizen", "bemerkung", "beschreibung", "remarques", "notas", "メモ", "ملاحظات"},
}

// guess says what the columns of a table may be for, by their names, and by what is in them.
func guess(columns []string, rows [][]string) []Role {
	roles := make([]Role, len(columns))
	for i, name := range columns {
		name = strings.ToLower(columnName(name))
		for role, known := range words {
			for _, word := range known {
				if name == word {
					roles[i] = role
				}
			}
		}
	}
	has := func(wanted ...Role) bool {
		for _, role := range roles {
			for _, w := range wanted {
				if role == w {
					return true
				}
			}
		}
		return false
	}
	first := func(role Role, fits func(cell string) bool) {
		for i := range roles {
			for _, row := range rows {
				if roles[i] == NoRole && i < len(row) && fits(row[i]) && !has(role) {
					roles[i] = role
				}
			}
		}
	}
	if !has(EmailRole) {
		first(EmailRole, isAddress)
	}
	if !has(NameRole, GivenRole, FamilyRole) {
		first(NameRole, func(cell string) bool {
			return strings.ContainsFunc(cell, unicode.IsLetter) && !strings.Contains(cell, "@")
		})
	}
	return roles
}
