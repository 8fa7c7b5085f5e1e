#include "core/repo/timelines/timeline_number.h"

#include <algorithm>

#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr int kMaxNumberAttempts = 100;  // restores that begin at the same moment

}  // namespace

Result<Timeline> TakeTimelineNumber(const Repository& repository, Timeline highest, const std::string& by,
                                    const OpContext& ctx) {
  PITR_TRY(ListAll(repository.store(), std::string(layout::kNumberPrefix), ctx, [&](const ObjectInfo& object) {
    if (const auto taken = layout::ParseNumberKey(object.key)) highest = std::max(highest, *taken);
    return Status::Ok();
  }));
  Json document = {{"pg_pitr_timeline", 1}, {"taken_micros", ctx.clock->WallMicros()}};
  PutText(document, "taken_by", by);
  const std::string text = JsonText(document);
  for (int attempt = 0; attempt < kMaxNumberAttempts; ++attempt) {
    ++highest.value;
    Status created =
        repository.CreateObject(ObjectKind::kTimelineNumber, layout::NumberKey(highest), AsBytes(text), ctx);
    if (created.ok()) return highest;
    if (created.code() != Code::kAlreadyExists) return created;
  }
  return Status(Code::kUnavailable, "others take every number of a timeline that is tried");
}

}  // namespace pitr
