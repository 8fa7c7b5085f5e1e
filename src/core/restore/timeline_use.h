// Whether a timeline is seen to be a living server's. The wrong one of two numbers, set aside, leaves production out of
// every choice, and nothing of that is noticed on the day.
#pragma once
#include "core/repo/repository.h"

namespace pitr {

// Before `timeline` is set aside. kConflict, with what was seen and what would happen: a server that archives to this
// repository runs on it on this machine, or of all timelines that may be chosen it was archived last, within the last
// five minutes by the store's clock. Ok is no proof that there is none. Ok, too, when it is set aside already. Lists
// the archive; other errors are the store's. Any thread.
Status CheckTimelineNotInUse(const Repository& repository, Timeline timeline, const OpContext& ctx);

}  // namespace pitr
