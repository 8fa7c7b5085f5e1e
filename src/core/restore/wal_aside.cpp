#include "core/restore/wal_aside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/base/describe_size.h"
#include "core/pg/relation_file.h"
#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"
#include "core/repo/layout.h"
#include "core/repo/opening/known_repository.h"
#include "core/repo/wal/history_source.h"
#include "core/repo/wal/partial_compare.h"
#include "core/repo/wal/partial_segment.h"
#include "core/repo/wal/wal_check.h"
#include "core/repo/wal/wal_compare.h"
#include "core/restore/wal_origin.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr std::string_view kStatusName = "archive_status";
// How much of what is not stored is read, from its end, to say what it holds; but at least two segments.
constexpr uint64_t kReadBytes = uint64_t{128} << 20;

// WAL files of a directory, page by page, along one timeline.
class LocalWal : public WalPageSource {
 public:
  LocalWal(const ClusterTree& tree, const std::string& directory, Timeline timeline, uint32_t segment_size)
      : tree_(tree), directory_(directory), timeline_(timeline), segment_size_(segment_size), page_(kWalPageSize) {}

  Result<ByteView> ReadPage(Lsn address) override {
    const SegmentNo segment = SegmentOf(address, segment_size_);
    if (!open_ || *open_ != segment) {
      open_ = segment;
      auto file =
          tree_.OpenFile(directory_ + "/" + SegmentFileName(timeline_, segment, segment_size_), O_RDONLY | O_NONBLOCK);
      file_ = file.ok() ? std::move(file).value() : UniqueFd();
    }
    if (!file_.ok()) return ByteView();
    const ssize_t got =
        pread(file_.get(), page_.data(), page_.size(), static_cast<off_t>(address.value % segment_size_));
    if (got < 0) return FileError(errno, "reading WAL in \"" + tree_.Locate(directory_) + "\"");
    return got == static_cast<ssize_t>(page_.size()) ? ByteView(page_) : ByteView();
  }

 private:
  const ClusterTree& tree_;
  const std::string directory_;
  const Timeline timeline_;
  const uint32_t segment_size_;
  std::optional<SegmentNo> open_;
  UniqueFd file_;
  Bytes page_;
};

constexpr Rmgr kHeap2{9};

// What a server writes without being asked to: checkpoints, what runs, page images, switches, and pages that a look at
// them or a vacuum has cleaned up, for which no transaction has a number. Without the commit of a transaction, a
// restore point or a change of files none of it makes a difference to a recovery.
bool IsIdleRecord(const WalRecord& record) {
  if (record.rmgr == Rmgr::kStandby) return true;
  if (record.rmgr == kHeap2 || record.rmgr == Rmgr::kHeap) return record.xid == 0;
  if (record.rmgr != Rmgr::kXlog) return false;
  const auto event = DecodeWalEvent(record);
  return event.ok() && (!event.value() || !std::holds_alternative<RestorePoint>(event.value()->what));
}

class WalSearch {
 public:
  WalSearch(const Repository& repository, const WalCatalog& archive, const ClusterTree& tree,
            const std::string& directory, const OpContext& ctx)
      : repository_(repository),
        archive_(archive),
        tree_(tree),
        directory_(directory),
        ctx_(ctx),
        segment_size_(repository.segment_size()) {}

  Result<UnstoredWal> Run() {
    auto names = tree_.List(directory_);
    if (names.code() == Code::kNotFound) return found_;
    if (!names.ok()) return names.status();
    const auto marks = tree_.List(directory_ + "/" + std::string(kStatusName));
    if (marks.ok()) marks_.insert(marks.value().begin(), marks.value().end());
    PITR_TRY(FindOrigin());
    std::sort(names.value().begin(), names.value().end());
    for (const std::string& name : names.value()) {
      const auto parsed = ParseWalFileName(name, segment_size_);
      if (!parsed || parsed->kind == WalFileKind::kBackupHistory) continue;  // for people; recovery needs none
      PITR_TRY(ctx_.Check());
      PITR_ASSIGN(const bool stored, IsStored(name, *parsed));
      if (stored || IsRecycled(name, *parsed)) continue;
      found_.names.push_back(name);
      if (parsed->kind == WalFileKind::kSegment) segments_.push_back(*parsed);
      if (const std::string others = WhoseElse(name, *parsed); !others.empty()) {
        found_.others = others;
        found_.others_may_go_on = elsewhere_.empty() && !copys_->as_copy;
      }
      if (parsed->kind == WalFileKind::kHistory) AddHistory(*parsed);
    }
    PITR_TRY(LookInside());
    return std::move(found_);
  }

