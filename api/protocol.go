package api

// Protocol is the version of the protocol that a client of this program speaks. A client says
// its version in each request to the paths of syncing; one that says none has version 1.
//
//	1  batches of up to 100 operations, pages of changes in JSON
//	2  batches of up to 1,000 operations, pages of changes in lines, events with changes
//
// A server takes every version from its oldest on, OldestProtocol or a later one that its
// operator names. It answers others with CodeClientTooOld.
const (
	Protocol       = 2
	OldestProtocol = 1
	ProtocolNews   = 2 // the first whose clients read changes in events
)

// A client says its version in this header, or where a browser lets it set none, in this
// parameter.
const (
	HeaderProtocol = "Rollcall-Protocol"
	ParamProtocol  = "protocol"
)

// A device says whose data a request is for, in this header, or where a browser lets it set
// none, in this parameter: an account's id, or NoAccount. Of a browser that somebody else has
// signed in with meanwhile, the server then takes nothing as theirs.
const (
	HeaderAccount = "Rollcall-Account"
	ParamAccount  = "account"
	NoAccount     = "none"
)

// ForAccount is the value of HeaderAccount for an account's id, "" for none.
func ForAccount(id string) string {
	if id == "" {
		return NoAccount
	}
	return id
}
