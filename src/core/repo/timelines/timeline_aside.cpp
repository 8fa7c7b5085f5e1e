#include "core/repo/timelines/timeline_aside.h"

#include <algorithm>

#include "core/pg/timestamp.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr size_t kMaxAsideBytes = size_t{1} << 16;
constexpr uint64_t kAsideVersion = 1;
constexpr int kMaxAttempts = 16;

std::string EncodeAside(const TimelineAside& aside) {
  Json document = {{"pg_pitr_timeline_aside", kAsideVersion}, {"aside", aside.aside}, {"micros", aside.micros}};
  PutText(document, "reason", aside.reason);
  PutText(document, "by", aside.by);
  return JsonText(document);
}

Status DecodeAside(const Bytes& plain, TimelineAside& aside) {
  PITR_ASSIGN(const Json document, ParseJsonObject(AsText(plain), "timeline mark"));
  const JsonFields fields(document, "timeline mark");
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_timeline_aside", kAsideVersion, version));
  PITR_TRY(fields.Bool("aside", aside.aside));
  PITR_TRY(fields.Signed("micros", aside.micros));
  PITR_TRY(fields.OptionalText("reason", aside.reason));
  return fields.OptionalText("by", aside.by);
}

// The numbers there are, by timeline, ascending.
using Numbers = std::map<Timeline, std::vector<uint32_t>>;
Result<Numbers> ListNumbers(const Repository& repository, const OpContext& ctx) {
  Numbers numbers;
  PITR_TRY(ListAll(repository.store(), std::string(layout::kTimelinePrefix), ctx, [&](const ObjectInfo& object) {
    if (const auto parts = layout::ParseTimelineAsideKey(object.key)) numbers[parts->timeline].push_back(parts->number);
    return Status::Ok();
  }));
  for (auto& [timeline, list] : numbers) std::sort(list.begin(), list.end());
  return numbers;
}

}  // namespace

std::string DescribeAside(const TimelineAside& aside) {
  return "on " + FormatToSecond(aside.micros) + (aside.by.empty() ? "" : " by " + aside.by) +
         (aside.reason.empty() ? "" : " (" + aside.reason + ")");
}

Result<std::map<Timeline, TimelineAside>> LoadTimelineAsides(const Repository& repository, const OpContext& ctx) {
  PITR_ASSIGN(const Numbers numbers, ListNumbers(repository, ctx));
  std::map<Timeline, TimelineAside> asides;
  for (const auto& [timeline, list] : numbers) {
    for (auto number = list.rbegin(); number != list.rend(); ++number) {
      const std::string key = layout::TimelineAsideKey({timeline, *number});
      auto plain = repository.ReadObject(ObjectKind::kTimelineAside, key, kMaxAsideBytes, ctx);
      if (!plain.ok() && plain.code() != Code::kCorruption && plain.code() != Code::kInvalidArgument)
        return std::move(plain).status();
      TimelineAside aside;
      const Status read = plain.ok() ? DecodeAside(plain.value(), aside) : plain.status();
      if (read.ok()) {
        asides[timeline] = std::move(aside);
        break;
      }
      repository.log().Warning("object \"" + key + "\" is not used: " + read.ToString());
    }
  }
  return asides;
}

Result<bool> SetTimelineAside(const Repository& repository, Timeline timeline, const TimelineAside& aside,
                              const OpContext& ctx) {
  if (aside.reason.size() > kMaxAsideReasonBytes)
    return Status(Code::kInvalidArgument,
                  "the reason can have at most " + std::to_string(kMaxAsideReasonBytes) + " bytes");
  bool archived = false;
  PITR_TRY(ListAll(repository.store(), layout::WalTimelinePrefix(timeline), ctx, [&](const ObjectInfo&) {
    archived = true;
    return Status::Ok();
  }));
  if (!archived)
    return Status(Code::kNotFound, "the archive has nothing of timeline " + std::to_string(timeline.value))
        .WithHint("pg_pitr info lists the timelines.");
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    PITR_ASSIGN(const auto now, LoadTimelineAsides(repository, ctx));
    const auto known = now.find(timeline);
    if ((known != now.end() && known->second.aside) == aside.aside) return false;
    PITR_ASSIGN(const Numbers numbers, ListNumbers(repository, ctx));
    const auto list = numbers.find(timeline);
    const uint32_t number = list == numbers.end() ? 1 : list->second.back() + 1;
    const Status created = repository.CreateObject(
        ObjectKind::kTimelineAside, layout::TimelineAsideKey({timeline, number}), AsBytes(EncodeAside(aside)), ctx);
    if (created.ok()) return true;
    if (created.code() != Code::kAlreadyExists) return created;  // else somebody was faster: look again
  }
  return Status(Code::kUnavailable, "somebody else goes on changing timeline " + std::to_string(timeline.value));
}

}  // namespace pitr
