// Package defect names the safeguards that can be taken out, one at a time, to
// test the simulator: each must be missed within so many histories. In a program
// built without the tag "defects" On is constantly false, and the compiler leaves
// out what it guards.
package defect

// Switch is a safeguard to take out.
type Switch string

// All are all of them.
var All = []Switch{
	CursorFirst, ForgetOnSend, CoalesceSent, FreezeInMemory, NoRoundLock,
	NoFence, NoSkew, NewIDOnResend, OlderOverNewer, PullOverwrites,
	SecondFirst, StatusIsEnough, OfflineCounts, OneFailureRejects, RejectedBlocks,
	NoRebase, ConflictUntold, LossUntold, MergeTakesAll, SweepTakesQueue,
	ResyncDropsQueue, NoSweep, AnswersByPosition, SaveTwice, AcceptUnsaved,
	HiddenWrite, DiscardOthers, BeginningIsNoResync, FetchPassesFeed, FetchInBeginning,
	CancelSentCreate, UndoneForGood, ClockBackWaits, SlowAnswerDates, OldSkewKept,
	EarlierOnLatest, ConflictGoesBack, FoldTwo, FateForgotten, FateOfAnother, NoBound, NoRecord, ForgetTombstone,
	BareSequence, NoHorizon, NoEpoch, IgnoreBase, DeadRise,
	EmailsShared, ReplayAsItWas, DatesArePayload, CountFromOne, VersionStandsPut,
}

// Healing are the safeguards of anti-entropy. Only a history in which rows are
// spoiled behind the engine's back can miss them.
var Healing = []Switch{NeverCompared, NoChecksum, RepairDropsQueue, RepairAddsOnly, DigestOnlyGrows}

// The safeguards that heal what was spoiled.
const (
	NeverCompared    Switch = "digests are never compared"
	NoChecksum       Switch = "a stored row is believed whatever is in it"
	RepairDropsQueue Switch = "a repair drops operations"
	RepairAddsOnly   Switch = "a repair leaves rows that the server has not"
	DigestOnlyGrows  Switch = "the server's digest keeps what was replaced"
)

// The safeguards of the device: queue, engine, repository and store.
const (
	CursorFirst       Switch = "the cursor is saved before the rows"
	ForgetOnSend      Switch = "an operation is deleted before it is acknowledged"
	CoalesceSent      Switch = "a sent operation is coalesced"
	FreezeInMemory    Switch = "only memory knows that an operation was sent"
	NoRoundLock       Switch = "rounds take no lock"
	NoFence           Switch = "the store has no fence"
	NoSkew            Switch = "the device's clock is trusted"
	NewIDOnResend     Switch = "an operation is sent again under a new id"
	OlderOverNewer    Switch = "an older version replaces a newer one"
	PullOverwrites    Switch = "a pull replaces pending work"
	SecondFirst       Switch = "an entity's second operation is sent before the first is settled"
	StatusIsEnough    Switch = "any 200 is a success, a captive portal's too"
	OfflineCounts     Switch = "being offline is an attempt"
	OneFailureRejects Switch = "one answered failure rejects"
	RejectedBlocks    Switch = "a rejected operation holds up the others"
	NoRebase          Switch = "what follows an acknowledged operation keeps its base"
	ConflictUntold    Switch = "a conflict is not recorded"
	LossUntold        Switch = "a conflict that lost a value counts as reviewed"
	MergeTakesAll     Switch = "a merge decides about fields that I did not change"
	SweepTakesQueue   Switch = "a sweep takes operations along"
	ResyncDropsQueue  Switch = "a resync drops the queue"
	NoSweep           Switch = "a resync sweeps nothing"
	AnswersByPosition Switch = "answers are matched by position alone"
	SaveTwice         Switch = "an uncertain write is saved again"
	AcceptUnsaved     Switch = "a write is accepted before it is saved"
	HiddenWrite       Switch = "the visible row is not kept in step"
	DiscardOthers     Switch = "a discard takes what is not rejected"
	FateForgotten     Switch = "nobody remembers what became of an operation"
	FateOfAnother     Switch = "a coalesced operation is said to be superseded by itself"
)

// What the simulator found, made again.
const (
	BeginningIsNoResync Switch = "reading the feed from its beginning is no resync"
	FetchPassesFeed     Switch = "a fetched row is stored though the feed has moved on"
	FetchInBeginning    Switch = "a fetched row is stored while the feed is read from its beginning"
	CancelSentCreate    Switch = "a create that was sent is cancelled by a delete"
	UndoneForGood       Switch = "undoing a delete of what others deleted, too, does nothing"
	ClockBackWaits      Switch = "a clock put back makes operations wait"
	SlowAnswerDates     Switch = "a slow answer tells the time"
	OldSkewKept         Switch = "a round stores what another measured"
	EarlierOnLatest     Switch = "what follows a duplicate builds on what nobody saw"
	ConflictGoesBack    Switch = "a conflict's answer takes a newer row back"
	FoldTwo             Switch = "what was written after a conflict's second operation is sent as if nothing was overruled"
)

// What so few histories miss that only the golden scripts show it.
const (
	CancelRestore Switch = "restoring and deleting again forgets how old the entity is"
	RepairGivesUp Switch = "new damage is given up after repairs that helped"
)

// The safeguards of the server.
const (
	NoBound          Switch = "the server believes stamps from the future"
	NoRecord         Switch = "the server keeps no idempotency record"
	ForgetTombstone  Switch = "the feed leaves deletions out"
	BareSequence     Switch = "the feed's cursor passes changes not yet visible"
	NoHorizon        Switch = "cursors from before collected tombstones are good"
	NoEpoch          Switch = "cursors from before a restored backup are good"
	IgnoreBase       Switch = "the server takes writes on any version"
	DeadRise         Switch = "the server takes a create over any tombstone"
	EmailsShared     Switch = "emails need not be unique"
	ReplayAsItWas    Switch = "a replay is answered with the entity as it was"
	DatesArePayload  Switch = "an operation's dates are its payload"
	CountFromOne     Switch = "one restored after its tombstone counts from one"
	VersionStandsPut Switch = "a change does not count the version up"
)
