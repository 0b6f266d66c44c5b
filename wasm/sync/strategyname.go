package sync

// StrategyName names a conflict strategy; see Resolve.
type StrategyName string

const (
	LastWriteWins StrategyName = "lastWriteWins"
	ServerWins    StrategyName = "serverWins"
	ClientWins    StrategyName = "clientWins"
	Merge         StrategyName = "merge"
)
