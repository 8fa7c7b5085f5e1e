#include "core/repo/timelines/history_evidence.h"

#include <optional>
#include <utility>

#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/repo/wal/history_conflict.h"
#include "core/repo/wal/history_source.h"

namespace pitr {
namespace {

Status Refused(Timeline timeline, const std::string& why) {
  return Status(Code::kConflict, HistoryFileName(timeline) + " was not stored: " + why);
}

constexpr const char* kWhose =
    "Is it of another cluster? Find out where it comes from. If you know that it is of this one: --force.";

class HistoryCheck {
 public:
  HistoryCheck(const Repository& repository, const std::string& directory, const TimelineHistory& history,
               const FirstSegments& beside, const OpContext& ctx)
      : repository_(repository), directory_(directory), history_(history), beside_(beside), ctx_(ctx) {}

  Status Run() {
    PITR_TRY(CheckParents());
    PITR_ASSIGN(const std::optional<SegmentNo> stored, FirstStored());
    const auto own = beside_.find(timeline());
    if (stored) PITR_TRY(CheckBegin(*stored, "the repository has"));
    if (own != beside_.end()) PITR_TRY(CheckBegin(own->second, "beside it lies"));
    bool known = stored.has_value() || own != beside_.end();
    for (const auto& [child, first] : beside_) {
      if (child <= timeline()) continue;
      PITR_ASSIGN(const bool may_come_from_it, CheckChild(child));
      known |= may_come_from_it;
    }
    if (known) return Status::Ok();
    const std::string number = std::to_string(timeline().value);
    return Refused(timeline(), "nothing tells that timeline " + number + " is this cluster's")
        .WithDetail("The segments in \"" + directory_ + "\" are of other timelines, and the archive has none of it.")
        .WithHint(kWhose);
  }

 private:
  Timeline timeline() const { return history_.timeline(); }

  // nullopt: the archive has none that can be read.
  Result<std::optional<TimelineHistory>> Stored(Timeline timeline) const {
    auto stored = StoredHistory(repository_, timeline, ctx_);
    if (stored.ok()) return std::optional(std::move(stored).value());
    if (stored.code() == Code::kNotFound || stored.code() == Code::kCorruption) return std::optional<TimelineHistory>();
    return std::move(stored).status();
  }

  Status CheckParents() const {
    std::map<Timeline, TimelineHistory> known;
    for (const TimelineEntry& entry : history_.entries()) {
      if (entry.timeline == timeline()) continue;
      PITR_ASSIGN(auto stored, Stored(entry.timeline));
      if (stored) known.emplace(entry.timeline, *std::move(stored));
    }
    const Timeline other = history_.NewestForeign([&](Timeline ancestor) {
      const auto found = known.find(ancestor);
      return found == known.end() ? nullptr : &found->second;
    });
    if (!other.valid()) return Status::Ok();
    const std::string number = std::to_string(other.value);
    return Refused(timeline(), "the repository has another timeline " + number + " than the one that it comes from")
        .WithDetail("There timeline " + number + " " + DescribeFork(known.at(other)) +
                    "; by this file it began elsewhere.")
        .WithHint(kWhose);
  }

  // Of a timeline there are no segments before the one in which it began.
  Status CheckBegin(SegmentNo segment, const std::string& what) const {
    const uint32_t segment_size = repository_.segment_size();
    if (segment >= SegmentOf(history_.entries().back().begin, segment_size)) return Status::Ok();
    return Refused(timeline(), "it does not go with what there is of timeline " + std::to_string(timeline().value))
        .WithDetail("By it timeline " + std::to_string(timeline().value) + " " + DescribeFork(history_) + ", but " +
                    what + " segment " + SegmentFileName(timeline(), segment, segment_size) + ", which is before that.")
        .WithHint(kWhose);
  }

  // Whether `child` may come from the timeline; kConflict when it does, and by its history that began elsewhere.
  Result<bool> CheckChild(Timeline child) const {
    PITR_ASSIGN(std::optional<TimelineHistory> history, Stored(child));
    if (!history) {
      auto local = LocalHistory(directory_, child);
      if (!local.ok()) return true;
      history = std::move(local).value();
    }
    const Timeline other =
        history->NewestForeign([&](Timeline ancestor) { return ancestor == timeline() ? &history_ : nullptr; });
    if (!other.valid()) return history->Includes(timeline());
    return Refused(timeline(), "timeline " + std::to_string(child.value) + " comes from another timeline " +
                                   std::to_string(other.value))
        .WithDetail("By this file timeline " + std::to_string(other.value) + " " + DescribeFork(history_) +
                    "; by the history of timeline " + std::to_string(child.value) + " it began elsewhere.")
        .WithHint(kWhose);
  }

  Result<std::optional<SegmentNo>> FirstStored() const {
    PITR_ASSIGN(const ListPage page, repository_.store().List(layout::WalTimelinePrefix(timeline()), "", ctx_));
    for (const ObjectInfo& object : page.objects) {
      const auto name = layout::WalNameOfKey(object.key);
      const auto parsed = name ? ParseWalFileName(*name, repository_.segment_size()) : std::nullopt;
      if (parsed && parsed->kind == WalFileKind::kSegment) return std::optional(parsed->segment);
    }
    return std::optional<SegmentNo>();
  }

  const Repository& repository_;
  const std::string& directory_;
  const TimelineHistory& history_;
  const FirstSegments& beside_;
  const OpContext& ctx_;
};

}  // namespace

Status CheckHistoryFits(const Repository& repository, const std::string& directory, const TimelineHistory& history,
                        const FirstSegments& beside, const OpContext& ctx) {
  return HistoryCheck(repository, directory, history, beside, ctx).Run();
}

}  // namespace pitr
