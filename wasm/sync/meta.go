package sync

// Names of the values in Store.Meta.
const (
	MetaClient     = "client"     // this browser's client id, a UUID
	MetaCursor     = "cursor"     // the feed's cursor
	MetaGeneration = "generation" // how often the feed was read from its beginning
	MetaResync     = "resync"     // set while the feed is read from its beginning
	MetaArrived    = "arrived"    // rows received since that beginning
	MetaOutcome    = "outcome"    // queue.MetaLastOutcome when the feed was asked for up to its end
	MetaSkew       = "skew"       // server clock minus device clock, in milliseconds
	MetaSyncedAt   = "syncedAt"   // end of the last successful round, RFC 3339
	MetaCheck      = "check"      // a Check: how this device compares with the server
	MetaIndex      = "index"      // the schemas' rules by which the rows are listed
	MetaTaker      = "taker"      // the account that takes over what nobody made here
	MetaStrategy   = "strategy:"  // + entity type: the conflict strategy

	// metaIncidents + writer is the incident log of one writer. Each has its own, so that
	// no two write the same value.
	metaIncidents = "incidents:"
)

// Values of MetaResync.
const (
	resyncFirst = "first" // this device has never had the whole list
	resyncAgain = "yes"
)