 private:
  // What cannot be read says nothing; the store's errors count.
  Status FindOrigin() {
    const std::string inside = WalOrigin(directory_).string();
    const std::string origin = inside == "." ? tree_.data_directory() : tree_.Locate(inside);
    auto elsewhere = ArchivesElsewhere(origin, repository_.marker().repository_id);
    if (elsewhere.ok()) elsewhere_ = std::move(elsewhere).value();
    auto copys = FindCopysWal(repository_, origin, ctx_);
    if (!copys.ok() && copys.code() != Code::kCorruption && copys.code() != Code::kNotFound) return copys.status();
    if (copys.ok()) copys_ = std::move(copys).value();
    return Status::Ok();
  }

  bool Listed(const WalFileName& name) const {
    const auto timeline = archive_.timelines().find(name.timeline);
    if (timeline == archive_.timelines().end()) return false;
    switch (name.kind) {
      case WalFileKind::kSegment:
        return archive_.Has(name.timeline, name.segment);
      case WalFileKind::kPartial:
        return timeline->second.partials.contains(name.segment) || archive_.Has(name.timeline, name.segment);
      case WalFileKind::kHistory:
        return timeline->second.history.has_value();
      case WalFileKind::kBackupHistory:
        break;
    }
    return false;
  }

  // Older than all that the repository keeps of its timeline.
  bool Expired(const WalFileName& name) const {
    if (name.kind != WalFileKind::kSegment) return false;
    const auto timeline = archive_.timelines().find(name.timeline);
    return timeline != archive_.timelines().end() && !timeline->second.ranges.empty() &&
           name.segment < timeline->second.ranges.front().first;
  }

  Result<bool> IsStored(const std::string& name, const WalFileName& parsed) {
    const bool done = marks_.contains(name + ".done");
    if (!Listed(parsed)) {
      if (done && Expired(parsed)) return true;
      if (parsed.kind != WalFileKind::kSegment) return false;
      // An unfinished segment may have been stored as what it is.
      WalFileName partial = parsed;
      partial.kind = WalFileKind::kPartial;
      if (!Listed(partial)) return false;
      return SameAsStored(name, partial);
    }
    if (!done) return SameAsStored(name, parsed);
    const Status durable = repository_.store().Settle({layout::WalKey(name)}, ctx_);
    if (!durable.ok() && durable.code() != Code::kNotFound) return durable;
    return durable.ok();
  }

  Result<bool> SameAsStored(const std::string& name, const WalFileName& as) {
    PITR_ASSIGN(const WalSource source, WalSource::Open(tree_.Locate(directory_) + "/" + name));
    const auto same = CompareFile(name, as, source);
    if (same.ok()) return same;
    if (same.code() == Code::kConflict) found_.differing.push_back(name);
    if (same.code() == Code::kConflict || same.code() == Code::kCorruption || same.code() == Code::kNotFound)
      return false;
    return same.status();
  }

  // Of a segment that was not written to its end the archive need not have more than that.
  Result<bool> CompareFile(const std::string& name, const WalFileName& as, const WalSource& source) {
    if (IsSegmentFile(as) && source.size_bytes() == segment_size_) {
      const Lsn start = SegmentStart(as.segment, segment_size_);
      PITR_ASSIGN(const WalExtent extent, ExtentOf(source, start, TornRecord::kEnd));
      if (!extent.whole || as.kind == WalFileKind::kPartial) {
        PITR_ASSIGN(const auto stored, StoredUpTo(repository_, SegmentFileName(as.timeline, as.segment, segment_size_),
                                                  source, extent.end.value - start.value, ctx_));
        return stored.has_value();
      }
    }
    PITR_TRY(
        CompareWithStored(repository_, {ObjectKind::kWal, layout::WalKey(name), std::nullopt}, source, ctx_).status());
    return true;
  }

