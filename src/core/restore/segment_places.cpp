#include "core/restore/segment_places.h"

#include <algorithm>
#include <filesystem>

#include "core/pg/backup_label.h"
#include "core/pg/control.h"
#include "core/pg/relation_file.h"
#include "core/pg/wal_event.h"
#include "core/pg/wal_reader.h"
#include "core/repo/wal/wal_source.h"
#include "core/restore/directory_server.h"
#include "core/restore/restore_finish.h"
#include "core/restore/restore_mark.h"
#include "core/restore/tablespace_places.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

// The record is the path, of at most MAXPGPATH bytes, and headers.
constexpr uint32_t kMaxTablespaceRecordBytes = 2048;

class TailAndSegment : public WalPageSource {
 public:
  TailAndSegment(ByteView tail, ByteView segment, Lsn begin) : tail_(tail), segment_(segment), begin_(begin) {}
  Result<ByteView> ReadPage(Lsn address) override {
    const ByteView& from = address < begin_ ? tail_ : segment_;
    const Lsn first = address < begin_ ? Lsn{begin_.value - tail_.size()} : begin_;
    if (address < first || address.value - first.value + kWalPageSize > from.size()) return ByteView();
    return from.subspan(address.value - first.value, kWalPageSize);
  }

 private:
  const ByteView tail_, segment_;
  const Lsn begin_;
};

// False when not one record that ends in the segment could be read.
bool ReadPlaces(ByteView segment, Lsn begin, ByteView tail, SegmentPlaces* places) {
  TailAndSegment pages(tail, segment, begin);
  WalReader reader(pages, {{begin.value - tail.size()}, static_cast<uint32_t>(segment.size()), {}});
  for (bool any = false;; any = true) {
    const WalRecord* record = nullptr;
    do {
      const auto next = reader.Next();
      if (!next.ok() || next.value() == nullptr) return any;
      record = next.value();
    } while (record->end <= begin);
    const auto event = DecodeWalEvent(*record);
    if (!event.ok() || !event.value()) continue;
    const auto* made = std::get_if<TablespaceCreated>(&event.value()->what);
    if (made == nullptr || made->path.empty()) continue;
    places->pg_major = record->pg_major;
    places->made.push_back({made->tablespace, made->path, record->start});
  }
}

Result<Bytes> ReadAll(const std::string& file, uint64_t skip = 0) {
  PITR_ASSIGN(const WalSource source, WalSource::Open(file));
  if (source.size_bytes() < skip) return Status(Code::kCorruption, "\"" + file + "\" is too short");
  Bytes bytes(source.size_bytes() - skip);
  PITR_TRY(source.ReadAt(skip, bytes));
  return bytes;
}

// Which records of the segments that the server asks for it replays.
struct ReplayedRange {
  Lsn from;
  std::optional<Lsn> stop;  // where it was planned to stop
  bool applied = false;     // whether the record there is replayed
  Lsn planned;              // up to where the plan has looked
  bool Has(Lsn start) const { return start >= from && (!stop || start < *stop || (start == *stop && applied)); }
};

Lsn ReplayStart(const ClusterTree& tree) {
  const auto text = tree.ReadWhole(kBackupLabelPath, kMaxBackupLabelSize);
  if (text.ok()) {
    const auto label = ParseBackupLabel(AsText(text.value()));
    return label.ok() ? label.value().start : Lsn();
  }
  const auto control = ReadControlFile(tree.Locate(kControlFilePath));
  return text.code() == Code::kNotFound && control.ok() ? control.value().data.redo : Lsn();
}

// The server reads a little ahead of what it replays, beyond the segment of its target. Whoever asks for more than that
// does not stop there.
ReplayedRange RangeOf(const ClusterTree& tree, SegmentNo no, uint32_t segment_size) {
  ReplayedRange range{ReplayStart(tree), std::nullopt, false, {UINT64_MAX}};
  const auto mark = ReadRestoreMark(tree);
  if (!mark.ok() || !mark.value() || mark.value()->outcome) return range;
  range.planned = mark.value()->stop_lsn;
  const bool stops = mark.value()->mode == RecoveryMode::kRecover && mark.value()->kind != TargetKind::kLatest;
  if (stops && no.value <= SegmentOf(range.planned, segment_size).value + 1) {
    range.stop = range.planned;
    range.applied = mark.value()->applied;
  }
  return range;
}

}  // namespace

SegmentPlaces FindSegmentPlaces(ByteView segment, SegmentNo no, ByteView tail) {
  const Lsn begin = SegmentStart(no, static_cast<uint32_t>(segment.size()));
  SegmentPlaces places;
  // A tail that this segment does not continue is that of another timeline.
  if (tail.size() > begin.value || !ReadPlaces(segment, begin, tail, &places)) {
    places = {};
    (void)ReadPlaces(segment, begin, {}, &places);
  }
  return places;
}

bool NeedsTail(ByteView segment) {
  if (segment.size() < kWalPageSize) return false;
  const WalPageHeader header = ReadWalPageHeader(segment.first(kWalPageSize));
  return header.continues_record && header.remaining_size <= kMaxTablespaceRecordBytes;
}

Bytes TailInWalDirectory(const std::string& data_directory, SegmentNo no, uint32_t segment_size) {
  std::string newest;
  std::error_code error;
  const std::string wal = data_directory + "/" + std::string(kWalDirectory);
  for (fs::directory_iterator entry(wal, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const auto parsed = ParseWalFileName(name, segment_size);
    if (parsed && parsed->kind == WalFileKind::kSegment && parsed->segment == no) newest = std::max(newest, name);
  }
  if (newest.empty()) return {};
  auto bytes = ReadAll(wal + "/" + newest, segment_size - kSegmentTailBytes);
  return bytes.ok() && bytes.value().size() == kSegmentTailBytes ? std::move(bytes).value() : Bytes();
}

Status CheckSegmentPlaces(const std::string& data_directory, const std::string& name, const std::string& file) {
  if (!IsRecovering(data_directory)) return Status::Ok();
  const auto bytes = ReadAll(file);
  if (!bytes.ok()) return Status::Ok();
  const auto size = static_cast<uint32_t>(bytes.value().size());
  const auto segment = IsValidSegmentSize(size) ? ParseWalFileName(name, size) : std::nullopt;
  if (!segment || segment->kind != WalFileKind::kSegment) return Status::Ok();
  const Bytes tail = segment->segment.value > 0 && NeedsTail(bytes.value())
                         ? TailInWalDirectory(data_directory, {segment->segment.value - 1}, size)
                         : Bytes();
  const SegmentPlaces places = FindSegmentPlaces(bytes.value(), segment->segment, tail);
  if (places.made.empty()) return Status::Ok();
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(data_directory));
  const ReplayedRange range = RangeOf(tree, segment->segment, size);
  const bool standby = RoleOf(data_directory) == RecoveryRole::kStandby;
  for (const auto& made : places.made) {
    if (!range.Has(made.at)) continue;
    PITR_TRY(CheckPlaceAtReplay(data_directory, places.pg_major, made, {made.at >= range.planned, standby}));
  }
  return Status::Ok();
}

}  // namespace pitr
