package roster_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/roster"
)

// TestVCard: cards as phones and address books write them.
func TestVCard(t *testing.T) {
	card := func(version string, lines ...string) string {
		return "BEGIN:VCARD\r\nVERSION:" + version + "\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n"
	}
	long := strings.Repeat("=4E", 5000)
	tests := map[string]struct {
		text  string
		lines []string
	}{
		"name of its parts":        {card("3.0", `N:van der Berg;Ann,Bo;M\.;Dr.;Jr.\;x`, "EMAIL:a@x.org"), []string{`1 Dr. Ann Bo M\. van der Berg Jr.;x <a@x.org>`}},
		"formatted before parts":   {card("4.0", "N:Berg;Ann;;;", "FN:Ann the Great", "EMAIL:a@x.org"), []string{"1 Ann the Great <a@x.org>"}},
		"formatted but empty":      {card("3.0", "FN:", "N:Berg;;;;", "EMAIL:a@x.org"), []string{"1 Berg <a@x.org>"}},
		"a nickname":               {card("3.0", "FN:", `NICKNAME:Bo\, the Cook,Bobby`, "ORG:x", "EMAIL:a@x.org"), []string{"1 Bo, the Cook <a@x.org>"}},
		"an email with a name":     {card("3.0", "FN:A", "EMAIL:Ann Archer <a@x.org>"), []string{"1 A <a@x.org>"}},
		"bare line ends, mixed":    {"BEGIN:VCARD\nVERSION:2.1\r\nN:Ek;Bo\rEMAIL:b@x.org\nEND:VCARD\nBEGIN:VCARD\rFN:C\rEND:VCARD", []string{"1 Bo Ek <b@x.org>", "6 C"}},
		"a company's card":         {card("3.0", "FN:", "N:;;;;", `ORG:Harbour\, Ltd.;Office`, "EMAIL:a@x.org"), []string{"1 Harbour, Ltd. <a@x.org>"}},
		"an email as a URI":        {card("4.0", "FN:A", "EMAIL;VALUE=uri:MAILTO:a@x.org"), []string{"1 A <a@x.org>"}},
		"groups and case":          {"begin:vcard\nversion:3.0\nitem1.fn:A\nItem1.Email;type=home:a@x.org\nend:vcard \n", []string{"1 A <a@x.org>"}},
		"preferred in 4.0":         {card("4.0", "FN:A", "EMAIL;PREF=7:x@x.org", "EMAIL;PREF=2:a@x.org", "EMAIL:y@x.org"), []string{"1 A <a@x.org>"}},
		"preferred in 3.0":         {card("3.0", "FN:A", "EMAIL;TYPE=HOME:x@x.org", "EMAIL;TYPE=\"work,pref\":a@x.org", "EMAIL;TYPE=PREF:y@x.org"), []string{"1 A <a@x.org>"}},
		"preferred in 2.1":         {card("2.1", "FN:A", "EMAIL;INTERNET:x@x.org", "EMAIL;INTERNET;PREF:a@x.org"), []string{"1 A <a@x.org>"}},
		"emails that are empty":    {card("3.0", "FN:A", "EMAIL:", "EMAIL:a@x.org"), []string{"1 A <a@x.org>"}},
		"several notes":            {card("3.0", "FN:A", `NOTE:one\Ntwo \\n\:`, "NOTE:", "NOTE:three"), []string{`1 A "one\ntwo \\n:\n\nthree"`}},
		"escapes of 2.1":           {card("2.1", "FN:A", `NOTE:C:\new\;x`), []string{`1 A "C:\\new;x"`}},
		"parameters in quotes":     {card("4.0", `FN;LANGUAGE="a:b;c":A`, "EMAIL:a@x.org"), []string{"1 A <a@x.org>"}},
		"folds":                    {card("3.0", "FN:A", "NOTE:one ", " two", "\tthree", "  four"), []string{`1 A "one twothree four"`}},
		"quoted-printable":         {card("2.1", "FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:J=C3=", "=BCrgen", "NOTE;QUOTED-PRINTABLE:a=0D=0Ab=3Dc =", " d", "EMAIL:a@x.org"), []string{`1 Jürgen <a@x.org> "a\nb=c  d"`}},
		"quoted-printable, long":   {card("2.1", "FN:A", "NOTE;ENCODING=QUOTED-PRINTABLE:"+long), []string{`1 A "` + strings.Repeat("N", 5000) + `"`}},
		"quoted-printable, torn":   {card("2.1", "FN:A", "NOTE;ENCODING=QUOTED-PRINTABLE:a="), []string{`1 A "a"`}},
		"quoted-printable, wrong":  {card("2.1", "FN;ENCODING=QUOTED-PRINTABLE:a\x01"), []string{"1 !the card's FN is not valid quoted-printable text"}},
		"Latin-1":                  {card("2.1", "FN;CHARSET=ISO-8859-1:J\xfcrgen", "EMAIL:a@x.org"), []string{"1 Jürgen <a@x.org>"}},
		"Latin-1 in QP":            {card("2.1", "FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=FCrgen", "EMAIL:a@x.org"), []string{"1 Jürgen <a@x.org>"}},
		"another charset":          {card("2.1", "FN;CHARSET=KOI8-R:x", "EMAIL:a@x.org"), []string{`1 !the card's FN is in the encoding "KOI8-R", which can't be read`}},
		"a name in base64":         {card("2.1", "FN;ENCODING=B:QW5u", "EMAIL:a@x.org"), []string{"1 !the card's FN is in base64"}},
		"a photo":                  {card("2.1", "FN:A", "PHOTO;JPEG;ENCODING=BASE64:", " "+strings.Repeat("QUJD\r\n ", 20_000), "", "EMAIL:a@x.org"), []string{"1 A <a@x.org>"}},
		"a photo, not folded":      {card("2.1", "FN:A", "PHOTO;BASE64:", "QUJDQUJD", "QUJD==", "", "EMAIL:a@x.org"), []string{"1 A <a@x.org>"}},
		"a line that broke":        {card("3.0", "FN:A", "NOTE:one", "two", "EMAIL:a@x.org"), []string{"1 !the card has a line after NOTE that is not a property"}},
		"an agent within":          {card("2.1", "FN:A", "AGENT:", "BEGIN:VCARD", "FN:B", "EMAIL:b@x.org", "END:VCARD", "EMAIL:a@x.org"), []string{"1 A <a@x.org>"}},
		"an end missing":           {"BEGIN:VCARD\nFN:A\n\nBEGIN:VCARD\nFN:B\nEND:VCARD\nBEGIN:VCARD\nFN:C", []string{"1 !the card is not closed before the next one begins", "4 B", "7 !the card is not closed where the file ends"}},
		"lines between":            {card("3.0", "FN:A") + "\r\nFN:B\r\n\ufeff" + card("3.0", "FN:C"), []string{"1 A", "6 !the line belongs to no card", "7 C"}},
		"another version":          {card("5.0", "FN:A"), []string{`1 !the card's VERSION is "5.0"; only 2.1, 3.0 and 4.0 can be read`}},
		"groups of people":         {card("3.0", "FN:A", "X-ADDRESSBOOKSERVER-KIND:group") + card("4.0", "FN:B", "KIND:Org") + card("4.0", "FN:C", "KIND:location"), []string{"1 !the card is not a person's: its KIND is \"group\"", "6 B", "11 !the card is not a person's: its KIND is \"location\""}},
		"nothing to take":          {card("3.0", "TEL:1"), []string{"1 !the card has no name, email or note"}},
		"too long":                 {card("3.0", "FN:A", "NOTE:"+strings.Repeat("x", 70_000)) + card("3.0", "FN:B", "TEL:"+strings.Repeat("x", 70_000)), []string{"1 !the card has a NOTE that is longer than 64 kB", "6 B"}},
		"in CR alone":              {strings.ReplaceAll(card("3.0", "FN:A", "NOTE:one", " two"), "\r\n", "\r"), []string{`1 A "onetwo"`}},
		"a fold through a letter":  {card("3.0", "FN:A\xc3", " \xbc"), []string{"1 Aü"}},
		"letters that are no text": {"\ufeff" + card("3.0", "FN:A\xc3") + card("3.0", "FN:B"), []string{"1 !the card's FN has bytes that are not text", "5 B"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { readAs(t, test.text, roster.Options{}, test.lines...) })
	}
	f := readAs(t, card("3.0", "FN:A", "TEL:1", "TEL:2", "ADR:;;x", "ORG:y"), roster.Options{}, "1 A")
	if len(f.Notes) != 1 || notesOf(f) != "left out: TEL, ADR, ORG. Rollcall keeps only name, email and bio" {
		t.Errorf("notes: %q", f.Notes)
	}
}

// TestNobodyVanishesFromVCards: where a line is missing or twice, each person is read, or
// their card is named.
func TestNobodyVanishesFromVCards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(1, 6).Draw(t, "people")
		var lines []string
		for i := range people {
			lines = append(lines, "BEGIN:VCARD", "VERSION:2.1", fmt.Sprintf("FN:N%d", i), "NOTE;ENCODING=QUOTED-PRINTABLE:one=", "two", fmt.Sprintf("EMAIL:p%d@x.org", i), "END:VCARD")
		}
		const size = 7 // lines of a card
		at := rapid.IntRange(1, len(lines)-1).Draw(t, "at")
		torn := append([]string{}, lines[:at]...)
		if rapid.Bool().Draw(t, "twice") {
			torn = append(torn, lines[at])
			torn = append(torn, lines[at:]...)
		} else {
			torn = append(torn, lines[at+1:]...)
		}
		_, all, err := read(t, strings.Join(torn, "\n"), roster.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range people {
			email := fmt.Sprintf("p%d@x.org", i)
			found := false
			for _, l := range all {
				found = found || (l.Entry.Email != nil && *l.Entry.Email == email) ||
					(at/size == i && (l.Problem != nil || l.Entry.Email == nil) && l.Number > i*size && l.Number <= (i+1)*size+1)
			}
			if !found {
				t.Fatalf("%s vanished from\n%s\n%+v", email, strings.Join(torn, "\n"), all)
			}
		}
	})
}
