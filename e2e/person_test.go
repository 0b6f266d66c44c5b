//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/rollcall/rollcall/e2e/harness"
)

// Keeps what a page copies and shares: a headless browser has no clipboard to read, and no menu.
const observed = `
	Object.defineProperty(navigator, "clipboard", {value: {writeText: async (text) => { globalThis.copied = text; }}});
`

// opensPerson opens the page of a user.
func (d directory) opensPerson(id, name string) {
	d.t.Helper()
	d.Go("/users/" + id)
	d.See("heading", name)
}

func (d directory) focused() string {
	d.t.Helper()
	return harness.Eval[string](d.Page, `document.activeElement.id`)
}

func (d directory) focusIs(id string) {
	d.t.Helper()
	harness.Eventually(d.t, "the focus is on "+id, func() error { return harness.Equal("it", d.focused(), id) })
}

// TestAFieldIsEditedInPlace goes through all of it by keyboard.
func TestAFieldIsEditedInPlace(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.opensPerson(ann, "Ann Archer")
	users.looksRight("person")
	press := func(id, key string) {
		t.Helper()
		harness.Eval[bool](users.Page, `(document.getElementById("`+id+`").focus(), true)`)
		users.Press(key)
	}
	press("change-name", "\r")
	users.See("form", "Change name")
	users.focusIs("own-name")
	users.looksRight("person editing")
	users.Fill("textbox", "Name", "Ann Cooper")
	users.Press("\r") // Enter saves
	users.See("heading", "Ann Cooper")
	users.focusIs("change-name")
	harness.Eventually(t, "the server has the name", func() error {
		row, _ := site.Row("Ann Cooper")
		return harness.Equal("it", row.ID, ann)
	})

	// In a text of several lines Enter makes a new one, and Control and Enter save.
	press("change-bio", "\r")
	users.focusIs("own-bio")
	users.Fill("textbox", "Bio", "Reads")
	users.Press("\r")
	users.fieldIs("Bio", "Reads\n")
	users.Click("button", "Save")
	users.Gone("form", "Change bio")
	users.focusIs("change-bio")

	// Escape leaves it as it was, and what was typed is offered again.
	press("change-email", "\r")
	users.focusIs("own-email")
	users.Fill("textbox", "Email", "half.example")
	users.Press(kb.Escape)
	users.Gone("form", "Change email")
	users.focusIs("change-email")
	users.See("link", "ann@example.org")
	users.SeeText("You were editing Ann Cooper. What you typed is kept.")
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Email", "half.example")
	users.Click("button", "Save")
	users.SeeText("Email is not an email address")
	users.Click("button", "Cancel")
	users.SeeText("What you typed was thrown away")
	users.Click("button", "Undo")
	users.See("dialog", "Edit user")
	users.fieldIs("Email", "half.example")
	users.Fill("textbox", "Email", "ann.cooper@example.org")
	users.Click("button", "Save")
	users.See("link", "ann.cooper@example.org")
}

// TestTheFieldThatIsEditedFollowsItsUser: what others make of it meanwhile is beside it.
func TestTheFieldThatIsEditedFollowsItsUser(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.opensPerson(ann, "Ann Archer")
	users.Click("button", "Change bio")
	users.Fill("textbox", "Bio", "mine")
	site.Change(ann, map[string]string{"bio": "theirs", "name": "Ann Cooper"})
	users.See("heading", "Ann Cooper")
	users.SeeText("Changed meanwhile to “theirs”")
	users.fieldIs("Bio", "mine")
	users.looksRight("person contested")
	users.Click("button", "Use theirs")
	users.fieldIs("Bio", "theirs")
	// The page is left with text in the field.
	users.Fill("textbox", "Bio", "half")
	users.Click("link", "All users")
	users.SeeText("You were editing Ann Cooper. What you typed is kept.")
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Bio", "half")
}

