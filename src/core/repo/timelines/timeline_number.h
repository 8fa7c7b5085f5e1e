// Numbers of timelines given to restores, so that no two servers that were made from one repository call their new
// timelines alike, wherever they archive (docs/format.md, section 10; docs/design/009-restored-servers.md).
#pragma once
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// Takes the next number that no restore was given and that is greater than `highest`, the highest that the archive
// knows: creates number/<number>, which stays. `by` says who, for the operator. Errors are those of the store.
Result<Timeline> TakeTimelineNumber(const Repository& repository, Timeline highest, const std::string& by,
                                    const OpContext& ctx);

}  // namespace pitr
