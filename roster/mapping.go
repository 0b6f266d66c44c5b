package roster

import (
	"slices"
	"strings"
	"unicode"

	"github.com/rollcall/rollcall/api"
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

// entry makes an entry of cells; more is how many emails it has beside the one that is taken. Of a
// column that has several values in a row, further has those behind the first.
func (m *Mapping) entry(cells []string, further map[int][]string) (e Entry, more int, problem *Message) {
	first := func(places []int) (all []string) {
		for _, i := range places {
			if i < len(cells) && isFilled(cells[i]) {
				all = append(all, strings.TrimSpace(cells[i]))
			}
		}
		return all
	}
	filled := func(places []int) []string {
		all := first(places)
		for _, i := range places {
			all = append(all, further[i]...)
		}
		return all
	}
	for _, id := range first(m.ID) {
		e.ID = id
	}
	for _, places := range m.Names {
		if words := first(places); len(words) > 0 && e.Name == nil {
			name := strings.Join(words, " ")
			e.Name = &name
		}
	}
	email, more, ok := addressIn(filled(m.Emails))
	switch {
	case ok:
		e.Email = &email
	case email != "":
		return e, 0, Say("the line has an address that works only within Exchange, and no email that others can write to")
	}
	if bios := filled(m.Bios); len(bios) > 0 {
		bio := strings.Join(bios, "\n\n")
		e.Bio = &bio
	}
	return e, more, nil
}

// several stands between the values that Google Contacts writes into one cell.
const several = " ::: "

// addressIn returns the first text with an @, or else the first, which the person is to see, and
// how many other addresses there are; ok is false for one that only Exchange knows (X.500).
func addressIn(cells []string) (email string, others int, ok bool) {
	first := ""
	for _, cell := range cells {
		for _, text := range addressesOf(cell) {
			switch {
			case email == "" && strings.Contains(text, "@"):
				email = text
			case email != "" && isAddress(text) && !strings.EqualFold(text, email):
				others++
			case first == "":
				first = text
			}
		}
	}
	if email != "" {
		return email, others, true
	}
	internal := len(first) > 3 && strings.EqualFold(first[:3], "/o=")
	return first, 0, first != "" && !internal
}

// addressesOf parts a cell as programs fill it: "a@x.org ::: b@x.org", "Ann <a@x.org>; b@x.org",
// "mailto:a@x.org". What is none of these stays as it is, so that it is refused as it was written.
func addressesOf(cell string) (all []string) {
	for text := range strings.SplitSeq(cell, several) {
		for _, part := range listed(text) {
			if words := strings.Fields(part); len(words) > 1 && !slices.ContainsFunc(words, func(w string) bool { return !isAddress(w) }) {
				for _, word := range words {
					all = append(all, bareAddress(word))
				}
			} else if part = strings.TrimSpace(part); part != "" {
				all = append(all, bareAddress(part))
			}
		}
	}
	return all
}

// listed parts a list at its separators: each part after the first address has to have one. Else
// "ann@example,org" would be somebody else's.
func listed(text string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == ',' || r == '\n' })
	found := false
	for _, part := range parts {
		at := strings.Contains(part, "@")
		if found && !at && isFilled(part) {
			return []string{text}
		}
		found = found || at
	}
	if !found {
		return []string{text}
	}
	return parts
}

// bareAddress returns the address of "Ann <mailto:a@x.org>".
func bareAddress(text string) string {
	if _, after, found := strings.Cut(text, "<"); found {
		if inner, _, closed := strings.Cut(after, ">"); closed && isAddress(inner) {
			text = inner
		}
	}
	const scheme = "mailto:"
	if len(text) > len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
		text, _, _ = strings.Cut(text[len(scheme):], "?")
	}
	return strings.TrimSpace(text)
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
	{"Outlook", []string{"E-mail Address", "E-mail Type"}, outlookNames, outlookEmails, outlookNotes},
	{"Outlook", []string{"E-mail Address", "E-mail Display Name"}, outlookNames, outlookEmails, outlookNotes},
	{"Outlook", []string{"E-Mail-Adresse", "E-Mail-Typ"}, outlookNames, outlookEmails, outlookNotes},
	{"Outlook", []string{"E-Mail-Adresse", "E-Mail: Angezeigter Name"}, outlookNames, outlookEmails, outlookNotes},
	{"Outlook", []string{"Adresse de messagerie", "Type de messagerie"}, outlookNames, outlookEmails, outlookNotes},
	{"Outlook", []string{"Adresse de messagerie", "Nom complet de l'adresse de messagerie"}, outlookNames, outlookEmails, outlookNotes},
	{"Outlook", []string{"Dirección de correo electrónico", "Tipo de correo electrónico"}, outlookNames, outlookEmails, outlookNotes},
	{"Outlook on the web", []string{"E-mail Address", "Given Yomi"}, outlookNames, outlookEmails, outlookNotes},
	{"Thunderbird", []string{"Primary Email", "Display Name"}, thunderbirdNames, thunderbirdEmails, outlookNotes},
	{"Thunderbird", []string{"Primäre E-Mail-Adresse", "Anzeigename"}, thunderbirdNames, thunderbirdEmails, outlookNotes},
	{"Thunderbird", []string{"Adresse électronique principale", "Nom à afficher"}, thunderbirdNames, thunderbirdEmails, outlookNotes},
	{"Thunderbird", []string{"Première adresse électronique", "Nom à afficher"}, thunderbirdNames, thunderbirdEmails, outlookNotes},
	{"LinkedIn", []string{"Email Address", "Connected On"}, [][]string{{"First Name", "Last Name"}}, []string{"Email Address"}, nil},
}