// TestEachFieldSaysItsState: unsent, refused and why, and changed by others meanwhile.
func TestEachFieldSaysItsState(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, bob, _ := addThree(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.opensPerson(ann, "Ann Archer")
	users.Click("button", "Change bio")
	users.Fill("textbox", "Bio", "Draws maps")
	users.Click("button", "Save")
	users.SeeText("Not sent yet")
	users.opensPerson(bob, "Bob Baker")
	users.Click("button", "Change email")
	users.Fill("textbox", "Email", "ann@example.org")
	users.Click("button", "Save")
	users.SeeText("Not sent yet")
	site.Change(ann, map[string]string{"bio": "Sells maps"})
	b.Offline(site.Proxy, false)
	users.SeeText("Refused: Email is taken: another user has it.")
	users.looksRight("person refused")
	users.opensPerson(ann, "Ann Archer")
	users.SeeText("Others changed it meanwhile. Yours was “Draws maps”.")
	users.See("heading", "Conflicts")
	users.looksRight("person conflict")

	// The conflict is decided field by field, with a third text.
	users.Click("button", "Choose by field")
	users.See("dialog", "Choose what stays")
	users.fieldIs("Bio", "Sells maps")
	users.Click("button", "Mine Draws maps")
	users.fieldIs("Bio", "Draws maps")
	users.looksRight("conflict choice")
	users.Fill("textbox", "Bio", "Draws and sells maps")
	users.Press(kb.Escape)
	users.Gone("dialog", "Choose what stays")
	users.Click("button", "Continue") // between the same sides
	users.See("dialog", "Choose what stays")
	users.See("button", "Mine Draws maps")
	users.fieldIs("Bio", "Draws and sells maps")
	users.Click("button", "Save")
	users.Gone("dialog", "Choose what stays")
	users.SeeText("Reviewed.")
	users.GoneText("Others changed it meanwhile")
	harness.Eventually(t, "the server has the third text", func() error {
		return harness.Equal("it", mustRow(t, site, "Ann Archer").Bio, "Draws and sells maps")
	})
	// It stays on record, and the value that was lost can still be restored.
	users.Click("button", "Use mine")
	harness.Eventually(t, "the server has mine", func() error { return harness.Equal("it", mustRow(t, site, "Ann Archer").Bio, "Draws maps") })
}

// TestAUserIsHandedOn: mail, call, copy, link and QR code, without a network.
func TestAUserIsHandedOn(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	const bio = "Jürgen; on call\n+43 660 123 45 67, since 01.02.2020"
	id := site.Add(harness.Person{Name: "Zoë Ångström", Email: "zoe+desk@example.org", Bio: bio})
	b := harness.OpenBrowser(t)
	users := openUsersWith(t, b, site.URL(), observed)
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.opensPerson(id, "Zoë Ångström")
	href := func(id string) string {
		return harness.Eval[string](users.Page, `document.getElementById("`+id+`").getAttribute("href")`)
	}
	users.See("link", "Write email")
	if got := href("share-mail"); got != "mailto:zoe%2Bdesk@example.org" {
		t.Errorf("mail goes to %s", got)
	}
	users.See("link", "Call +43 660 123 45 67")
	if got := href("share-call"); got != "tel:+436601234567" {
		t.Errorf("a call goes to %s", got)
	}
	copied := func() string { return harness.Eval[string](users.Page, `globalThis.copied ?? ""`) }
	users.Click("button", "Copy email")
	users.SeeText("Email copied")
	if got := copied(); got != "zoe+desk@example.org" {
		t.Errorf("copied %q", got)
	}
	users.Click("button", "Copy link")
	users.SeeText("Link copied")
	if got := copied(); got != site.URL()+"/users/"+id {
		t.Errorf("copied %q", got)
	}
	users.Click("button", "QR code")
	users.See("image", "QR code with the contact data of Zoë Ångström")
	users.looksRight("person code")
	users.Emulate(screens["desktop light"])
	users.WaitAnimations()
	want := "BEGIN:VCARD\r\nVERSION:3.0\r\nN:;Zoë Ångström;;;\r\nFN:Zoë Ångström\r\nEMAIL;TYPE=INTERNET:zoe+desk@example.org\r\nTEL:+436601234567\r\n" +
		"NOTE:Jürgen\\; on call\\n+43 660 123 45 67\\, since 01.02.2020\r\nEND:VCARD\r\n"
	harness.Eval[bool](users.Page, `(document.querySelector(".code").scrollIntoView({block: "center"}), true)`)
	if got := scanned(t, users.Screenshot()); got != want {
		t.Errorf("a camera reads %q", got)
	}
	users.Click("button", "QR code")
	users.Gone("image", "QR code with the contact data of Zoë Ångström")

	// Who has no number has no button to call, and a date is none.
	b.Offline(site.Proxy, false)
	site.Change(id, map[string]string{"bio": "since 01.02.2020"})
	users.Gone("link", "Call +43 660 123 45 67")
	if text := users.Text(); strings.Contains(text, "Call ") {
		t.Errorf("it calls something: %s", text)
	}
}

// scanned is what a camera reads in a picture.
func scanned(t *testing.T, png []byte) string {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatalf("no QR code can be read: %v", err)
	}
	return read.GetText()
}

// TestALinkToWhomOnlyThisDeviceHas says that nobody else can follow it yet.
func TestALinkToWhomOnlyThisDeviceHas(t *testing.T) {
	t.Parallel()
	const says = "Only this device has this user so far. The link works for others once the user has been sent."
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.add(dora)
	users.Click("link", "Dora Dent")
	users.See("link", "Write email")
	users.SeeText(says)
	b.Offline(site.Proxy, false)
	users.GoneText(says)
	users.See("link", "Write email")
}

// TestALinkIsShared where the browser can.
func TestALinkIsShared(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	const menu = `navigator.share = async (what) => {
		globalThis.shared = what;
		if (globalThis.away) throw new DOMException("Share canceled", "AbortError");
	};`
	users := openUsersWith(t, harness.OpenBrowser(t), site.URL(), menu)
	users.opensPerson(ann, "Ann Archer")
	users.Click("button", "Share link")
	want := `{"title":"Ann Archer","url":"` + site.URL() + "/users/" + ann + `"}`
	harness.Eventually(t, "it is shared", func() error {
		return harness.Equal("what", harness.Eval[string](users.Page, `JSON.stringify(globalThis.shared ?? null)`), want)
	})
	harness.Eval[bool](users.Page, `(globalThis.away = true)`)
	users.Click("button", "Share link") // to close the menu is no failure
	users.GoneText("The link was not shared")
}

