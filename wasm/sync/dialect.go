package sync

import "time"

// Dialect says how a backend with plain resources names things, and what it can
// do. The zero value is a backend that has nothing but arrays of rows, without
// pages, dates or versions: every pull reads all of it.
//
// Every row is a JSON object with its "id", which the client chooses. Errors are
// answered as JSON of any shape: what isn't JSON is taken for a captive portal.
type Dialect struct {
	// Version is the member of a row that counts its changes, and whose quoted
	// value is its strong ETag. Then a write is one request, conditional by
	// If-Match. "" for none: then each write first reads the row and compares it
	// with what it was made on. In the moment between the two another's write to the same
	// field is lost, unless the backend has strong ETags and honours If-Match.
	Version string
	// Updated is the member that tells when a row was last changed, RFC 3339. Without
	// Version it is the version, too, in microseconds.
	Updated string
	// Created is the member that tells when a row was made; used with ClientDates.
	Created string
	// ClientDates is for a backend that keeps Updated and Created as it is given
	// them: each write then sets them, by the backend's clock (its Date header) and
	// always later than the row's own.
	ClientDates bool
	// Replace is for a backend without PATCH: an update puts the whole row.
	Replace bool

	// Rows is the member of a list's answer that holds the rows, "" when the
	// answer is the array itself.
	Rows string
	// Limit is the parameter with the most rows a page may have, "" for none; Most
	// is the highest value that the backend heeds, 0 for any.
	Limit string
	Most  int
	// Next is the member of a list's answer with the token of the next page, and
	// Token the parameter that takes it.
	Next, Token string
	// Page is the parameter with the number of the page, from 1.
	Page string
	// From is the parameter that lists rows whose id is at or above its value, in
	// the order of ids. Page by number can pass over a row when another before it
	// is deleted meanwhile; then it is missing until the next listing. From can't.
	From string
	// Listing is the further query of a list of everything, Polling that of a
	// list of what was changed. What was changed must come oldest first.
	Listing, Polling string
	// Since is the parameter that lists rows changed at or after (or only after)
	// its value, an RFC 3339 time in UTC with milliseconds. Without it every pull
	// is a listing of everything.
	Since string
}

// Rollcall is the dialect of Rollcall's own plain resources.
var Rollcall = Dialect{
	Version: "version", Updated: "updatedAt",
	Rows: "users", Limit: "limit", Next: "nextPageToken", Token: "page_token",
	// By time of change: one that is changed meanwhile moves to the end and can't
	// be passed over, as it could in the order of names.
	Listing: "updated_after=1970-01-01T00:00:00Z", Since: "updated_after",
}

// JSONServer is the dialect of the npm package json-server, 0.17. It has no
// clock and no versions of its own.
var JSONServer = Dialect{
	Updated: "updatedAt", Created: "createdAt", ClientDates: true,
	Limit: "_limit", Page: "_page", From: "id_gte", Since: "updatedAt_gte",
	Listing: "_sort=id&_order=asc", Polling: "_sort=updatedAt,id&_order=asc,asc",
}

// Bounds of the plain REST mode.
const (
	// DefaultOverlap is how far a poll reaches back before the last change seen:
	// changes with equal times, and those committed late, are not passed over.
	DefaultOverlap = time.Minute
	// DefaultListEvery is how often everything is listed, to find what is gone.
	DefaultListEvery = 15 * time.Minute
	// restartListing is how old a listing must be for a fresh start to make another.
	restartListing = time.Minute
	// dateLayout has a fixed width, so that texts compare like the times.
	dateLayout = "2006-01-02T15:04:05.000Z"
)