// Outlook and Thunderbird name their columns in the language that they speak. A file has those of
// one, so all can be looked for: English, German, French, Spanish.
var (
	outlookNames = [][]string{
		{
			"First Name", "Vorname", "Prénom", "Nombre", "Middle Name", "Weitere Vornamen", "Deuxième prénom", "Segundo nombre",
			"Last Name", "Nachname", "Nom", "Apellidos", "Suffix", "Suffixe", "Sufijo",
		},
		{"Nickname", "Spitzname", "Surnom", "Apodo"},
		{"Company", "Firma", "Société", "Organización", "Compañía"},
	}
	outlookEmails = []string{
		"E-mail Address", "E-Mail-Adresse", "Adresse de messagerie", "Dirección de correo electrónico",
		"E-mail 2 Address", "E-Mail 2: Adresse", "Adresse de messagerie 2", "Dirección de correo electrónico 2", "Dirección del correo electrónico 2",
		"E-mail 3 Address", "E-Mail 3: Adresse", "Adresse de messagerie 3", "Dirección de correo electrónico 3", "Dirección del correo electrónico 3",
	}
	outlookNotes     = []string{"Notes", "Notizen", "Notas"}
	thunderbirdNames = [][]string{
		{"Display Name", "Anzeigename", "Nom à afficher"},
		{"First Name", "Vorname", "Prénom", "Last Name", "Nachname", "Nom de famille"},
		{"Nickname", "Spitzname", "Surnom"},
		{"Organization", "Organisation", "Société"},
	}
	thunderbirdEmails = []string{
		"Primary Email", "Primäre E-Mail-Adresse", "Adresse électronique principale", "Première adresse électronique",
		"Secondary Email", "Sekundäre E-Mail-Adresse", "Adresse électronique secondaire",
	}
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

// words that columns are called by, as plainName has them, for a guess that a person looks at.
var words = map[Role][]string{
	IDRole: {"id"},
	NameRole: {
		"name", "full name", "fullname", "full", "formatted", "formatted name", "display name", "displayname", "contact", "contact name", "person", "vollständiger name", "anzeigename",
		"nom complet", "nom et prénom", "nombre completo", "nombre y apellidos", "naam", "nome completo", "氏名", "名前", "الاسم", "الاسم الكامل",
	},
	GivenRole: {
		"first name", "given name", "firstname", "givenname", "forename", "first", "middle name", "middlename", "prefix", "name prefix",
		"vorname", "vornamen", "rufname", "prénom", "prénoms", "prenom", "nombre", "nombres", "segundo nombre", "voornaam", "nome", "名", "الاسم الأول",
	},
	FamilyRole: {
		"last name", "family name", "surname", "lastname", "familyname", "last", "suffix", "name suffix",
		"nachname", "familienname", "zuname", "nom", "nom de famille", "apellido", "apellidos", "achternaam", "cognome", "sobrenome", "姓", "اسم العائلة",
	},
	EmailRole: {
		"email", "e-mail", "mail", "email address", "e-mail address", "emailaddress", "mail address", "email 1", "e-mail 1", "primary email",
		"e-mail-adresse", "email-adresse", "emailadresse", "mailadresse", "e-mailadresse", "e-mailadres",
		"correo", "correo electrónico", "correo electronico", "dirección de correo electrónico",
		"courriel", "adresse e-mail", "adresse email", "adresse de messagerie", "adresse électronique", "indirizzo e-mail", "メール", "メールアドレス", "البريد الإلكتروني",
	},
	BioRole: {
		"bio", "note", "notes", "about", "description", "comment", "comments", "remarks",
		"notiz", "notizen", "bemerkung", "bemerkungen", "anmerkung", "anmerkungen", "kommentar", "beschreibung",
		"remarque", "remarques", "commentaire", "commentaires", "notas", "observaciones", "comentarios", "備考", "メモ", "ملاحظات",
	},
}

// plainName is a column's name without what programs and people put about it: "First_Name", "E-Mail:".
func plainName(name string) string {
	name = strings.NewReplacer("_", " ", ".", " ").Replace(strings.ToLower(columnName(name)))
	return strings.Join(strings.Fields(strings.Trim(name, " :*")), " ")
}

// groups are fields that have those of a person in them, as in name.first.
var groups = []string{
	"name", "names", "person", "user", "contact", "profile", "attributes", "properties", "fields", "data", "details", "info", "resource", "node",
}

// roleOf says what a column may be for by its name. That of an object's field is a path, and where it leads
// is told by its end: the name in user.name is the person's, that in company.name is not.
func roleOf(name string) Role {
	if role := roleCalled(name); role != NoRole {
		return role
	}
	for {
		group, rest, nested := strings.Cut(name, ".")
		if !nested || !slices.Contains(groups, plainName(group)) {
			return NoRole
		}
		if role := roleCalled(rest); role != NoRole && role != IDRole {
			return role
		}
		name = rest
	}
}

func roleCalled(name string) Role {
	name = plainName(name)
	for role, known := range words {
		if slices.Contains(known, name) {
			return role
		}
	}
	return NoRole
}

// guess says what the columns of a table may be for, by their names, and by what is in them.
func guess(columns []string, rows [][]string) []Role {
	roles := make([]Role, len(columns))
	for i, name := range columns {
		roles[i] = roleOf(name)
		if roles[i] == NameRole && slices.Contains(roles[:i], NameRole) {
			roles[i] = NoRole // two would be put together
		}
	}
	for i, role := range roles {
		// An id of another program is none here: it would refuse all lines.
		if role == IDRole && slices.ContainsFunc(rows, func(row []string) bool {
			return i < len(row) && isFilled(row[i]) && !api.ValidID(strings.TrimSpace(row[i]))
		}) {
			roles[i] = NoRole
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