// TestTheReportHasNobodyInIt: not in what waits, what was refused, nor in what failed.
func TestTheReportHasNobodyInIt(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, bob, carl := addThree(site)
	b := harness.OpenBrowser(t)
	users := openUsersWith(t, b, site.URL(), observed)
	refused(t, site, users)
	users.Go("/")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	users.Go("/sync")
	users.SeeText("Change bio of Bob Baker")
	users.See("heading", "Diagnostics")
	users.Click("button", "Copy report")
	users.SeeText("Report copied")
	report := harness.Eval[string](users.Page, `globalThis.copied`)
	for _, want := range []string{"Rollcall report\n", "Waiting: 1", "Needs attention: 1", "Users on this device: 5", "Version: ", "Service worker: activated", "Browser: Mozilla/", "Client: …"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	client := harness.Eval[string](users.Page, `[...document.querySelectorAll(".fact")].find((fact) => fact.firstChild.textContent === "Client").lastChild.textContent`)
	if len(client) != 36 {
		t.Errorf("the page calls this device %q", client)
	}
	for _, nobody := range []string{ann, bob, carl, client, "Ann", "Bob", "Baker", "Carl", "Dora", "@", "example.org", "Bakes"} {
		if strings.Contains(report, nobody) {
			t.Errorf("the report has %q:\n%s", nobody, report)
		}
	}
	// What failed may name whom it was about.
	harness.Eval[bool](users.Page, `(document.querySelector(".facts").insertAdjacentHTML("beforeend",
		'<div class="fact"><dt>Last worker failure</dt><dd>at /users/`+ann+`: ann@example.org</dd></div>'), true)`)
	users.Click("button", "Copy report")
	harness.Eventually(t, "the new report is copied", func() error {
		report = harness.Eval[string](users.Page, `globalThis.copied`)
		return harness.Equal("it has the failure", strings.Contains(report, "Last worker failure: at /users/…"), true)
	})
	if strings.Contains(report, ann) || strings.Contains(report, "@") {
		t.Errorf("the report is %s", report)
	}
	for _, failure := range []string{
		`TypeError: Failed to fetch “Ann Archer”`, `saving Ann Archer failed at 10.0.0.7 [2001:db8::7]:8443`, `panic: invalid value "Ann Archer"`,
		`Ann Archer: Error`, `Error at https://archer.example.org/users/ann?q=archer:1:2`, `ann%40example.org`, `آن آرتشر not found`, "\u2068Ann\u2069 timed out",
	} {
		harness.Eval[bool](users.Page, fmt.Sprintf(`(document.querySelector(".facts .fact:last-child dd").textContent = %q, globalThis.copied = "", true)`, failure))
		users.Click("button", "Copy report")
		harness.Eventually(t, "the report is copied", func() error {
			report = harness.Eval[string](users.Page, `globalThis.copied`)
			return harness.Equal("it is there", report != "", true)
		})
		for _, nobody := range []string{"Ann", "ann", "rcher", "10.0", "2001", "8443", "example", "آن", "%40"} {
			if i := strings.Index(report, "Last worker failure: "); strings.Contains(report[i:strings.Index(report, "Browser: ")], nobody) {
				t.Errorf("of %q the report has %q:\n%s", failure, nobody, report)
			}
		}
	}
	if !strings.Contains(report, "Last worker failure: … timed out") {
		t.Errorf("what failed is not in the report:\n%s", report)
	}
}

// TestATextIsCopiedWithoutAClipboard, which a page without HTTPS does not have.
func TestATextIsCopiedWithoutAClipboard(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsersWith(t, harness.OpenBrowser(t), site.URL(), `
		Object.defineProperty(navigator, "clipboard", {value: undefined});
		addEventListener("copy", ({target}) => { globalThis.copied = target.value; });
	`)
	users.opensPerson(ann, "Ann Archer")
	users.See("button", "Copy email")
	harness.Eval[bool](users.Page, `(document.getElementById("share-copy").focus(), true)`)
	users.Press(kb.Enter)
	users.SeeText("Email copied")
	if got := harness.Eval[string](users.Page, `globalThis.copied`); got != "ann@example.org" {
		t.Errorf("copied is %q", got)
	}
	users.focusIs("share-copy")
}

// TestAFirstSyncSaysHowMuchThereIs: of how many, as soon as the first page is there.
func TestAFirstSyncSaysHowMuchThereIs(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	site.Down()
	site.Server.Command("", "seed", "-n", "1200")
	site.Up()
	held, release := site.Proxy.HoldAnswers(func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "cursor=A") })
	b := harness.OpenBrowser(t)
	users := directory{b.Open(site.URL() + "/"), t}
	<-held
	users.statusIs("of 1,200 users")
	release()
	users.statusIs("Online")
}
