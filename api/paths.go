package api

import (
	"net/url"
	"strconv"
)

// The paths of the protocol, as described in docs/openapi.yaml. Those with braces are patterns
// of net/http's ServeMux.
const (
	// PathPrefix is the prefix of the API.
	PathPrefix = "/api/"

	PathUsers      = "/api/v1/users"
	PathUser       = "/api/v1/users/{id}"
	PathHistory    = "/api/v1/users/{id}/history"
	PathRestore    = "/api/v1/users/{id}/restore"
	PathOperations = "/api/v1/operations"
	PathChanges    = "/api/v1/changes"
	PathBuckets    = "/api/v1/buckets"
	PathBucket     = "/api/v1/buckets/{bucket}"
	PathEvents     = "/api/v1/events"

	PathSession  = "/api/v1/session"
	PathPassword = "/api/v1/session/password"
	PathPasskey  = "/api/v1/session/passkey"
	PathAccept   = "/api/v1/session/link"
	PathPasskeys = "/api/v1/accounts/{id}/passkeys"
	PathDropKey  = "/api/v1/accounts/{id}/passkeys/{passkey}"
	PathProvider = "/api/v1/session/provider"
	PathAccounts = "/api/v1/accounts"
	PathAccount  = "/api/v1/accounts/{id}"
	PathLink     = "/api/v1/accounts/{id}/link"
	PathUndo     = "/api/v1/accounts/{id}/undo"
	PathGrants   = "/api/v1/accounts/{id}/grants"
	PathGrant    = "/api/v1/accounts/{id}/grants/{grant}"
	PathAudit    = "/api/v1/audit"

	// PathProviderBack is where a provider sends people back to who have signed in there. Like
	// PathSignIn, it is no page of the app.
	PathProviderBack = "/sign-in/provider/back"

	// PathMe is the app's page where a person signs in and out.
	PathMe = "/account"

	// PathManage is the app's page where admins manage accounts.
	PathManage = "/accounts"

	// PathJoin is the app's page for links, whose secret stands behind a "#", so that no log has
	// it.
	PathJoin = "/join"

	PathHealth = "/healthz"
	PathReady  = "/readyz"

	// PathSignIn is no page of the app: the way to it leads through whatever portal is in
	// front of the server, and from there back to the app. It answers people, not clients, and
	// so the contract has it among what it does not describe.
	PathSignIn = "/sign-in"
)

// SyncedCookie tells the page and the server that this browser has synced before, so that the page
// notices when the browser evicted its storage, and the server does not have it read people that it
// has. The server sets it, since a cookie set by a script is evicted with the storage. A script reads
// it, so it is not HttpOnly. It identifies nobody.
const SyncedCookie = "rollcall_seen"

// EventsPath is where a client of this program follows the event stream for an account's data, ""
// for nobody's.
func EventsPath(account string) string {
	return PathEvents + "?" + ParamProtocol + "=" + strconv.Itoa(Protocol) + "&" + ParamAccount + "=" + ForAccount(account)
}

// ItemPath is the path of one item of a collection, such as PathUsers.
func ItemPath(collection, id string) string { return collection + "/" + url.PathEscape(id) }

// ParamFresh is a parameter of reads that has another value each time, so that no cache on the
// way has an old answer. It changes nothing about the answer.
const ParamFresh = "fresh"
