// Package sim plays whole histories of Rollcall in one process: several browsers,
// each with tabs and two hosts that share one storage, against the real server
// code, with time, network, storage and processes that fail as scripted. It is
// how the thirteen invariants of the design are shown to hold together.
//
//	seed ──Generate──▶ Script ──Play──▶ Result ── violation? ──Shrink──▶ short Script
//
// One seed is one history, the same each time. Everything that acts is a
// coroutine that pauses before each storage call, each lock and both ends of each
// request; a script's steps say who goes on next, and what befalls it there. What
// a tab does behind the person's back is a coroutine of its own. Exactly one runs
// at a time, time is a number, and ids are counted, so nothing depends on the
// machine.
//
// A script is a list of steps, and a step that makes no sense where it stands does
// nothing. So every part of a script is a script, which is what makes shrinking
// simple: leave steps out, and look whether the violation stays.
//
// Who judges is far simpler than what is judged: truth is the server's history as
// the effects of operations on plain records, and ledger is each browser's list of
// operations with the only reasons for which one may go.
//
// # Faults
//
// A fault strikes where somebody pauses; an event is a step of its own. Which of
// them a history has, and how often, is drawn anew for each (swarm): a fault from
// 0.1 % to 50 % of its pauses, an event from 0.3 to 8 times its rate, which is
// given below in thousandths of the steps. faultsOfTheIssue names what is counted
// of each, and a run of 2,000 histories in which one never happened has failed.
//
//	request lost                     fault lost
//	answer lost after the commit     faults answer-lost, answered-500, answered-502
//	delay                            faults late, delayed; steps take up to 3 s, Wait (30) up to 2 h
//	reordering                       faults late and echo with Deliver (20), shuffled, old-copy
//	duplication                      faults twice, echo
//	partition                        Offline (4) until Online: nothing passes, or requests alone do
//	5xx, 408                         faults 500, 502, 503, 408
//	429 with Retry-After             fault 429
//	401 for a while                  SignOut (2) until SignIn
//	too large for a proxy            a limit on bodies, in a sixth of the histories
//	truncated body                   fault truncated
//	captive portal                   faults portal, portal403
//	server dies before the answer    fault server-died: killed, and opened on the files it left
//	server restarted                 Restart (5)
//	client killed at any step        Kill (20), Crash (4)
//	frozen, with the lock or not     Freeze (20) until Thaw
//	bus messages lost                Mute (10): a waiter hears nothing of a living holder. Else
//	                                 rounds begin at random, whatever was said on the bus
//	holder not told it was robbed    fault deaf
//	transaction aborted, or run twice  faults aborted, rerun
//	quota exceeded                   fault quota
//	commit unknown                   faults uncertain-saved, uncertain-lost
//	storage evicted wholly           Evict (2)
//	rows spoiled behind the engine   Corrupt (20), in the fifth of the histories that has digests
//	clocks jump and drift            Jump (12) by seconds to years; drift of up to 200 ppm
//	tombstones, records collected    Collect (6), Prune (3)
//	backup restored                  Backup (4), Restore (3)
//	two engine versions at once      old hosts (no stamps, no digests) and old tabs (no stamps, no
//	                                 coalescing of updates, no fates) beside new ones on one storage
//
// # Where the invariants are judged
//
//	 1 atomic write        accepted in person.go: what was accepted is seen, what was refused
//	                       has changed nothing
//	 2 nothing leaves      ledger: byHost, byPerson, settled, losses, folded, untouched,
//	   silently            attempts, remembered; checkFates
//	 3 exactly once        truth: effect, observe; ledger: leaves; checkServer
//	 4 order per entity    truth: inTurn; ledger: leaves; that none blocks others: heal
//	 5 rebase              checkVisible after each transaction; ledger: base; truth: effect
//	 6 no skipped change   checkCursor after each page; ledger: steps; ApplyPage
//	 7 the dead stay dead  truth: effect; checkReplica, checkRows
//	 8 convergence         heal, checkReplica, checkQueue, checkHealth, truth: asItStands
//	 9 clocks              ledger: stamp; truth: effect; TestAClockAYearOffDecidesNothing
//	10 one round at a time BeginRound, inRound; checkWaits: a frozen holder delays by seconds,
//	                       a dead one not at all
//	11 killable anywhere   kills at every kind of pause, under all of these; half of the
//	                       histories are healed by new processes, which know the storage only
//	12 bounded             leaves in network.go: bodies, batches, pages, requests in a round, no
//	                       transaction open; ledger: delays of operations
//	13 leaving loses       ledger: byPerson, untouched (also by a resync), remembered
//	   nothing
//
// That emails are unique is judged, too, in truth.
//
// # Running it
//
//	go test ./sim                                   2,000 histories, and those of defects found
//	make sim HISTORIES=1000000 FIRST=5000001        many, with a line and statistics each minute
//	go test ./sim -run TestReplay -seed=N -v        one again; shrinks what it breaks, and tells the story
//	make defects                                    each safeguard taken out, and how soon that shows
//
// A violation is printed with its seed, its shortened script and what happened in
// it. A script that showed a defect stays in testdata.
//
// # Defects
//
// The simulator must notice that a safeguard is missing. Each that can be taken out has
// a file in sim/defects, named after what is wrong without it. Most are patches, of which
// make defects builds copies of the product. Those of what the engine relies on, its
// locks and its store, are ports that don't keep their contract: broken.go puts them
// into an engine when the defect of their name is on. A golden script has the name of
// the defect that it shows; after make defects
//
//	go test -overlay .cache/defects/overlay.json ./sim -run TestDefects -only=NAME -golden
//
// writes one.
package sim
