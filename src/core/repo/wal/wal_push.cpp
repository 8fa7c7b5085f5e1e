#include "core/repo/wal/wal_push.h"

#include <algorithm>

#include "core/base/thread.h"
#include "core/pg/history.h"
#include "core/repo/layout.h"
#include "core/repo/wal/history_conflict.h"
#include "core/repo/wal/partial_compare.h"
#include "core/repo/wal/partial_segment.h"
#include "core/repo/wal/wal_check.h"
#include "core/repo/wal/wal_compare.h"
#include "core/repo/wal/wal_source.h"
#include "core/store/object_writer.h"

namespace pitr {
namespace {

// A file up to this size is sent with one request, from one buffer; a larger one in parts.
constexpr uint64_t kOneRequestBytes = uint64_t{32} << 20;
constexpr int kPartsInFlight = 2;

// An object to be made of the first bytes of a file.
struct Upload {
  ObjectKind kind = ObjectKind::kWal;
  std::string key;
  uint64_t plain_bytes = 0;
};

// Encodes the file frame by frame; `each` takes the bytes of `out` away or leaves them there.
Status EncodeFile(const Repository& repository, const Upload& upload, const WalSource& source, const OpContext& ctx,
                  Bytes& out, const std::function<Status(Bytes&)>& each) {
  ObjectEncoder encoder(repository.key(), repository.config().compression_level);
  PITR_TRY(encoder.Begin(upload.kind, upload.key, out));
  Bytes frame(std::min<uint64_t>(kWalFramePlainBytes, upload.plain_bytes));
  for (uint64_t done = 0; done < upload.plain_bytes;) {
    PITR_TRY(ctx.Check());
    const size_t n = std::min<uint64_t>(frame.size(), upload.plain_bytes - done);
    PITR_TRY(source.ReadAt(done, std::span(frame).first(n)));
    PITR_ASSIGN([[maybe_unused]] FrameRef ref, encoder.AppendFrame(ByteView(frame).first(n), out));
    PITR_TRY(each(out));
    done += n;
  }
  PITR_TRY(encoder.Finish(out));
  PITR_TRY(source.CheckUnchanged());  // before anything becomes visible
  return each(out);
}

// Holds one of the semaphore's slots; reading and compressing are short, so waiting for one needs no cancelling.
class Slot {
 public:
  explicit Slot(std::counting_semaphore<>* slots) : slots_(slots) {
    if (slots_ != nullptr) slots_->acquire();
  }
  ~Slot() {
    if (slots_ != nullptr) slots_->release();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  std::counting_semaphore<>* const slots_;
};

Result<uint64_t> SendWhole(const Repository& repository, const Upload& upload, const WalSource& source,
                           const OpContext& ctx, std::counting_semaphore<>* encoders) {
  Bytes stored;
  {
    const Slot slot(encoders);
    stored.reserve(MaxObjectBytes(upload.plain_bytes));
    PITR_TRY(EncodeFile(repository, upload, source, ctx, stored, [](Bytes&) { return Status::Ok(); }));
  }
  PITR_TRY(repository.store().Create(upload.key, stored, ctx));
  return uint64_t{stored.size()};
}

Result<uint64_t> SendInParts(const Repository& repository, const Upload& upload, const WalSource& source,
                             const OpContext& ctx) {
  PITR_ASSIGN(const std::unique_ptr<ThreadPool> pool, ThreadPool::Start(kPartsInFlight));
  WriterOptions options;
  options.part_bytes = static_cast<size_t>(repository.config().part_size_kb) << 10;
  options.parts_in_flight = kPartsInFlight;
  options.expected_bytes = MaxObjectBytes(upload.plain_bytes);
  ObjectWriter writer(repository.store(), *pool, upload.key, options, ctx);
  Bytes stored;
  PITR_TRY(EncodeFile(repository, upload, source, ctx, stored, [&](Bytes& bytes) {
    Status status = writer.Append(bytes);
    bytes.clear();
    return status;
  }));
  return writer.Finish();
}

// kAlreadyExists when there is an object under the key.
Result<uint64_t> Send(const Repository& repository, const Upload& upload, const WalSource& source, const OpContext& ctx,
                      std::counting_semaphore<>* encoders) {
  return upload.plain_bytes <= kOneRequestBytes ? SendWhole(repository, upload, source, ctx, encoders)
                                                : SendInParts(repository, upload, source, ctx);
}

Result<WalPushResult> PushWhole(const Repository& repository, const WalFileName& name, const std::string& key,
                                const WalSource& source, const OpContext& ctx, std::counting_semaphore<>* encoders) {
  WalPushResult result;
  result.plain_bytes = source.size_bytes();
  auto sent = Send(repository, {ObjectKind::kWal, key, source.size_bytes()}, source, ctx, encoders);
  if (sent.ok()) {
    result.stored_bytes = sent.value();
    return result;
  }
  if (sent.code() != Code::kAlreadyExists) return std::move(sent).status();
  // Ours from before a crash, or somebody else's? Only the content tells.
  auto same = CompareWithStored(repository, {ObjectKind::kWal, key, std::nullopt}, source, ctx);
  if (same.code() == Code::kNotFound)
    return Status(Code::kUnavailable, "object \"" + key + "\" existed and was removed at the same time");
  if (same.code() == Code::kConflict && name.kind == WalFileKind::kHistory)
    return ExplainHistoryConflict(repository, name.timeline, source, std::move(same).status(), ctx);
  if (!same.ok()) return ExplainDifference(repository, name, source, std::move(same).status(), ctx);
  result.already_there = true;
  result.stored_bytes = same.value();
  return result;
}

Result<WalPushResult> PushPartial(const Repository& repository, const WalFileName& name, const WalExtent& extent,
                                  const WalSource& source, const OpContext& ctx, std::counting_semaphore<>* encoders) {
  const uint32_t segment_size = repository.segment_size();
  const std::string segment = SegmentFileName(name.timeline, name.segment, segment_size);
  const uint64_t end = extent.end.value - SegmentStart(name.segment, segment_size).value;
  WalPushResult result;
  result.plain_bytes = extent.written_bytes;
  result.partial_until = extent.end;
  const std::string key = layout::PartialSegmentKey(segment, static_cast<uint32_t>(end));
  for (int attempt = 0; attempt < 2; ++attempt) {
    PITR_ASSIGN(const std::optional<uint64_t> there, StoredUpTo(repository, segment, source, end, ctx));
    if (there) {
      result.already_there = true;
      result.stored_bytes = *there;
      return result;
    }
    auto sent = Send(repository, {ObjectKind::kPartialSegment, key, extent.written_bytes}, source, ctx, encoders);
    if (sent.ok()) {
      result.stored_bytes = sent.value();
      return result;
    }
    if (sent.code() != Code::kAlreadyExists) return std::move(sent).status();
    // Somebody else stored it in the meantime: look again.
  }
  return Status(Code::kUnavailable, "object \"" + key + "\" is being stored by another server");
}

// One that is stored stays, and each recovery reads it.
Status CheckHistory(const WalSource& source, Timeline timeline) {
  Bytes text(source.size_bytes());
  PITR_TRY(source.ReadAt(0, text));
  return TimelineHistory::Parse(timeline, AsText(text)).status();
}

}  // namespace

Result<WalPushResult> PushWalFile(const Repository& repository, const std::string& name, const std::string& path,
                                  const OpContext& ctx, const WalPushOptions& options) {
  PITR_ASSIGN(const WalFileName parsed, CheckWalName(repository, name));
  PITR_ASSIGN(const WalSource source, WalSource::Open(path));
  auto push = [&]() -> Result<WalPushResult> {
    std::array<uint8_t, kLongWalPageHeaderSize> first;
    const auto first_bytes = std::span(first).first(std::min<uint64_t>(first.size(), source.size_bytes()));
    PITR_TRY(source.ReadAt(0, first_bytes));
    PITR_TRY(CheckWalContent(repository, parsed, first_bytes, source.size_bytes()));
    if (parsed.kind == WalFileKind::kHistory) PITR_TRY(CheckHistory(source, parsed.timeline));
    if (IsSegmentFile(parsed)) {
      const bool partial = parsed.kind == WalFileKind::kPartial;
      PITR_ASSIGN(const WalExtent extent,
                  ExtentOf(source, SegmentStart(parsed.segment, repository.segment_size()),
                           partial || options.left_behind ? TornRecord::kEnd : TornRecord::kDamage));
      if (options.server_runs && !partial && !extent.whole) return WalPushResult{.being_written = true};
      if (partial || !extent.whole) return PushPartial(repository, parsed, extent, source, ctx, options.encoders);
      if (options.compare_partials) PITR_TRY(CheckPartialsOf(repository, name, source, ctx));
    }
    return PushWhole(repository, parsed, layout::WalKey(name), source, ctx, options.encoders);
  };
  auto pushed = push();
  if (!pushed.ok()) return std::move(pushed).status().Annotate("archiving WAL file \"" + name + "\"");
  return pushed;
}

}  // namespace pitr