  // What cannot be read is not called reusable.
  bool IsRecycled(const std::string& name, const WalFileName& parsed) {
    if (parsed.kind != WalFileKind::kSegment) return false;
    auto fd = tree_.OpenFile(directory_ + "/" + name, O_RDONLY | O_NONBLOCK);
    if (!fd.ok()) return false;
    uint8_t bytes[kLongWalPageHeaderSize];
    if (pread(fd.value().get(), bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return false;
    return IsRecycledSegment(bytes, parsed, segment_size_, HistoryOf(parsed.timeline));
  }

  // As the server had it that wrote what is here; else the archive's. Null when neither has one.
  const TimelineHistory* HistoryOf(Timeline timeline) {
    const auto [known, added] = paths_.try_emplace(timeline);
    if (added) {
      if (auto local = LocalHistory(tree_.Locate(directory_), timeline); local.ok())
        known->second = std::move(local).value();
      const auto archived = archive_.timelines().find(timeline);
      if (!known->second && archived != archive_.timelines().end()) known->second = archived->second.history;
    }
    return known->second ? &*known->second : nullptr;
  }

  // Recovery along stored WAL needs it; where there is none it leads nowhere.
  void AddHistory(const WalFileName& name) {
    ++histories_;
    const auto timeline = archive_.timelines().find(name.timeline);
    needed_history_ |= timeline != archive_.timelines().end();
  }

  // Reads from the newest segments: commits, and whether there is anything that somebody could miss.
  Status LookInside() {
    const size_t readable = std::max<size_t>(2, static_cast<size_t>(kReadBytes / segment_size_));
    found_.all_read = segments_.size() + histories_ == found_.names.size() && segments_.size() <= readable;
    bool idle = found_.all_read && found_.differing.empty() && !needed_history_;
    const size_t first = segments_.size() - std::min(segments_.size(), readable);
    for (size_t i = first; i < segments_.size(); ++i) {
      PITR_TRY(ctx_.Check());
      PITR_ASSIGN(const bool missed, ReadSegment(segments_[i], /*newest=*/i + 1 == segments_.size()));
      idle &= !missed;
    }
    if (idle) found_.names.clear();
    return Status::Ok();
  }

  // Whether the segment holds what somebody could miss.
  Result<bool> ReadSegment(const WalFileName& which, bool newest) {
    LocalWal source(tree_, directory_, which.timeline, segment_size_);
    WalReader::Options options;
    options.start = SegmentStart(which.segment, segment_size_);
    options.segment_size = segment_size_;
    options.system_id = repository_.marker().cluster.system_id;
    WalReader reader(source, options);
    const Lsn end = SegmentStart(SegmentNo{which.segment.value + 1}, segment_size_);
    bool missed = false, any = false;
    for (;;) {
      auto record = reader.Next();
      // For the server, too, the first thing that is wrong is the end; but only at the end of everything.
      if (!record.ok()) return missed || !newest || !any;
      if (record.value() == nullptr || !(record.value()->start < end)) return missed || !any;
      any = true;
      missed |= !IsIdleRecord(*record.value());
      const auto event = DecodeWalEvent(*record.value());
      if (!event.ok() || !event.value()) continue;
      const auto mark = MarkOf(*event.value());
      if (mark && mark->kind == WalMark::Kind::kCommit) AddCommit(which, *mark);
    }
  }

  bool ArchivedElsewhere(const std::string& name) const {
    return !elsewhere_.empty() && marks_.contains(name + ".done");
  }

  // Who wrote what does not belong into this repository, for people; empty when it may.
  std::string WhoseElse(const std::string& name, const WalFileName& which) const {
    if (ArchivedElsewhere(name)) return "";
    if (!elsewhere_.empty()) return "a server that archives to " + elsewhere_ + ", and had not yet";
    if (!copys_ || !(which.timeline > copys_->after)) return "";
    const std::string made = " that was made here by the restore of " + FormatToSecond(copys_->restored_micros);
    return copys_->as_copy ? "the copy" + made : "the server" + made + ", whose original is seen to live";
  }

  void AddCommit(const WalFileName& which, const WalMark& mark) {
    const std::string name = SegmentFileName(which.timeline, which.segment, segment_size_);
    if (ArchivedElsewhere(name)) {
      found_.archived_to = elsewhere_;
      found_.archived_commit = mark;
    } else if (!WhoseElse(name, which).empty()) {
      found_.others_commit = mark;
    } else {
      found_.last_commit = mark;
      found_.commit_timeline = which.timeline;
    }
  }

  const Repository& repository_;
  const WalCatalog& archive_;
  const ClusterTree& tree_;
  const std::string directory_;
  const OpContext& ctx_;
  const uint32_t segment_size_;
  std::set<std::string> marks_;
  std::map<Timeline, std::optional<TimelineHistory>> paths_;
  std::string elsewhere_;
  std::optional<CopysWal> copys_;
  std::vector<WalFileName> segments_;  // not stored, ascending
  size_t histories_ = 0;               // not stored either
  bool needed_history_ = false;
  UnstoredWal found_;
};

}  // namespace

bool IsRecycledSegment(ByteView first_bytes, const WalFileName& name, uint32_t segment_size,
                       const TimelineHistory* history) {
  if (std::all_of(first_bytes.begin(), first_bytes.end(), [](uint8_t byte) { return byte == 0; })) return true;
  const auto header = CheckSegmentHeader(first_bytes);
  if (!header.ok()) return false;
  if (header.value().start != SegmentStart(name.segment, segment_size)) return true;
  return history != nullptr && header.value().timeline < name.timeline &&
         SegmentOf(history->entries().back().begin, segment_size) != name.segment;
}

std::string AsideName(int64_t now_micros) {
  std::string digits;
  for (char c : FormatIso8601(now_micros).substr(0, 19))
    if (c != '-' && c != ':') digits += c;
  // Two restores in one second, by a script, must not mix what they set aside.
  char millis[8];
  std::snprintf(millis, sizeof millis, ".%03d", static_cast<int>(now_micros % 1000000 / 1000));
  return "pg_pitr" + std::string(kSetAsideMark) + digits + millis + "Z";
}

Result<UnstoredWal> FindUnstoredWal(const Repository& repository, const WalCatalog& archive, const ClusterTree& tree,
                                    const std::string& directory, const OpContext& ctx) {
  return WalSearch(repository, archive, tree, directory, ctx).Run();
}

Status SetWalAside(const ClusterTree& tree, const std::vector<std::string>& names, const std::string& aside) {
  if (names.empty()) return Status::Ok();
  const std::string wal(kWalDirectory), place = wal + "/" + aside;
  PITR_TRY(tree.MakeDirectory(place, 0700));
  PITR_TRY(KeepOrigin(tree, place));
  for (const std::string& name : names) PITR_TRY(tree.Rename(wal + "/" + name, place + "/" + name));
  PITR_TRY(tree.SyncDirectory(place));
  return tree.SyncDirectory(wal);
}

std::string DescribeUnstoredWal(const UnstoredWal& wal, const std::string& where, bool done) {
  const bool one = wal.names.size() == 1;
  std::string text = one ? "WAL file " + wal.names.front() + ", which the repository does not have, "
                         : std::to_string(wal.names.size()) + " WAL files that the repository does not have (" +
                               wal.names.front() + " to " + wal.names.back() + ") ";
  text += (done ? (one ? "was set aside in \"" : "were set aside in \"") : (one ? "is in \"" : "are in \"")) + where +
          "\". ";
  if (!wal.differing.empty())
    text += "Under the name of " + wal.differing.front() + (wal.differing.size() > 1 ? " and others" : "") +
            " the repository has something else: another history. ";
  const std::string it = one ? "it" : "them", hold = one ? "It holds" : "They hold";
  const auto commit = [](const WalMark& mark) {
    return FormatTimestamp(mark.micros) + " (xid " + std::to_string(mark.xid) + ")";
  };
  if (wal.last_commit) {
    text += hold + " transactions that are nowhere else, the last committed at " + commit(*wal.last_commit) +
            ". To have them recovered: pg_pitr wal-push \"" + where + "\", then restore again with --target-timeline " +
            std::to_string(wal.commit_timeline.value) + "; ";
  } else if (wal.others_commit) {
    text +=
        hold + " transactions that are nowhere else, the last committed at " + commit(*wal.others_commit) + ", of " +
        wal.others + ". They do not belong into this repository, where production's recoveries would " + "find them; " +
        (wal.others_may_go_on ? "should this server go on instead: pg_pitr wal-push --force \"" + where + "\"; " : "");
  } else if (wal.archived_commit) {
    text += "Up to a transaction that committed at " + commit(*wal.archived_commit) + " " +
            (one ? "it was" : "they were") + " archived to another repository, " + wal.archived_to + "; ";
  } else {
    text += std::string(wal.all_read ? "No transaction committed in " : "Whether a transaction committed in ") + it +
            (wal.all_read ? ". " : " is not known. ");
    text += wal.others.empty() ? "To store " + it + " anyway: pg_pitr wal-push \"" + where + "\"; "
                               : (one ? "It is" : "They are") + std::string(" of ") + wal.others + "; ";
  }
  return text + "what is not needed may be removed.";
}

}  // namespace pitr
